"""The list of templates: the chosen one first, fit by sign and word, why not in a paragraph, and the filter."""

from __future__ import annotations

from pathlib import Path

from tests.tui.driving import drive, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot

from rigfit.core.selection import Wish
from rigfit_installer.app import Installer
from rigfit_installer.screens.choose import ChooseScreen
from rigfit_installer.screens.machine import MachineScreen
from rigfit_installer.widgets.sheet import Sheet


async def open_list(pilot: Pilot[int]) -> None:
    await until_shown(pilot, "best fit")
    await pilot.press("enter")
    await until_shown(pilot, "type to filter", "small", "needed")


def told(pilot: Pilot[int]) -> str:
    """All that is told of the highlighted template, also what is scrolled out of sight."""
    return "\n".join(sheet.plain for sheet in pilot.app.screen.query(Sheet))


def test_the_chosen_template_comes_first_and_the_others_say_their_word(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        rows = [
            line.split() for line in seen(pilot).splitlines() if "template" in line and ("★" in line or "✗" in line)
        ]
        assert [row[:4] for row in rows[:2]] == [["▸", "★", "chosen", "small"], ["✗", "no", "old", "An"]]

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(80, 40))


def test_moving_tells_each_verdict_with_needed_found_why_and_source(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        assert "For tests. Its libraries are names and versions." in told(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "bitsandbytes 0.41.2.post2" in told(pilot))
        for text in ("needed", "found", "why", "source", "GPU code", "8-bit", "cu121"):
            assert text in told(pilot)

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


def test_what_does_not_fit_is_explained_as_setup_would(catalog: Path, tmp_path: Path) -> None:
    rig = recorded_rig("h100-580.json", catalog, tmp_path)
    problem = rig.refusal(rig.select("old"))

    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "Why not" in told(pilot))
        assert problem.detail.splitlines()[0] in told(pilot)
        assert all(step in told(pilot) for step in problem.fix)

    drive(Installer(rig), journey)


def test_why_not_comes_before_for_whom(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press("down")
        await until_shown(pilot, "Why not", "For tests.")
        assert seen(pilot).index("Why not") < seen(pilot).index("For tests.")

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(80, 30))


def test_titles_are_in_the_list_only_where_they_have_room(tmp_path: Path) -> None:
    ours = Path(__file__).resolve().parents[2] / "environments"

    def listed(pilot: Pilot[int]) -> str:
        return next(line for line in seen(pilot).splitlines() if line.startswith("  ✗ no      lora-8bit"))

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("enter")
        await until_shown(pilot, "✗ no      lora-8bit")
        assert "of 2023" in listed(pilot)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "of 2023" not in listed(pilot)[:50])
        below = seen(pilot).splitlines()[seen(pilot).splitlines().index(listed(pilot)) + 1]
        assert "of 2023" in below[:50]
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "of 2023" in listed(pilot))

    drive(Installer(recorded_rig("h100-580.json", ours, tmp_path)), journey)


def test_the_mark_goes_with_the_row_that_is_highlighted(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        assert "▸ ★ chosen" in seen(pilot)
        await pilot.press("down")
        await until_shown(pilot, "▸ ✗ no", "  ★ chosen")
        assert seen(pilot).count("▸") == 1

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(80, 40))


def test_it_is_judged_again_for_another_gpu_that_was_picked_on_the_plan(tmp_path: Path) -> None:
    ours = Path(__file__).resolve().parents[2] / "environments"
    app = Installer(recorded_rig("rtx3090-gtx1060-560.json", ours, tmp_path))

    def best(pilot: Pilot[int]) -> str:
        return next(line for line in seen(pilot).splitlines() if "★ chosen" in line)

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("enter")
        await until_shown(pilot, "needed", "★ chosen")
        app.look_again(wish=Wish(gpu="0"))
        chosen = app.rig.select().chosen
        assert chosen is not None
        assert chosen.variant.name not in best(pilot)
        app.go_to_plan(chosen.variant.template)
        await until(pilot, lambda: not isinstance(pilot.app.screen, ChooseScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseScreen))
        await until(pilot, lambda: chosen.variant.name in best(pilot))

    drive(app, journey, size=(120, 40))


def test_typing_filters_by_name_version_and_word(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press(*"0.41.2")
        await until(pilot, lambda: "★ chosen" not in seen(pilot))
        assert "An old template" in seen(pilot)
        await pilot.press("escape")
        await until_shown(pilot, "★ chosen", "An old template")
        await pilot.press(*"chosen")
        await until(pilot, lambda: "An old template" not in seen(pilot))

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 30))


def test_escape_empties_the_filter_first_and_then_goes_back(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.press(*"nothing like it")
        await until_shown(pilot, "no template has `nothing like it`")
        await pilot.press("enter")
        assert isinstance(pilot.app.screen, ChooseScreen)
        await pilot.press("escape")
        await until_shown(pilot, "★ chosen")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MachineScreen))

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


def test_a_click_moves_as_the_arrows_do(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        await pilot.click("#templates", offset=(12, 1))
        await until(pilot, lambda: "Why not" in told(pilot))

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


def test_a_wish_for_a_gpu_that_is_not_there_is_told(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "there is no GPU `7`")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChooseScreen))
        await until_shown(pilot, "there is no GPU `7`")

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path, Wish(gpu="7"))), journey, size=(100, 30))


def test_the_list_stands_beside_the_verdicts_where_there_is_room(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await open_list(pilot)
        listed, detail = pilot.app.screen.query_one("#templates"), pilot.app.screen.query_one("#detail")
        assert listed.region.right <= detail.region.x
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert listed.region.bottom <= detail.region.y
        assert detail.region.height >= 10

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(200, 60))
