"""From a name, a config.json or a shape to an answer: what training it takes, and whether a GPU has it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rigfit.catalog.load import load_facts
from rigfit.catalog.locate import catalog_dir
from rigfit.catalog.model_config import read_model_config
from rigfit.core.capacity import Memory, memory_of, memory_of_size
from rigfit.core.fact import Facts
from rigfit.core.fit import Fit, fit
from rigfit.core.footprint import Training
from rigfit.core.given import Given, sketch
from rigfit.core.known import known
from rigfit.core.machine import DriverFault, Machine
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.shape import Shape
from rigfit.core.words import joined, say
from rigfit.engine.seeing import see
from rigfit.engine.settings import Settings
from rigfit.process.place import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model to be trained; `source` is where its shape was published, `notes` tell what nobody gave of it."""

    name: str
    shape: Shape
    source: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "parameters": self.shape.parameters,
            "shape": asdict(self.shape),
            "source": self.source,
            "notes": list(self.notes),
        }


class Estimating:
    """Looks at the machine only where no memory is named. Foreseen failures raise ProblemError."""

    def __init__(self, settings: Settings, *, gpu: str | None = None, memory: int | None = None) -> None:
        self._settings = settings
        self._gpu = gpu
        self._named = memory

    @cached_property
    def facts(self) -> Facts:
        return load_facts(catalog_dir(self._settings.catalog))

    @cached_property
    def _machine(self) -> Machine:
        return see(self._settings)

    @cached_property
    def memory(self) -> Memory | None:
        """What is compared with; None where there is no GPU that answers."""
        if self._named is not None:
            return memory_of_size(self._named)
        return memory_of(self._machine, self.facts, self._gpu)

    @property
    def nothing_compared(self) -> Problem:
        """Why there is no answer, and how to get one."""
        driver = None if self._named is not None else self._machine.driver
        what = driver.what if isinstance(driver, DriverFault) else say("the memory of the GPU could not be read")
        fixes = driver.fix if isinstance(driver, DriverFault) else ()
        return Problem(
            code="nothing_fits",
            what=say("nothing was compared: {what}", what=what),
            fix=(say("name a size: `{command}`", command="--memory 24GiB"), *fixes),
        )

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Every model of the catalog."""
        return tuple(Subject(name=model.name, shape=model.shape, source=model.source) for model in self.facts.models)

    def subject(self, model: str | None, given: Given) -> Subject:
        """Raises ProblemError for a name that nothing has, or a shape that is not complete."""
        if model is None:
            drawn = sketch(given)
            return Subject(name=say("a model of this shape"), shape=drawn.shape, notes=drawn.notes)
        path = Path(model)
        if path.suffix == ".json" or kind_of(path) == "file":
            return Subject(name=model, shape=read_model_config(path.expanduser()), source=model)
        found = known(model, self.facts.models)
        source = say("{hub}: {source}", hub=found.hub, source=found.source)
        return Subject(name=found.name, shape=found.shape, source=source)

    def answer(self, subject: Subject, training: Training) -> Fit:
        return fit(subject.shape, _aimed(training, subject), self.memory)


def _aimed(training: Training, subject: Subject) -> Training:
    """`all` is every linear layer, also beside others. Raises ProblemError for a target that the model has not."""
    names = subject.shape.of.linears
    strange = [name for name in training.targets if name not in (*names, "all")]
    if strange:
        what = say("{model} has no linear layer `{name}`", model=subject.name, name=strange[0])
        fix = (say("choose of: {names}, or all", names=joined(", ", names)),)
        raise ProblemError(Problem(code="usage", what=what, fix=fix))
    return replace(training, targets=names if "all" in training.targets else tuple(dict.fromkeys(training.targets)))
