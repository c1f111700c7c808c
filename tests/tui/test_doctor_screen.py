"""The doctor: what the error of a failed run means, what is wrong with the machine, and each line that mends it."""

from __future__ import annotations

import threading
import venv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tui.driving import (
    MACHINES,
    drive,
    job_of,
    job_until_stopped,
    recorded_rig,
    seen,
    until,
    until_shown,
)
from tests.tui.runs import NAME, STOPPED, beginning, failed, passed
from textual.pilot import Pilot

from rigfit.core.event import Event, Log, RunFailed, RunStarted
from rigfit.core.finding import Diagnosis, Finding, Unknown
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.selection import Wish
from rigfit.core.words import say
from rigfit_installer.app import Installer
from rigfit_installer.rig import Rig
from rigfit_installer.screens.doctor import DoctorScreen
from rigfit_installer.screens.help import HelpScreen
from rigfit_installer.screens.machine import MachineScreen
from rigfit_installer.screens.result import ResultScreen

ROOT = Path(__file__).resolve().parents[2]
UPDATED = Finding(
    code="driver_updated",
    severity="error",
    what=say("the driver was updated, and the machine was not restarted since"),
    because=(say("module {version} is loaded", version="535.54.03"), say("libraries are {version}", version="580.1")),
    fix=("sudo reboot", say("or leave the GPU alone: `rigfit setup --variant cpu`")),
    source="https://docs.nvidia.com/deploy/nvml-api/",
)
FULL = Finding(code="tmp_full", severity="warning", what=say("/tmp is almost full"), fix=("rm -r /tmp/old",))
NOTED = Finding(code="toolkit", severity="note", what=say("CUDA 11.2 in /usr/local does not matter here"))
UNKNOWN = Unknown(what=say("the network"), why=say("it was not asked, because of `--offline`"))
MACHINE = Diagnosis(subject="machine", place="linux x86_64", findings=(UPDATED, FULL, NOTED), unknown=(UNKNOWN,))
NUMBERS = Finding(
    code="wrong_numbers", severity="error", what=say("bitsandbytes is wrong here"), fix=("pip install x",)
)
ERROR = Diagnosis(subject="error", versions={"torch": "2.13.0", "peft": None}, findings=(NUMBERS,))
NO_SUCH_FILE = Problem(code="machine_invalid", what="no such file: machine.json", fix=("rigfit detect",))


class IllRig(Rig):
    """Says what the test wants the doctor to say."""

    machine_is: Callable[[], Diagnosis] = staticmethod(lambda: MACHINE)
    error_is: Callable[[], Diagnosis] = staticmethod(lambda: ERROR)
    recorded = False

    @property
    def is_recorded(self) -> bool:
        return self.recorded

    def examine(self) -> Diagnosis:
        return self.machine_is()

    def explain(self, text: str, environment: str | None = None) -> Diagnosis:
        self.asked = (text, environment)
        return self.error_is()


def ill(catalog: Path, home: Path, **environ: str) -> IllRig:
    settings = recorded_rig("cpu-only.json", catalog, home).settings
    return IllRig(replace(settings, environ={**settings.environ, **environ}), Wish())


def fails_with(problem: Problem) -> Callable[[], Diagnosis]:
    def refuse() -> Diagnosis:
        raise ProblemError(problem)

    return refuse


async def run_to_its_end(pilot: Pilot[int], *events: Event) -> None:
    assert isinstance(pilot.app, Installer)
    pilot.app.run_job(job_of(events, NAME))
    await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))


async def consult(pilot: Pilot[int]) -> None:
    """As on any screen: by the words of the palette."""
    await until_shown(pilot, "best fit")
    await pilot.press("ctrl+p")
    await pilot.press(*"wrong with")
    await until_shown(pilot, "what is wrong with this machine")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen))


def test_after_a_failed_run_its_error_comes_first_and_the_lines_are_numbered_through(
    catalog: Path, tmp_path: Path
) -> None:
    rig = ill(catalog, tmp_path)
    *before, end = failed()

    async def journey(pilot: Pilot[int]) -> None:
        await run_to_its_end(pilot, *before, Log(text="ImportError: no Cache", step="verify"), end)
        await until_shown(pilot, "d doctor")
        await pilot.press("d")
        await until_shown(pilot, "✗ error  bitsandbytes is wrong here", "✗ error  the driver was updated", "● Doctor")
        lines = seen(pilot)
        order = (
            "The run that failed",
            "torch 2.13.0",
            "[1]  pip install x",
            "The machine",
            "[2]  sudo reboot",
            "[3]  or",
        )
        assert sorted(order, key=lines.index) == list(order)
        for text in ("because  module 535.54.03 is loaded", "libraries are 580.1", "no right to `sudo`?", "! warning"):
            assert text in lines
        for key, command in {"1": "pip install x", "2": "sudo reboot", "3": "rigfit setup --variant cpu"}.items():
            await pilot.press(key)
            assert pilot.app.clipboard == command
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))

    drive(Installer(rig), journey, size=(120, 50))
    text, environment = rig.asked
    assert "ImportError: no Cache\n" in text
    assert "numeric_error: the numbers are wrong" in text
    assert environment == NAME


