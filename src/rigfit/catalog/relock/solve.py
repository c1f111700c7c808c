"""The interpreter and what it stands on: conda packages, solved in a child process."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigfit.catalog.locks import CHANNEL_URL
from rigfit.catalog.relock.target import Target
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.version import Version
from rigfit.core.words import say
from rigfit.process.child import Command, output_of

_CHILD = Path(__file__).with_name("solve_child.py")
_GLIBC = re.compile(r"__glibc >=([\d.]+)")
_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackage:
    """`size` is bytes to fetch; the address is that of conda-forge itself, whichever copy of it was asked."""

    name: str
    version: str
    subdir: str
    file: str
    md5: str
    sha256: str
    size: int
    depends: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"{CHANNEL_URL}/{self.subdir}/{self.file}"

    @property
    def glibc(self) -> Version | None:
        found = [match[1] for match in map(_GLIBC.match, self.depends) if match]
        return Version(found[0]) if found else None

    @property
    def is_python_package(self) -> bool:
        """Whether it also is a distribution in the sense of pip."""
        return self.name != "python" and any(spec.split(" ")[0] == "python" for spec in self.depends)


def solve(specs: Sequence[str], *, channel: str, target: Target) -> tuple[CondaPackage, ...]:
    """Raises ProblemError `lock_unsolvable` with what the solver said."""
    job = {
        "channel": channel,
        "specs": list(specs),
        "platform": target.platform,
        "virtual_packages": target.virtual_packages,
    }
    out, err, ended = output_of(
        Command(argv=[sys.executable, "-I", str(_CHILD)], stdin=json.dumps(job), limit=_SECONDS),
    )
    said: dict[str, Any] = json.loads(out) if out.startswith("{") else {}
    if "packages" not in said:
        how = say("it took too long") if ended.timed_out else say("exit code {code}", code=ended.code)
        raise _unsolved(specs, channel, target, said.get("problem") or err or how)
    packages = said["packages"]
    unhashed = [package["file"] for package in packages if not (package["sha256"] and package["md5"])]
    if unhashed:
        detail = say("the channel gives no sha256 and md5 for {files}", files=", ".join(unhashed))
        raise _unsolved(specs, channel, target, detail)
    return tuple(CondaPackage(**{**package, "depends": tuple(package["depends"])}) for package in packages)


def _unsolved(specs: Sequence[str], channel: str, target: Target, detail: str) -> ProblemError:
    return ProblemError(
        Problem(
            code="lock_unsolvable",
            what=say(
                "no interpreter could be solved for {specs} on {target} from {channel}",
                specs=", ".join(specs),
                target=target.words,
                channel=channel,
            ),
            fix=(
                say("see whether the channel can be reached; `--channel` takes a copy of conda-forge"),
                say("loosen the specs"),
            ),
            detail=detail,
        ),
    )
