"""What fits, and why: the chosen one, the templates at a glance, and every verdict on a variant."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from rigfit.core.fact import Facts
from rigfit.core.problem import Problem
from rigfit.core.selection import Candidate, Selection
from rigfit.core.template import Template, in_brief
from rigfit.core.verdict import Verdict, merged
from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.draw.machine import label
from rigfit_installer.hints import hint
from rigfit_installer.widgets.columns import Row
from rigfit_installer.words import CHOSEN, DOUBT, FITS, FITS_BUT, MUTED, NOT, STRONG, VERDICTS, Mark, shown


def best_row(judged: Selection) -> Row:
    """One glance at the outcome, for the first screen."""
    chosen = judged.chosen
    if chosen is None:
        nothing = said(say("nothing fits this machine; the next screen says why"))
        return label(say("best fit")), Content.assemble(NOT.alone, " ", nothing)
    fits, mind = (FITS, Content("")) if not judged.warnings else (FITS_BUT, shown(say("mind the notes below"), MUTED))
    name = chosen.name
    return label(say("best fit")), Content.assemble(fits.alone, " ", (name, STRONG), "  ", mind)


def wished_rows(judged: Selection | None) -> Iterator[Row]:
    """Of the template that was named at the start."""
    if judged is None:
        return
    chosen, name = judged.chosen, judged.wish.template
    if chosen is None:
        text = said(say("`{template}` does not fit this machine; the next screen says why", template=name))
        yield label(say("asked for")), Content.assemble(NOT.alone, " ", text)
    else:
        mark = FITS if not judged.warnings else FITS_BUT
        yield label(say("asked for")), Content.assemble(mark.alone, " ", (chosen.name, STRONG))


def libraries_rows(judged: Selection) -> Iterator[Row]:
    """What the best fit is made of."""
    if judged.chosen is not None:
        yield label(say("libraries")), Content.styled(in_brief(judged.chosen.stack.versions), MUTED)


def note_rows(judged: Selection) -> Iterator[Row]:
    """What to mind of it."""
    remark = (judged.chosen.remark,) if judged.chosen and judged.chosen.remark else ()
    yield from ((Content.assemble(("! ", DOUBT), said(note)),) for note in (*remark, *judged.warnings))


def warning_rows(warnings: tuple[str, ...]) -> Iterator[Row]:
    for warning in warnings:
        yield label(say("note")), Content.assemble(("! ", DOUBT), said(warning))


def mark(candidate: Candidate, judged: Selection) -> Mark:
    if candidate is judged.chosen:
        return CHOSEN
    if not candidate.fits:
        return NOT
    return FITS_BUT if candidate.warnings or candidate.left_out else FITS


def of_template(judged: Selection, template: str) -> tuple[Candidate, ...]:
    """Its candidates, best first."""
    return tuple(candidate for candidate in judged.candidates if candidate.variant.template == template)


def template_row(template: Template, judged: Selection, *, titled: bool) -> Row:
    """`★ chosen   current   cu132   title`, for a list."""
    best = of_template(judged, template.name)[0]
    variant = best.variant.name if best.fits else ""
    row = (mark(best, judged).whole, Content.styled(template.name, STRONG), Content.styled(variant, MUTED))
    return (*row, shown(template.title, MUTED)) if titled else row


def words_of(template: Template, judged: Selection, facts: Facts) -> str:
    """What a filter finds it by: all that is said of it at a glance, its CUDA, and the GPUs that it has 8-bit for."""
    candidates = of_template(judged, template.name)
    told = [template.name, said(template.title), said(template.purpose), said(mark(candidates[0], judged).word)]
    for each in candidates:
        cuda = f"cuda {each.variant.cuda}" if each.variant.cuda else ""
        told += [each.variant.name, cuda, in_brief(each.stack.versions)]
        for known in facts.with_8_bits(each.stack.versions["bitsandbytes"]) if cuda else ():
            told += [known.name, str(known.capability), *known.examples]
    return " ".join(told).lower()


def variant_row(candidate: Candidate) -> Row:
    """`✓ fits   cu128   torch 2.10.0`, for a list of one template's variants."""
    state = NOT if not candidate.fits else FITS_BUT if candidate.warnings else FITS
    torch = candidate.stack.versions.get("torch", "")
    return state.whole, Content.styled(candidate.variant.name, STRONG), Content.styled(f"torch {torch}", MUTED)


def title(template: Template) -> Content:
    return Content.assemble((template.name, STRONG), "  ", said(template.title))


def about_rows(template: Template, judged: Selection) -> Iterator[Row]:
    """For whom it is; of what was chosen, what to mind."""
    yield (shown(template.purpose.strip(), MUTED),)
    best = of_template(judged, template.name)[0]
    if best is judged.chosen:
        for warning in judged.warnings:
            yield (Content.assemble(("! ", DOUBT), said(warning)),)


def why_not_rows(problem: Problem) -> Iterator[Row]:
    """The refusal as a paragraph that a student understands, and what would work."""
    story = said(problem.detail).partition("\n")[0] or said(problem.what)
    yield (Content.assemble(NOT.alone, " ", (said(say("Why not")), STRONG)),)
    yield (Content(story),)
    for step in problem.fix:
        here = hint(step, "choose")
        yield Content.styled("→", "bold $text-primary"), shown(step)
        if here is not None:
            yield Content(""), shown(here, MUTED)
    yield (Content(""),)


def candidate_rows(candidate: Candidate, judged: Selection) -> Iterator[Row]:
    """The variant, then its verdicts, those against it first: needed, found, why, and where that is written."""
    head = Content.assemble(mark(candidate, judged).whole, "  ", (candidate.variant.name, STRONG))
    yield (head,)
    yield (Content.styled(f"  {in_brief(candidate.stack.versions)}", MUTED),)
    for verdict in sorted(merged(candidate.verdicts), key=lambda each: each.status == "met"):
        yield from _verdict(verdict)
    yield (Content(""),)


def _verdict(verdict: Verdict) -> Iterator[Row]:
    name = Content.assemble(
        "  ", VERDICTS[verdict.status].alone, " ", said(_REQUIREMENTS.get(verdict.requirement, verdict.requirement))
    )
    yield name, label(say("needed")), shown(verdict.needed)
    yield Content(""), label(say("found")), shown(verdict.found)
    yield Content(""), label(say("why")), shown(verdict.why)
    if verdict.source:
        yield Content(""), label(say("source")), Content.styled(verdict.source, MUTED)


_REQUIREMENTS: dict[str, str] = {
    "platform": say("platform"),
    "glibc": say("glibc"),
    "driver": say("driver"),
    "gpu_code": say("GPU code"),
    "quantization": say("8-bit"),
    "memory": say("memory"),
    "disk": say("disk"),
}
