"""The cheapest choice of one option each in which no conflict is left: branch and bound over sets of options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rigfit.core.nearest.conflicts import Conflict
from rigfit.core.nearest.options import Options

_Open = dict[str, int]  # what each package can still become
_MOST = 20_000  # steps; a tenth of them finds the best of all but a jumble, and that one must not take minutes


def cheapest(options: Mapping[str, Options], conflicts: Iterable[Conflict]) -> dict[str, int] | None:
    """The number of the option for each package; None where no way is found. The same question has the same answer.

    After so many steps as nobody should wait for, the cheapest that was found by then.
    """
    search = _Search(options=options)
    still = {name: each.all for name, each in options.items()}
    for conflict in conflicts:
        if len(conflict) == 1:
            ((name, some),) = conflict.items()
            still[name] &= ~some
        elif all(conflict.values()):
            search.learn(conflict)
    if all(still.values()):
        search.go_on(still, {}, 0)
    return search.best


@dataclass(slots=True, kw_only=True)
class _Search:
    """`banned` says, for an option, what the others may not be then; `wider` are conflicts of more than two."""

    options: Mapping[str, Options]
    banned: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)
    wider: dict[str, list[Conflict]] = field(default_factory=dict)
    best: dict[str, int] | None = None
    price: float = float("inf")
    steps: int = 0

    def learn(self, conflict: Conflict) -> None:
        if len(conflict) > 2:
            for name in conflict:
                self.wider.setdefault(name, []).append(conflict)
            return
        (one, some), (other, those) = conflict.items()
        for name, mine, against, theirs in ((one, some, other, those), (other, those, one, some)):
            for number in _numbers(mine):
                banned = self.banned.setdefault((name, number), {})
                banned[against] = banned.get(against, 0) | theirs

    def go_on(self, still: _Open, chosen: dict[str, int], cost: int) -> None:
        """What cannot stay as it is is decided first, then the dearest: so much is found to be too dear early."""
        if not still:
            self.best, self.price = chosen, cost
            return
        self.steps += 1
        name = min(still, key=lambda name: (still[name] & 1, -self.options[name].costs[-1], name))
        rest = self._least(still) - self._least({name: still[name]})
        for number in _numbers(still[name]):
            paid = cost + self.options[name].costs[number]
            if paid + rest >= self.price or self.steps >= _MOST:
                return
            left = self._beside(still, {**chosen, name: number})
            if left is not None and paid + self._least(left) < self.price:
                self.go_on(left, {**chosen, name: number}, paid)

    def _least(self, still: _Open) -> int:
        """What the rest costs at least."""
        return sum(self.options[name].costs[(some & -some).bit_length() - 1] for name, some in still.items())

    def _beside(self, still: _Open, chosen: dict[str, int]) -> _Open | None:
        """What is left for the others beside the last choice; None where one has nothing left."""
        name, number = next(reversed(chosen.items()))
        banned = self.banned.get((name, number), {})
        left = {other: some & ~banned.get(other, 0) for other, some in still.items() if other != name}
        for conflict in self.wider.get(name, ()):
            _narrow(left, conflict, chosen)
        return left if all(left.values()) else None


def _narrow(left: _Open, conflict: Conflict, chosen: Mapping[str, int]) -> None:
    """Where all others are in the conflict, the last one keeps out of it."""
    last, *more = [name for name in conflict if name in left] or [""]
    if last and not more and all(some >> chosen[name] & 1 for name, some in conflict.items() if name != last):
        left[last] &= ~conflict[last]


def _numbers(some: int) -> Iterable[int]:
    while some:
        lowest = some & -some
        yield lowest.bit_length() - 1
        some ^= lowest
