"""Texts as the screens show them: in the reader's language, with a style, and marks that need no colour."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from rigfit.core.environment import STANDING_WORDS
from rigfit.core.event import CHECK_WORDS
from rigfit.core.finding import SEVERITY_WORDS
from rigfit.core.verdict import VERDICT_WORDS
from rigfit.core.words import Words, say
from rigfit.language import said

MUTED = "$muted"
STRONG = "bold"


def shown(text: str, style: str = "") -> Content:
    """`text` in the reader's language; nothing in it is taken for markup."""
    return Content.styled(said(text), style) if style else Content(said(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A state as sign, word and colour, of which any one is enough."""

    sign: str
    word: Words
    style: str

    @property
    def whole(self) -> Content:
        return Content.styled(f"{self.sign} {said(self.word)}", self.style)

    @property
    def alone(self) -> Content:
        return Content.styled(self.sign, self.style)


GOOD, BAD, DOUBT, BUSY, NEXT = (
    "bold $text-success",
    "bold $text-error",
    "bold $text-warning",
    "bold $text-primary",
    MUTED,
)

CHOSEN = Mark(sign="★", word=say("chosen"), style=GOOD)
FITS = Mark(sign="✓", word=say("fits"), style=GOOD)
FITS_BUT = Mark(sign="!", word=say("fits, but"), style=DOUBT)
NOT = Mark(sign="✗", word=VERDICT_WORDS["unmet"], style=BAD)

VERDICTS = {
    "met": Mark(sign="✓", word=VERDICT_WORDS["met"], style=GOOD),
    "unmet": NOT,
    "unknown": Mark(sign="?", word=VERDICT_WORDS["unknown"], style=DOUBT),
}
STEPS = {
    "waiting": Mark(sign="·", word=say("waiting"), style=NEXT),
    "running": Mark(sign="▸", word=say("running"), style=BUSY),
    "finished": Mark(sign="✓", word=say("done"), style=GOOD),
    "failed": Mark(sign="✗", word=say("failed"), style=BAD),
}
CHECKS = {
    "passed": Mark(sign="✓", word=CHECK_WORDS["passed"], style=GOOD),
    "failed": Mark(sign="✗", word=CHECK_WORDS["failed"], style=BAD),
    "skipped": Mark(sign="-", word=CHECK_WORDS["skipped"], style=DOUBT),
}
STANDINGS = {
    "proven": Mark(sign="✓", word=STANDING_WORDS["proven"], style=GOOD),
    "unproven": Mark(sign="!", word=STANDING_WORDS["unproven"], style=DOUBT),
    "failed": Mark(sign="✗", word=STANDING_WORDS["failed"], style=BAD),
    "unfinished": Mark(sign="!", word=STANDING_WORDS["unfinished"], style=DOUBT),
}
PROVEN_BEFORE = Mark(sign="!", word=STANDING_WORDS["proven"], style=DOUBT)  # something has changed since
LEAVING = Mark(sign="·", word=say("being removed ..."), style=BUSY)
SEVERITIES = {
    "error": Mark(sign="✗", word=SEVERITY_WORDS["error"], style=BAD),
    "warning": Mark(sign="!", word=SEVERITY_WORDS["warning"], style=DOUBT),
    "note": Mark(sign="·", word=SEVERITY_WORDS["note"], style=BUSY),
}
EIGHT_BIT = {
    "fast": Mark(sign="✓", word=say("fast"), style=GOOD),
    "slow": Mark(sign="!", word=say("slow"), style=DOUBT),
    "only_4_bit": Mark(sign="!", word=say("only 4-bit (NF4)"), style=DOUBT),
    "no": NOT,
    "unknown": Mark(sign="?", word=say("unknown"), style=DOUBT),
}
