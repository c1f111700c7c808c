"""What every key here does, and the words that people confuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from rigfit.core.words import say
from rigfit.language import said
from rigfit_installer.key import Key
from rigfit_installer.widgets.columns import Row
from rigfit_installer.widgets.sheet import Sheet
from rigfit_installer.words import MUTED, STRONG, shown

_EVERYWHERE = (
    ("^p", say("commands, by the words of the command line")),
    ("^t", say("light or dark")),
    ("tab", say("from one part to the next; arrows and pgup/pgdn scroll")),
)
_WORDS = (
    (say("driver version"), say("the NVIDIA driver that is installed: 580.159.04")),
    (say("driver CUDA"), say("the newest CUDA that this driver supports: 13.0")),
    (say("build CUDA"), say("the CUDA that a library was built for: cu121 is 12.1")),
    (say("template"), say("a set of libraries that belong together")),
    (say("variant"), say("a template with a torch for one build CUDA, or for the CPU")),
    (say("lock"), say("the exact files of a variant, each with its sha256")),
    (say("base"), say("where its Python comes from: conda-forge, or this machine")),
    (say("level"), say("how much was tried: full is the whole proof, imports proves nothing")),
    (say("8-bit"), say("the model's numbers take one byte each: half the memory of 16-bit, and training still works")),
    ("LoRA", say("trains a small addition to a model, and leaves the model itself as it is")),
    (say("receipt"), say("its existence means: this worked on this machine")),
)


class HelpScreen(ModalScreen[None]):
    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,enter,ctrl+c", "dismiss", show=False)]

    def __init__(self, keys: tuple[Key, ...]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield from self._part(say("Keys of this screen"), _key_rows(self._keys))
            here = {key.label for key in self._keys}
            everywhere = ((_key(name), shown(does)) for name, does in _EVERYWHERE if name not in here)
            yield from self._part(say("Keys everywhere"), everywhere)
            yield from self._part(say("Words"), ((shown(word, "bold"), shown(means)) for word, means in _WORDS))
            yield Sheet(shown(say("esc closes this"), MUTED), classes="heading")

    def _part(self, title: str, rows: Iterator[Row]) -> ComposeResult:
        yield Sheet(shown(title, STRONG), classes="heading")
        sheet = Sheet()
        sheet.lay(rows)
        yield sheet


def _key_rows(keys: tuple[Key, ...]) -> Iterator[Row]:
    for key in keys:
        more = f": {said(key.help)}" if key.help else ""
        yield _key(key.label), Content(f"{said(key.does)}{more}")


def _key(name: str) -> Content:
    return Content.styled(name.rjust(9), "bold $text-primary")
