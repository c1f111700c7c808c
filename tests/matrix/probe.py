"""How far one stack gets with each PEFT, in the Python that runs this; it stands alone, beside the payload that rigfit proves with.

One JSON job `{"path", "pefts", "payloads", "scratch"}` comes on stdin: the folders of the unpacked wheels, versions of PEFT with
theirs, the folder of the payloads. What does not depend on PEFT is done once, and a fork of this process goes on with each PEFT.
Before the fork the newest of them shows itself as installed. Should something import it there, nothing can be shared: the
answer is then `{"event": "unshared"}`, and each PEFT needs a job of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import runpy
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

BEFORE_PEFT = ["torch", "bitsandbytes", "transformers", "accelerate"]
OF_TRANSFORMERS = ["AutoModelForCausalLM", "AutoTokenizer", "BitsAndBytesConfig", "OPTForCausalLM"]
OF_PEFT = ["LoraConfig", "get_peft_model", "PeftModel"]
NUMBERS = ("int8_weights", "memory_ratio", "numeric_error")
ONE_PEFT = 240  # seconds


class Climb:
    """The levels in their order: each says why it failed, or nothing."""

    def __init__(self, payload: Any, rig: Any) -> None:
        self.payload, self.rig = payload, rig
        self.checks = payload.checks_of("int8", "cpu")

    def check(self, name: str) -> str:
        outcome, why = self.payload.attempt(lambda: self.checks[name].run(self.rig))
        return str(why) if why else "; ".join(outcome.faults)

    def imports(self, modules: list[str], library: str, names: list[str]) -> str:
        """The modules, and what a first script takes of one: it loads its parts only when they are asked for."""
        self.rig.imports, self.rig.broken = modules, {}
        why = self.check("imports")
        for name in [] if why else names:
            _, why = self.payload.attempt(lambda name=name: getattr(sys.modules[library], name))
            if why:
                return f"{library}.{name}: {why}"
        return why

    def before_peft(self) -> dict[str, str]:
        why = self.imports(BEFORE_PEFT, "transformers", OF_TRANSFORMERS)
        if not why and self.payload.release(sys.modules["transformers"]) >= (4, 28):
            why = self.imports([], "transformers", ["LlamaForCausalLM"])
        if why:
            return {"imports": why}
        why = self.check("quantized_load")
        if why:
            return {"quantized_load": why}
        why = "; ".join(filter(None, map(self.check, NUMBERS)))
        return {"numbers": why} if why else {}

    def with_peft(self, earlier: dict[str, str]) -> dict[str, str]:
        why = earlier.get("imports") or self.imports(["peft"], "peft", OF_PEFT)
        if why:
            return {"imports": why}
        return earlier or self.trains()

    def trains(self) -> dict[str, str]:
        for name in ("lora_step", "adapter_roundtrip"):
            why = self.check(name)
            if why:
                return {name: why}
        return {}

    def causal_trains(self) -> dict[str, str]:
        """Without the encoder-decoder model, which most people have no use for."""
        del self.rig.subjects[1:]
        return self.trains()

    def load_as_if_with_cuda(self) -> dict[str, str]:
        """What loading says where torch tells of a GPU: another text, and it was the missing GPU that it refused for."""
        sys.modules["torch"].cuda.is_available = lambda: True
        forget_availability()
        self.rig.subjects = []
        return {"quantized_load": self.check("quantized_load")}


def forget_availability() -> None:
    """What the libraries remember of what is installed."""
    for name in [name for name in sys.modules if name.startswith(("transformers.utils", "accelerate.utils"))]:
        for value in list(vars(sys.modules[name]).values()):
            if isinstance(value, type(lru_cache(len))):
                value.cache_clear()


def in_a_fork(action: Callable[[], dict[str, str]]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        started = time.perf_counter()
        value = {"failed": action(), "seconds": time.perf_counter() - started}
        os.write(writing, json.dumps(value).encode())
        sys.stderr.flush()
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], ONE_PEFT)
    if not ready:
        os.kill(child, signal.SIGKILL)
    text = os.read(reading, 1 << 16) if ready else b""
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if text:
        return dict(json.loads(text))
    ended = f"ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
    return {"failed": {"crash": ended if ready else f"no end after {ONE_PEFT} seconds"}, "seconds": 0.0}


def is_touched(earlier: dict[str, str]) -> bool:
    """Whether something has imported, or tried to import, the PEFT that only showed itself."""
    return any(name.split(".")[0] == "peft" for name in sys.modules) or "peft" in "".join(earlier.values())


def run(job: dict[str, Any], speak: Callable[..., None]) -> None:
    pefts: dict[str, str] = job["pefts"]
    sys.path += [*job["path"], list(pefts.values())[-1]]
    payload = runpy.run_path(str(Path(job["payloads"]) / "start.py"))["loaded"]("quantized")
    settings = {"level": "full", "device": "cpu", "quantization": "int8", "imports": BEFORE_PEFT}
    rig = payload.Rig({**settings, "scratch": job["scratch"]})
    payload.settle(rig)
    payload.frame.refuse_network()
    climb = Climb(payload, rig)
    started = time.perf_counter()
    failed = climb.before_peft()
    spent = time.perf_counter() - started
    speak(event="before", failed=failed, seconds=spent, python=platform.python_version())
    if len(pefts) > 1 and is_touched(failed):
        speak(event="unshared")
        return
    if "quantized_load" in failed:
        speak(event="as_if_with_cuda", **in_a_fork(climb.load_as_if_with_cuda))

    def with_peft(folder: str, level: Callable[[], dict[str, str]]) -> dict[str, Any]:
        def goes_on() -> dict[str, str]:
            sys.path[-1] = folder
            importlib.invalidate_caches()
            forget_availability()
            rig.scratch = Path(tempfile.mkdtemp(dir=job["scratch"]))
            return level()

        return in_a_fork(goes_on)

    for version, folder in pefts.items():
        told = with_peft(folder, lambda: climb.with_peft(failed))
        if {"lora_step", "adapter_roundtrip"} & set(told["failed"]):
            told["causal"] = with_peft(folder, climb.causal_trains)["failed"]
        speak(event="peft", version=version, **told)


def main() -> None:
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def speak(**line: Any) -> None:
        voice.write(json.dumps(line) + "\n")
        voice.flush()

    run(json.load(sys.stdin), speak)
    sys.stderr.flush()
    os._exit(0)  # a library that crashes as it is torn down has no more to say


if __name__ == "__main__":
    main()
