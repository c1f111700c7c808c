// Keys go to the terminal from the start, without a click into it. Its script tells the program of the focus, and can
// do so from when it has marked itself as connected.
window.addEventListener("load", () => {
  const terminal = document.querySelector("#terminal");
  const connected = new MutationObserver(() => {
    if (terminal.classList.contains("-connected")) {
      connected.disconnect();
      terminal.querySelector(".xterm-helper-textarea").focus();
    }
  });
  connected.observe(terminal, { attributeFilter: ["class"] });
});
