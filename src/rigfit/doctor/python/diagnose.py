"""What is wrong with a Python, the first cause first: what follows from a cause is not told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from packaging.version import Version as PackageVersion

from rigfit.core.fact import Bound
from rigfit.core.finding import Diagnosis, Finding, Unknown, best_first
from rigfit.core.words import say
from rigfit.doctor.python import around, bitsandbytes, gpu, loader, pairs, places
from rigfit.doctor.python.case import Case
from rigfit.doctor.python.shelf import STACK

CODES = (
    "no_libraries",
    "not_installed",
    "hidden_library",
    "other_python",
    "metadata_missing",
    "two_copies",
    "half_installed",
    "incompatible_import",
    "incompatible_use",
    "incompatible_check",
    "incompatible_int8",
    "incompatible_seq2seq",
    "requirement_unmet",
    "cpu_only_torch",
    "driver_fault",
    "torch_too_new_for_driver",
    "no_gpu_code",
    "copied_library",
    "bnb_cuda_version",
    "no_bitsandbytes_library",
    "no_8_bit",
    "slow_8_bit",
    "no_gpu_for_8_bit",
    "hidden_standard_module",
    "driver_stub",
    "ld_library_path",
    "duplicate_cudart",
    "conda_and_pip",
    "kernel_of_another_python",
    "pynvml_impostor",
)
_AT_ONCE = ("import", "use")  # what fails before any model is loaded
_TOLD = (*STACK, "numpy", "tokenizers", "huggingface-hub", "safetensors", "setuptools")


def diagnose(case: Case) -> Diagnosis:
    judged = _Judged(case)
    found = (_installable(finding, case) for finding in judged.findings())
    return Diagnosis(
        subject="python",
        place=say("{python} (Python {version})", python=case.look.python, version=case.look.version),
        versions={"python": case.look.version, **{name: _version(case, name) for name in _TOLD}},
        findings=best_first(found),
        unknown=tuple(judged.unknown),
    )


class _Judged:
    """`settled` are packages whose state was told as a cause: what it brings about is not told again."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._settled: set[str] = set()
        self.unknown: list[Unknown] = []

    def findings(self) -> Iterator[Finding]:
        """What keeps from importing, then what keeps from 8 bits, then what will bite."""
        yield from self._places()
        together = [(bound.to, finding) for bound, finding in self._pairs()]
        yield from (finding for end, finding in together if end in _AT_ONCE)
        missing = pairs.absent(self._case, frozenset(self._settled))
        if missing:
            yield pairs.not_there(self._case, missing)
        if set(missing) == set(STACK):
            return
        yield from self._declared(missing)
        yield from self._native()
        yield from (finding for end, finding in together if end not in _AT_ONCE)
        yield from self._around()
        self.unknown += _not_compared(self._case)

    def _places(self) -> Iterator[Finding]:
        for look in (
            places.hidden_modules,
            places.other_pythons,
            places.missing_metadata,
            places.copies,
            places.half_installed,
        ):
            for package, finding in look(self._case):
                if package not in self._settled:
                    yield finding
                    self._settled |= {package} if finding.severity == "error" else set()

    def _pairs(self) -> list[tuple[Bound, Finding]]:
        every = list(pairs.pairs(self._case))
        self._told = frozenset((bound.package, bound.needs) for bound, _ in every)
        return [each for each in every if not {each[0].package, each[0].needs} & self._settled]

    def _declared(self, missing: tuple[str, ...]) -> Iterator[Finding]:
        for package, finding in pairs.declared(self._case, self._told, frozenset(missing)):
            if package not in self._settled:
                yield finding

    def _native(self) -> Iterator[Finding]:
        """First torch for this machine, then bitsandbytes for that torch."""
        if "torch" in self._settled:
            return
        fit = gpu.torch_fit(self._case)
        yield from self._heard(fit)
        if "bitsandbytes" in self._settled:
            return
        found = [] if fit.findings else list(bitsandbytes.libraries(self._case))
        yield from found
        if not fit.findings and not any(finding.severity == "error" for finding in found):
            yield from self._heard(gpu.quantization(self._case, has_library=bitsandbytes.has_library(self._case)))

    def _heard(self, fit: gpu.Fit) -> Iterator[Finding]:
        self.unknown += fit.unknown
        yield from fit.findings

    def _around(self) -> Iterator[Finding]:
        case = self._case
        yield from places.hidden_standard_modules(case)
        if case.has_gpu:
            yield from loader.traps(case)
        yield from loader.cudarts(case)
        yield from around.conda_and_pip(case)
        yield from around.kernels(case)
        yield from around.pynvml(case)


def _version(case: Case, name: str) -> str | None:
    """Of torch with its build."""
    return case.torch.version if name == "torch" and case.torch else case.installed.versions.get(name)


def _not_compared(case: Case) -> Iterator[Unknown]:
    """A version after the last that somebody looked at, or one that cannot be compared."""
    facts = case.facts
    known: dict[str, PackageVersion] = {}
    for name, rows in (("torch", facts.torch), ("bitsandbytes", facts.int8)):
        known[name] = max(row.until for row in rows)
    for name in ("transformers", "peft", "accelerate"):
        known[name] = max(row.until for row in facts.bounds if row.package == name)
    for name, last in known.items():
        version, told = case.installed.version(name), case.installed.versions.get(name)
        what = say("how {package} {version} goes with the others", package=name, version=version or told)
        if version is not None and version > last:
            yield Unknown(what=what, why=say("the facts end with {package} {last}", package=name, last=last))
        elif version is None and told is not None:
            yield Unknown(what=what, why=say("{version} is no version", version=told))


def _installable(finding: Finding, case: Case) -> Finding:
    """Where somebody else manages the Python no installer puts anything (PEP 668): what is left is an environment beside it."""
    if not case.look.is_managed:
        return finding
    kept = tuple(step for step in finding.fix if " pip " not in step)
    beside = say(
        "make an environment beside it: whoever manages this Python, often the operating system, lets pip change nothing in it"
    )
    if kept == finding.fix:
        return finding
    last = case.ways("-")[1:]  # an environment of rigfit is what comes after one's own
    return replace(finding, fix=(*(step for step in kept if step not in last), beside, *(s for s in last if s in kept)))
