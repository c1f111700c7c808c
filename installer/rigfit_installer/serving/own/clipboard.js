// The terminal's script writes to the clipboard by navigator.clipboard, which browsers keep from pages that come by plain
// http from another machine, and may refuse to others. Then the older way is tried; and where that is refused, too, the
// page shows the line, selected. https://developer.mozilla.org/docs/Web/API/Clipboard (2026-11-22)
{
  const native = navigator.clipboard;

  const keys = () => document.querySelector(".xterm-helper-textarea")?.focus();

  const copySelected = (field) => {
    field.focus();
    field.select();
    return document.execCommand("copy");
  };

  const copyTheOldWay = (text) => {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    const copied = copySelected(field);
    field.remove();
    keys();
    return copied;
  };

  const show = (text) => {
    const notice = document.querySelector(".by-hand");
    const field = notice.querySelector("textarea");
    const close = () => {
      notice.hidden = true;
      keys();
    };
    notice.hidden = false;
    field.value = text;
    field.onkeydown = (event) => event.key === "Escape" && close();
    notice.querySelector("button").onclick = close;
    field.focus();
    field.select();
  };

  const writeText = async (text) => {
    try {
      await native.writeText(text);
    } catch {
      if (!copyTheOldWay(text)) {
        show(text);
      }
    }
  };

  Object.defineProperty(navigator, "clipboard", { value: { writeText, readText: async () => "" } });
}
