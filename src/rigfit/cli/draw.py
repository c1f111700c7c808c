"""The engine's values as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rigfit.core.environment import Environment
from rigfit.core.event import Check
from rigfit.core.figures import brief
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Slice
from rigfit.core.plan import Plan, Step
from rigfit.core.receipt import Receipt, Unproven, Verification
from rigfit.core.selection import Candidate, Selection
from rigfit.core.size import human
from rigfit.core.template import Stack, Template, Variant
from rigfit.core.verdict import Verdict, merged
from rigfit.core.words import Words, joined, say
from rigfit.language import said

_SHOWN = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")
_CHECKS = {
    "passed": (say("passed"), "green"),
    "failed": (say("failed"), "bold red"),
    "skipped": (say("skipped"), "yellow"),
}
_VERDICTS = {"met": (say("ok"), "green"), "unmet": (say("no"), "red"), "unknown": (say("unknown"), "yellow")}


def _rows(rows: Iterable[tuple[str | Text, ...]]) -> Table:
    """Columns without lines; the first one says what the row is. A cell that is no `Words` is a name, or said already."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        while len(table.columns) < len(row):
            table.add_column(overflow="fold", no_wrap=not table.columns, style="bold" if not table.columns else "")
        table.add_row(*(said(cell) if isinstance(cell, Words) else cell for cell in row))
    return table


def _styled(text: str, style: str) -> Text:
    return Text(said(text), style)


def _under(text: str) -> str:
    return joined("  ", ("", text))


def size(value: int | None) -> str:
    return say("unknown") if value is None else human(value)


def machine(seen: Machine) -> RenderableType:
    return _rows(_machine_rows(seen))


def _machine_rows(seen: Machine) -> Iterator[tuple[str, str]]:
    platform = seen.platform
    where = [
        platform.os,
        platform.arch,
        say("glibc {version}", version=platform.glibc or say("unknown")),
        say("kernel {version}", version=platform.kernel or say("unknown")),
    ]
    where += ["WSL2"] if platform.wsl else []
    where += [say("in a {kind} container", kind=platform.container)] if platform.container else []
    yield say("machine"), joined(", ", where)
    yield "", say("memory {memory}, free disk {disk}", memory=size(seen.memory_total), disk=size(seen.disk_free))
    match seen.driver:
        case Driver(version=version, cuda=cuda):
            yield say("driver"), say("{version}, driver CUDA {cuda}", version=version, cuda=cuda or say("unknown"))
        case DriverFault(fault=fault, what=what, fix=fix):
            yield say("driver"), f"{fault}: {said(what)}"
            yield from (("", f"{said(say('try:'))} {said(step)}") for step in fix)
    for gpu in seen.gpus:
        yield say("GPU {index}", index=gpu.index), _gpu(gpu)
        yield from (("", _slice(each)) for each in gpu.slices or ())


def _gpu(gpu: Gpu) -> str:
    words = [
        gpu.name or say("unknown name"),
        say("compute capability {capability}", capability=gpu.compute_capability or say("unknown")),
        say("{total} ({free} free)", total=size(gpu.memory_total), free=size(gpu.memory_free)),
    ]
    words += [say("MIG on") if gpu.slices != () else say("MIG on, without an instance")] if gpu.mig else []
    words += [say("compute mode {mode}", mode=gpu.compute_mode)] if gpu.compute_mode not in (None, "default") else []
    return joined(", ", words)


def _slice(given: Slice) -> str:
    name, uuid = given.name or say("a MIG instance of unknown name"), given.uuid or say("no UUID")
    return joined(", ", (name, size(given.memory_total), uuid))


def selection(judged: Selection, *, every: bool) -> RenderableType:
    """Each candidate with the verdicts that decide; `every` shows all verdicts and their sources."""
    return Group(*(_candidate(candidate, judged, every=every) for candidate in judged.candidates))


