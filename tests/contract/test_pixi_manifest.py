"""pixi.toml without pixi: it follows pixi's own schema, and each task's command line runs in a plain environment."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import jsonschema
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).parents[2]
TASKS = ["setup", "detect", "select", "verify", "installer", "test", "lint", "lock"]


def manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = tomllib.loads(REPOSITORY.joinpath("pixi.toml").read_text())
    return manifest


def project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads(REPOSITORY.joinpath("pyproject.toml").read_text())["project"]
    return project


def run_task(name: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """As pixi does: the task's command with the arguments behind it, from the folder of the manifest."""
    command = [*shlex.split(manifest()["tasks"][name]["cmd"]), *arguments]
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | {"PATH": path, "RIGFIT_HOME": str(home)}
    return subprocess.run(
        command, cwd=REPOSITORY, env=variables, check=False, capture_output=True, text=True, timeout=60
    )


def test_the_manifest_follows_the_schema_of_pixi() -> None:
    schema = json.loads(REPOSITORY.joinpath("tests/data/pixi-schema.json").read_text())

    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(manifest())


def test_the_schema_would_reject_a_misspelled_key() -> None:
    schema = json.loads(REPOSITORY.joinpath("tests/data/pixi-schema.json").read_text())
    broken = manifest()
    broken["workspace"]["chanels"] = broken["workspace"].pop("channels")

    assert not jsonschema.Draft7Validator(schema).is_valid(broken)


def test_the_tasks_are_those_that_people_rely_on_and_each_says_what_it_does() -> None:
    tasks = manifest()["tasks"]

    assert list(tasks) == TASKS
    assert all(task["description"] for task in tasks.values())


def test_rigfit_comes_from_this_folder_with_an_extra_that_exists() -> None:
    rigfit = manifest()["pypi-dependencies"]["rigfit"]

    assert (rigfit["path"], rigfit["editable"]) == (".", True)
    assert set(rigfit["extras"]) <= set(project()["optional-dependencies"])


@pytest.mark.parametrize("task", TASKS)
def test_each_task_hands_its_arguments_on(task: str, tmp_path: Path) -> None:
    done = run_task(task, "--help", home=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "usage" in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize("task", ["detect", "select"])
def test_what_only_looks_runs_for_real(task: str, tmp_path: Path) -> None:
    done = run_task(task, "--json", home=tmp_path)

    answer = json.loads(done.stdout)
    assert (answer["schema"], answer["command"], answer["ok"]) == (1, task, True), done.stderr


def test_verify_all_with_nothing_set_up_ends_with_a_code_of_the_contract(tmp_path: Path) -> None:
    done = run_task("verify", "--all", home=tmp_path)

    assert done.returncode in {0, 2, 3, 4, 5, 6, 7}
    assert "Traceback" not in done.stderr
