"""install.sh on a bare machine: what it leaves, what it says, and what survives when it is stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from tests.installer.bare_machine import BareMachine, Index

REPOSITORY = Path(__file__).parents[2]


def closed_port_url() -> str:
    """Nothing listens there: the port was free a moment ago and is not handed out again soon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/simple"


def apps(machine: BareMachine) -> list[str]:
    return sorted(path.name for path in machine.data.glob("app-*"))


def test_a_fresh_install_runs_setup_with_the_arguments_and_ends_with_its_exit_code(
    machine: BareMachine, index: Index
) -> None:
    done = machine.install("--yes", "--variant", "a b")

    assert done.stdout == "asked|setup|--yes|--variant|a b\n"
    assert done.returncode == 7
    assert machine.link.readlink() == machine.data / "app" / "bin" / "rigfit"
    assert machine.rigfit("--version") == "rigfit 0.1.0"
    assert any(path.endswith(".whl") for path in index.asked)


def test_on_a_terminal_it_opens_the_installer_unless_options_say_what_to_set_up(machine_with_uv: BareMachine) -> None:
    assert machine_with_uv.install_on_terminal().endswith("\nasked\n")
    assert machine_with_uv.install_on_terminal("--yes").endswith("\nasked|setup|--yes\n")
    assert machine_with_uv.install_on_terminal(term="dumb").endswith("\nasked|setup\n")
    assert machine_with_uv.install().stdout == "asked|setup\n"


def test_a_uv_on_the_path_is_used_with_the_index_that_pip_is_configured_for(
    machine_with_uv: BareMachine, index: Index, tmp_path: Path
) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = {index.url}\n")
    machine_with_uv.variables["PIP_CONFIG_FILE"] = str(configuration)
    del machine_with_uv.variables["PIP_INDEX_URL"]

    done = machine_with_uv.install("--no-setup")

    assert done.returncode == 0, done.stderr
    assert any(path.endswith(".whl") for path in index.asked)
    assert machine_with_uv.rigfit("--version") == "rigfit 0.1.0"
    log = machine_with_uv.data.joinpath("install.log").read_text()
    assert "uv pip install" in log
    assert "-m pip" not in log


def test_where_uv_fails_pip_does_it(machine: BareMachine, index: Index) -> None:
    machine.add_program("uv", '[ "$1" = --version ] || { echo "uv: not today" >&2; exit 2; }')

    done = machine.install("--no-setup")

    assert done.returncode == 0, done.stderr
    assert machine.rigfit("--version") == "rigfit 0.1.0"


def test_the_second_run_asks_the_index_nothing_and_changes_nothing(machine_with_uv: BareMachine, index: Index) -> None:
    machine_with_uv.install("--no-setup")
    first, asked = apps(machine_with_uv), len(index.asked)

    done = machine_with_uv.install("--no-setup")

    assert done.returncode == 0
    assert "nothing has changed" in done.stderr
    assert (apps(machine_with_uv), len(index.asked)) == (first, asked)


def test_a_changed_checkout_replaces_the_app_and_leaves_one(machine_with_uv: BareMachine) -> None:
    machine_with_uv.install("--no-setup")
    machine_with_uv.write_command("0.2.0")

    machine_with_uv.install("--no-setup")

    assert machine_with_uv.rigfit("--version") == "rigfit 0.2.0"
    assert len(apps(machine_with_uv)) == 1


@pytest.mark.parametrize("file", ["src/rigfit/new.py", "installer/rigfit_installer/new.tcss", "environments/new.toml"])
def test_whatever_of_the_checkout_is_shipped_counts_as_a_change(machine_with_uv: BareMachine, file: str) -> None:
    machine_with_uv.install("--no-setup")
    machine_with_uv.checkout.joinpath(file).write_text("new")

    done = machine_with_uv.install("--no-setup")

    assert "rigfit: installed: rigfit 0.1.0" in done.stderr


