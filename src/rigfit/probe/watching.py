"""How busy and warm each GPU is, asked of NVML in a child (nvml_use.py) that is left behind when it hangs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from rigfit.core.use import Use
from rigfit.probe.asking import binding_file, command_of
from rigfit.process.child import Said, run

_CHILD = Path(__file__).with_name("nvml_use.py")
_LIMIT = 5.0  # seconds


def ask_use(*, root: Path = Path("/"), environ: Mapping[str, str], limit: float = _LIMIT) -> tuple[Use, ...]:
    """By index; empty where nobody tells. Never raises."""
    binding = binding_file()
    if not binding:
        return ()
    try:
        with closing(run(command_of(_CHILD, binding, root, environ, limit))) as heard:
            said = next((item.text for item in heard if isinstance(item, Said) and item.stream == "out"), "[]")
        return tuple(Use(**each) for each in json.loads(said))
    except (OSError, ValueError, TypeError):
        return ()