def test_what_fails_before_its_python_says_anything_is_explained_without_it(catalog: Path, tmp_path: Path) -> None:
    rig = ill(catalog, tmp_path)
    problem = Problem(code="network_unreachable", what="the index cannot be reached")

    async def journey(pilot: Pilot[int]) -> None:
        await run_to_its_end(pilot, RunFailed(problem=problem))
        await pilot.press("d")
        await until_shown(pilot, "bitsandbytes is wrong here")

    drive(Installer(rig), journey)
    assert rig.asked == ("the index cannot be reached\n", None)


@pytest.mark.parametrize("events", [tuple(passed()), (STOPPED,)], ids=["passed", "stopped"])
def test_where_nothing_failed_no_key_asks_what_the_error_means(
    events: tuple[Event, ...], catalog: Path, tmp_path: Path
) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await run_to_its_end(pilot, *events)
        await pilot.press("d")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ResultScreen)
        assert "d doctor" not in seen(pilot)

    drive(Installer(ill(catalog, tmp_path)), journey, size=(120, 40))


def test_it_is_among_the_commands_and_then_it_is_about_the_machine_alone(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "the driver was updated", "· note", "unknown  the network: it was not asked")
        assert "The run that failed" not in seen(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await until_shown(pilot, "where it is known from")

    drive(Installer(ill(catalog, tmp_path)), journey, size=(120, 40))


def test_sources_and_codes_are_shown_where_they_are_asked_for(catalog: Path, tmp_path: Path) -> None:
    told = ("driver_updated", "https://docs.nvidia.com/deploy/nvml-api/", "tmp_full")

    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "the driver was updated")
        assert not [text for text in told if text in seen(pilot)]
        await pilot.press("v")
        await until_shown(pilot, *told)
        await pilot.press("v")
        await until(pilot, lambda: not [text for text in told if text in seen(pilot)])

    drive(Installer(ill(catalog, tmp_path)), journey, size=(120, 40))


def test_where_nothing_is_found_that_is_said_and_that_it_is_no_proof(catalog: Path, tmp_path: Path) -> None:
    rig = ill(catalog, tmp_path)
    rig.machine_is = lambda: Diagnosis(subject="machine", unknown=(UNKNOWN,))
    rig.error_is = lambda: Diagnosis(subject="error")

    async def journey(pilot: Pilot[int]) -> None:
        await run_to_its_end(pilot, *failed())
        await pilot.press("d")
        await until_shown(pilot, "✓ nothing wrong was found", "Only a proof proves that it works", "it was not asked")
        assert "unknown: no rule knows this error" in seen(pilot)
        assert "1-9" not in seen(pilot)

    drive(Installer(rig), journey)


def test_what_is_only_worth_knowing_is_no_proof_either(catalog: Path, tmp_path: Path) -> None:
    rig = ill(catalog, tmp_path)
    rig.machine_is = lambda: replace(MACHINE, findings=(NOTED,))

    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "· note  CUDA 11.2", "Only a proof proves that it works")
        assert "nothing wrong was found" not in seen(pilot)

    drive(Installer(rig), journey)


def test_whoever_leaves_while_it_looks_is_out_at_once_and_the_answer_is_forgotten(
    catalog: Path, tmp_path: Path
) -> None:
    rig, go_on, answered = ill(catalog, tmp_path), threading.Event(), threading.Event()

    def slow() -> Diagnosis:
        go_on.wait(20)
        answered.set()
        return MACHINE

    rig.machine_is = slow

    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "Looking at this machine ...")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MachineScreen))
        go_on.set()
        await until(pilot, answered.is_set)
        await until_shown(pilot, "best fit")
        assert "the driver was updated" not in seen(pilot)

    drive(Installer(rig), journey)


@pytest.mark.parametrize("over", [(), ("x",)], ids=["the run", "its question"])
def test_it_may_be_asked_while_a_run_goes_on_which_then_comes_to_its_result(
    over: tuple[str, ...], catalog: Path, tmp_path: Path
) -> None:
    app = Installer(ill(catalog, tmp_path))

    async def journey(pilot: Pilot[int]) -> None:
        await until_shown(pilot, "best fit")
        job, cancels = job_until_stopped(beginning(), STOPPED)
        app.run_job(job)
        await until_shown(pilot, "64 libraries")
        await pilot.press(*over)
        app.action_doctor()
        await until_shown(pilot, "the driver was updated")
        await pilot.press("q")
        await until_shown(pilot, "Stop this run?")
        await pilot.press("n")
        assert not cancels[0].requested
        cancels[0].request()
        await until(pilot, lambda: isinstance(app.screen, ResultScreen))

    drive(app, journey)


