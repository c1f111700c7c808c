"""What has changed on a machine since a receipt was given there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rigfit.core.glance import Glance
from rigfit.core.receipt import Receipt
from rigfit.core.words import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`now` is None for a GPU, by its UUID, that is gone. `words` go on a sentence that says "proven"."""

    what: Literal["driver", "gpu", "glibc"]
    then: str
    now: str | None
    words: str

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, "then": self.then, "now": self.now}


_Told = tuple[Change, ...] | None  # None: it could not be told


def since(receipt: Receipt, now: Glance) -> tuple[Change, ...] | None:
    """Empty where nothing has changed; None where no change is seen and something could not be told.

    A proof on the CPU does not depend on driver and GPU. The kernel is left out: each of its updates would be a change.
    """
    told = [_glibc(receipt, now)]
    if receipt.making.device != "cpu":
        told = [_driver(receipt, now), _gpu(receipt, now), *told]
    changes = tuple(change for part in told for change in part or ())
    return None if not changes and None in told else changes


def _driver(receipt: Receipt, now: Glance) -> _Told:
    then = _at(receipt.machine, "driver", "version")
    if not isinstance(then, str) or now.driver is None:
        return None
    words = say("on driver {then}; now {now}", then=then, now=now.driver)
    return () if then == str(now.driver) else (Change(what="driver", then=then, now=str(now.driver), words=words),)


def _glibc(receipt: Receipt, now: Glance) -> _Told:
    then = _at(receipt.machine, "platform", "glibc")
    if not isinstance(then, str) or now.glibc is None:
        return None
    words = say("on glibc {then}; now {now}", then=then, now=now.glibc)
    return () if then == str(now.glibc) else (Change(what="glibc", then=then, now=str(now.glibc), words=words),)


def _gpu(receipt: Receipt, now: Glance) -> _Told:
    """Of several GPUs that it was proven on, one that is still there is enough."""
    proven = [each.making.gpu for each in receipt.alone]
    if now.gpus is None:
        return None
    if any(uuid in now.gpus for uuid in proven):
        return ()
    uuid = proven[0]
    if uuid is None or any(_may_be_there(each, receipt.machine, now.gpus) for each in proven):
        return None
    card = _card_with(uuid, receipt.machine)
    name = _at(card, "name")
    label = f"{name} ({uuid[:12]})" if isinstance(name, str) else uuid
    words = say("on {gpu}, which is not in this machine now", gpu=label)
    return (Change(what="gpu", then=uuid, now=None, words=words),)


def _may_be_there(uuid: str | None, machine: dict[str, Any], present: tuple[str, ...]) -> bool:
    """A look at the GPUs does not tell what they are cut into: an instance is gone only where its GPU is."""
    if uuid is None or not uuid.startswith("MIG-"):
        return uuid is None
    whole = _at(_card_with(uuid, machine), "uuid")
    return whole is None or whole in present


def _card_with(uuid: str, machine: dict[str, Any]) -> object:
    """The GPU, as JSON, that has this UUID or an instance of it."""
    for gpu in _listed(machine, "gpus"):
        if uuid in (_at(gpu, "uuid"), *(_at(part, "uuid") for part in _listed(gpu, "slices"))):
            return gpu
    return None


def _at(value: object, *keys: str) -> object:
    """None where there is nothing: a receipt may be of an older rigfit, or written by hand."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _listed(value: object, key: str) -> list[object]:
    found = _at(value, key)
    return found if isinstance(found, list) else []