def test_the_installed_command_does_not_need_the_checkout(machine_with_uv: BareMachine) -> None:
    machine_with_uv.install("--no-setup")
    shutil.rmtree(machine_with_uv.checkout)

    assert machine_with_uv.rigfit("--version") == "rigfit 0.1.0"


def test_killed_while_fetching_it_leaves_the_earlier_app_usable_and_the_next_run_works(
    machine: BareMachine, index: Index
) -> None:
    machine.install("--no-setup")
    machine.write_command("0.2.0")
    index.hangs = True

    with machine.start("--no-setup") as process:
        assert index.reached.wait(60)
        os.killpg(process.pid, signal.SIGKILL)
    unfinished = apps(machine)
    in_between = machine.rigfit("--version")
    index.hangs = False
    index.release.set()
    done = machine.install("--no-setup")

    assert len(unfinished) == 2
    assert in_between == "rigfit 0.1.0"
    assert done.returncode == 0, done.stderr
    assert machine.rigfit("--version") == "rigfit 0.2.0"
    assert len(apps(machine)) == 1


def test_interrupted_it_removes_what_it_began_and_ends_with_130(machine: BareMachine, index: Index) -> None:
    index.hangs = True

    with machine.start("--no-setup") as process:
        assert index.reached.wait(60)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)  # listened to until the end, as a terminal would

    assert process.returncode == 130
    assert apps(machine) == []


def test_two_at_once_wait_for_each_other_and_leave_one_app(machine_with_uv: BareMachine, index: Index) -> None:
    index.hangs = True
    with machine_with_uv.start("--no-setup") as first:
        assert index.reached.wait(60)
        with machine_with_uv.start("--no-setup") as second:
            assert second.stderr is not None
            assert "waiting for another install" in second.stderr.readline()
            index.hangs = False
            index.release.set()
            _, said = second.communicate(timeout=60)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "nothing has changed" in said
    assert len(apps(machine_with_uv)) == 1


@pytest.mark.parametrize("with_uv", [False, True], ids=["pip", "uv"])
def test_an_unreachable_index_is_a_clear_problem_and_the_earlier_app_stays(
    machine: BareMachine, request: pytest.FixtureRequest, *, with_uv: bool
) -> None:
    if with_uv:
        request.getfixturevalue("machine_with_uv")
    machine.install("--no-setup")
    machine.write_command("0.2.0")
    machine.variables["PIP_INDEX_URL"] = closed_port_url()
    shutil.rmtree(machine.home / ".cache", ignore_errors=True)

    done = machine.install("--yes")

    assert done.returncode == 5
    assert "error: rigfit could not be installed: the package index cannot be reached\n" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert str(machine.data / "install.log") in done.stderr
    assert machine.rigfit("--version") == "rigfit 0.1.0"
    assert len(apps(machine)) == 1


def test_an_index_without_a_library_is_told_apart_from_one_out_of_reach(machine: BareMachine, index: Index) -> None:
    index.wheels.clear()

    done = machine.install("--yes")

    assert done.returncode == 5
    assert "does not have what it needs" in done.stderr
    assert "cannot be reached" not in done.stderr
    assert "stub-library" in done.stderr


def test_a_command_that_does_not_start_never_replaces_one_that_does(machine_with_uv: BareMachine) -> None:
    machine_with_uv.install("--no-setup")
    machine_with_uv.write_command("0.2.0")
    with machine_with_uv.checkout.joinpath("src/rigfit/main.py").open("a") as file:
        file.write("\nimport a_module_that_is_missing\n")

    done = machine_with_uv.install("--no-setup")

    assert done.returncode == 5
    assert "a_module_that_is_missing" in done.stderr
    assert machine_with_uv.rigfit("--version") == "rigfit 0.1.0"


def test_a_foreign_rigfit_is_kept_and_said(machine_with_uv: BareMachine) -> None:
    machine_with_uv.link.parent.mkdir(parents=True)
    machine_with_uv.link.write_text("mine")

    done = machine_with_uv.install("--no-setup")

    assert done.returncode == 0
    assert machine_with_uv.link.read_text() == "mine"
    assert f"{machine_with_uv.link} is not rigfit's" in done.stderr
    assert str(machine_with_uv.data / "app" / "bin" / "rigfit") in done.stderr