def test_to_look_again_asks_anew_and_what_was_mended_is_gone(catalog: Path, tmp_path: Path) -> None:
    rig = ill(catalog, tmp_path)

    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "the driver was updated")
        rig.machine_is = lambda: replace(MACHINE, findings=(FULL,))
        await pilot.press("r")
        await until_shown(pilot, "[1]  rm -r /tmp/old")
        assert "the driver was updated" not in seen(pilot)

    drive(Installer(rig), journey)


@pytest.mark.parametrize("of", ["machine", "error"])
def test_what_keeps_the_doctor_from_looking_is_shown_and_the_rest_goes_on(
    of: str, catalog: Path, tmp_path: Path
) -> None:
    rig = ill(catalog, tmp_path)
    if of == "machine":
        rig.machine_is = fails_with(NO_SUCH_FILE)
    else:
        rig.error_is = fails_with(NO_SUCH_FILE)
    other, number = ("bitsandbytes is wrong here", 2) if of == "machine" else ("the driver was updated", 1)

    async def journey(pilot: Pilot[int]) -> None:
        await run_to_its_end(pilot, *failed())
        await pilot.press("d")
        await until_shown(pilot, "✗ no such file: machine.json", f"[{number}]  rigfit detect", other)
        await pilot.press(str(number))
        assert pilot.app.clipboard == "rigfit detect"

    drive(Installer(rig), journey, size=(120, 50))


def test_of_a_recorded_machine_it_is_said_that_it_is_not_this_one(catalog: Path, tmp_path: Path) -> None:
    rig = ill(catalog, tmp_path)
    rig.recorded = True
    prose = Finding(code="no_device", severity="note", what="no GPU", fix=("if there is one, mend it", "sudo reboot"))
    rig.machine_is = lambda: Diagnosis(subject="machine", findings=(prose,))

    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "recorded in cpu-only.json", "·   if there is one, mend it", "[1]  sudo reboot")

    drive(Installer(rig), journey)


def test_commands_name_a_home_that_they_do_not_find_by_themselves(catalog: Path, tmp_path: Path) -> None:
    rig = ill(catalog, tmp_path, RIGFIT_HOME="/elsewhere")

    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "the driver was updated")
        await pilot.press("2")
        assert pilot.app.clipboard == f"rigfit setup --home {tmp_path} --variant cpu"

    drive(Installer(rig), journey, size=(120, 40))


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (120, 40)])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("ascii_only", ["1", "0"])
def test_every_finding_is_reached_at_every_size_in_each_language(
    size: tuple[int, int],
    language: str,
    ascii_only: str,
    catalog: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RIGFIT_LANG", language)
    rig = ill(catalog, tmp_path, RIGFIT_ASCII=ascii_only)

    async def journey(pilot: Pilot[int]) -> None:
        await run_to_its_end(pilot, *failed())
        await pilot.press("d")
        await until_shown(pilot, "[1]  pip install x")
        await pilot.press("v", "end")
        await until(pilot, lambda: "CUDA 11.2" in seen(pilot) or "toolkit" in seen(pilot))
        lines = seen(pilot).splitlines()
        assert len(lines) == size[1]
        if ascii_only == "1" and language == "en":
            assert seen(pilot).isascii()
        assert "?" in lines[-1]

    drive(Installer(rig), journey, size=size)


def real(machine: str, catalog: Path, home: Path) -> Rig:
    """Nothing is stood in for here."""
    return Rig(replace(recorded_rig(machine, catalog, home).settings, offline=True), Wish())


def test_the_real_doctor_tells_of_the_fault_of_a_recorded_machine(catalog: Path, tmp_path: Path) -> None:
    async def journey(pilot: Pilot[int]) -> None:
        await consult(pilot)
        await until_shown(pilot, "✗ error", "570.133.20", "[1]  sudo reboot", "a recorded machine does not hold them")
        assert str(MACHINES) not in seen(pilot)

    drive(Installer(real("driver-updated-not-rebooted.json", catalog, tmp_path)), journey, size=(120, 40))


def test_the_real_doctor_explains_an_error_with_the_versions_of_the_environment_that_said_it(
    catalog: Path, tmp_path: Path
) -> None:
    prefix = tmp_path / "envs" / NAME
    venv.create(prefix, with_pip=False, symlinks=True)
    (packages,) = prefix.glob("lib/python*/site-packages")
    for name, version in {"transformers": "5.1.0", "peft": "0.16.0"}.items():
        folder = packages / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (packages / name).mkdir()
    why = "imports: peft: ImportError: cannot import name 'HybridCache' from 'transformers'"
    died = Problem(code="verification_failed", what=f"{NAME} is not proven", detail=why)

    async def journey(pilot: Pilot[int]) -> None:
        await run_to_its_end(pilot, RunStarted(environment=NAME, steps=("verify",)), RunFailed(problem=died))
        await pilot.press("d")
        await until_shown(pilot, "transformers 5.1.0", "peft 0.16.0", "✗ error", "HybridCache", "[1]  ")

    drive(Installer(real("cpu-only.json", ROOT / "environments", tmp_path)), journey, size=(120, 50))
