"""What a payload does around its checks: hears the job, tells the results, shuts the network, and looks at the libraries first.

It stands alone: the environment under test has libraries and a Python (3.8 or later) of its own, and no rigfit. One JSON job
`{"device", "quantization", "imports", "scratch", ...}` comes on stdin, JSON lines go to stdout, what the libraries print goes to stderr.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import importlib
import json
import logging
import math
import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    measured: Any
    expected: Any
    faults: list[str]  # empty: passed
    skipped: str = ""  # why it could not be tried to the end, where nothing speaks against it
    code: str = ""  # what kind of fault it is


class Job:
    """What every job says, and what one check leaves for the next."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.device: str = job["device"]
        self.quantization: str = job["quantization"]
        self.imports: list[str] = job["imports"]
        self.scratch = Path(job["scratch"])
        self.seed: int = job.get("seed", 0)
        self.on_cpu = self.device == "cpu"
        self.broken: dict[str, str] = {}  # modules, and why they do not import
        self.status: dict[str, str] = {}
        self.notes: list[str] = []  # to be told behind the check that made them


class Step(NamedTuple):
    name: str
    reason_to_skip: Callable[[], str]  # empty: it is to be run
    run: Callable[[], Outcome]


def library(name: str) -> Any:
    return importlib.import_module(name)


def say(template: str, **values: Any) -> str:
    """A text for people, in English; a face that speaks another language knows it by its template, a literal.

    By their format it tells the values again from what is around them: `:g` is a number, `:s` one word.
    """
    return template.format(**values)


def release(module: Any) -> tuple[int, ...]:
    """Major and minor version; 0.0 of a module that does not tell."""
    return tuple(int(part) for part in getattr(module, "__version__", "0.0").split(".")[:2])


def digits(value: float) -> Any:
    """Four significant digits; JSON has no NaN and no infinity."""
    return float(f"{value:.4g}") if math.isfinite(value) else str(value)


def attempt(action: Callable[[], Any]) -> tuple[Any, str]:
    """The action's value, or the reason why there is none."""
    try:
        return action(), ""
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and the panics of extensions in Rust, are no Exception
        traceback.print_exc()
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[:-4:-1])
        return None, f"{type(error).__name__}: {' '.join(str(error).split())[:600]} ({places})"


def code_of(why: str) -> str:
    """What kind of exception it was, where that is known: torch's, or CUDA's own words in another's."""
    return "out_of_memory" if re.search("OutOfMemoryError|out of memory", why) else ""


# The checks that come before all others


def check_imports(job: Job) -> Outcome:
    found = {}
    for name in sorted(job.imports, key=lambda name: {"torch": 0, "bitsandbytes": 1}.get(name, 2)):
        module, why = attempt(functools.partial(import_bitsandbytes if name == "bitsandbytes" else library, name))
        found[name] = str(getattr(module, "__version__", say("no version")))
        if why:
            job.broken[name] = why
    faults = [f"{name}: {why}" for name, why in job.broken.items()]
    return Outcome(job.broken or found, say("every module imports"), faults, code="not_installed")


def import_bitsandbytes(name: str) -> Any:
    """Its 4-bit and optimizer fallbacks pass through torch.compile, which would load torch._inductor: 1.5 s warm, 3.4 s cold.

    Nothing on the way of an 8-bit layer is compiled, and the module after torch is early enough to be its first importer.
    """
    torch = library("torch")
    with contextlib.ExitStack() as restore:
        if hasattr(torch, "compile"):
            restore.callback(setattr, torch, "compile", torch.compile)
            torch.compile = lambda model=None, **_: (lambda function: function) if model is None else model
        return library(name)


