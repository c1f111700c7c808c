"""Which versions of which libraries do not go together: by the facts, and by what they declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from operator import le

from rigfit.core.fact import Bound
from rigfit.core.nearest.options import Options
from rigfit.core.release import Release, Span

# Sets of options, by package, that must not all be taken at once; of one package alone: options that will not do.
Conflict = dict[str, int]
_Table = Mapping[str, Options]


def of_bounds(options: _Table, bounds: Iterable[Bound]) -> Iterator[Conflict]:
    """What is absent breaks only what must import it."""
    for bound in bounds:
        beside = bound.beside
        if not {bound.package, bound.needs, *((beside.package,) if beside else ())} <= options.keys():
            continue
        other = options[bound.needs]
        suits = other.where(bound.allows) | (0 if bound.to == "import" else other.absent)
        conflict = {bound.package: options[bound.package].where(bound.includes), bound.needs: other.all & ~suits}
        if beside:
            conflict[beside.package] = options[beside.package].where(partial(le, beside.at_least))
        yield conflict


def of_declared(options: _Table, releases: Iterable[Release]) -> Iterator[Conflict]:
    """What an installer would refuse, or mend by changing more than it was told to."""
    saying: dict[tuple[str, str, Span], int] = {}
    for row in releases:
        some = options[row.package].where(row.includes) if row.package in options else 0
        for needs, span in row.needs if some else ():
            if needs in options:
                saying[row.package, needs, span] = saying.get((row.package, needs, span), 0) | some
    for (package, needs, span), some in saying.items():
        other = options[needs]
        yield {package: some, needs: other.all & ~other.where(span.allows)}
