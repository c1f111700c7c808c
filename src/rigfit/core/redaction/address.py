"""Where machines are in a text: addresses of pages and files, hosts, IP and MAC addresses, mail."""

from __future__ import annotations

import re

from rigfit.core.redaction.placeholder import Placeholders

# Whoever reads a report may know them: everybody fetches from them, and facts are cited from them.
_PUBLIC = re.findall(
    r"\S+",
    """
    pytorch.org anaconda.org anaconda.com conda-forge.org conda.io pypa.io huggingface.co hf-mirror.com github.com
    githubusercontent.com nvidia.com readthedocs.io python.org astral.sh prefix.dev arxiv.org wikipedia.org gnu.org
    kernel.org systemd.io docker.com microsoft.com ubuntu.com anandtech.com example.com example.org
""",
)
_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{1,14})://(?P<rest>(?:(?![A-Za-z+]{2,14}://)[^\s'\"<>`\\])+)"
)
_FULL_NAME = r"(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})(?![\w-]|\.\w)"
_TOLD = re.compile(  # as Python, ssh and our own problems speak of one
    rf"(?i)(?:\bhost(?:name)?(?:\s*[=:]\s*|\s+)[\"'`]?{_FULL_NAME}"
    rf"|(?<![\w./@-]){_FULL_NAME.replace('host', 'host2')}(?= (?:cannot be reached|wants a login|port \d)))"
)
_AUTHORITY = re.compile(
    r"(?:(?P<login>[^/?#]*)@)?(?P<host>\[[\w:.%]+\]|[\w.%*{}$-]*)(?P<port>:\d*)?(?=[/?#,;:.)\]}]|$)"
)
_LOOSE = re.compile(r"(?P<login>.*)@(?P<host>[\w.%-]*)(?P<port>:\d*)?")
_PARAMETER = re.compile(r"(?<=[?&])([\w.~%\[\]-]+=)([^&#\s]+)")
_SEGMENT = re.compile(r"(?<=/)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{16,}(?=[/?#]|$)")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?![\w-])")
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})(?![\w:-])")
_V6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:.]{2,45}(?:%\w+)?(?![\w:])")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = re.compile(rf"(?<![\w.+-]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w+-]|\.\w)")
_LIBRARY = r"nvidia|nccl|nvjit|nvtx|cu(?:da|dnn|blas|fft|rand|solver|sparse|pti|file|tensor)"
_VERSION_BEFORE = re.compile(
    rf"(?i)(?:[=<>~!]=\s*|[<>]\s*|\S*(?:{_LIBRARY})\S*[\s(=]+"
    r"|\b(?:versions?|ver|v|release|build|driver|needs|needed|found|requires|required|wants|installed|than)[\s:=(]*[\"'`]?)\Z"
)
_ADDRESS_BEFORE = re.compile(
    r"(?i)(?:(?:\b|_)(?:ip|ipv4|addr|address|hosts?|server|proxy|inet|peer|gateway|dns|nameserver|client|src|dst|remote|listen"
    r"|bind|resolve[sd]?|(?:connect(?:ion|ed|ing)?|bound|listening) (?:to|on|from))[\s:=(]*[\"'(]?|[@/])\Z"
)
_ADDRESS_AFTER = re.compile(r":\d{1,5}(?!\d)|/\d{1,2}(?!\d)")
_NOBODYS = ("127.", "0.", "255.255.")
_PRIVATE = re.compile(r"192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.")
_BEYOND_VERSIONS = 24  # no library of four numbers has come as far
_DOTTED = re.compile(r"(?<![\w.@/-])[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?![\w-]|\.\w)")
_INTERNAL = (".corp", ".lan", ".intranet", ".localdomain")
_INTERNAL_OR_A_MODULE = (".internal", ".local")  # as threading.local is one
_OF_A_CLOUD = re.compile(r"(?<![\w-])ip-\d+-\d+-\d+-\d+(?:\.[\w-]+)*")


def is_public(host: str) -> bool:
    """Whether everybody knows it; this machine by any name is as good."""
    name = host.lower().strip("[]")
    local = name in {"localhost", "::1"} or name.startswith("127.") or not re.search(r"\w", name)
    return local or any(name == each or name.endswith(f".{each}") for each in _PUBLIC)


