"""Takes out of a text whose machine it was: people, hosts, addresses, secrets, serial numbers. What a failure hangs on stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from rigfit.core.redaction.address import is_public, without_addresses, without_hosts
from rigfit.core.redaction.placeholder import Kind, Placeholders
from rigfit.core.redaction.private import ASKED, HOME_OF, OWNER, TILDE, Private
from rigfit.core.redaction.secret import is_secret_name, kind_of, without_secrets

_NOBODY = frozenset({"root", "nobody", "unknown", ""})
_HELD_BY = r"(?P<before>\b(?:user(?:name)?|owner|logname|login|as user|for user|of user)\s*[=: ]\s*[\"']?|(?<![\w.@-])(?=[\w.-]+@[A-Za-z<\[])|/(?:scratch|data|work|media|mnt|nfs|lustre|projects?|workspace|users?)/)"
_GPU = re.compile(r"\b(GPU-|MIG-(?:GPU-)?)([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{2,12})*)(?![\w-])")
_SERIAL = re.compile(r"(?i)(\bserial(?:[ _-]?(?:number|no\.?))?\s*[:=]\s*[\"']?)([\w-]*\d[\w-]*)")
_WHERE_A_HOST_STANDS = r"(?:(?:(?<=\w@)|(?<=\bhost )|(?<=\bhost=)|(?<=\bhost=['\"])){name}|(?<![\w./-]){name}(?= cannot be reached| port \d|:\d{{2,5}}\b))(?![\w-])"
_PERSON_KEY = re.compile(r"(?i)(?:.*_)?(?:user|user_?name|owner|login|logname|author)\Z")
_HOST_KEY = re.compile(r"(?i)(?:host|host_?name|node_?name|ip|addr|address|server)\Z")


class Redactor:
    """Text in, text out; `removed` counts what is gone. Several texts by one Redactor have the same placeholders."""

    def __init__(self, private: Private) -> None:
        self._private = private
        self._put = Placeholders()
        self.text = lru_cache(maxsize=4096)(self._text)  # a log says the same again and again

    @property
    def removed(self) -> Mapping[Kind, int]:
        return self._put.counts

    def json(self, value: Any, name: str = "") -> Any:
        """Keys stay, and so does whatever is no text."""
        match value:
            case dict():
                return {key: self.json(each, str(key)) for key, each in value.items()}
            case list() | tuple():
                return [self.json(each, name) for each in value]
            case str():
                return self._value(value, name)
        return value

    def _value(self, value: str, name: str) -> str:
        text = str(value)
        if not text.strip():
            return text
        if is_secret_name(name):
            return self._put.put(kind_of(name), text)
        if _PERSON_KEY.match(name) and " " not in text:
            return self._user(text)
        if _HOST_KEY.match(name) and re.fullmatch(r"[\w.-]+", text) and not is_public(text):
            return self._host(text)
        return self.text(text)

    def _text(self, text: str) -> str:
        text = without_hosts(text, self._put)
        for secret in self._secrets:
            text = secret.sub(lambda found: self._put.put("token", found[0]), text)
        text = without_secrets(text, self._put)
        text = _GPU.sub(lambda found: found[1] + self._put.gpu(found[2].lower()), text)
        text = _SERIAL.sub(lambda found: found[1] + self._put.put("serial", found[2]), text)
        text = without_addresses(text, self._put)
        for host in self._hosts:
            text = host.sub(lambda found: self._host(found[0]), text)
        return self._without_people(text)

    def _without_people(self, text: str) -> str:
        for home in self._homes:
            text = home.sub(self._home, text)
        for place in (HOME_OF, TILDE, OWNER):
            text = place.sub(lambda found: found["before"] + self._user(found["name"]), text)
        text = ASKED.sub(lambda found: ", ".join(map(self._user, found["names"].split(", "))), text)
        for name in self._names:
            text = name.sub(lambda found: found.groupdict().get("before", "") + self._user(found["name"]), text)
        return text

    def _user(self, name: str) -> str:
        whole = name.rstrip(".")
        return name if whole.lower() in _NOBODY else self._put.put("user", whole.lower()) + name[len(whole) :]

    def _host(self, name: str) -> str:
        """A machine is the same by its short name and its long one."""
        short = name.lower().partition(".")[0]
        known = short in map(str.lower, self._private.hosts)
        return self._put.put("host", short if known else name.lower())

    def _home(self, found: re.Match[str]) -> str:
        before, _, name = found[0].replace("\\", "/").rpartition("/")
        return f"{before}/{self._user(name)}"

    @cached_property
    def _secrets(self) -> list[re.Pattern[str]]:
        """A short one is a word that stands in other places, too."""
        known = sorted({each.strip() for each in self._private.secrets}, key=len, reverse=True)
        worth = (each for each in known if len(each) > 5 and not self._private.is_ordinary(each))
        return [_bounded(each) if len(each) < 12 else re.compile(re.escape(each)) for each in worth]

    @cached_property
    def _hosts(self) -> list[re.Pattern[str]]:
        known = sorted({each.strip(".") for each in self._private.hosts}, key=len, reverse=True)
        private = [each for each in known if each and not is_public(each)]
        dotted = (rf"(?<![\w.-])\.?(?:[\w-]+\.)*{re.escape(each)}(?![\w-])" for each in private if "." in each)
        short = [each for each in private if "." not in each]
        plain = (each for each in short if not self._private.is_ordinary(each))
        alone = (rf"(?<![A-Za-z0-9]){re.escape(each)}(?:(?:\.[a-z0-9-]+){{2,}})?(?![A-Za-z0-9])" for each in plain)
        where = (_WHERE_A_HOST_STANDS.format(name=re.escape(each)) for each in short)
        return [re.compile(each, re.IGNORECASE) for each in (*dotted, *alone, *where)]

    @cached_property
    def _homes(self) -> list[re.Pattern[str]]:
        known = sorted({each.rstrip("/\\") for each in self._private.homes}, key=len, reverse=True)
        worth = (each for each in known if each.count("/") + each.count("\\") > 0 and not each.endswith("/root"))
        return [re.compile(rf"{re.escape(each)}(?![\w.-])") for each in worth]

    @cached_property
    def _names(self) -> list[re.Pattern[str]]:
        """Each where it means the account: an ordinary word only where nothing else can stand."""
        known = sorted({each.lower() for each in self._private.users} - _NOBODY, key=len, reverse=True)
        plain = [each for each in known if not self._private.is_ordinary(each)]
        held = [re.escape(each) for each in known if each not in plain]
        patterns = [_bounded(each, re.IGNORECASE) for each in plain]
        if held:
            patterns.append(re.compile(rf"(?i){_HELD_BY}(?P<name>{'|'.join(held)})(?![\w-])"))
        return patterns


def _bounded(text: str, flags: int = 0) -> re.Pattern[str]:
    """Not inside a longer word, which is another one."""
    return re.compile(rf"(?<![A-Za-z0-9])(?P<name>{re.escape(text)})(?![A-Za-z0-9])", flags)
