"""What is wrong with a machine, judged from the machine and the evidence around its driver alone."""

from __future__ import annotations

from rigfit.core.evidence import Evidence
from rigfit.core.finding import Finding, Unknown, best_first
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.use import Use
from rigfit.core.words import say
from rigfit.doctor.machine import driver, fault, fit, gpus, room
from rigfit.doctor.machine.fit import Fit
from rigfit.doctor.machine.gpus import Known

CODES = tuple(dict.fromkeys((*fault.CODES, *driver.CODES, *gpus.CODES, *fit.CODES, *room.CODES)))

Judged = tuple[tuple[Finding, ...], tuple[Unknown, ...]]


def judge(machine: Machine, evidence: Evidence, uses: tuple[Use, ...] | None, known: Known, fitting: Fit) -> Judged:
    """Best first. A fault of the driver stands before all else, and what follows from it is not told.

    `uses` is None where nobody told how the GPUs are used.
    """
    faulty = isinstance(machine.driver, DriverFault)
    findings = (
        *fault.findings(machine, evidence),
        *driver.findings(machine, evidence),
        *(() if faulty else gpus.findings(machine, uses or (), evidence.variables, known)),
        *room.findings(evidence),
    )
    unknown = (
        *driver.unknown(machine, evidence),
        *(() if faulty or uses is not None else (_uses_unknown(),)),
        *room.unknown(evidence),
    )
    return _with_fit(fitting, findings), unknown


def judge_recorded(machine: Machine, known: Known, fitting: Fit) -> Judged:
    """What a record alone tells; all that it does not hold is unknown."""
    findings = (
        *fault.findings(machine, None),
        *(() if isinstance(machine.driver, DriverFault) else gpus.findings(machine, (), {}, known)),
        *room.of_record(machine),
    )
    what = say("the system around the driver, the use of the GPUs, and the network")
    return _with_fit(fitting, findings), (Unknown(what=what, why=say("a recorded machine does not hold them")),)


def _with_fit(fitting: Fit, told: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """That nothing fits stands before what is wrong beside it."""
    return best_first((*fit.findings(fitting, told), *told))


def _uses_unknown() -> Unknown:
    return Unknown(what=say("how the GPUs are used, and by whom"), why=say("the driver does not tell"))
