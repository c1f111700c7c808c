"""The engine's values as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rigfit.core.environment import Environment
from rigfit.core.event import Check
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Slice
from rigfit.core.plan import Plan, Step
from rigfit.core.receipt import Receipt, Unproven, Verification
from rigfit.core.selection import Candidate, Selection
from rigfit.core.size import human
from rigfit.core.template import Stack, Template, Variant
from rigfit.core.verdict import Verdict, merged

_SHOWN = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")
_MARKS = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


def _rows(rows: Iterable[tuple[str | Text, ...]]) -> Table:
    """Columns without lines; the first one says what the row is."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        while len(table.columns) < len(row):
            table.add_column(overflow="fold", no_wrap=not table.columns, style="bold" if not table.columns else "")
        table.add_row(*row)
    return table


def size(value: int | None) -> str:
    return "unknown" if value is None else human(value)


def machine(seen: Machine) -> RenderableType:
    return _rows(_machine_rows(seen))


def _machine_rows(seen: Machine) -> Iterator[tuple[str, str]]:
    platform = seen.platform
    where = [
        platform.os,
        platform.arch,
        f"glibc {platform.glibc or 'unknown'}",
        f"kernel {platform.kernel or 'unknown'}",
    ]
    where += ["WSL2"] if platform.wsl else []
    where += [f"in a {platform.container} container"] if platform.container else []
    yield "machine", ", ".join(where)
    yield "", f"memory {size(seen.memory_total)}, free disk {size(seen.disk_free)}"
    match seen.driver:
        case Driver(version=version, cuda=cuda):
            yield "driver", f"{version}, driver CUDA {cuda or 'unknown'}"
        case DriverFault(fault=fault, what=what, fix=fix):
            yield "driver", f"{fault}: {what}"
            yield from (("", f"try: {step}") for step in fix)
    for gpu in seen.gpus:
        yield f"GPU {gpu.index}", _gpu(gpu)
        yield from (("", _slice(each)) for each in gpu.slices or ())


def _gpu(gpu: Gpu) -> str:
    words = [gpu.name or "unknown name", f"compute capability {gpu.compute_capability or 'unknown'}"]
    words.append(f"{size(gpu.memory_total)} ({size(gpu.memory_free)} free)")
    words += ["MIG on" if gpu.slices != () else "MIG on, without an instance"] if gpu.mig else []
    words += [f"compute mode {gpu.compute_mode}"] if gpu.compute_mode not in (None, "default") else []
    return ", ".join(words)


def _slice(given: Slice) -> str:
    return ", ".join(
        (given.name or "a MIG instance of unknown name", size(given.memory_total), given.uuid or "no UUID")
    )


def selection(judged: Selection, *, every: bool) -> RenderableType:
    """Each candidate with the verdicts that decide; `every` shows all verdicts and their sources."""
    return Group(*(_candidate(candidate, judged, every=every) for candidate in judged.candidates))


def _candidate(candidate: Candidate, judged: Selection, *, every: bool) -> RenderableType:
    variant = candidate.variant
    chosen = judged.chosen is candidate
    mark = Text("chosen", "bold green") if chosen else Text("fits", "green") if candidate.fits else Text("no", "red")
    locked = versions(candidate.stack.versions)
    head = Text.assemble(mark, "  ", (f"{variant.template}/{variant.name}", "bold"), f"  {locked}")
    wanted = candidate.verdicts if every or chosen else candidate.against
    rows = _rows([_verdict(verdict, every=every) for verdict in merged(wanted)])
    warnings = judged.warnings if chosen else candidate.warnings if candidate.fits else ()
    said = [Text(f"note: {warning}", "yellow") for warning in warnings]
    return Group(head, Padding(Group(rows, *said), (0, 0, 1, 2)))


def _verdict(verdict: Verdict, *, every: bool) -> tuple[str | Text, ...]:
    mark = {"met": Text("ok", "green"), "unmet": Text("no", "red"), "unknown": Text("??", "yellow")}[verdict.status]
    source = f"; source: {verdict.source}" if every and verdict.source else ""
    return mark, f"{verdict.words}{source}"


def versions(locked: dict[str, str]) -> str:
    return ", ".join(f"{name} {locked[name]}" for name in _SHOWN if name in locked)


def choice(judged: Selection) -> RenderableType:
    """The chosen variant, the verdicts that speak for it, and why not each better one."""
    chosen = judged.chosen
    assert chosen is not None  # noqa: S101 - a selection without choice is a problem, shown as such
    rows = [("choice", f"{chosen.variant.template}/{chosen.variant.name}"), ("", versions(chosen.stack.versions))]
    met = [verdict for verdict in chosen.verdicts if verdict.status == "met"]
    reasons = [verdict for verdict in met if verdict.requirement in ("driver", "quantization")]
    rows += [("because", f"needs {verdict.needed}; found {verdict.found}") for verdict in merged(reasons)]
    for other in judged.candidates:
        if other.variant.template == chosen.variant.template and not other.fits:
            first = merged(other.against)[0]
            rows.append(("not", f"{other.variant.name}: needs {first.needed}; found {first.found}"))
    rows += [("note", warning) for warning in judged.warnings]
    return _rows(rows)


