"""The command palette: the words of the command line, for what this application does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.screen import Screen

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.screens.run import RunScreen

if TYPE_CHECKING:
    from rigfit_installer.app import Installer


def commands(app: Installer, screen: Screen[object]) -> Iterable[SystemCommand]:
    """What can be done now; while a run is under way, only what leaves it alone."""
    if not isinstance(screen, RunScreen):
        yield SystemCommand("detect", said(say("look at this machine again")), app.start_over)
        yield SystemCommand("select", said(say("every template with its verdicts")), app.choose_afresh)
        yield SystemCommand("templates", said(say("the catalog, and what fits")), app.choose_afresh)
        yield SystemCommand("setup", said(say("plan what fits best, then set it up")), app.plan_best)
        yield SystemCommand("plan", said(say("what a setup of the best would do")), app.plan_best)
        yield SystemCommand("list", said(say("the environments and their receipts")), app.action_environments)
        yield SystemCommand("verify", said(say("prove an environment again")), app.action_environments)
        yield SystemCommand("repair", said(say("make an environment afresh")), app.action_environments)
        yield SystemCommand("remove", said(say("remove an environment")), app.action_environments)
    yield SystemCommand("theme", said(say("light or dark")), app.action_toggle_light)
    yield SystemCommand("help", said(say("keys and words")), app.action_help)
    yield SystemCommand("quit", said(say("leave")), app.action_quit)
