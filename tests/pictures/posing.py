"""What the pictures show: recorded machines, replayed runs, and answers that are the same on every machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from itertools import takewhile
from pathlib import Path
from queue import SimpleQueue

from tests.recorded_runs import replay
from tests.tui.driving import MACHINES
from textual.pilot import Pilot

from rigfit.core.cancel import Cancel
from rigfit.core.environment import Environment, Standing
from rigfit.core.event import Check, Event, Progress, RunFailed, RunFinished, StepFinished, StepStarted
from rigfit.core.plan import Base, Plan, Survey, make_plan
from rigfit.core.progress import RunView
from rigfit.core.receipt import Receipt, Unproven
from rigfit.core.selection import Selection, Wish
from rigfit.core.use import Use
from rigfit.core.words import Words
from rigfit.engine.settings import Settings
from rigfit.engine.weighing import Weight
from rigfit.store.paths import Home
from rigfit_installer.job import Job
from rigfit_installer.rig import Rig
from rigfit_installer.screens.run import RunScreen

TESTS = Path(__file__).resolve().parents[1]
HOME = Path("/home/me/.local/share/rigfit")
ENVIRON = {
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "RIGFIT_HOME": str(HOME),  # the usual one, whoever takes the pictures
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
}
GIB = 1024**3
_ENVIRONMENT = "current-cpu-02e45387"
_PATIENCE = 20.0  # seconds


class PosedRig(Rig):
    """The recorded machine and the real catalog; whatever depends on where it is asked is answered here."""

    def use(self) -> tuple[Use, ...]:
        return tuple(Use(index=gpu.index, busy=3 + gpu.index, celsius=38 + gpu.index) for gpu in self.machine().gpus)

    def plan(self, selection: Selection) -> Plan:
        """With conda-forge and an index in reach, and nothing in any cache."""
        if selection.chosen is None:
            return super().plan(selection)  # refuses
        target = self._fitting._target(selection.chosen, selection)
        base = Base(kind="conda", version=target.stack.python)
        survey = Survey(
            base=base,
            offline=False,
            missing=(),
            local_files={},
            environment_free=None,
            cache_free=None,
            same_disk=True,
            state="absent",
        )
        return make_plan(target, survey)

    def path_lines(self) -> tuple[tuple[str, str], ...]:
        """As where rigfit is on the PATH, wherever the pictures are taken."""
        return ()

    def environments(self) -> tuple[Environment, ...]:
        return (_proven(), *_others())

    def standing(self, name: str) -> Standing:
        """Of the run that fails in a picture, which took the receipt that there was."""
        return "failed"

    def weigh(self, environment: Environment) -> Weight:
        total = round((5.1 if "-cu1" in environment.name else 1.3) * GIB)
        return Weight(total=total, freed=round(total * 0.9))


def _proven() -> Environment:
    receipt = Receipt.from_json(next(_finished(run("setup-current-cpu"))).result)
    making = receipt.making
    return Environment(name=making.environment, prefix=making.prefix, standing="proven", record=receipt)


def _others() -> Iterator[Environment]:
    receipt = Receipt.from_json(next(_finished(run("setup-current-cpu"))).result)
    for name, standing in (("current-cu132-84c3b1aa", "unproven"), ("lora-8bit-cu117-5d1f0c92", "unfinished")):
        prefix = str(HOME / "envs" / name)
        record = Unproven(making=receipt.making, machine={}) if standing == "unproven" else None
        yield Environment(name=name, prefix=prefix, standing=standing, record=record)  # type: ignore[arg-type]


async def _drawn(screen: RunScreen, view: RunView) -> None:
    while screen.view != view:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.002)


def posed_rig(machine: str) -> PosedRig:
    settings = Settings(home=Home(HOME), environ=ENVIRON, machine=MACHINES / f"{machine}.json")
    return PosedRig(settings, Wish())


def _finished(events: tuple[Event, ...]) -> Iterator[RunFinished]:
    return (event for event in events if isinstance(event, RunFinished))


def run(name: str) -> tuple[Event, ...]:
    """A recorded run."""
    return tuple(replay((TESTS / "data" / "runs" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()))


class December(datetime):
    """Some days after the recorded runs, whenever that is."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> December:
        return cls(2026, 12, 1, tzinfo=tz)


def _seconds(events: tuple[Event, ...]) -> Iterator[float]:
    """What each event took: a check what it says; of its step, the rest is shared by what tells of progress."""
    shares: dict[str, float] = {}
    step = ""
    for event in events:
        match event:
            case StepStarted(step=step):
                shares[step] = _share(events[events.index(event) :])
                yield 0
            case Check(seconds=seconds):
                yield seconds
            case Progress():
                yield shares[step]
            case _:
                yield 0


def _share(rest: tuple[Event, ...]) -> float:
    """Of the step that `rest` begins with."""
    own = tuple(takewhile(lambda event: not isinstance(event, StepFinished), rest))
    checked = sum(event.seconds for event in own if isinstance(event, Check))
    progress = sum(isinstance(event, Progress) for event in own)
    whole = next((event.seconds for event in rest if isinstance(event, StepFinished)), checked)
    return max(whole - checked, 0) / max(progress, 1)


class Replay:
    """A recorded run whose events happen when the picture wants them, and whose clock goes as it went then."""

    def __init__(self, name: str, title: Words) -> None:
        events = run(name)
        self._events = list(zip(_seconds(events), events, strict=True))
        self._told: SimpleQueue[Event] = SimpleQueue()
        self.now = 1000.0
        self.job = Job(environment=_ENVIRONMENT, title=title, events=self._happening)

    def monotonic(self) -> float:
        """The clock of the run."""
        return self.now

    def _happening(self, cancel: Cancel) -> Iterator[Event]:
        del cancel
        while True:
            event = self._told.get()
            yield event
            if isinstance(event, RunFinished | RunFailed):
                return

    async def until(self, pilot: Pilot[int], reached: Callable[[Event], bool]) -> None:
        """Up to the first event that is `reached`; progress is drawn each time, since the pace is made of it."""
        screen = next(each for each in pilot.app.screen_stack if isinstance(each, RunScreen))
        view = screen.view
        while self._events:
            seconds, event = self._events.pop(0)
            view = view.after(event)
            self.now += seconds
            self._told.put(event)
            stop = reached(event) or not self._events
            if stop or isinstance(event, Progress | StepStarted):
                await asyncio.wait_for(_drawn(screen, view), _PATIENCE)
            if stop:
                return
