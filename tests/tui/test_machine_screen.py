"""The first screen over recorded machines: what there is, what 8-bit means on it, and each fault as what it is."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from tests.tui.driving import MACHINES, drive, recorded_rig, seen, until, until_shown
from textual.pilot import Pilot

from rigfit.core.machine import Machine
from rigfit.core.problem import ProblemError
from rigfit.core.selection import Wish
from rigfit.core.use import Use
from rigfit.engine.settings import Settings
from rigfit.probe.recorded import read_machine
from rigfit_installer.app import Installer
from rigfit_installer.draw.machine import gpu_rows, host_rows
from rigfit_installer.rig import Rig
from rigfit_installer.screens.doctor import DoctorScreen
from rigfit_installer.screens.machine import MachineScreen
from rigfit_installer.widgets.columns import Columns
from rigfit_installer.widgets.gpu_card import GpuCard


def test_the_machine_is_told_with_its_gpu_driver_and_what_8_bit_means_there(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        for text in ("580.159.04", "driver CUDA  13.0", "NVIDIA H100 80GB HBM3", "Hopper, compute capability 9.0"):
            assert text in seen(pilot)
        assert "480.0 MiB of 79.6 GiB used" in seen(pilot)

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey)


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ("t4-535.json", "✓ fast"),
        ("v100-535-centos7.json", "! slow"),
        ("h100-580.json", "! only 4-bit (NF4)  with small"),
        ("k80-470.json", "✗ no"),
    ],
)
def test_8_bit_is_told_in_sign_and_word(machine: str, said: str, catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        first, *_others = [line for line in seen(pilot).splitlines() if "8-bit " in line]
        assert said in first

    drive(Installer(recorded_rig(machine, catalog, tmp_path)), journey)


@pytest.mark.parametrize(
    "machine", ["driver-updated-not-rebooted.json", "no-permission.json", "nouveau.json", "wedged-driver.json"]
)
def test_a_fault_is_told_as_what_it_is_and_its_steps_can_be_copied(machine: str, catalog: Path, tmp_path: Path) -> None:
    fault = json.loads((MACHINES / machine).read_text())["driver"]

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, f"({fault['fault']})", "[1]")
        await pilot.press("1")
        assert pilot.app.clipboard in fault["fix"][0]
        assert pilot.app.clipboard

    drive(Installer(recorded_rig(machine, catalog, tmp_path)), journey, size=(100, 40))


def test_a_fit_with_something_to_mind_is_not_told_as_a_clean_one(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit     ! small/cu121", "note")

    drive(Installer(recorded_rig("h100-580.json", catalog, tmp_path)), journey, size=(100, 40))


def test_what_fits_is_in_sight_however_many_gpus_there_are(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "GPU 1", "best fit")

    drive(Installer(recorded_rig("b200-570.json", catalog, tmp_path)), journey)


def test_the_machine_is_asked_once_whoever_wants_to_know(catalog: Path, tmp_path: Path) -> None:
    rig = recorded_rig("h100-580.json", catalog, tmp_path)
    rig.look_ahead()
    machine = rig.machine()

    assert rig.machine() is machine
    assert rig._fitting.machine is machine


def test_a_look_ahead_that_fails_leaves_the_telling_to_whoever_asks(catalog: Path, tmp_path: Path) -> None:
    rig = recorded_rig(tmp_path / "nowhere.json", catalog, tmp_path)
    rig.look_ahead()
    with pytest.raises(ProblemError, match=r"nowhere\.json"):
        rig.machine()


def test_no_gpu_is_no_alarm(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "· no NVIDIA GPU", "small/cpu")
        assert "✗" not in seen(pilot)

    drive(Installer(recorded_rig("cpu-only.json", catalog, tmp_path)), journey)


def test_cards_lie_beside_each_other_where_there_is_room(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "GPU 0", "GPU 1")
        first, second = pilot.app.query(GpuCard)
        assert first.region.y == second.region.y
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert first.region.y < second.region.y

    drive(Installer(recorded_rig("rtx4090-rtx5090-570.json", catalog, tmp_path)), journey, size=(200, 60))


def test_looking_again_sees_what_was_mended(catalog: Path, tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    file.write_text((MACHINES / "driver-updated-not-rebooted.json").read_text())

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "version_mismatch")
        file.write_text((MACHINES / "h100-580.json").read_text())
        await pilot.press("r")
        await until_shown(pilot, "NVIDIA H100 80GB HBM3", "best fit")
        assert "version_mismatch" not in seen(pilot)

    drive(Installer(recorded_rig(file, catalog, tmp_path)), journey)


def test_a_file_that_is_no_machine_is_a_problem_and_no_crash(catalog: Path, tmp_path: Path) -> None:
    file = tmp_path / "machine.json"
    file.write_text("{}")

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "machine.json", "What to do")

    drive(Installer(recorded_rig(file, catalog, tmp_path)), journey, size=(160, 24))


def test_a_catalog_that_cannot_be_read_leaves_the_machine_in_sight(tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "NVIDIA H100 80GB HBM3", "✗")
        assert "nowhere" in seen(pilot)

    drive(Installer(recorded_rig("h100-580.json", tmp_path / "nowhere", tmp_path)), journey, size=(120, 40))


class BusyRig(Rig):
    def use(self) -> tuple[Use, ...]:
        return (Use(index=0, busy=87, celsius=64, memory_free=0),)


def test_how_busy_and_warm_a_gpu_is_comes_by_itself(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rigfit_installer.screens.machine._GLANCE", 0.05)
    settings = recorded_rig("h100-580.json", catalog, tmp_path).settings

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "busy 87%, 64 °C", "79.6 GiB of 79.6 GiB used")

    drive(Installer(BusyRig(settings, Wish())), journey)


class FallingSilent(Rig):
    """Tells once, then hangs until `end`, and tells nothing after that."""

    def __init__(self, settings: Settings, wish: Wish) -> None:
        super().__init__(settings, wish)
        self.asked, self.end = 0, threading.Event()

    def use(self) -> tuple[Use, ...]:
        self.asked += 1
        if self.asked == 1:
            return (Use(index=0, busy=87, celsius=64, memory_free=0),)
        self.end.wait(20)
        return ()


def test_a_driver_that_falls_silent_is_asked_one_time_and_its_last_words_are_not_shown_as_now(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rigfit_installer.screens.machine._GLANCE", 0.02)
    rig = FallingSilent(recorded_rig("h100-580.json", catalog, tmp_path).settings, Wish())

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "busy 87%")
        await pilot.pause(0.5)
        assert rig.asked == 2
        rig.end.set()
        await until(pilot, lambda: "busy" not in seen(pilot))
        assert "480.0 MiB of 79.6 GiB used" in seen(pilot)
        await pilot.pause(0.3)
        assert rig.asked == 2

    drive(Installer(rig), journey)


def test_what_another_screen_has_changed_is_looked_at_again(catalog: Path, tmp_path: Path) -> None:
    app = Installer(recorded_rig("rtx4090-rtx5090-570.json", catalog, tmp_path))

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, MachineScreen))
        app.look_again(wish=Wish(gpu="7"))
        await pilot.press("escape")
        await until_shown(pilot, "there is no GPU `7`")

    drive(app, journey, size=(120, 40))


@pytest.mark.parametrize("file", sorted(MACHINES.glob("*.json")), ids=lambda file: file.stem)
def test_every_recorded_machine_can_be_told_at_80_columns(file: Path) -> None:
    machine: Machine = read_machine(file)
    rows = [Columns(host_rows(machine)), *(Columns(gpu_rows(gpu, None, None, None)) for gpu in machine.gpus)]
    for table in rows:
        assert max(line.cell_length for line in table.at(74).split("\n")) <= 74
        assert "None" not in table.plain


@pytest.mark.parametrize("machine", ["driver-updated-not-rebooted.json", "h100-580.json"])
def test_where_the_driver_is_at_fault_the_doctor_is_one_key_away(machine: str, catalog: Path, tmp_path: Path) -> None:
    ill = machine != "h100-580.json"

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "? help", "q quit", *(("d doctor", "^p commands") if ill else ("best fit",)))
        assert ("d doctor" in seen(pilot)) is ill
        await pilot.press("d")
        await pilot.pause()
        await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen) is ill)

    drive(Installer(recorded_rig(machine, catalog, tmp_path)), journey)
