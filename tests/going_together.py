"""Says in plain loops what does not go together in a set of versions: the long way, to hold the search against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from packaging.version import Version

from rigfit.core.fact import Bound
from rigfit.core.release import Release


def broken(
    versions: Mapping[str, str | None], bounds: Iterable[Bound], releases: Iterable[Release] = ()
) -> Iterator[str]:
    there = {name: Version(Version(text).public) for name, text in versions.items() if text is not None}
    for bound in bounds:
        if bound.needs in versions and bound.concerns(there):
            other = there.get(bound.needs)
            if (bound.to == "import") if other is None else not bound.allows(other):
                yield f"{bound.package} {there[bound.package]} with {bound.needs} {other}: {bound.why}"
    for row in releases:
        if row.package in there and row.includes(there[row.package]):
            for needs, span in row.needs:
                if needs in versions and (needs not in there or not span.allows(there[needs])):
                    yield f"{row.package} {there[row.package]} declares {needs} {span}, and there is {versions[needs]}"