def plan(made: Plan) -> RenderableType:
    rows = [("plan", f"{made.environment}"), ("", f"in {made.target.prefix}")]
    for number, step in enumerate(made.steps, start=1):
        rows.append((f"  step {number}", _step(step)))
    if made.base.why:
        rows.append(("  base", f"{made.base.kind}, because {made.base.why}"))
    rows += [("  from folder", path) for path in sorted(made.survey.local_files.values())]
    if made.survey.stands:
        words = {"proven": "it is only proven again", "unproven": "it is only proven"}[made.survey.state]
        rows.append(("", f"it stands already: nothing is fetched, {words if made.prove else 'nothing is done'}"))
    else:
        fetch = (
            f"at most {human(made.fetch)} to fetch" if made.fetch else "nothing to fetch: caches and folders hold it"
        )
        rows.append(("  total", f"{fetch}; at most {human(made.disk)} on disk"))
    if not made.prove and made.survey.state != "proven":
        rows.append(("  note", "no proof: it is unproven, and not usable, until `rigfit verify` has proven it"))
    return _rows(rows)


def _step(step: Step) -> str:
    fetch = f"at most {human(step.fetch)} to fetch, " if step.fetch else ""
    amounts = f": {fetch}{human(step.disk)} on disk" if step.disk else ""
    return f"{step.title}{amounts}"


def check(done: Check) -> tuple[Text, ...]:
    return (
        Text(done.id, "bold"),
        Text(done.status, _MARKS[done.status]),
        Text(_brief(done.measured)),
        Text(_brief(done.expected)),
        Text(f"{done.seconds:.1f} s"),
    )


def _brief(value: object) -> str:
    """The first figure of each model; JSON has them all."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.3g}"
        case dict() if any(isinstance(part, dict | list) for part in value.values()):
            return ", ".join(f"{_short(name)} {_first(part)}" for name, part in value.items())
        case dict():
            return ", ".join(f"{_short(name)} {_brief(part)}" for name, part in value.items())
        case list() | tuple():
            return ", ".join(_brief(part) for part in value)
        case _:
            return str(value)


def _first(part: object) -> str:
    if isinstance(part, dict):
        figures = [(name, item) for name, item in part.items() if not isinstance(item, list | dict)]
        return next((f"{name} {_brief(item)}" for name, item in figures), "-")
    return _brief(part)


def _short(name: str) -> str:
    """`Llama` for LlamaForCausalLM."""
    return name.partition("For")[0]


def verification(done: Verification) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("check", "result", "measured", "expected", "time"):
        table.add_column(heading, no_wrap=heading in ("check", "result", "time"), overflow="fold")
    for each in done.checks:
        table.add_row(*check(each))
    words = proof(done) if done.proves else "passed" if done.passed else "NOT proven"
    note = "" if done.level == "full" else ", which proves nothing more"
    said = f"{words}: {done.environment} on {done.device}, level {done.level}{note}"
    last = Text(said, "bold green" if done.passed else "bold red")
    return Group(table, *_reasons(done), last)


def _reasons(done: Verification) -> list[Text]:
    """One line for each reason why checks did not pass, with all that it kept from passing."""
    checks: dict[str, list[str]] = {}
    for each in done.checks:
        if each.why and each.status != "passed":
            checks.setdefault(each.why, []).append(each.id)
    return [Text(f"{', '.join(names)}: {why}") for why, names in checks.items()]


def proof(done: Verification) -> str:
    return "proven" if done.quantization == "int8" else "proven with 4-bit NF4"


def outcome(result: dict[str, Any]) -> RenderableType:
    """What a setup ended with: a receipt and the lines to use it, or an environment that nobody has tried."""
    if "checks" not in result:
        return unproven(Unproven.from_json(result))
    given = Receipt.from_json(result)
    name = given.making.environment
    use = _rows([("use it", f"rigfit run {name} -- python"), ("", f'eval "$(rigfit shell-hook {name})"')])
    return Group(verification(given.verification), use)


def unproven(given: Unproven) -> RenderableType:
    name = given.making.environment
    said = Text(f"unproven: {name} was set up and not tried; there is no receipt", "bold yellow")
    way = _rows([("prove it", f"rigfit verify {name}"), ("", "on the machine that it was made for")])
    return Group(said, way)


def environments(found: tuple[Environment, ...]) -> RenderableType:
    if not found:
        return Text("no environment yet; `rigfit setup` makes one")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("environment", "standing", "device", "level", "base", "proven (UTC)"):
        table.add_column(heading, overflow="fold")
    for each in found:
        table.add_row(each.name, *_environment(each))
    return table


def _environment(found: Environment) -> tuple[Text | str, ...]:
    match found.record:
        case None:
            return (Text("unfinished: not usable", "yellow"),)
        case Unproven(making=making):
            return Text("unproven: not usable", "yellow"), making.device, "-", making.base, "-"
        case Receipt(making=making, verification=done, proven=proven):
            standing = Text(proof(done), "green") if found.usable else Text("failed: not usable", "red")
            return standing, done.device, done.level, making.base, proven


def templates(found: tuple[Template, ...]) -> RenderableType:
    return _rows((each.name, f"{each.title}. {each.purpose}") for each in found)


def template(found: Template) -> RenderableType:
    rows = [("template", f"{found.name}: {found.title}"), ("purpose", found.purpose)]
    for variant in found.variants:
        rows += [(f"  {variant.name}", _variant(variant)), *(("", _stack(stack)) for stack in variant.stacks)]
    return _rows(rows)


def _variant(variant: Variant) -> str:
    build = f"build CUDA {variant.cuda}" if variant.cuda else "CPU build"
    accepted = variant.accepts[:1] if variant.is_cpu else variant.accepts
    first, *others = ("8-bit" if way == "int8" else "4-bit (NF4)" for way in accepted)
    return f"{build}; {first}" + "".join(f", else {way}" for way in others)


def _stack(stack: Stack) -> str:
    amounts = f"{human(stack.fetch)} to fetch, {human(stack.disk)} on disk"
    return f"{stack.platform}: glibc >= {stack.glibc}, Python {stack.python}, {versions(stack.versions)}; {amounts}"
