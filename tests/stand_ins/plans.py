"""Plans for what the other stand-ins make."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tests.stand_ins.channel import INTERPRETER, MINOR

from rigfit.core.machine import DriverFault, Machine, Platform
from rigfit.core.plan import Base, Plan, Step, Survey, Target
from rigfit.core.template import Artifact, Lock, Stack, Template, Variant
from rigfit.core.version import Version


def bare_environ(folder: Path, **more: str) -> dict[str, str]:
    """Variables of a user who has set nothing up; one try a download, so that failures come at once."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "user"),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_CACHE_DIR": str(folder / "uv-cache"),
        "RATTLER_CACHE_DIR": str(folder / "rattler-cache"),
        "UV_HTTP_RETRIES": "0",
        **more,
    }


def make_target(home: Path, *, pip: Iterable[Artifact] = (), conda: Iterable[Artifact] = ()) -> Target:
    lock = Lock(path="x.conda-lock.yml", sha256="ab" * 32, platform="linux-64", conda=tuple(conda), pip=tuple(pip))
    stack = Stack(
        platform=lock.platform,
        python=f"{MINOR}.0",
        versions={},
        glibc=Version("2.17"),
        glibc_because="",
        fetch=0,
        disk=0,
    )
    variant = Variant(
        template="sample",
        name="cpu",
        cuda=None,
        accepts=("int8",),
        lock_path=lock.path,
        lock_sha256=lock.sha256,
        stacks=(stack,),
    )
    return Target(
        template=Template(name="sample", title="", purpose="", rank=1, imports=(), variants=(variant,)),
        variant=variant,
        lock=lock,
        prefix=str(home / "envs" / variant.environment),
        device="cpu",
        gpu=None,
        quantization="int8",
        machine=Machine(
            platform=Platform(os="linux", arch="x86_64", glibc=Version("2.36")),
            driver=DriverFault(fault="no_device", what="no NVIDIA device"),
        ),
    )


def make_plan(
    home: Path,
    *,
    pip: Iterable[Artifact] = (),
    conda: Iterable[Artifact] = (),
    local_files: dict[str, str] | None = None,
    offline: bool = False,
) -> Plan:
    """A plan that nobody has judged, for one installer to carry out."""
    base = Base(kind="local", version=f"{MINOR}.0", python=INTERPRETER)
    survey = Survey(
        base=base,
        offline=offline,
        missing=(),
        local_files=local_files or {},
        environment_free=None,
        cache_free=None,
        same_disk=True,
        state="absent",
    )
    steps = (Step(id="base", title=""), Step(id="libraries", title=""))
    return Plan(target=make_target(home, pip=pip, conda=conda), base=base, survey=survey, steps=steps)
