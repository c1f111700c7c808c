"""Reads a recorded machine: the JSON of `detect`, strictly, so that a slip in it is named and not judged as a machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from rigfit.core.machine import FAULT_CAUSES, FAULTS, Driver, DriverFault, Gpu, Machine, Platform, Slice
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.version import Capability, Version
from rigfit.core.words import joined, say
from rigfit.probe.reading import version_or_none

_T = TypeVar("_T")

_SIZE = say("a whole number of bytes, or null")
_TEXT = say("a text")
_OBJECT = say("an object")
_GPU = tuple(field.name for field in fields(Gpu))


def read_machine(path: Path) -> Machine:
    """A machine in the contract's format, bare or as the result of `rigfit detect --json`.

    `origin`, a free text on where the record comes from, is read over. Raises ProblemError(machine_invalid).
    """
    here = _Place(file=path, key="", value=_json(path))
    if "result" in here.mapping(_OBJECT):
        here.refuse_others("schema", "command", "ok", "result", "problem")
        here = here.at("result")
    return _machine(here)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A value and where in the file it stands; every complaint names both."""

    file: Path
    key: str
    value: Any

    def at(self, key: str) -> _Place:
        inside = self.mapping(_OBJECT)
        if key not in inside:
            raise self.child(key, None).wrong(say("this key"), say("none"))
        return self.child(key, inside[key])

    def child(self, key: str, value: Any) -> _Place:
        return _Place(file=self.file, key=f"{self.key}.{key}" if self.key else key, value=value)

    def items(self) -> list[_Place]:
        if not isinstance(self.value, list):
            raise self.wrong(say("a list"))
        return [
            _Place(file=self.file, key=f"{self.key}[{index}]", value=value) for index, value in enumerate(self.value)
        ]

    def mapping(self, needed: str) -> Mapping[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong(needed)
        return self.value

    def refuse_others(self, *known: str) -> None:
        for key, value in self.mapping(_OBJECT).items():
            if key not in known:
                needed = say("one of the keys {names}", names=", ".join(known))
                raise self.child(key, value).wrong(needed, say("the key {key!r}", key=key))

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value:
            raise self.wrong(_TEXT)
        return self.value

    def truth(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong(say("true or false"))
        return self.value

    def number(self, needed: str) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.wrong(needed)
        return self.value

    def version(self) -> Version:
        version = version_or_none(self.value) if isinstance(self.value, str) else None
        if version is None:
            raise self.wrong(say("a version such as 580.159.04, as a text"))
        return version

    def capability(self) -> Capability:
        version = version_or_none(self.value) if isinstance(self.value, str) else None
        if version is None or version.text.count(".") != 1:
            raise self.wrong(say("a compute capability such as 9.0, as a text, or null"))
        return Capability.parse(version.text)

    def size(self) -> int:
        return self.number(_SIZE)

    def or_none(self, read: Callable[[], _T]) -> _T | None:
        return None if self.value is None else read()

    def wrong(self, needed: str, found: str | None = None) -> ProblemError:
        shown = found or json.dumps(self.value)[:80]
        what = say(
            "{file}: {key}: needed {needed}; found {found}",
            file=str(self.file),
            key=self.key or say("the whole file"),
            needed=needed,
            found=shown,
        )
        fix = (say("compare with what `rigfit detect --json` prints"),)
        return ProblemError(Problem(code="machine_invalid", what=what, fix=fix))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or str(error)
    except json.JSONDecodeError as error:
        where = say(
            "needed JSON; found something else from line {line}, column {column} on",
            line=error.lineno,
            column=error.colno,
        )
        why = where if error.doc.strip() else say("needed JSON; found an empty file")
    except UnicodeDecodeError:
        why = say("needed JSON in UTF-8; found other bytes")
    except (ValueError, RecursionError):
        why = say("needed JSON; found more in each other than a machine has")
    fix = (say("record a machine with `rigfit detect --json > machine.json`"),)
    raise ProblemError(Problem(code="machine_invalid", what=joined(": ", [str(path), why]), fix=fix))


def _machine(here: _Place) -> Machine:
    here.refuse_others("schema", "origin", "platform", "driver", "gpus", "memory_total", "disk_free", "cache_disk_free")
    schema = here.at("schema")
    if schema.value != 1 or isinstance(schema.value, bool):
        raise schema.wrong("1")
    if "origin" in here.value:
        here.at("origin").text()
    cache = here.at("cache_disk_free") if "cache_disk_free" in here.value else None
    return Machine(
        platform=_platform(here.at("platform")),
        driver=_driver(here.at("driver")),
        gpus=_gpus(here.at("gpus")),
        memory_total=_size_or_none(here.at("memory_total")),
        disk_free=_size_or_none(here.at("disk_free")),
        cache_disk_free=None if cache is None else _size_or_none(cache),
    )


def _platform(here: _Place) -> Platform:
    here.refuse_others("os", "arch", "glibc", "kernel", "wsl", "container")
    glibc = here.at("glibc")
    return Platform(
        os=here.at("os").text(),
        arch=here.at("arch").text(),
        glibc=glibc.or_none(glibc.version),
        kernel=_text_or_none(here.at("kernel")),
        wsl=here.at("wsl").truth(),
        container=_text_or_none(here.at("container")),
    )


def _driver(here: _Place) -> Driver | DriverFault:
    if "fault" in here.mapping(_OBJECT):
        return _fault(here)
    here.refuse_others("version", "cuda")
    cuda = here.at("cuda")
    return Driver(version=here.at("version").version(), cuda=cuda.or_none(cuda.version))


def _fault(here: _Place) -> DriverFault:
    here.refuse_others("fault", "cause", "what", "fix", "module_version", "library_version")
    fault = here.at("fault")
    known = next((name for name in FAULTS if name == fault.value), None)
    if known is None:
        raise fault.wrong(say("one of {names}", names=", ".join(FAULTS)))
    cause = here.child("cause", here.value.get("cause"))
    if cause.value not in (None, *FAULT_CAUSES):
        raise cause.wrong(say("one of {names}", names=", ".join(FAULT_CAUSES)))
    module, library = (here.child(key, here.value.get(key)) for key in ("module_version", "library_version"))
    return DriverFault(
        fault=known,
        what=here.at("what").text(),
        fix=tuple(step.text() for step in here.child("fix", here.value.get("fix", [])).items()),
        module_version=module.or_none(module.version),
        library_version=library.or_none(library.version),
        cause=cause.value,
    )


def _gpus(here: _Place) -> tuple[Gpu, ...]:
    gpus = tuple(_gpu(item) for item in here.items())
    for item, gpu in zip(here.items(), gpus, strict=True):
        if sum(other.index == gpu.index for other in gpus) > 1:
            raise item.at("index").wrong(say("an index that no other GPU has"))
    return gpus


def _gpu(here: _Place) -> Gpu:
    here.refuse_others(*_GPU)
    capability, mig = here.at("compute_capability"), here.at("mig")
    # A record that was made before MIG instances were read lacks the key.
    slices = here.child("slices", here.value.get("slices"))
    return Gpu(
        index=here.at("index").number(say("a whole number")),
        name=_text_or_none(here.at("name")),
        uuid=_text_or_none(here.at("uuid")),
        compute_capability=capability.or_none(capability.capability),
        memory_total=_size_or_none(here.at("memory_total")),
        memory_free=_size_or_none(here.at("memory_free")),
        mig=mig.or_none(mig.truth),
        pci=_text_or_none(here.at("pci")),
        compute_mode=_text_or_none(here.at("compute_mode")),
        slices=slices.or_none(lambda: tuple(_slice(each) for each in slices.items())),
    )


def _slice(here: _Place) -> Slice:
    here.refuse_others("uuid", "name", "memory_total")
    return Slice(
        uuid=_text_or_none(here.at("uuid")),
        name=_text_or_none(here.at("name")),
        memory_total=_size_or_none(here.at("memory_total")),
    )


def _text_or_none(here: _Place) -> str | None:
    return here.or_none(here.text)


def _size_or_none(here: _Place) -> int | None:
    return here.or_none(here.size)
