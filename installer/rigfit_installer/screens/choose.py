"""Which template fits, and why the others do not: the view that people come for."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import Input, OptionList

from rigfit.core.fact import Facts
from rigfit.core.problem import Problem
from rigfit.core.selection import Selection
from rigfit.core.template import Template
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw import choice
from rigfit_installer.draw.machine import recorded_rows
from rigfit_installer.key import Key, bindings
from rigfit_installer.rig import Rig
from rigfit_installer.screens.stage import HELP, PALETTE, Stage
from rigfit_installer.widgets.filter_field import FilterField
from rigfit_installer.widgets.problem_card import ProblemCard
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.widgets.template_list import TemplateList
from rigfit_installer.words import MUTED, shown


class ChooseScreen(Stage):
    NAME = "choose"
    CSS_PATH = "choose.tcss"
    AUTO_FOCUS = "#filter"
    KEYS = (
        Key(keys="enter", label="enter", does=say("plan it"), action="go_on"),
        Key(keys="up", label="↑", does=say("move"), action="move(-1)", priority=True, in_line=False),
        Key(keys="down", label="↑↓", does=say("move"), action="move(1)", priority=True),
        Key(keys="pageup", label="pgup", does=say("read"), action="read(-1)", priority=True, in_line=False),
        Key(keys="pagedown", label="pgup/pgdn", does=say("read"), action="read(1)", priority=True),
        Key(
            keys="escape",
            label="esc",
            does=say("back"),
            action="back",
            help=say("empties the filter first, where one was typed"),
            priority=True,
        ),
        PALETTE,
        HELP,
        Key(keys="ctrl+q", label="^q", does=say("quit"), action="app.quit"),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def body(self) -> ComposeResult:
        rows = [*recorded_rows(self.installer.rig.settings.machine)]
        if rows:
            whose = Sheet(id="whose")
            whose.lay(rows)
            yield whose
        yield FilterField(placeholder=said(say("type to filter")), id="filter", compact=True, select_on_focus=False)
        with Container(id="choice"):
            yield TemplateList(id="templates")
            with VerticalScroll(id="detail", can_focus=False):
                yield Sheet(shown(say("Judging every template ..."), MUTED), id="title")
                yield Sheet(id="why_not")
                yield Sheet(id="about")
                yield Sheet(id="verdicts")

    def on_mount(self) -> None:
        self._templates: tuple[Template, ...] = ()
        self._judged: Selection | None = None
        self._refusals: dict[str, Problem] = {}
        self._words: dict[str, str] = {}  # what the filter looks through
        self._judged_with: Rig | None = None

    def on_screen_resume(self) -> None:
        """When it is opened, and when another screen has changed what is judged for."""
        rig = self.installer.rig
        if rig is self._judged_with:
            return
        self._judged_with = rig
        self._refusals.clear()
        self.ask(
            lambda: (rig.templates(), rig.select(), rig.facts()),
            lambda known: self._judge(*known),
            wanted=lambda: rig is self._judged_with,
        )

    def _judge(self, templates: tuple[Template, ...], judged: Selection, facts: Facts) -> None:
        """In the order of the judgement: the chosen one first, those that do not fit last."""
        order = list(dict.fromkeys(candidate.variant.template for candidate in judged.candidates))
        known = [template for template in templates if template.name in order]
        self._templates = tuple(sorted(known, key=lambda template: order.index(template.name)))
        first, self._judged = self._judged is None, judged
        self._words = {each.name: choice.words_of(each, judged, facts) for each in self._templates}
        self._filter(self.query_one(Input).value)
        if first:
            self.query_one(TemplateList).go_to(self.installer.rig.wish.template)

    async def on_problem(self, problem: Problem) -> None:
        """Nothing can be chosen then, so nothing can be typed either."""
        self.query_one(Input).disabled = True
        await self.fill("#detail", ProblemCard(problem))

    # Filter and movement

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        if self._judged is None:
            return
        words = text.lower().split()
        found = tuple(each for each in self._templates if all(word in self._words[each.name] for word in words))
        self.query_one(TemplateList).show(found, self._judged)
        if not found:
            self._show_nothing(text)

    def action_move(self, by: int) -> None:
        listed = self.query_one(TemplateList)
        if by < 0:
            listed.action_cursor_up()
        else:
            listed.action_cursor_down()

    def action_read(self, by: int) -> None:
        detail = self.query_one("#detail", VerticalScroll)
        detail.scroll_relative(y=by * max(detail.size.height - 2, 1), animate=False)

    # What is told of the one that is highlighted

    @on(OptionList.OptionHighlighted, "#templates")
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        """Told late where one types fast: only what is highlighted still is shown."""
        here = self.query_one(TemplateList).shown
        if here is not None and here == event.option.id:
            self._show(next(each for each in self._templates if each.name == here))

    def _show(self, template: Template) -> None:
        if self._judged is None:
            return
        self.query_one("#title", Sheet).update(choice.title(template))
        self.query_one("#about", Sheet).lay(choice.about_rows(template, self._judged))
        self.query_one("#why_not", Sheet).lay(())
        candidates = choice.of_template(self._judged, template.name)
        rows = (row for candidate in candidates for row in choice.candidate_rows(candidate, self._judged))
        self.query_one("#verdicts", Sheet).lay(rows)
        if not candidates[0].fits:
            self._explain(template.name)
        self.query_one("#detail").scroll_home(animate=False)

    def _explain(self, template: str) -> None:
        """The refusal of setting it up, as `rigfit setup` gives it."""
        rig = self.installer.rig

        def explained(problem: Problem) -> None:
            self._refusals[template] = problem
            if self.query_one(TemplateList).shown == template:
                self.query_one("#why_not", Sheet).lay(choice.why_not_rows(problem))

        if template in self._refusals:
            explained(self._refusals[template])
        else:
            self.ask(lambda: rig.refusal(rig.select(template)), explained, wanted=lambda: rig is self._judged_with)

    def _show_nothing(self, text: str) -> None:
        nothing = say("no template has {text}; esc empties the filter", text=f"`{text}`")
        self.query_one("#title", Sheet).update(shown(nothing))
        for place in ("#why_not", "#about", "#verdicts"):
            self.query_one(place, Sheet).lay(())

    # Onward and back

    @on(Input.Submitted, "#filter")
    def action_go_on(self) -> None:
        template = self.query_one(TemplateList).shown
        if template is not None:
            self.installer.go_to_plan(template)

    def action_back(self) -> None:
        typed = self.query_one(Input)
        if typed.value:
            typed.value = ""
        else:
            self.app.pop_screen()
