"""Receipts and other records of environments that nobody has made."""

from __future__ import annotations

import sys
from pathlib import Path

from rigfit.core.event import Check
from rigfit.core.proof import check_ids
from rigfit.core.receipt import Making, Receipt, Unproven, Verification
from rigfit.core.template import Quantization
from rigfit.store.paths import Home
from rigfit.store.receipts import Receipts

MADE = "2026-01-01T00:00:00+00:00"


def make_making(
    name: str = "current-cu128-00000000",
    *,
    home: Path = Path("/nowhere"),
    made: str = MADE,
    gpu: str | None = None,
    quantization: Quantization = "int8",
) -> Making:
    template, variant, lock = name.rsplit("-", 2)
    return Making(
        environment=name,
        template=template,
        variant=variant,
        lock_sha256=lock,
        base="local",
        base_python="",
        prefix=str(home / "envs" / name),
        made=made,
        rigfit="0",
        imports=["json"],
        device="cpu" if variant == "cpu" else "cuda:0",
        gpu=gpu,
        quantization=quantization,
    )


def make_receipt(making: Making) -> Receipt:
    """Of a proof in which every check passed."""
    checks = tuple(Check(id=each, status="passed") for each in check_ids("full", making.quantization, making.device))
    verification = Verification(
        environment=making.environment,
        device=making.device,
        quantization=making.quantization,
        level="full",
        versions={},
        checks=checks,
    )
    return Receipt(making=making, proven=making.made, machine={}, verification=verification)


def make_prefix(making: Making) -> None:
    """What is whole by its looks: a Python, and nothing else."""
    folder = Path(making.prefix) / "bin"
    folder.mkdir(parents=True)
    (folder / "python").symlink_to(sys.executable)


def keep_proven(home: Path, making: Making) -> None:
    make_prefix(making)
    Receipts(Home(home)).keep(make_receipt(making))


def keep_unproven(home: Path, making: Making) -> None:
    make_prefix(making)
    Receipts(Home(home)).await_proof(Unproven(making=making, machine={}))
