"""How each GPU is used, asked of NVML in a child (nvml_use.py) that is left behind when it hangs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from rigfit.core.use import Holder, Part, Use
from rigfit.probe.asking import binding_file, command_of
from rigfit.process.child import Said, run

_CHILD = Path(__file__).with_name("nvml_use.py")
_LIMIT = 5.0  # seconds


def ask_use(*, root: Path = Path("/"), environ: Mapping[str, str], limit: float = _LIMIT) -> tuple[Use, ...]:
    """By index; empty where nobody tells. Never raises."""
    binding = binding_file()
    if not binding:
        return ()
    said = "[]"
    try:
        with closing(run(command_of(_CHILD, binding, root, environ, limit))) as heard:
            for item in heard:
                if isinstance(item, Said) and item.stream == "out":
                    said = item.text  # the last one knows most
        return tuple(_use(each) for each in json.loads(said))
    except (OSError, ValueError, TypeError):
        return ()


def _use(said: dict[str, Any]) -> Use:
    manifold = {
        "slowdown": tuple(said.get("slowdown") or ()),
        "processes": _holders(said),
        "parts": tuple(Part(**{**part, "processes": _holders(part)}) for part in said.get("parts", ())),
    }
    return Use(**{**said, **manifold})


def _holders(said: dict[str, Any]) -> tuple[Holder, ...]:
    return tuple(Holder(**each) for each in said.get("processes", ()))
