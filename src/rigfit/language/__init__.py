"""Says the texts of the core in the language of whoever reads them, from gettext catalogs; codes and JSON stay English."""

from __future__ import annotations

import gettext
import locale
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from rigfit.core.words import Words

CATALOGS = Path(__file__).parent / "catalogs"
_DOMAIN = "rigfit"
_NEEDLESS = re.compile("(?<=[\u3002\uff0c\uff1a\uff1b\uff1f\uff01\uff09]) (?=\\S)")  # such a sign is wide enough


def said(text: str) -> str:
    """`text` in the chosen language; English where no catalog has it."""
    return in_language(text, chosen(os.environ))


def in_language(text: str, language: str) -> str:
    """A text among the values of another is said so, too; a plain one there is a name, and stays."""
    catalog = _catalog(language)
    if catalog is None or not text:
        return str(text)
    if not isinstance(text, Words):
        return catalog.gettext(text)
    values = {
        name: in_language(value, language) if isinstance(value, Words) else value for name, value in text.values.items()
    }
    return _NEEDLESS.sub("", catalog.gettext(text.template).format(**values))


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
        return gettext.translation(_DOMAIN, CATALOGS, [language, language.split("_", maxsplit=1)[0]])
    except OSError:
        return None
