"""By what names this machine and its people go, and what is secret here: so that a report can leave them out."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rigfit.core.redaction.private import Private
from rigfit.core.redaction.secret import is_secret_name
from rigfit.probe.reading import names_in, text_of

_NAMING_A_PERSON = ("USER", "LOGNAME", "USERNAME", "SUDO_USER", "LNAME", "REMOTE_USER")
_NAMING_A_HOME = ("HOME", "USERPROFILE", "CONDA_PREFIX_ROOT")
_NAMING_A_HOST = (
    "HOSTNAME",
    "HOST",
    "COMPUTERNAME",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SLURMD_NODENAME",
    "SLURM_NODELIST",
)
_LIST_OF_HOSTS = re.compile(r"(?i)\A(?:no_proxy|pip_trusted_host|uv_insecure_host)\Z")
_FIRST_PERSON = 1000  # system accounts have lower numbers, and are nobody, https://systemd.io/UIDS-GIDS/
_NOBODY = 65534


def private_names(root: Path, environ: Mapping[str, str]) -> Private:
    """What can be read here without asking anybody else: no directory server, no DNS."""
    known = Private(
        users=tuple(dict.fromkeys(_users(root, environ))),
        hosts=tuple(dict.fromkeys(_hosts(root, environ))),
        homes=tuple(dict.fromkeys(_homes(environ))),
        secrets=tuple(dict.fromkeys(_secrets(environ))),
    )
    return known.learned(
        map(as_address, environ, environ.values())
    )  # a proxy or an index may have a login in its address


def as_address(name: str, value: str) -> str:
    """A proxy may be named without `http://`."""
    is_proxy = re.search(r"(?i)(?<!no)_proxy\Z", name) and value and "://" not in value
    return f"http://{value}" if is_proxy else value


def _users(root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    own = _account(os.getuid())
    if own is not None:
        yield own.pw_name
        full = own.pw_gecos.partition(",")[0].strip()
        if " " in full:
            yield full
    yield from (environ[name] for name in _NAMING_A_PERSON if environ.get(name))
    for folder in (root / "home", root / "Users"):
        yield from names_in(folder) or ()
    for uid in sorted(_owners(root / "proc")):
        account = _account(uid)
        if account is not None:
            yield account.pw_name


def _owners(proc: Path) -> Iterator[int]:
    """Of the processes: they may stand in the log of a proof on a GPU that others use, too."""
    for name in names_in(proc) or ():
        if name.isdigit():
            try:
                owner = (proc / name).stat().st_uid
            except OSError:
                continue
            if owner >= _FIRST_PERSON and owner != _NOBODY:
                yield owner


def _hosts(root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The short name of this machine, too: prompts and logs have that."""
    named = (environ.get(name, "").partition(" ")[0] for name in _NAMING_A_HOST)
    for name in (os.uname().nodename, (text_of(root / "etc/hostname") or "").strip(), *named):
        yield name
        if not name.replace(".", "").isdigit():
            yield name.partition(".")[0]
    for line in (text_of(root / "etc/hosts") or "").splitlines():
        yield from (name for name in line.partition("#")[0].split()[1:] if not name.startswith(("ip6-", "localhost")))
    for line in (text_of(root / "etc/resolv.conf") or "").splitlines():
        if line.startswith(("search ", "domain ")):
            yield from (name for name in line.split()[1:] if "." in name.strip("."))
    for name, value in environ.items():
        if _LIST_OF_HOSTS.match(name):
            yield from (re.sub(r"\A\*?\.|:\d+\Z", "", each) for each in re.split(r"[\s,]+", value) if "/" not in each)


def _homes(environ: Mapping[str, str]) -> Iterator[str]:
    own = _account(os.getuid())
    for place in (own and own.pw_dir, *(environ.get(name) for name in _NAMING_A_HOME)):
        if place and place.strip("/"):
            yield place
            yield os.path.realpath(place)


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Also as they stand in an address."""
    from urllib.parse import quote

    for name, value in environ.items():
        if is_secret_name(name):
            yield value
            yield quote(os.fsencode(value), safe="")


def _account(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None
