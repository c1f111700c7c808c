"""The verb `matrix`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rigfit.cli import options
from rigfit.cli.show import Face
from rigfit.core.problem import DONE, NOTHING_FITS, Problem
from rigfit.core.words import joined, say
from rigfit.language import said

if TYPE_CHECKING:
    from rigfit.core.fact import Bound
    from rigfit.core.matrix import Matrix, Run
    from rigfit.engine.settings import Settings

HELP = (
    say("Show how far each pair of PEFT and transformers gets in 8-bit LoRA, as it was measured."),
    say(
        "With --peft and --transformers: that pair, and what stops it; it exits with 0 if it goes all the way, else with "
        "3, also where it is not known. A version such as 4.45 means the newest patch of that minor."
    ),
)
_LIBRARIES = ("peft", "transformers", "bitsandbytes")
_NAMES = {"peft": "PEFT"}


def _version(text: str) -> str:
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(text))
    except InvalidVersion:
        needed = say("{text} is no version; one is, for example, 4.45.2", text=repr(text))
        raise argparse.ArgumentTypeError(said(needed)) from None


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peft", metavar="VERSION", type=_version, help=say("this PEFT alone"))
    parser.add_argument("--transformers", metavar="VERSION", type=_version, help=say("this transformers alone"))
    library = say("next to this bitsandbytes; default: the newest measured, for a pair all of them")
    parser.add_argument("--bitsandbytes", metavar="VERSION", type=_version, help=library)
    options.add_catalog(parser)
    options.add_output(parser)


def execute(args: argparse.Namespace, face: Face) -> int:
    from rigfit.core.matrix import measured
    from rigfit.engine.measured import measured_matrix

    matrix = measured_matrix(options.settings(args))
    asked = {name: getattr(args, name) for name in _LIBRARIES if getattr(args, name) is not None}
    meant = {name: measured(_known(matrix)[name], version) for name, version in asked.items()}
    if None in meant.values():
        return _unknown(face, matrix, asked, meant)
    if meant.get("peft") and meant.get("transformers"):
        return _pair(face, matrix, meant, options.settings(args))
    return _table(face, matrix, meant)


def _known(matrix: Matrix) -> dict[str, tuple[str, ...]]:
    return {"peft": matrix.pefts, "transformers": matrix.transformers, "bitsandbytes": matrix.bitsandbytes}


def _name(library: str) -> str:
    return _NAMES.get(library, library)


def _table(face: Face, matrix: Matrix, meant: dict[str, str | None]) -> int:
    from rigfit.core.matrix import in_order

    bitsandbytes = meant.get("bitsandbytes") or matrix.bitsandbytes[-1]
    only = {name: version for name in ("peft", "transformers") if (version := meant.get(name))}
    runs = [run for run in matrix.best(bitsandbytes).values() if _is_of(run, only)]

    def drawn() -> Any:
        from rigfit.cli import draw_matrix

        if not only:
            return draw_matrix.whole(matrix, bitsandbytes)
        ((name, version),) = only.items()
        other = "transformers" if name == "peft" else "peft"
        by_version = {getattr(run, other): run for run in runs}
        lines = {each: by_version[each] for each in in_order(by_version)}
        about = say("{one} {version}, with each {other}", one=_name(name), version=version, other=_name(other))
        return draw_matrix.line(matrix, bitsandbytes, lines, about)

    face.result(_as_json(matrix, runs), drawn)
    return DONE


def _is_of(run: Run, only: dict[str, str]) -> bool:
    return all(getattr(run, name) == version for name, version in only.items())


def _pair(face: Face, matrix: Matrix, meant: dict[str, str | None], settings: Settings) -> int:
    from rigfit.engine.measured import foretold

    runs = matrix.of(meant["peft"] or "", meant["transformers"] or "")
    if library := meant.get("bitsandbytes"):
        runs = tuple(run for run in runs if run.bitsandbytes == library)
    known = foretold(settings, runs)

    def drawn() -> Any:
        from rigfit.cli import draw_matrix

        return draw_matrix.pair(matrix, runs, known, every=face.verbose)

    packages = [
        {**run.to_json(), "packages": dict(run.packages), "facts": [_fact(bound) for bound in known.get(run, ())]}
        for run in runs
    ]
    face.result({**_as_json(matrix, ()), "measured": True, "pairs": packages}, drawn)
    newest = [run for run in runs if run.bitsandbytes == runs[0].bitsandbytes]
    best = min(newest, key=lambda run: run.rank)
    if best.rank == 0:
        return DONE
    face.refusal(_foretold(best, known[best]) if best in known else _refusal(matrix, best))
    return NOTHING_FITS


def _fact(bound: Bound) -> dict[str, str]:
    return {"package": bound.package, "needs": bound.needed, "why": bound.why, "source": bound.source}


def _foretold(run: Run, bounds: tuple[Bound, ...]) -> Problem:
    """No GPU helps against what the code of the libraries says."""
    from rigfit.cli.draw_matrix import because

    what = say(
        "PEFT {peft} and transformers {transformers} do not go all the way, on a GPU either: {why}",
        peft=run.peft,
        transformers=run.transformers,
        why=because(bounds[0], run),
    )
    newer = (
        say("take {package} {free} or later", package=each.package, free=each.free) for each in bounds if each.free
    )
    other = (say("or take {needed}, with which the two were not measured", needed=each.needed) for each in bounds)
    proof = say("on a GPU, `rigfit verify --python PATH` proves it")
    return Problem(code="nothing_fits", what=what, fix=(*dict.fromkeys((*newer, *other)), proof))


def _refusal(matrix: Matrix, run: Run) -> Problem:
    peft, transformers = run.peft, run.transformers
    if run.outcome.needs_gpu:
        what = say(
            "whether PEFT {peft} trains in 8 bits with transformers {transformers} needs a GPU to know",
            peft=peft,
            transformers=transformers,
        )
        return Problem(code="nothing_fits", what=what, fix=(say("on a GPU, `rigfit verify --python PATH` proves it"),))
    what = say(
        "PEFT {peft} and transformers {transformers} do not go all the way", peft=peft, transformers=transformers
    )
    return Problem(code="nothing_fits", what=what, fix=tuple(_instead(matrix, run)))


def _instead(matrix: Matrix, failed: Run) -> list[str]:
    """With which versions of the one the other goes all the way."""
    from rigfit.core.matrix import spans

    best = matrix.best(failed.bitsandbytes)
    found: list[str] = []
    well = [run for run in best.values() if run.rank == 0]
    for mine, other in (("peft", "transformers"), ("transformers", "peft")):
        version = getattr(failed, mine)
        versions = [getattr(run, other) for run in well if getattr(run, mine) == version]
        among = matrix.transformers if other == "transformers" else matrix.pefts
        if versions:
            fits = joined(", ", spans(versions, among))
            one = f"{_name(mine)} {version}"
            found.append(
                say("{one} goes all the way with {other} {versions}", one=one, other=_name(other), versions=fits)
            )
    if not found:
        found.append(say("change both: neither goes all the way with any version of the other that was measured"))
        found.append(say("or take older versions of all, which are locked together: `rigfit templates` shows them"))
    return found


def _unknown(face: Face, matrix: Matrix, asked: dict[str, str], meant: dict[str, str | None]) -> int:
    from rigfit.core.matrix import beside

    near = {name: beside(_known(matrix)[name], asked[name]) for name in asked if meant[name] is None}
    runs = _neighbours(matrix, meant, near)

    def drawn() -> Any:
        from rich.console import Group

        from rigfit.cli import draw_matrix

        unmeasured = {_name(name): asked[name] for name in near}
        told = draw_matrix.not_measured(matrix, unmeasured, {_name(name): near[name] for name in near})
        return Group(told, draw_matrix.neighbours(runs)) if runs else told

    face.result({**_as_json(matrix, runs), "measured": False, "beside": {name: [*near[name]] for name in near}}, drawn)
    versions = joined(", ", (f"{_name(name)} {asked[name]}" for name in near))
    fix = (say("ask for one that was measured, or prove yours: `rigfit verify --python PATH`"),)
    face.refusal(
        Problem(code="nothing_fits", what=say("not measured, so unknown: {versions}", versions=versions), fix=fix)
    )
    return NOTHING_FITS


def _neighbours(matrix: Matrix, meant: dict[str, str | None], near: dict[str, tuple[str, ...]]) -> list[Run]:
    """Where a pair was asked for: what was measured of the versions beside."""
    if not {"peft", "transformers"} <= meant.keys():
        return []
    best = matrix.best(meant.get("bitsandbytes") or matrix.bitsandbytes[-1])
    one, other = (near.get(name) or (meant[name] or "",) for name in ("peft", "transformers"))
    return [best[peft, transformers] for peft in one for transformers in other]


def _as_json(matrix: Matrix, runs: list[Run] | tuple[Run, ...]) -> dict[str, Any]:
    how = {"torch": matrix.torch, "python": matrix.python, "read": matrix.read, "source": matrix.source}
    return {**how, "pairs": [run.to_json() for run in runs]}
