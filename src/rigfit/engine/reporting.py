"""Gathers what a report of a failure needs, and takes out what is nobody's business."""

from __future__ import annotations

import json
import platform
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rigfit.core.event import Log, event_to_json
from rigfit.core.finding import Unknown
from rigfit.core.problem import ProblemError
from rigfit.core.redaction.redactor import Redactor
from rigfit.core.report import Member, Report
from rigfit.core.words import Words, say
from rigfit.engine.settings import Settings
from rigfit.probe.people import as_address, private_names
from rigfit.store.archive import check_place, write_archive
from rigfit.store.bugs import last_bugs
from rigfit.store.receipts import Receipts
from rigfit.store.runs import last_logs, lines_of

ENDINGS = (".tar.gz", ".tgz")  # of the name that a report may have
_RUNS, _BUGS = 5, 3
_TELLING = re.compile(  # variables that change what rigfit, its tools or libraries do
    r"(?i)(?:TERM|COLORTERM|LANG|LANGUAGE|NO_COLOR|FORCE_COLOR|PATH|TMPDIR|VIRTUAL_ENV|LD_PRELOAD|LD_LIBRARY_PATH|USE_TF|USE_TORCH"
    r"|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|\w+_PROXY"
    r"|(?:LC|RIGFIT|UV|PIP|CUDA|NVIDIA|NCCL|CONDA|MAMBA|RATTLER|PYTHON|PYTORCH|TORCH|HF|TRANSFORMERS|BNB|BITSANDBYTES|XDG|SSL)_?\w*)"
)
_FAILED = ("problem", "crash")
_ORDER = ("machine.json", "doctor.json", "rigfit.json", "environments.json")


@dataclass(frozen=True, slots=True)
class _Part:
    """A file to be, as it is here: JSON, the values of JSON lines, or a text."""

    name: str
    what: Words
    value: Any

    @property
    def texts(self) -> Iterator[str]:
        yield self.name
        yield from _texts_in(self.value)


@dataclass(slots=True)
class _Gathered:
    parts: list[_Part] = field(default_factory=list)
    left_out: list[Unknown] = field(default_factory=list)


def gather(settings: Settings, *, python: Path | None = None, ordinary: frozenset[str] = frozenset()) -> Report:
    """All of it, redacted. `ordinary` are words that our own texts are made of: an account may be called so, too.

    Whatever fails on the way is told in the report.
    """
    machine = _tried(lambda: _machine(settings))
    found = _Gathered()
    found.parts.append(_Part("machine.json", _said_of(machine, say("this machine: platform, driver, GPUs")), machine))
    doctor = _diagnoses(settings, python)
    found.parts.append(_Part("doctor.json", _said_of(doctor, say("what the doctor finds")), doctor))
    environments = _tried(lambda: _environments(settings))
    found.parts.append(
        _Part("environments.json", _said_of(environments, say("environments and their states")), environments)
    )
    for name, what, paths, read in _files(settings):
        _read_all(found, name, what, paths, read)
    for name, text in last_bugs(Path(tempfile.gettempdir()), _BUGS).items():
        found.parts.append(_Part(f"bugs/{name}", say("the traceback of a bug"), text))
    return _redacted(found, _rigfit(settings), settings, ordinary | _names_of_things(machine))


def check(file: Path) -> None:
    """Raises ProblemError where no report can be written."""
    check_place(file)


def write(report: Report, file: Path) -> None:
    """Raises ProblemError."""
    write_archive(file, ((member.name, member.content) for member in report.members), made=int(time.time()))


def _tried(look: Callable[[], Any]) -> Any:
    """A part that cannot be had must not take the rest along: how it failed is what the report is for."""
    try:
        return look()
    except ProblemError as error:
        return {"problem": error.problem.to_json()}
    except Exception:  # noqa: BLE001 - it may be the very bug that is reported
        return {"crash": traceback.format_exc()}


def _said_of(value: Any, what: Words) -> Words:
    answers = value if isinstance(value, dict) else {}
    failed = any(mark in each for each in (answers, *answers.values()) if isinstance(each, dict) for mark in _FAILED)
    return say("{what}; some of it failed, and how", what=what) if failed else what


def _machine(settings: Settings) -> Any:
    from rigfit.engine.seeing import see

    return see(settings).to_json()


def _diagnoses(settings: Settings, python: Path | None) -> dict[str, Any]:
    from rigfit.engine import diagnosing

    found = {"machine": _tried(lambda: diagnosing.examine_machine(settings).to_json())}
    if python is not None:
        found["python"] = _tried(lambda: diagnosing.examine_python(settings, python, folder=Path.cwd()).to_json())
    return found