def check_library(job: Job) -> Outcome:
    torch = library("torch")
    if not job.on_cpu and not torch.version.cuda:
        fault = say("torch {version:s} is not built for CUDA", version=torch.__version__)
        return Outcome(None, say("a CUDA library"), [fault], code="cpu_only_torch")
    build = "cpu" if job.on_cpu else build_of(torch)
    expected = f"libbitsandbytes_{build}.so"
    mapped = mapped_libraries()
    if not mapped:
        kept = getattr(library("bitsandbytes.cextension"), "lib", None)
        error = getattr(kept, "error_msg", say("no error was kept"))
        fault = say("no native library is loaded: {error}", error=error)
        return Outcome(None, expected, [fault], code="library_missing")
    wrong = [name for name in mapped if not is_for(name, build)]
    faults = [say("{name:s} is loaded, not {expected:s}", name=name, expected=expected) for name in wrong]
    return Outcome(", ".join(mapped), expected, faults, code="library_other")


def build_of(torch: Any) -> str:
    return f"cuda{torch.version.cuda.replace('.', '')}"


def mapped_libraries() -> list[str]:
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    return sorted(set(re.findall(r"libbitsandbytes\w*\.so", maps)))


def is_for(name: str, build: str) -> bool:
    """By its name; any library of the same CUDA major, since bitsandbytes may have taken the nearest."""
    return name.startswith(f"libbitsandbytes_{build}"[: len("libbitsandbytes_cudaNN")])


# Running and reporting


def carry_out(job: Job, steps: Iterable[Step], speak: Callable[..., None]) -> None:
    refused = refuse_network()
    speak(event="versions", versions=versions(job))
    for step in steps:
        speak(event="check_started", id=step.name)
        started = time.perf_counter()
        result = result_of(step, refused)
        job.status[step.name] = result["status"]
        speak(event="check", id=step.name, seconds=round(time.perf_counter() - started, 3), **result)
        while job.notes:
            speak(event="note", text=job.notes.pop(0))


def result_of(step: Step, refused: list[str]) -> dict[str, Any]:
    reason = step.reason_to_skip()
    if reason:
        return {"status": "skipped", "measured": None, "expected": None, "why": reason, "code": ""}
    refused.clear()
    outcome, why = attempt(step.run)
    measured, expected, faults, skipped, code = outcome or Outcome(None, None, [why], code=code_of(why))
    faults = faults + [say("network: tried to reach {host:s}", host=host) for host in sorted(set(refused))]
    why = "; ".join(faults) or skipped
    status = "failed" if faults else "skipped" if skipped else "passed"
    code = code if faults else ""
    return {"status": status, "measured": measured, "expected": expected, "why": why, "code": code}


def versions(job: Job) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in job.imports:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def refuse_network() -> list[str]:
    """Makes every way out of this machine raise, and notes where it led, since libraries swallow such errors."""
    refused: list[str] = []
    lookups = ("socket.getaddrinfo", "socket.gethostbyname")
    sends = ("socket.connect", "socket.sendto", "socket.sendmsg")

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event in lookups:
            host = arguments[0]
        elif event in sends and isinstance(arguments[1], tuple):  # a Unix socket's address is text
            host = arguments[1][0]
        else:
            return
        host = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
        if host not in ("", "localhost", "::1") and not host.startswith("127."):
            refused.append(host)
            raise ConnectionRefusedError(f"there is no network while an environment is proved: {host}")

    sys.addaudithook(guard)
    return refused


OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
SILENT = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
QUIET = {"TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false", "BITSANDBYTES_NOWELCOME": "1"}
LEAN = {"USE_TF": "0", "USE_FLAX": "0"}


def settle(job: Job) -> None:
    """Comes before the first import, since the libraries read these once."""
    cache = str(job.scratch / "cache")
    os.environ.update({**OFFLINE, **SILENT, **QUIET, **LEAN, "HF_HOME": cache, "XDG_CACHE_HOME": cache})
    if job.on_cpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # or bitsandbytes takes its CUDA library where there is a GPU
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of a cast at each forward of each layer


def answer(prove: Callable[[dict[str, Any], Callable[..., None]], None]) -> None:
    """Gives it the job and a voice that nothing else has, and ends this Python."""
    faulthandler.enable()
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def speak(**line: Any) -> None:
        voice.write(json.dumps(line, allow_nan=False) + "\n")
        voice.flush()

    prove(json.load(sys.stdin), speak)
    sys.stderr.flush()
    os._exit(0)  # a library that crashes or dawdles as it is torn down has no more to say
