"""Says the texts of the core in the language of whoever reads them, from gettext catalogs; codes and JSON stay English."""

from __future__ import annotations

import gettext
import locale
import os
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from rigfit.core.words import Words
from rigfit.language.recall import Recall, templates_of

CATALOGS = Path(__file__).parent / "catalogs"
_DOMAIN = "rigfit"
_NEEDLESS = re.compile("(?<=[\u3002\uff0c\uff1a\uff1b\uff1f\uff01\uff09]) (?=\\S)")  # such a sign is wide enough


def said(text: str) -> str:
    """`text` in the chosen language; English where no catalog has it."""
    return in_language(text, chosen(os.environ))


def in_language(text: str, language: str) -> str:
    """A text among the values of another is said so, too, also one that was read from JSON; a name stays."""
    catalog = _catalog(language)
    if catalog is None or not text:
        return str(text)
    if not isinstance(text, Words):
        known = catalog.gettext(text)
        return known if known != text else _said_again(text, language)
    values = {name: _said_again(value, language) for name, value in text.values.items()}
    return _NEEDLESS.sub("", catalog.gettext(text.template).format(**values))


def _said_again(value: Any, language: str) -> Any:
    """`value` itself where it is no text."""
    words = value if isinstance(value, Words) else _recalled(value, language) if isinstance(value, str) else None
    return value if words is None else in_language(words, language)


@lru_cache(maxsize=4096)
def _recalled(text: str, language: str) -> Words | None:
    """Of all that is shown again and again, most are names."""
    recall = _recall(language)
    return recall.words(text) if recall else None


def chosen(environ: Mapping[str, str]) -> str:
    """The language of RIGFIT_LANG, else of the locale: `en`, `zh_CN`."""
    for name in ("RIGFIT_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return locale.normalize(environ[name].split(":")[0]).split(".")[0]
    return "en"


@cache
def _catalog(language: str) -> gettext.NullTranslations | None:
    """None for English, and for a language that nobody has translated to."""
    try:
        return gettext.translation(_DOMAIN, CATALOGS, _names(language))
    except OSError:
        return None


@cache
def _recall(language: str) -> Recall | None:
    path = gettext.find(_DOMAIN, CATALOGS, _names(language))
    return Recall(templates_of(Path(path).read_bytes())) if path else None


def _names(language: str) -> list[str]:
    return [language, language.split("_", maxsplit=1)[0]]