def _environments(settings: Settings) -> Any:
    from rigfit.engine.keeping import Keeping

    told = ("environment", "prefix", "standing", "usable", "since_proof")
    return [{key: each.to_json()[key] for key in told} for each in Keeping(settings).all()]


def _rigfit(settings: Settings) -> dict[str, Any]:
    return {
        "rigfit": version("rigfit"),
        "python": sys.version,
        "executable": sys.executable,
        "platform": platform.platform(),
        "home": str(settings.home.path),
        "variables": {
            name: as_address(name, value)
            for name, value in sorted(settings.environ.items())
            if _TELLING.fullmatch(name)
        },
        "templates": _tried(lambda: _templates(settings)),
    }


def _templates(settings: Settings) -> dict[str, dict[str, str]]:
    from rigfit.catalog.load import load_templates
    from rigfit.catalog.locate import catalog_dir

    return {
        template.name: {variant.name: variant.lock_sha256 for variant in template.variants}
        for template in load_templates(catalog_dir(settings.catalog))
    }


def _files(
    settings: Settings,
) -> Iterator[tuple[str, Words, Callable[[], list[Path]], Callable[[Path], Any]]]:
    receipts = Receipts(settings.home)
    yield "receipts", say("what is known of an environment"), receipts.files, _json
    yield "runs", say("the log of a run"), partial(last_logs, settings.home, _RUNS), _lines


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _lines(path: Path) -> tuple[Any, ...]:
    """Of a log: a tuple, where a list would be one JSON value."""
    return tuple(map(_line, lines_of(path)))


def _line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return event_to_json(Log(text=say("a line that is no JSON is left out here"), level="warning"))


def _read_all(
    found: _Gathered, folder: str, what: Words, paths: Callable[[], list[Path]], read: Callable[[Path], Any]
) -> None:
    try:
        known = paths()
    except OSError as error:
        found.left_out.append(Unknown(what=f"{folder}/", why=str(error.strerror)))
        return
    for path in known:
        name = f"{folder}/{path.name}"
        try:
            found.parts.append(_Part(name, what, read(path)))
        except OSError as error:
            found.left_out.append(Unknown(what=name, why=str(error.strerror)))
        except (ValueError, RecursionError):
            found.left_out.append(Unknown(what=name, why=say("it is no JSON")))


def _names_of_things(machine: Any) -> frozenset[str]:
    """A host may be called titan, and so is a GPU."""
    names = [gpu["name"] or "" for gpu in machine.get("gpus", ())]
    return frozenset(word for name in names for word in re.findall(r"\w{3,}", name.lower()))


def _redacted(found: _Gathered, rigfit: dict[str, Any], settings: Settings, ordinary: frozenset[str]) -> Report:
    texts = [text for part in (*found.parts, _Part("", say("settings"), rigfit)) for text in part.texts]
    texts += [text for each in found.left_out for text in (each.what, each.why)]
    known = private_names(settings.root, settings.environ).learned(texts).present_in(texts)
    redactor = Redactor(replace(known, ordinary=ordinary))
    members = [_member(part, redactor) for part in found.parts]
    left_out = tuple(Unknown(what=redactor.text(each.what), why=each.why) for each in found.left_out)
    told = redactor.json(rigfit) | {
        "left_out": [each.to_json() for each in left_out],
        "removed": dict(redactor.removed),
    }
    members.append(_as_member("rigfit.json", say("rigfit, its settings and templates"), _pretty(told)))
    named = _by_one_name_each(members)
    return Report(members=tuple(sorted(named, key=_place)), removed=redactor.removed, left_out=left_out)


def _place(member: Member) -> int:
    return _ORDER.index(member.name) if member.name in _ORDER else len(_ORDER)


def _member(part: _Part, redactor: Redactor) -> Member:
    name = re.sub(r"[<>]", "", redactor.text(part.name))
    match part.value:
        case str():
            content = redactor.text(part.value)
        case tuple():
            content = "".join(f"{json.dumps(redactor.json(line), ensure_ascii=False)}\n" for line in part.value)
        case _:
            content = _pretty(redactor.json(part.value))
    return _as_member(name, part.what, content)


def _as_member(name: str, what: Words, content: str) -> Member:
    return Member(name=name, what=what, content=content.encode("utf-8", "replace"))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _by_one_name_each(members: list[Member]) -> Iterator[Member]:
    """Without the user's name in them, two may be called the same."""
    seen: dict[str, int] = {}
    for member in members:
        times = seen[member.name] = seen.get(member.name, 0) + 1
        folder, _, name = member.name.rpartition("/")
        yield member if times == 1 else replace(member, name=f"{folder}/{times}-{name}")


def _texts_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from _texts_in(each)
        case list() | tuple():
            for each in value:
                yield from _texts_in(each)
