"""How it ended, in words: the receipt and the lines to use it, or the problem and what next."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from rigfit.core.environment import Standing
from rigfit.core.problem import Problem
from rigfit.core.progress import RunView
from rigfit.core.receipt import Receipt
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.receipt import headline, receipt_rows, uses
from rigfit_installer.draw.run import check_rows
from rigfit_installer.failure import Failure
from rigfit_installer.job import Job
from rigfit_installer.key import Key, bindings
from rigfit_installer.screens.stage import COPY, HELP, KEPT, PALETTE, QUIT, Stage
from rigfit_installer.widgets.copy_line import copy_lines
from rigfit_installer.widgets.log_pane import LOG, LogPane
from rigfit_installer.widgets.problem_card import ProblemCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, STRONG, shown

_HOME = Key(keys="enter,escape", label="enter", does=say("first screen"), action="start_over")
_AGAIN = Key(
    keys="r",
    label="r",
    does=say("run again"),
    action="again",
    help=say("the same run once more; what was downloaded is not fetched again"),
)
_DOCTOR = Key(
    keys="d",
    label="d",
    does=say("doctor"),
    action="doctor",
    help=say("what the error means, and what is wrong with this machine"),
)


class ResultScreen(Stage):
    NAME = "result"
    CSS_PATH = "result.tcss"
    KEYS = (_HOME, _AGAIN, _DOCTOR, LOG, KEPT, PALETTE, COPY, HELP, QUIT)
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(self, job: Job, view: RunView) -> None:
        super().__init__()
        self.job = job
        self.view = view

    @property
    def failure(self) -> Failure | None:
        """None where nothing is wrong: of what was stopped on purpose nothing needs to be explained."""
        problem = self.view.problem
        return None if problem is None or problem.code == "stopped" else Failure.of(self.view, problem)

    def usable_keys(self) -> tuple[Key, ...]:
        usable = {_AGAIN: self.view.problem is not None, _DOCTOR: self.failure is not None}
        return tuple(key for key in self.KEYS if usable.get(key, True))

    def body(self) -> ComposeResult:
        with VerticalScroll(id="result"):
            yield from self._parts()
        yield LogPane(self.view.log)

    def _parts(self) -> list[Widget]:
        if self.view.finished is not None:
            return self._passed(Receipt.from_json(self.view.finished.result))
        assert self.view.problem is not None  # noqa: S101 - a run that has ended has ended so or so
        return self._failed(self.view.problem)

    def _passed(self, receipt: Receipt) -> list[Widget]:
        facts, checks = Sheet(classes="part"), Sheet()
        facts.lay(receipt_rows(receipt))
        checks.lay(check_rows(receipt.verification.checks), giving=(2, 3))
        use = Sheet(shown(say("Use it"), STRONG), classes="heading")
        proof = Sheet(shown(say("The proof"), STRONG), classes="heading")
        rig = self.installer.rig
        lines = copy_lines((*rig.path_lines(), *uses(receipt.making, rig.settings.named_home)))
        return [Sheet(headline(receipt.verification)), use, *lines, facts, proof, checks]

    def _failed(self, problem: Problem) -> list[Widget]:
        told: Widget = ProblemCard(problem)
        if problem.code == "stopped":
            told = Sheet(
                Content.assemble(("· ", MUTED), (said(say("Stopped: {name}", name=self.job.environment)), STRONG))
            )
        parts = [told, Sheet(id="next")]
        if self.view.checks:
            checks = Sheet(classes="part")
            checks.lay(check_rows(self.view.checks, told=problem.detail), giving=(2, 3))
            parts.append(checks)
        return parts

    def on_mount(self) -> None:
        """What next depends on what the run has left, which is asked, not guessed."""
        problem, rig = self.view.problem, self.installer.rig
        if problem is not None:
            self.ask(
                lambda: rig.standing(self.job.environment),
                lambda standing: self.query_one("#next", Sheet).update(shown(_next(problem, standing))),
            )

    def action_doctor(self) -> None:
        self.installer.action_doctor()

    def action_log(self) -> None:
        self.query_one(LogPane).toggle()

    def action_start_over(self) -> None:
        self.installer.start_over()

    def action_again(self) -> None:
        self.installer.run_again(self.job)


def _next(problem: Problem, standing: Standing) -> str:
    """What the keys of this screen do about it."""
    if problem.code == "stopped" and standing != "unfinished":
        return say("As you asked. The environment is as it was before; r proves it again.")
    if problem.code == "stopped":
        return say(
            "As you asked. r goes on from what was downloaded; the unfinished environment is not listed as usable."
        )
    if standing == "proven":
        return say(
            "What was proven of the environment before stays proven. Mend what is named above, then r runs it again."
        )
    if problem.code in ("verification_failed", "verification_crashed"):
        return say(
            "The environment is there, but it has no receipt and is not usable. r runs it again; e repairs or removes it."
        )
    if problem.code == "environment_unfinished":
        return say("Nothing was done to it. Press e, then r there, to make it afresh; d there removes it.")
    return say("Nothing that is half done is listed as usable. Mend what is named above, then r runs it again.")