def hosts_in(text: str) -> set[str]:
    """Those that it tells as such, in an address or in words, and that are no public ones."""
    addresses = (_authority(each["rest"]) for each in _URL.finditer(text))
    found = [each["host"] for each in addresses if each] + [
        each["host"] or each["host2"] for each in _TOLD.finditer(text)
    ]
    return {host.lower() for host in found if not is_public(host)}


def logins_in(text: str) -> set[tuple[str, str]]:
    """User and password, or one of them, of the addresses in it."""
    found = (_authority(each["rest"]) for each in _URL.finditer(text))
    logins = (each["login"].partition(":") for each in found if each and each["login"])
    return {(user, password) for user, _, password in logins}


def without_hosts(text: str, put: Placeholders) -> str:
    """Of its addresses of pages and files: public hosts stay, logins and the values of parameters do not."""
    return _URL.sub(lambda found: f"{found['scheme']}://{_url(found['rest'], put)}", text)


def without_addresses(text: str, put: Placeholders) -> str:
    """Of machines and people. Loopback stays, and so do versions that look like an IP address."""
    text = _EMAIL.sub(lambda found: put.put("email", found[0].lower()), text)
    text = _MAC.sub(lambda found: put.put("mac", found[0].lower()), text)
    text = _V6.sub(lambda found: _v6(found[0], put), text)
    text = _V4.sub(lambda found: put.put("address", found[0]) if _is_v4(found) else found[0], text)
    text = _OF_A_CLOUD.sub(lambda found: put.put("host", found[0].lower()), text)
    return _DOTTED.sub(lambda found: put.put("host", found[0].lower()) if _is_internal(found[0]) else found[0], text)


def _is_internal(name: str) -> bool:
    low = name.lower()
    return low.endswith(_INTERNAL) or (low.endswith(_INTERNAL_OR_A_MODULE) and bool(re.search(r"[\d-]", low)))


def _authority(rest: str) -> re.Match[str] | None:
    """A password may hold what an address may not: then the last @ ends it."""
    found = _AUTHORITY.match(rest)
    return found or _LOOSE.match(rest)


def _url(rest: str, put: Placeholders) -> str:
    found = _authority(rest)
    if found is None:
        return rest
    login = f"{_login(found['login'], put)}@" if found["login"] else ""
    host, path = found["host"], rest[found.end() :]
    if not is_public(host):
        host = put.put("address" if re.fullmatch(r"[\d.]+|\[.*\]", host) else "host", host.lower())
        path = _SEGMENT.sub(lambda part: put.put("token", part[0]), path)
    path = _PARAMETER.sub(lambda part: part[1] + put.put("parameter", part[2]), path)
    return f"{login}{host}{found['port'] or ''}{path}"


def _login(login: str, put: Placeholders) -> str:
    user, colon, password = login.partition(":")
    return put.put("user", user.lower()) * bool(user) + colon + put.put("password", password) * bool(password)


def _v6(text: str, put: Placeholders) -> str:
    """A colon or a full stop behind it is that of the sentence."""
    from ipaddress import AddressValueError, IPv6Address

    address = text if text.endswith("::") else text.rstrip(":.")
    try:
        meant = IPv6Address(address)
    except AddressValueError:
        return text
    if meant.is_loopback or meant.is_unspecified or not re.search(r"\d", address):
        return text
    return put.put("address", address.lower()) + text[len(address) :]


def _is_v4(found: re.Match[str]) -> bool:
    """Versions of NVIDIA's libraries have four parts, too: 10.3.9.90 is one of cuRAND."""
    before, after = found.string[max(0, found.start() - 60) : found.start()], found.string[found.end() :][:8]
    if found[0].startswith(_NOBODYS):
        return False
    if _ADDRESS_AFTER.match(after) or _ADDRESS_BEFORE.search(before):
        return True
    if _VERSION_BEFORE.search(before):
        return False
    first, *others = map(int, found[0].split("."))
    if first == 10:
        return bool(before.strip() or after.strip())
    return bool(_PRIVATE.match(found[0])) or first >= _BEYOND_VERSIONS or sum(each > 99 for each in others) > 1
