"""Provisions every lock for real from the package index, on a machine that needs no GPU: `python tests/functional/provision_all.py`.

Each variant is set up for a recorded machine that it fits, and verified at level `imports`; a CPU variant is proven in full.
Then it is removed. `... current lora-8bit/cu117` takes these alone. It needs a CPython of each minor version that the locks name.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rigfit.core.problem import ProblemError
from rigfit.core.selection import Wish
from rigfit.core.template import Variant
from rigfit.engine.fitting import Fitting
from rigfit.engine.settings import Settings
from rigfit.store.paths import Home

RIGFIT = str(Path(sys.executable).with_name("rigfit"))
MACHINES = Path(__file__).resolve().parents[1] / "machines"
PLATFORM = f"linux-{'64' if os.uname().machine == 'x86_64' else os.uname().machine}"


class FailedError(Exception):
    """What a command said instead of its result."""


@dataclass(kw_only=True)
class Row:
    """What is told of one variant. Times in seconds."""

    name: str
    machine: str = "this one"
    made: float = 0.0
    tried: float = 0.0
    packages: int = 0
    checks: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""

    def __str__(self) -> str:
        head = f"{self.name:<26} {self.made:6.1f} {self.tried:6.1f} {self.packages:5}  {self.machine}"
        return "\n".join([head, *(f"    {line}" for line in self._lines())])

    def _lines(self) -> Iterator[str]:
        outcomes: dict[tuple[str, str], list[str]] = {}
        for check in self.checks:
            outcomes.setdefault((check["status"], check["why"]), []).append(check["id"])
        for (status, why), names in outcomes.items():
            yield f"{status}: {', '.join(names)}" + (f" ({why})" if why else "")
        if self.fault:
            yield f"FAILED: {self.fault}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one variant is made: a home, the catalog that it is from (None: the usual one), and the variables."""

    home: Path
    catalog: Path | None
    environ: dict[str, str]

    def ask(self, verb: str, *words: str) -> dict[str, Any]:
        """The result of a `rigfit` command; raises FailedError if it has none."""
        command = [RIGFIT, verb, "--json", "--home", str(self.home), *words]
        if self.catalog and verb != "remove":
            command += ["--catalog", str(self.catalog)]
        ran = subprocess.run(
            command, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        answer: dict[str, Any] = (
            json.loads(ran.stdout) if ran.stdout else {"ok": False, "problem": {"what": ran.stderr}}
        )
        if not answer["ok"]:
            problem = answer["problem"]
            raise FailedError(f"{verb}: {problem['what']}\n{problem.get('detail', '')}".strip())
        result: dict[str, Any] = answer["result"]
        return result


def fitting(catalog: Path | None, machine: Path | None = None) -> Fitting:
    return Fitting(Settings(home=Home(Path("/nowhere")), environ=os.environ, catalog=catalog, machine=machine))


def wanted(names: list[str], catalog: Path | None) -> list[Variant]:
    """Of this platform; all of them where no `TEMPLATE` or `TEMPLATE/VARIANT` is named."""
    variants = [variant for template in fitting(catalog).templates for variant in template.variants]
    known = {name for variant in variants for name in (variant.template, f"{variant.template}/{variant.name}")}
    if strange := set(names) - known:
        sys.exit(f"not in the catalog: {', '.join(sorted(strange))}")
    here = [variant for variant in variants if PLATFORM in variant.platforms]
    return [each for each in here if not names or {each.template, f"{each.template}/{each.name}"} & set(names)]


def machine_for(variant: Variant, catalog: Path | None) -> Path:
    """A recorded machine of this platform that the variant fits."""
    for file in sorted(MACHINES.glob("*.json")):
        judge = fitting(catalog, file)
        if judge.machine.platform.arch == os.uname().machine:
            chosen = judge.select(Wish(template=variant.template, variant=variant.name)).chosen
            if chosen is not None:
                return file
    raise FailedError("it fits none of the recorded machines")


def provision(variant: Variant, place: Place, row: Row) -> None:
    """Fill `row`; raises FailedError where something did not work."""
    words = [variant.template, "--variant", variant.name, "--base", "local", "--yes", "--no-verify"]
    if not variant.is_cpu:
        file = machine_for(variant, place.catalog)
        row.machine = file.stem
        words += ["--machine", str(file)]
    tell(f"{row.name}: being set up (machine: {row.machine})")
    started = time.monotonic()
    made = place.ask("setup", *words)
    row.made = time.monotonic() - started
    row.packages = len(list(Path(made["prefix"]).glob("lib/python3*/site-packages/*.dist-info")))
    try:
        tell(f"{row.name}: being verified")
        started = time.monotonic()
        level = "full" if variant.is_cpu else "imports"
        row.checks = place.ask("verify", made["environment"], "--level", level)["checks"]
        row.tried = time.monotonic() - started
    finally:
        place.ask("remove", made["environment"], "--yes")


def tell(line: str) -> None:
    """For whoever waits: a row comes only when all of it is known."""
    print(line, file=sys.stderr, flush=True)


def row_of(variant: Variant, catalog: Path | None, *, keep_cache: bool) -> Row:
    row = Row(name=f"{variant.template}/{variant.name}")
    with tempfile.TemporaryDirectory(prefix="rigfit-provision-") as folder:
        environ = dict(os.environ) if keep_cache else {**os.environ, "UV_CACHE_DIR": f"{folder}/uv"}
        try:
            provision(variant, Place(home=Path(folder) / "home", catalog=catalog, environ=environ), row)
        except (FailedError, ProblemError) as error:
            row.fault = str(error)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="TEMPLATE[/VARIANT]", help="default: the whole catalog")
    parser.add_argument("--keep-cache", action="store_true", help="use uv's own cache; default: one for each variant")
    parser.add_argument("--catalog", metavar="DIR", type=Path, help="take the templates from this folder")
    args = parser.parse_args()
    try:
        variants = wanted(args.names, args.catalog)
    except ProblemError as error:
        sys.exit(str(error))
    print(f"{'variant':<26} {'set up':>6} {'tried':>6} {'packs':>5}  for the machine")
    failed = 0
    for variant in variants:
        row = row_of(variant, args.catalog, keep_cache=args.keep_cache)
        failed += bool(row.fault)
        print(row, flush=True)
    print(f"{failed} of {len(variants)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
