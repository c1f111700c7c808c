"""The field that filters templates: help in spite of it, nothing left over of what it hides, and GPUs by their words."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.driving import drive, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot
from textual.widgets import Input

from rigfit.catalog.locate import catalog_dir
from rigfit_installer.app import Installer
from rigfit_installer.draw import choice
from rigfit_installer.screens.choose import ChooseScreen
from rigfit_installer.screens.help import HelpScreen
from rigfit_installer.widgets.sheet import Sheet


async def open_list(pilot: Pilot[int]) -> None:
    await until_shown(pilot, "best fit")
    await pilot.press("enter")
    await until_shown(pilot, "type to filter", "small", "needed")


@pytest.mark.parametrize("typed", ["", "small"])
def test_a_question_mark_opens_the_help_and_leaves_the_filter_as_it_is(
    typed: str, catalog: Path, tmp_path: Path
) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press(*typed, "question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseScreen))
        assert pilot.app.screen.query_one(Input).value == typed

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


def test_what_is_typed_in_a_burst_and_found_nowhere_leaves_nothing_of_a_template(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        field = pilot.app.screen.query_one(Input)
        for value in ("o", "ol", "old", "oldx"):  # nobody draws between them
            field.value = value
        await until_shown(pilot, "no template has `oldx`")
        await pilot.pause(0.2)
        assert "An old template" not in "\n".join(sheet.plain for sheet in pilot.app.screen.query(Sheet))
        assert "needed" not in seen(pilot)

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("hopper", {"current"}),
        ("cuda 13.0", {"current"}),
        ("cuda 11.7", {"transformers-4.27", "lora-8bit"}),
        ("bitsandbytes 0.41", {"lora-8bit"}),
        ("ada", {"current", "peft-0.10", "transformers-4.28", "transformers-4.27", "lora-8bit"}),
    ],
)
def test_cuda_architectures_and_versions_find_their_templates(typed: str, found: set[str], tmp_path: Path) -> None:
    rig = recorded_rig("h100-580.json", catalog_dir(None), tmp_path)
    judged, facts = rig.select(), rig.facts()
    words = {template.name: choice.words_of(template, judged, facts) for template in rig.templates()}
    assert found <= {name for name, told in words.items() if all(word in told for word in typed.split())}
    if typed == "hopper":
        assert {name for name, told in words.items() if typed in told} == found
