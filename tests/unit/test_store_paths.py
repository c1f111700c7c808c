"""The home that a person names: variables and `~` mean what they mean in a shell, and what cannot be one says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigfit.core.problem import ProblemError
from rigfit.store.paths import find_home, meant


def why(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ProblemError) as refused:
        find_home(text, environ or {})
    assert refused.value.problem.code == "home_invalid"
    return refused.value.problem.what


def test_tilde_and_variables_are_expanded_and_the_rest_is_below_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    environ = {"DATA": str(tmp_path / "data")}
    assert meant("~/x", environ) == tmp_path / "x"
    assert meant("$DATA/x", environ) == meant("${DATA}/x", environ) == tmp_path / "data/x"
    assert meant("one/two", environ) == tmp_path / "one/two"
    assert find_home(None, {"RIGFIT_HOME": "$DATA", **environ}).path == tmp_path / "data"


def test_the_true_reason_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert why(str(file)).endswith(f"{file} is a file, and not a folder")
    assert why(str(file / "below")).endswith(f"{file} is a file, and not a folder")
    assert "the name is too long" in why(str(tmp_path / ("a" * 300)))
    assert "/proc is no disk" in why("/proc/x")
    assert "the variable NOPE is not set" in why("$NOPE/x")
    assert "there is no such user" in why("~nobody-of-this-name/x")
    assert not [*tmp_path.glob("a*")]