def _candidate(candidate: Candidate, judged: Selection, *, every: bool) -> RenderableType:
    variant = candidate.variant
    chosen = judged.chosen is candidate
    mark = (say("chosen"), "bold green") if chosen else (say("fits"), "green") if candidate.fits else (say("no"), "red")
    locked = versions(candidate.stack.versions)
    head = Text.assemble(_styled(*mark), "  ", (f"{variant.template}/{variant.name}", "bold"), f"  {locked}")
    wanted = candidate.verdicts if every or chosen else candidate.against
    rows = _rows([_verdict(verdict, every=every) for verdict in merged(wanted)])
    warnings = judged.warnings if chosen else candidate.warnings if candidate.fits else ()
    notes = [_styled(say("note: {warning}", warning=warning), "yellow") for warning in warnings]
    body: list[RenderableType] = [*([rows] if rows.row_count else []), *notes]
    return Group(head, Padding(Group(*body), (0, 0, 1, 2)) if body else Text())


def _verdict(verdict: Verdict, *, every: bool) -> tuple[str | Text, ...]:
    mark = _styled(*_VERDICTS[verdict.status])
    if every and verdict.source:
        return mark, say("{verdict}; source: {source}", verdict=verdict.words, source=verdict.source)
    return mark, verdict.words


def versions(locked: dict[str, str]) -> str:
    return ", ".join(f"{name} {locked[name]}" for name in _SHOWN if name in locked)


def choice(judged: Selection) -> RenderableType:
    """The chosen variant, the verdicts that speak for it, and why not each better one."""
    chosen = judged.chosen
    assert chosen is not None  # noqa: S101 - a selection without choice is a problem, shown as such
    rows = [(say("choice"), f"{chosen.variant.template}/{chosen.variant.name}"), ("", versions(chosen.stack.versions))]
    met = [verdict for verdict in chosen.verdicts if verdict.status == "met"]
    reasons = [verdict for verdict in met if verdict.requirement in ("driver", "quantization")]
    rows += [(say("because"), _needs(verdict)) for verdict in merged(reasons)]
    for other in judged.candidates:
        if other.variant.template == chosen.variant.template and not other.fits:
            reason = _needs(merged(other.against)[0])
            rows.append((say("not"), say("{variant}: {reason}", variant=other.variant.name, reason=reason)))
    rows += [(say("note"), warning) for warning in judged.warnings]
    return _rows(rows)


def _needs(verdict: Verdict) -> str:
    return say("needs {needed}; found {found}", needed=verdict.needed, found=verdict.found)


def plan(made: Plan) -> RenderableType:
    rows = [(say("plan"), made.environment), ("", say("in {folder}", folder=made.target.prefix))]
    for number, step in enumerate(made.steps, start=1):
        rows.append((_under(say("step {number}", number=number)), _step(step)))
    if made.base.why:
        why = say("{base}, because {why}", base=made.base.kind, why=made.base.why)
        rows.append((_under(say("base")), why))
    rows += [(_under(say("from folder")), path) for path in sorted(made.survey.local_files.values())]
    if made.survey.stands:
        rows.append(("", _standing(made)))
    else:
        amount = say("at most {size} to fetch", size=human(made.fetch))
        fetch = amount if made.fetch else say("nothing to fetch: caches and folders hold it")
        total = say("{fetch}; at most {disk} on disk", fetch=fetch, disk=human(made.disk))
        rows.append((_under(say("total")), total))
    if not made.prove and made.survey.state != "proven":
        note = say("no proof: it is unproven, and not usable, until `rigfit verify` has proven it")
        rows.append((_under(say("note")), note))
    return _rows(rows)


def _standing(made: Plan) -> str:
    if not made.prove:
        return say("it stands already: nothing is fetched, nothing is done")
    if made.survey.state == "proven":
        return say("it stands already: nothing is fetched, it is only proven again")
    return say("it stands already: nothing is fetched, it is only proven")


def _step(step: Step) -> str:
    fetch, disk = human(step.fetch), human(step.disk)
    if step.disk and step.fetch:
        return say("{title}: at most {fetch} to fetch, {disk} on disk", title=step.title, fetch=fetch, disk=disk)
    return say("{title}: {disk} on disk", title=step.title, disk=disk) if step.disk else step.title


def check_line(done: Check) -> str:
    """For a run that is followed line by line."""
    status = said(_CHECKS[done.status][0])
    return f"  {done.id:<18} {status}{' ' * (8 - cell_len(status))} {done.seconds:5.1f} s"


def check(done: Check) -> tuple[Text, ...]:
    return (
        Text(done.id, "bold"),
        _styled(*_CHECKS[done.status]),
        Text(brief(done.measured)),
        Text(brief(done.expected)),
        Text(f"{done.seconds:.1f} s"),
    )