def test_uninstall_removes_app_and_link_and_keeps_environments_and_foreign_files(machine_with_uv: BareMachine) -> None:
    machine_with_uv.install("--no-setup")
    environment = machine_with_uv.data / "envs" / "current-cpu-01234567"
    environment.mkdir(parents=True)
    neighbour = machine_with_uv.link.with_name("other")
    neighbour.touch()

    done = machine_with_uv.install("--uninstall")

    assert done.returncode == 0
    assert not machine_with_uv.link.is_symlink()
    assert sorted(path.name for path in machine_with_uv.data.iterdir()) == ["envs"]
    assert neighbour.exists()
    assert f"left in {machine_with_uv.data}" in done.stderr


def test_a_folder_off_the_path_is_named_with_the_line_to_add_and_no_shell_file_is_edited(
    machine_with_uv: BareMachine,
) -> None:
    profile = machine_with_uv.home / ".bashrc"
    profile.write_text("# mine\n")

    off = machine_with_uv.install("--no-setup").stderr
    machine_with_uv.variables["PATH"] += f":{machine_with_uv.link.parent}"
    on = machine_with_uv.install("--no-setup").stderr

    assert 'add this line to ~/.bashrc, then open a new shell:\n    export PATH="$HOME/.local/bin:$PATH"\n' in off
    assert "not on your PATH" not in on
    assert profile.read_text() == "# mine\n"


@pytest.mark.parametrize("arguments", [["--no-setup", "--yes"], ["--yes", "--uninstall"]])
def test_contradicting_arguments_are_a_usage_error(machine: BareMachine, arguments: list[str]) -> None:
    done = machine.install(*arguments)

    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert not machine.data.exists()


def test_read_from_a_pipe_it_does_nothing_because_there_is_no_checkout(machine: BareMachine) -> None:
    script = machine.checkout.joinpath("installer/install.sh").read_text()
    command = ["/bin/sh", "-s", "--", "--yes"]

    done = subprocess.run(
        command, input=script, env=machine.variables, cwd=machine.home, check=False, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "checkout" in done.stderr
    assert not machine.data.exists()


def test_a_folder_that_cannot_be_written_is_named(machine: BareMachine, tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.touch()
    machine.variables["RIGFIT_HOME"] = str(file / "below")

    done = machine.install("--yes")

    assert done.returncode == 5
    assert f"found   {file}/below" in done.stderr
    assert "RIGFIT_HOME" in done.stderr


def test_without_home_the_folders_that_are_named_are_enough(machine_with_uv: BareMachine, tmp_path: Path) -> None:
    del machine_with_uv.variables["HOME"]
    machine_with_uv.variables |= {
        "RIGFIT_HOME": str(tmp_path / "data"),
        "XDG_BIN_HOME": str(tmp_path / "bin"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }

    done = machine_with_uv.install("--no-setup")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "bin" / "rigfit").readlink() == tmp_path / "data" / "app" / "bin" / "rigfit"


@pytest.mark.slow
def test_this_repository_installs_from_the_package_index_and_starts(machine: BareMachine) -> None:
    shutil.rmtree(machine.checkout)
    ignored = shutil.ignore_patterns(".*", "tests", "__pycache__")
    shutil.copytree(REPOSITORY, machine.checkout, ignore=ignored)
    kept = ("PIP_", "UV_", "SSL_", "HTTP_", "HTTPS_", "http_", "https_", "ALL_PROXY", "NO_PROXY", "no_proxy")
    ours = {name: machine.variables[name] for name in ("HOME", "PATH", "SHELL", "LC_ALL")}
    machine.variables = {name: value for name, value in os.environ.items() if name.startswith(kept)} | ours

    done = machine.install("--no-setup")

    assert done.returncode == 0, done.stderr
    assert machine.rigfit("--version").startswith("rigfit ")
