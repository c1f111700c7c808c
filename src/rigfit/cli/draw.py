"""The engine's values as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from rigfit.cli.proofs import proof
from rigfit.cli.rows import Shown, in_rows, shown, table
from rigfit.core.environment import STANDING_WORDS, Environment
from rigfit.core.machine import Driver, DriverFault, Gpu, Machine, Slice
from rigfit.core.plan import Plan, Step
from rigfit.core.problem import help_without_root
from rigfit.core.receipt import Receipt, Unproven, Verification
from rigfit.core.selection import Candidate, Selection
from rigfit.core.size import human, minute
from rigfit.core.template import Stack, Template, Variant, in_brief
from rigfit.core.verdict import VERDICT_WORDS, Verdict, merged
from rigfit.core.words import Words, joined, say
from rigfit.language import said

_STYLES = {"met": "green", "unmet": "red", "unknown": "yellow"}


def _under(text: str) -> str:
    return joined("  ", ("", text))


def size(value: int | None) -> str:
    return say("unknown") if value is None else human(value)


def machine(seen: Machine) -> RenderableType:
    return in_rows(_machine_rows(seen))


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
            yield from (("", f"{said(say('try: '))}{said(step)}") for step in fix)
            yield from (("", help_without_root(fix)),) if help_without_root(fix) else ()
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
    chosen = judged.chosen is candidate
    mark = (say("chosen"), "bold green") if chosen else (say("fits"), "green") if candidate.fits else (say("no"), "red")
    locked = in_brief(candidate.stack.versions)
    head = Shown.assemble(shown(*mark), "  ", (candidate.name, "bold"), f"  {locked}")
    wanted = candidate.verdicts if every or chosen else candidate.against
    rows = in_rows([_verdict(verdict, every=every) for verdict in merged(wanted)])
    warnings = judged.warnings if chosen else candidate.warnings if candidate.fits else ()
    notes = [shown(say("note: {warning}", warning=warning), "yellow") for warning in warnings]
    body: list[RenderableType] = [*([rows] if rows.row_count else []), *notes]
    return Group(head, Padding(Group(*body), (0, 0, 1, 2)) if body else Text())


def _verdict(verdict: Verdict, *, every: bool) -> tuple[str | Text, ...]:
    mark = shown(VERDICT_WORDS[verdict.status], _STYLES[verdict.status])
    if every and verdict.source:
        return mark, say("{verdict}; source: {source}", verdict=verdict.words, source=verdict.source)
    return mark, verdict.words


def choice(judged: Selection) -> RenderableType:
    """The chosen variant, the verdicts that speak for it, and why not each better one."""
    chosen = judged.chosen
    assert chosen is not None  # noqa: S101 - a selection without choice is a problem, shown as such
    rows = [(say("choice"), chosen.name), ("", in_brief(chosen.stack.versions))]
    met = [verdict for verdict in chosen.verdicts if verdict.status == "met"]
    reasons = [verdict for verdict in met if verdict.requirement in ("driver", "quantization")]
    rows += [(say("because"), _needs(verdict)) for verdict in merged(reasons)]
    for other in judged.candidates:
        if other.variant.template == chosen.variant.template and not other.fits:
            reason = _needs(merged(other.against)[0])
            rows.append((say("not"), say("{variant}: {reason}", variant=other.variant.name, reason=reason)))
    notes = (*((chosen.remark,) if chosen.remark else ()), *judged.warnings)
    rows += [(say("note"), note) for note in notes]
    return in_rows(rows)


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
    return in_rows(rows)


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


def environments(found: tuple[Environment, ...]) -> RenderableType:
    if not found:
        return say("no environment yet; `rigfit setup` makes one")
    headings = (say("environment"), say("standing"), say("device"), say("level"), say("base"), say("proven (UTC)"))
    listed = table(*headings, kept=(headings[0], headings[-1]))
    for each in found:
        listed.add_row(Shown(each.name), *_environment(each))
    return listed


def _environment(found: Environment) -> tuple[Text | str, ...]:
    match found.record:
        case None:
            return (shown(STANDING_WORDS["unfinished"], "yellow"),)
        case Unproven(making=making):
            return shown(STANDING_WORDS["unproven"], "yellow"), making.device, "-", making.base, "-"
        case Receipt(making=making, verification=done, proven=proven):
            return _result(found, done), _gpus(found.record), done.level, making.base, minute(proven)


def _gpus(record: Receipt) -> str:
    """By their numbers: the names are long, and `detect` has them."""
    used = [each.verification.gpu_used for each in record.alone]
    numbers = ", ".join(str(gpu["index"]) for gpu in used if gpu)
    return say("GPU {index}", index=numbers) if numbers else record.verification.device


def _result(found: Environment, done: Verification) -> Text:
    """With what has changed since the proof."""
    if not found.usable:
        return shown(STANDING_WORDS["failed"], "red")
    changes = [said(joined(" ", ("!", change.words))) for change in found.since_proof or ()]
    return Shown("\n".join((said(proof(done)), *changes)), "yellow" if changes else "green")


def templates(found: tuple[Template, ...]) -> RenderableType:
    return in_rows((each.name, say("{title}. {purpose}", title=each.title, purpose=each.purpose)) for each in found)


def template(found: Template) -> RenderableType:
    title = say("{name}: {title}", name=found.name, title=found.title)
    rows: list[tuple[str, str]] = [(say("template"), title), (say("purpose"), found.purpose)]
    for variant in found.variants:
        rows += [(f"  {variant.name}", _variant(variant)), *(("", _stack(stack)) for stack in variant.stacks)]
    return in_rows(rows)


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
        versions=in_brief(stack.versions),
        fetch=human(stack.fetch),
        disk=human(stack.disk),
    )
