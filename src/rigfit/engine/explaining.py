"""What an error text means, together with what the Python that said it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.rules import load_rules_for
from rigfit.core.finding import Diagnosis, best_first
from rigfit.core.installed import Installed
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.rule import FIGURES, Rule
from rigfit.core.words import say
from rigfit.doctor.errors.classify import Heard, Pasted, hear, packages_of
from rigfit.doctor.errors.known import Known, Seen, against, another_python
from rigfit.doctor.errors.saying import Remedy, finding
from rigfit.doctor.errors.versions import folders_in
from rigfit.engine.settings import Settings

if TYPE_CHECKING:
    from rigfit.doctor.python.case import Case

_MOST = 1 << 20  # letters: the end of a log is what counts


def explain(settings: Settings, text: str, python: Path | None = None) -> Diagnosis:
    """Raises ProblemError `usage` for a text with nothing in it, and `python_invalid`."""
    if not text.strip():
        fix = (say("name a file with the error text, or - for standard input"),)
        raise ProblemError(Problem(code="usage", what=say("there is no error text: it is empty"), fix=fix))
    catalog = catalog_dir(settings.catalog)
    pasted = Pasted(text[-_MOST:])
    rules = load_rules_for(catalog, pasted.texts)
    heard = hear(pasted, rules)
    if python is None:
        known = Known(told=heard.told)
        return _diagnosis(heard, known, partial(_of_told, catalog, heard.told))
    from rigfit.engine.inspecting import case_of

    case = case_of(settings, python, Path.cwd(), packages_of(rules) - {"python"})
    place = str(case.look.python)
    known = _judged(heard, _seen(pasted.text, heard, case), case)
    if known.contradictions:
        found = _diagnosis(heard, known, partial(_of_told, catalog, heard.told))
    else:
        found = _diagnosis(heard, known, lambda: case.change, _computed(heard, case))
    return replace(found, place=say("{python} (Python {version})", python=place, version=case.look.version))


def _seen(text: str, heard: Heard, case: Case) -> Seen:
    """With the compute capability of this machine's GPUs where the text does not tell it, and they have one."""
    capabilities = {gpu.compute_capability for gpu in case.machine.gpus}
    versions = dict(case.installed.versions)
    if "gpu" not in heard.told.versions and len(capabilities) == 1 and (only := capabilities.pop()) is not None:
        versions["gpu"] = str(only)
    return Seen(
        installed=replace(case.installed, versions=versions),
        place=str(case.look.python),
        elsewhere=_elsewhere(text, case),
        uv="" if case.tools.pip else case.tools.uv,
        usual=_is_usual(case),
    )


def _is_usual(case: Case) -> bool:
    torch, version = case.torch, case.installed.version("torch")
    if torch is None or version is None:
        return True
    rows = [row for row in case.facts.torch if row.arch == case.machine.platform.arch and row.includes(version)]
    return any(row.cuda == torch.cuda for row in rows)


def _judged(heard: Heard, seen: Seen, case: Case) -> Known:
    """The first is the failure that somebody saw: where that Python cannot have said it, the text is of another."""
    known = Known(told=heard.told, seen=seen)
    if known.contradictions or not heard.hits:
        return known
    first = heard.hits[0]
    library = first.library if case.shelf.module(first.library) else ""  # without its module it is missing indeed
    why = against(first.rule, first.words, library, known)
    return replace(known, seen=replace(seen, against=(why,))) if why else known


def _computed(heard: Heard, case: Case) -> Mapping[str, tuple[str, ...]]:
    """By the code of a rule: the remedy for this Python and machine, where the look at them finds the same cause."""
    if not any(hit.rule.same_as for hit in heard.hits):
        return {}
    from rigfit.doctor.python.diagnose import diagnose

    remedies = {each.code: each.fix for each in reversed(diagnose(case).findings) if each.severity == "error"}
    ways = {hit.rule.code: [remedies[code] for code in hit.rule.same_as if code in remedies] for hit in heard.hits}
    return {code: found[0] for code, found in ways.items() if found}


def _diagnosis(
    heard: Heard,
    known: Known,
    change: Callable[[], str],
    computed: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Diagnosis:
    installed = known.installed
    stranger = another_python(known)
    told = tuple(
        finding(hit.rule, hit.words, known, remedy, hit.library)
        for hit in heard.hits
        for remedy in [_remedy(hit.rule, installed, change, computed)]
    )
    return Diagnosis(
        subject="error",
        versions=_shown(heard, installed),
        findings=best_first((*told, *([stranger] if stranger else []))),
        unknown=heard.unknown,
    )


def _remedy(
    rule: Rule, installed: Installed, change: Callable[[], str], computed: Mapping[str, tuple[str, ...]]
) -> Remedy:
    if rule.code in computed:
        return Remedy(instead=computed[rule.code])
    return Remedy(first=change()) if _is_known(rule, installed) else Remedy()


def _is_known(rule: Rule, installed: Installed) -> bool:
    """Whether it is about libraries that do not go together, of which each is known."""
    return bool(rule.between) and all(installed.version(package) is not None for package in rule.between)


def _shown(heard: Heard, installed: Installed) -> dict[str, str | None]:
    """Of all that some Python has, what the text or a rule is about."""
    wanted = {*heard.told.versions, *packages_of([hit.rule for hit in heard.hits])} - FIGURES
    python = {"python": installed.python} if installed.python else {}
    return {**python, **{name: found for name, found in installed.versions.items() if name in wanted}}


def _of_told(catalog: Path, told: Installed) -> str:
    """The smallest change of what the text tells of; empty where none helps."""
    from rigfit.catalog.load import load_facts
    from rigfit.catalog.releases import load_releases
    from rigfit.core.nearest.change import nearest

    found = nearest(told, load_facts(catalog), load_releases(catalog))
    return found.line(None, pip=True) if found and found.changes else ""


def _elsewhere(text: str, case: Case) -> tuple[str, ...]:
    """Folders of libraries that the text names, that are on this machine, and where that Python does not look."""
    looked_at = {place.resolve() for place in case.look.path}
    named = (Path(folder) for folder in folders_in(text))
    return tuple(str(folder) for folder in named if folder.is_dir() and folder.resolve() not in looked_at)
