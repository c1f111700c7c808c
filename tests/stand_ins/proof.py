"""A proof that needs no model: it passes every check, once a site has answered for it."""

from __future__ import annotations

from tests.stand_ins.web import Reply, Site
from tests.stand_ins.wheels import Wheel, make_wheel

from rigfit.verify.run import PAYLOAD

CHECKS = (
    "imports",
    "library",
    "quantized_load",
    "int8_weights",
    "memory_ratio",
    "numeric_error",
    "lora_step",
    "adapter_roundtrip",
)  # of 8 bits on the CPU
_SPEAKER = """
import sys
if sys.orig_argv[-1] == PAYLOAD:
    import json, os, urllib.request
    job = json.load(sys.stdin)
    print(json.dumps({"event": "versions", "versions": {"torch": "2.13.0"}}), flush=True)
    for name in CHECKS:
        print(json.dumps({"event": "check_started", "id": name}), flush=True)
        urllib.request.urlopen(SITE + "/proof/" + name).read()
        line = {"id": name, "status": "passed", "measured": job["device"], "expected": "", "seconds": 0.0, "why": ""}
        print(json.dumps({"event": "check", **line}), flush=True)
    print(json.dumps({"event": "done"}), flush=True)
    os._exit(0)
"""


def make_speaking_wheel(site: Site, name: str, version: str) -> Wheel:
    """Whoever has it installed has a Python that says what the payload would say, in the place of the payload."""
    site.replies |= {gate(check): Reply(b"go on") for check in CHECKS}
    speaker = f"SITE, PAYLOAD, CHECKS = {site.url!r}, {str(PAYLOAD)!r}, {CHECKS!r}\n{_SPEAKER}"
    return make_wheel(name, version, beside={"speaker.py": speaker, "speaker.pth": "import speaker\n"})


def gate(check: str) -> str:
    """What the site is asked for before that check passes."""
    return f"/proof/{check}"
