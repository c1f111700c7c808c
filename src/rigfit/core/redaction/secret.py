"""Tokens, passwords and keys in a text: by their form, or by the name that stands before them."""

from __future__ import annotations

import re
from collections.abc import Callable

from rigfit.core.redaction.placeholder import Kind, Placeholders

# What services begin their tokens with: most as in https://github.com/edoardottt/secfiles (regex/secrets.md), GitLab's as in
# https://gitlab.com/gitlab-org/gitlab/-/issues/342327, both read on 2026-11-22. Shorter ones than they have are taken, too.
_BEGINNINGS = (
    r"hf_(?:(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}|[a-z]{20,})",  # hf_quantizer is a name in transformers
    r"api_org_[A-Za-z0-9]{16,}",
    r"gh[pousr]_[A-Za-z0-9_]{8,}",
    r"github_pat_[A-Za-z0-9_]{8,}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[A-Za-z0-9_.-]{8,}",
    r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA)[A-Z0-9]{12,}",
    r"xox[a-z]-[A-Za-z0-9-]{8,}",
    r"xapp-[A-Za-z0-9-]{8,}",
    r"pypi-[A-Za-z0-9_-]{16,}",
    r"npm_[A-Za-z0-9]{16,}",
    r"sk-[A-Za-z0-9_-]{16,}",
    r"[srp]k_(?:live|test)_[A-Za-z0-9]{8,}",
    r"nvapi-[A-Za-z0-9_-]{16,}",
    r"AIza[A-Za-z0-9_-]{20,}",
    r"ya29\.[A-Za-z0-9_.-]{16,}",
    r"dckr_pat_[A-Za-z0-9_-]{8,}",
    r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?",
)
_TOKEN = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_BEGINNINGS)})")
_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
_PUBLIC_KEY = re.compile(
    r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\w+|sk-\S+@openssh\.com) +AAAA[\w+/=]+(?: +[^\s'\"]+)?"
)
_RUN = re.compile(r"(?<![\w+/.-])[A-Za-z0-9+/]{60,}={0,2}(?![\w+/.-])")
_SCHEME = re.compile(r"(?i)(\bauthorization\\?[\"']?\s*[:=]\s*\\?[\"']?)((?:[a-z]+\s+)?)([^\s\"',\\]+)")
_BEARER = re.compile(r"\b((?i:bearer)\s+|Basic\s+(?=[A-Za-z+/]*[A-Z0-9=]))([\w.~+/=-]{8,})")
_COOKIE = re.compile(r"(?i)(\b(?:set-)?cookie:\s*)([^\r\n]+)")
_NETRC = re.compile(r"(\blogin\s+)(\S+)(\s+password\s+)(\S+)")
_OPTION = re.compile(
    r"(?i)((?<![\w-])--?[\w-]*(?:token|passwo?r?d|passphrase|secret|credentials?|(?:api|access|auth|private)-?key)[= ]\s*[\"']?)"
    r"([^\s\"'-][^\s\"']*)"
)
_SHORT_OPTION = re.compile(r"((?<!\S)-u[ =]?[\"']?)([^\s:\"'/]+):([^\s\"'/]+)")
_LOGIN = re.compile(r"(\blogin\b[^\r\n]{0,200}?\s-p[ =]?[\"']?)([^\s\"']+)")
_NAMED = re.compile(
    r"(?<![\w.-])([\w.-]+)(?P<mark>\\?[\"']?\s*(?::|=(?!=))\s*\\?[\"']?)"
    r"(?P<value>(?<=\")[^\"\\\r\n]+|(?<=')[^'\\\r\n]+|(?:[^\s\"'\\,;&)\]}]|[,;)\]}](?=[^\s,;.)\]}]))+)"
)
_SECRET_NAME = re.compile(
    r"(?i)(?:token|secret|passw(?:or)?d|passphrase|(?<![a-z])pass|(?<=_)pwd|credentials?|(?<![a-z])pat"
    r"|(?:api|access|auth|private|secret|account|license|encryption|signing|ssh)[_-]?key|(?<=_)key)\Z"
)
_OF_A_TEXT = re.compile(  # tokens of a tokenizer, and what else is called a key
    r"(?i)(?:eos|bos|pad|unk|sep|cls|mask|special|added|image|next|last|first|new|prompt|stop|word|sub|start|end|bot|call)_?token\Z"
    r"|(?:primary|foreign|sort|cache|state_dict|public|gpg|dict|past|map|config|index|lookup|group)_key\Z"
)
_NO_SECRET = re.compile(
    r"(?i)(?:none|null|true|false|yes|no|on|off|auto|str|bool|int|optional|0|1|-?\d{1,5}|\.\.\.|\*+|self\..*|os\..*|kwargs.*|<[^<>]*>|\[.*)\Z"
)
_LIKELY = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])\S{8,}")
_SURE = re.compile(r"(?i)(?:passw(?:or)?d|passphrase|pass|pwd|secret|key|credentials?|pat)\Z")