def verification(done: Verification) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in (say("check"), say("result"), say("measured"), say("expected"), say("time")):
        table.add_column(said(heading), no_wrap=heading in ("check", "result", "time"), overflow="fold")
    for each in done.checks:
        table.add_row(*check(each))
    return Group(table, *_reasons(done), _styled(_ending(done), "bold green" if done.passed else "bold red"))


def _ending(done: Verification) -> str:
    result = proof(done) if done.proves else say("passed") if done.passed else say("NOT proven")
    words = say(
        "{result}: {name} on {device}, level {level}",
        result=result,
        name=done.environment,
        device=done.device,
        level=done.level,
    )
    return words if done.level == "full" else say("{words}, which proves nothing more", words=words)


def _reasons(done: Verification) -> list[Text]:
    """One line for each reason why checks did not pass, with all that it kept from passing."""
    checks: dict[str, list[str]] = {}
    for each in done.checks:
        if each.why and each.status != "passed":
            checks.setdefault(each.why, []).append(each.id)
    return [Text(f"{', '.join(names)}: {said(why)}") for why, names in checks.items()]


def proof(done: Verification) -> str:
    return say("proven") if done.quantization == "int8" else say("proven with 4-bit NF4")


def outcome(result: dict[str, Any]) -> RenderableType:
    """What a setup ended with: a receipt and the lines to use it, or an environment that nobody has tried."""
    if "checks" not in result:
        return unproven(Unproven.from_json(result))
    given = Receipt.from_json(result)
    name = given.making.environment
    use = _rows([(say("use it"), f"rigfit run {name} -- python"), ("", f'eval "$(rigfit shell-hook {name})"')])
    return Group(verification(given.verification), use)


def unproven(given: Unproven) -> RenderableType:
    name = given.making.environment
    words = say("unproven: {name} was set up and not tried; there is no receipt", name=name)
    way = _rows([(say("prove it"), f"rigfit verify {name}"), ("", say("on the machine that it was made for"))])
    return Group(_styled(words, "bold yellow"), way)


def environments(found: tuple[Environment, ...]) -> RenderableType:
    if not found:
        return say("no environment yet; `rigfit setup` makes one")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    headings = (say("environment"), say("standing"), say("device"), say("level"), say("base"), say("proven (UTC)"))
    for heading in headings:
        table.add_column(said(heading), overflow="fold")
    for each in found:
        table.add_row(each.name, *_environment(each))
    return table


def _environment(found: Environment) -> tuple[Text | str, ...]:
    match found.record:
        case None:
            return (_styled(say("unfinished: not usable"), "yellow"),)
        case Unproven(making=making):
            return _styled(say("unproven: not usable"), "yellow"), making.device, "-", making.base, "-"
        case Receipt(making=making, verification=done, proven=proven):
            failed = _styled(say("failed: not usable"), "red")
            standing = _styled(proof(done), "green") if found.usable else failed
            return standing, done.device, done.level, making.base, proven


def templates(found: tuple[Template, ...]) -> RenderableType:
    return _rows((each.name, say("{title}. {purpose}", title=each.title, purpose=each.purpose)) for each in found)


def template(found: Template) -> RenderableType:
    title = say("{name}: {title}", name=found.name, title=found.title)
    rows: list[tuple[str, str]] = [(say("template"), title), (say("purpose"), found.purpose)]
    for variant in found.variants:
        rows += [(f"  {variant.name}", _variant(variant)), *(("", _stack(stack)) for stack in variant.stacks)]
    return _rows(rows)


def _variant(variant: Variant) -> str:
    build = say("build CUDA {cuda}", cuda=variant.cuda) if variant.cuda else say("CPU build")
    accepted = variant.accepts[:1] if variant.is_cpu else variant.accepts
    ways = (say("8-bit") if way == "int8" else say("4-bit (NF4)") for way in accepted)
    return joined(say("; "), (build, reduce(_else, ways)))


def _else(first: str, other: str) -> Words:
    return say("{first}, else {other}", first=first, other=other)


def _stack(stack: Stack) -> str:
    return say(
        "{platform}: glibc >= {glibc}, Python {python}, {versions}; {fetch} to fetch, {disk} on disk",
        platform=stack.platform,
        glibc=stack.glibc,
        python=stack.python,
        versions=versions(stack.versions),
        fetch=human(stack.fetch),
        disk=human(stack.disk),
    )
