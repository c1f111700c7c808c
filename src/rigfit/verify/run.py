"""Runs a payload with an environment's Python, shut off from everything around it."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rigfit.core.cancel import Cancel
from rigfit.core.event import Check, CheckStarted, Log, Training
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.proof import Level, check_ids
from rigfit.core.receipt import Verification
from rigfit.core.template import Quantization
from rigfit.core.words import say
from rigfit.process.child import Command, Ended, Said, run

PAYLOAD = Path(__file__).parent / "payloads" / "quantized.py"
STRESS = PAYLOAD.with_name("stress.py")
# What a person, a batch system or a kernel without memory ends a process with: nothing is proven by that either way.
_FROM_OUTSIDE = tuple(-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
_KEPT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What to prove. `device` is `cpu` or `cuda:0`; `visible` the CUDA_VISIBLE_DEVICES by which `cuda:0` is the one, `gpu_used` how people know it.

    `seconds` is how long level stress trains, `limit` how long the rest may take, in seconds;
    `fix` is what helps where the payload dies.
    """

    environment: str
    python: Path
    imports: tuple[str, ...]
    device: str
    quantization: Quantization
    visible: str = ""
    gpu_used: dict[str, Any] | None = None
    level: Level = "full"
    seconds: float = 0
    limit: float = 900
    fix: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[str, ...]:
        return check_ids(self.level, self.quantization, self.device)


@dataclass(slots=True)
class _Heard:
    versions: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    peak_memory: int | None = None
    done: bool = False
    last: deque[str] = field(default_factory=lambda: deque(maxlen=12))


def prove(
    trial: Trial, cancel: Cancel, environ: Mapping[str, str] = os.environ
) -> Generator[CheckStarted | Check | Training | Log, None, Verification]:
    """Yield each check as it ends; the generator's value is the Verification, passed or not.

    Raises ProblemError `verification_crashed` if the payload did not come to its end, `stopped` if cancelled.
    """
    heard = _Heard()
    with tempfile.TemporaryDirectory(prefix="rigfit-verify-") as scratch:
        for item in run(_command(trial, scratch, environ), cancel):
            match item:
                case Said(stream="out", text=text) if line := _parsed(text):
                    yield from _hear(line, heard)
                case Said(text=text):
                    heard.last.append(text)
                    yield Log(step="verify", text=text)
                case Ended():
                    yield from _ending(item, heard, trial)
    return Verification(
        environment=trial.environment,
        device=trial.device,
        quantization=trial.quantization,
        level=trial.level,
        versions=heard.versions,
        checks=tuple(heard.checks),
        gpu_used=trial.gpu_used,
        notes=tuple(heard.notes),
        peak_memory=heard.peak_memory,
    )


def _command(trial: Trial, scratch: str, environ: Mapping[str, str]) -> Command:
    request = {
        "level": trial.level,
        "device": trial.device,
        "quantization": trial.quantization,
        "imports": list(trial.imports),
        "scratch": scratch,
        **({"seconds": trial.seconds} if trial.level == "stress" else {}),
    }
    payload = STRESS if trial.level == "stress" else PAYLOAD
    return Command(
        argv=[str(trial.python), "-I", "-u", str(payload)],
        stdin=json.dumps(request),
        env=_shut_off(trial, scratch, environ),
        cwd=scratch,
        limit=trial.limit + trial.seconds,
    )


def _shut_off(trial: Trial, scratch: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Only what a program needs to run: nothing of Python, conda, the loader, proxies or hubs comes along."""
    env = {name: environ[name] for name in _KEPT if name in environ}
    env |= {"HF_HOME": scratch, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    env["CUDA_VISIBLE_DEVICES"] = trial.visible
    env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return env


def _parsed(text: str) -> dict[str, Any]:
    """A line of the payload; empty for one that a crash cut off."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def _hear(line: dict[str, Any], heard: _Heard) -> Iterator[CheckStarted | Check | Training | Log]:
    match line:
        case {"event": "versions", "versions": versions}:
            heard.versions.update(versions)
        case {"event": "check_started", "id": name}:
            yield CheckStarted(id=name)
        case {"event": "check", **fields}:
            check = Check(**fields)
            heard.checks.append(check)
            yield check
        case {"event": "note", "text": text}:
            heard.notes.append(text)
            yield Log(step="verify", text=text, level="warning")
        case {"event": "progress", "done": done, "total": total, "tokens_per_second": rate}:
            yield Training(step="verify", done=done, total=total, rate=rate)
        case {"event": "done"}:
            heard.peak_memory = line.get("peak_memory")
            heard.done = True


def _ending(ended: Ended, heard: _Heard, trial: Trial) -> Iterator[Check]:
    """What is left to say once the payload has ended. Raises ProblemError if that proves nothing either way."""
    if ended.cancelled:
        what = say("stopped while verifying; nothing was proven")
        raise ProblemError(Problem(code="stopped", what=what, fix=(say("run the same command again"),)))
    if heard.done and ended.code == 0 and tuple(check.id for check in heard.checks) == trial.checks:
        return
    if ended.timed_out or ended.code in _FROM_OUTSIDE:
        raise ProblemError(_crashed(_cut_off(ended, trial), heard, trial))
    yield from _after_a_crash(ended, heard, trial)


def _cut_off(ended: Ended, trial: Trial) -> str:
    if ended.timed_out:
        return say(
            "the verification of {name} took more than {limit:.0f} s",
            name=trial.environment,
            limit=trial.limit + trial.seconds,
        )
    return say("the verification of {name} was killed; there may be too little memory", name=trial.environment)


def _after_a_crash(ended: Ended, heard: _Heard, trial: Trial) -> Iterator[Check]:
    """A Python that dies by itself has failed the check that it was at; what comes after could not be tried."""
    last = " / ".join(list(heard.last)[-3:])
    if ended.code < 0:
        why = say("Python ended by signal {number}: {last}", number=-ended.code, last=last)
    else:
        why = say("Python ended with exit code {code}: {last}", code=ended.code, last=last)
    for number, name in enumerate(trial.checks[len(heard.checks) :]):
        check = Check(id=name, status="skipped" if number else "failed", why=why)
        heard.checks.append(check)
        yield check


def _crashed(what: str, heard: _Heard, trial: Trial) -> Problem:
    return Problem(
        code="verification_crashed",
        what=what,
        fix=trial.fix,
        detail="\n".join(heard.last),
    )
