"""The command palette: the words of the command line, for what this application does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider

from rigfit.core.words import Words, say
from rigfit.language import said

if TYPE_CHECKING:
    from rigfit_installer.app import Installer

_BY_MEANING = 0.5  # below every match of a name


class _Command(NamedTuple):
    name: str
    does: Words
    callback: Callable[[], object]


class Commands(Provider):
    """Finds a command by its name, and by the words of what it does, in English and in the reader's language."""

    async def discover(self) -> Hits:
        for each in sorted(self._commands(), key=lambda command: command.name):
            yield DiscoveryHit(each.name, each.callback, help=said(each.does))

    async def search(self, query: str) -> Hits:
        matcher, found = self.matcher(query), False
        for each in self._commands():
            match = matcher.match(each.name)
            score = 1 + match if match > 0 else _BY_MEANING if _means(each, query) else 0
            if score:
                found = True
                yield Hit(score, matcher.highlight(each.name), each.callback, help=said(each.does))
        if not found:  # else Textual says so itself, in English
            yield Hit(1, said(say("no command has these words")), _nothing)

    def _commands(self) -> Iterator[_Command]:
        from rigfit_installer.app import Installer

        assert isinstance(self.app, Installer)  # noqa: S101 - no other application has this palette
        return commands(self.app)


def _means(command: _Command, query: str) -> bool:
    told = f"{command.name} {command.does} {said(command.does)}".lower()
    return all(word in told for word in query.lower().split())


def _nothing() -> None:
    """What it does to pick that there is nothing."""


def commands(app: Installer) -> Iterator[_Command]:
    """What can be done now; while a run is under way, on whatever screen, only what leaves it alone."""
    if app.running is None:
        yield _Command("detect", say("look at this machine again"), app.start_over)
        yield _Command("select", say("every template with its verdicts"), app.choose_afresh)
        yield _Command("templates", say("the catalog, and what fits"), app.choose_afresh)
        yield _Command("setup", say("plan what fits best, then set it up"), app.plan_best)
        yield _Command("plan", say("what a setup of the best would do"), app.plan_best)
        yield _Command("list", say("the environments and their receipts"), app.action_environments)
        yield _Command("verify", say("prove an environment again"), app.action_environments)
        yield _Command("repair", say("make an environment afresh"), app.action_environments)
        yield _Command("remove", say("remove an environment"), app.action_environments)
    yield _Command("doctor", say("what is wrong with this machine"), app.action_doctor)
    yield _Command("theme", say("light or dark"), app.action_toggle_light)
    yield _Command("help", say("keys and words"), app.action_help)
    yield _Command("quit", say("leave"), app.action_quit)
