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
from rigfit.core.event import Check, CheckStarted, Log, check_ids
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.receipt import Level, Verification
from rigfit.core.template import Quantization
from rigfit.core.words import say
from rigfit.process.child import Command, Ended, Said, run

PAYLOAD = Path(__file__).parent / "payloads" / "quantized.py"
_KEPT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What to prove. `device` is `cpu` or `cuda:0`; `gpu` the UUID that `cuda:0` shall be; `limit` in seconds."""

    environment: str
    python: Path
    imports: tuple[str, ...]
    device: str
    quantization: Quantization
    gpu: str | None = None
    level: Level = "full"
    limit: float = 900


@dataclass(slots=True)
class _Heard:
    versions: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    done: bool = False
    last: deque[str] = field(default_factory=lambda: deque(maxlen=12))


def prove(
    trial: Trial, cancel: Cancel, environ: Mapping[str, str] = os.environ
) -> Generator[CheckStarted | Check | Log, None, Verification]:
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
    )


def _command(trial: Trial, scratch: str, environ: Mapping[str, str]) -> Command:
    request = {
        "level": trial.level,
        "device": trial.device,
        "quantization": trial.quantization,
        "imports": list(trial.imports),
        "scratch": scratch,
    }
    return Command(
        argv=[str(trial.python), "-I", "-u", str(PAYLOAD)],
        stdin=json.dumps(request),
        env=_shut_off(trial, scratch, environ),
        cwd=scratch,
        limit=trial.limit,
    )


def _shut_off(trial: Trial, scratch: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Only what a program needs to run: nothing of Python, conda, the loader, proxies or hubs comes along."""
    env = {name: environ[name] for name in _KEPT if name in environ}
    env |= {"HF_HOME": scratch, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    env["CUDA_VISIBLE_DEVICES"] = "" if trial.device == "cpu" else trial.gpu or "0"
    env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return env


def _parsed(text: str) -> dict[str, Any]:
    """A line of the payload; empty for one that a crash cut off."""
    try:
        line = json.loads(text)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def _hear(line: dict[str, Any], heard: _Heard) -> Iterator[CheckStarted | Check]:
    match line:
        case {"event": "versions", "versions": versions}:
            heard.versions.update(versions)
        case {"event": "check_started", "id": name}:
            yield CheckStarted(id=name)
        case {"event": "check", **fields}:
            check = Check(**fields)
            heard.checks.append(check)
            yield check
        case {"event": "done"}:
            heard.done = True


def _ending(ended: Ended, heard: _Heard, trial: Trial) -> Iterator[Check]:
    """What is left to say once the payload has ended. Raises ProblemError if that proves nothing either way."""
    if ended.cancelled:
        what = say("stopped while verifying; nothing was proven")
        raise ProblemError(Problem(code="stopped", what=what, fix=(say("run the same command again"),)))
    if heard.done and ended.code == 0 and tuple(check.id for check in heard.checks) == check_ids(trial.quantization):
        return
    if ended.timed_out or ended.code == -signal.SIGKILL:
        raise ProblemError(_crashed(_cut_off(ended, trial), heard, trial))
    yield from _after_a_crash(ended, heard, trial)


def _cut_off(ended: Ended, trial: Trial) -> str:
    if ended.timed_out:
        return say("the verification of {name} took more than {limit:.0f} s", name=trial.environment, limit=trial.limit)
    return say("the verification of {name} was killed; there may be too little memory", name=trial.environment)


def _after_a_crash(ended: Ended, heard: _Heard, trial: Trial) -> Iterator[Check]:
    """A Python that dies by itself has failed the check that it was at; what comes after could not be tried."""
    last = " / ".join(list(heard.last)[-3:])
    if ended.code < 0:
        why = say("Python ended by signal {number}: {last}", number=-ended.code, last=last)
    else:
        why = say("Python ended with exit code {code}: {last}", code=ended.code, last=last)
    for number, name in enumerate(check_ids(trial.quantization)[len(heard.checks) :]):
        check = Check(id=name, status="skipped" if number else "failed", why=why)
        heard.checks.append(check)
        yield check


def _crashed(what: str, heard: _Heard, trial: Trial) -> Problem:
    return Problem(
        code="verification_crashed",
        what=what,
        fix=(f"rigfit verify {trial.environment} -v", f"rigfit repair {trial.environment}"),
        detail="\n".join(heard.last),
    )
