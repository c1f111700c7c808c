"""What is nobody's business on this machine: the names of people, hosts and homes, and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rigfit.core.redaction.address import hosts_in, logins_in

# Accounts and machines are called so, and our texts, libraries and GPUs are, too.
_ORDINARY = frozenset(
    re.findall(
        r"\w+",
        """
    user users username root admin administrator guest nobody unknown login owner name test tests tester demo dev
    devel ubuntu debian fedora centos alpine arch linux windows mac macos wsl docker podman conda mamba micromamba
    anaconda miniconda runner jovyan jupyter vscode builder build vsts buildbot jenkins travis circleci ci git svn
    system daemon service bin sys host hosts hostname server client node nodes master worker head gateway proxy
    localhost local home desktop laptop workstation station notebook machine computer box rig pc gpu gpus cpu cuda
    nvidia geforce titan tesla quadro rtx gtx hopper blackwell ampere ada lovelace grace turing volta pascal maxwell
    kepler jetson orin thor spark torch pytorch tensorflow jax numpy pandas scipy rich ray dask triton apex peft
    transformers accelerate bitsandbytes tokenizers datasets hub model models train training eval data dataset
    scratch work workspace project projects lab team group public private research python pip uv rigfit max min mark
    will bill art rob pat may june dean guy jack chase grant drew hope joy faith ruby pearl crystal amber main key
    keys token tokens secret password email address serial parameter value values none null true false
""",
    )
)
_PIECE = re.compile(r"[^\W_]+")
# Where a text names a person, whoever it is: homes, and the owners of processes as our own texts have them.
_IN_HOMES = r"/(?:home|homes|Users)/(?:[^/\s]/|(?:users|staff|students?|people)/)*"
HOME_OF = re.compile(
    rf"(?P<before>{_IN_HOMES}|\b[A-Za-z]:(?:\\{{1,2}}|/)Users(?:\\{{1,2}}|/))(?!(?:\w|users|staff|students?|people)/<user)(?P<name>\w(?:[^/\\\s:'\"`,;()\[\]{{}}<>]|(?<=\w) (?=\w+\\))*)"
)
TILDE = re.compile(r"(?P<before>(?<![\w~/.])~)(?P<name>[A-Za-z_][\w.-]*)(?=/)")
OWNER = re.compile(r"(?P<before>\bprocess \d+ of |\b[ug]id=\d+\()(?P<name>[^\s()]+)(?= \(|\))")
ASKED = re.compile(r"(?<=\bor ask )(?P<names>[^\s,]+(?:, [^\s,]+)*)(?= when that will be)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """What is known to be nobody's business. `ordinary` are words that a name may be, too: it is then taken for one only where it must be."""

    users: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ordinary: frozenset[str] = field(default=frozenset(), repr=False)

    def learned(self, texts: Iterable[str]) -> Private:
        """With the names that the texts themselves tell: whose homes and processes, which hosts, which logins."""
        users, hosts, secrets = dict.fromkeys(self.users), dict.fromkeys(self.hosts), dict.fromkeys(self.secrets)
        for text in texts:
            for pattern in (HOME_OF, TILDE, OWNER):
                users |= dict.fromkeys(found["name"].rstrip(".") for found in pattern.finditer(text))
            users |= {name: None for found in ASKED.finditer(text) for name in found["names"].split(", ")}
            hosts |= dict.fromkeys(sorted(hosts_in(text)))
            logins = sorted(logins_in(text))
            users |= {user: None for user, password in logins if password}
            secrets |= {password or user: None for user, password in logins}
        return replace(self, users=tuple(users), hosts=tuple(hosts), secrets=tuple(secrets))

    def present_in(self, texts: Iterable[str]) -> Private:
        """Without the users that are nowhere in them: a cluster has thousands."""
        pieces = {piece for text in texts for piece in _PIECE.findall(text.lower())}
        users = tuple(name for name in self.users if set(_PIECE.findall(name.lower())[:1]) & pieces)
        return replace(self, users=users)

    def is_ordinary(self, name: str) -> bool:
        """Whether the name stands in texts that do not mean it."""
        short = len(name) < (3 if name.isascii() else 2)
        return short or name.isdigit() or name.lower() in _ORDINARY or name.lower() in self.ordinary