def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is nobody's business, as HF_TOKEN; `eos_token` and `PWD` are none such."""
    return bool(_SECRET_NAME.search(name)) and not _OF_A_TEXT.search(name) and name.upper() not in {"PWD", "OLDPWD"}


def without_secrets(text: str, put: Placeholders) -> str:
    """Whatever looks like one, without knowing it."""
    text = _BLOCK.sub(lambda found: put.put("key", found[0]), text)
    text = _PUBLIC_KEY.sub(lambda found: put.put("key", found[0]), text)
    text = _TOKEN.sub(lambda found: put.put("token", found[0]), text)
    text = _SCHEME.sub(lambda found: found[1] + found[2] + put.put("token", found[3]), text)
    text = _BEARER.sub(lambda found: found[1] + put.put("token", found[2]), text)
    text = _COOKIE.sub(lambda found: found[1] + put.put("token", found[2]), text)
    text = _NETRC.sub(
        lambda found: found[1] + put.put("user", found[2]) + found[3] + put.put("password", found[4]), text
    )
    text = _OPTION.sub(_by_option(put), text)
    text = _SHORT_OPTION.sub(
        lambda found: f"{found[1]}{put.put('user', found[2].lower())}:{put.put('password', found[3])}", text
    )
    text = _LOGIN.sub(lambda found: found[1] + put.put("password", found[2]), text)
    text = _NAMED.sub(_by_name(put), text)
    return _RUN.sub(lambda found: put.put("token", found[0]) if _is_random(found[0]) else found[0], text)


def kind_of(name: str) -> Kind:
    """What such a value is counted as."""
    return "password" if re.search(r"(?i)pass|pwd", name) else "token"


def _by_option(put: Placeholders) -> Callable[[re.Match[str]], str]:
    def replaced(found: re.Match[str]) -> str:
        plain = _NO_SECRET.fullmatch(found[2])
        return found[0] if plain else found[1] + put.put(kind_of(found[1]), found[2])

    return replaced


def _by_name(put: Placeholders) -> Callable[[re.Match[str]], str]:
    def replaced(found: re.Match[str]) -> str:
        name, mark, value = found[1], found["mark"], found["value"]
        if not is_secret_name(name) or _NO_SECRET.fullmatch(value) or name.lower() == value.lower():
            return found[0]
        # `invalid token: expected a comma` is a sentence.
        sure = _SURE.search(name) or "=" in mark or '"' in mark or "'" in mark or _LIKELY.fullmatch(value)
        return name + mark + put.put(kind_of(name), value) if sure else found[0]

    return replaced


def _is_random(run: str) -> bool:
    """A path has more slashes, a hash one case of letters, a mangled name of C++ underscores."""
    mixed = all(re.search(letters, run) for letters in ("[a-z]", "[A-Z]", "[0-9]"))
    return mixed and run.count("/") * 12 < len(run)
