"""What pip and uv are told of sources is said to uv in one voice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rigfit.core.problem import ProblemError
from rigfit.sources.index import Sources, built_in_index, sources
from rigfit.sources.pip_settings import PipSettings, read_pip_settings
from rigfit.sources.urls import host_of, without_secrets
from rigfit.sources.uv import uv_environment

MAIN, EXTRA, MORE = "https://main.example/simple", "https://extra.example/simple", "https://more.example/simple"


def _pip(folder: Path, text: str, name: str = ".config/pip/pip.conf") -> dict[str, str]:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return {"HOME": str(folder), "XDG_CONFIG_DIRS": str(folder / "xdg")}


def test_pip_is_read_from_its_variables(tmp_path: Path) -> None:
    said = read_pip_settings(
        {
            "HOME": str(tmp_path),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": MAIN,
            "PIP_EXTRA_INDEX_URL": f"{EXTRA} {MORE}",
            "PIP_FIND_LINKS": "/a /b",
            "PIP_NO_INDEX": "1",
            "PIP_CERT": "/ca.pem",
            "PIP_DEFAULT_TIMEOUT": "60",
            "PIP_TRUSTED_HOST": "main.example",
            "PIP_PROXY": "http://proxy.example:3128",
        }
    )
    assert said == PipSettings(
        index_url=MAIN,
        extra_index_urls=(EXTRA, MORE),
        find_links=("/a", "/b"),
        no_index=True,
        cert="/ca.pem",
        proxy="http://proxy.example:3128",
        trusted_hosts=("main.example",),
        timeout="60",
    )


def test_in_pips_files_install_wins_over_global_and_a_variable_over_both(tmp_path: Path) -> None:
    environ = _pip(
        tmp_path,
        "[global]\nindex-url = https://a.example\nfind_links =\n  /a\n  /b\n[install]\nindex-url = https://b.example\n",
    )
    assert read_pip_settings(environ).index_url == "https://b.example"
    assert read_pip_settings(environ).find_links == ("/a", "/b")
    assert read_pip_settings({**environ, "PIP_INDEX_URL": MAIN}).index_url == MAIN
    assert read_pip_settings({**environ, "PIP_CONFIG_FILE": os.devnull}) == PipSettings()


def test_a_later_file_of_pips_wins_over_an_earlier_one(tmp_path: Path) -> None:
    _pip(tmp_path, "[global]\nindex-url = https://legacy.example\n", ".pip/pip.conf")
    _pip(tmp_path, "[global]\nindex-url = https://shared.example\nno-index = true\n", "xdg/pip/pip.conf")
    environ = _pip(tmp_path, "[global]\nindex-url = https://user.example\n")
    assert read_pip_settings(environ).index_url == "https://user.example"
    assert read_pip_settings(environ).no_index
    named = tmp_path / "named.conf"
    named.write_text("[global]\nindex-url = https://named.example\n")
    assert read_pip_settings({**environ, "PIP_CONFIG_FILE": str(named)}).index_url == "https://named.example"


@pytest.mark.parametrize("text", ["not an ini file", "[global\n", "\xff"])
def test_a_broken_file_of_pips_says_nothing(text: str, tmp_path: Path) -> None:
    environ = _pip(tmp_path, "")
    (tmp_path / ".config" / "pip" / "pip.conf").write_bytes(text.encode("latin-1"))
    assert read_pip_settings(environ).find_links == ()


def _told(tmp_path: Path, **variables: str) -> Sources:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull, **variables}
    return sources(environ)


def test_nothing_told_leaves_uv_alone(tmp_path: Path) -> None:
    told = _told(tmp_path)
    assert told == Sources()
    assert told.environment("first-index") == {"UV_INDEX_STRATEGY": "first-index"}
    assert told.address() == built_in_index()
    assert told.address().startswith("https://")


def test_pips_index_is_uvs_where_uv_is_told_nothing(tmp_path: Path) -> None:
    told = _told(tmp_path, PIP_INDEX_URL=MAIN)
    assert told.address() == MAIN
    assert told.environment("first-index")["UV_DEFAULT_INDEX"] == MAIN


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_what_uv_is_told_wins_over_pip(name: str, tmp_path: Path) -> None:
    told = _told(tmp_path, PIP_INDEX_URL=MAIN, **{name: MORE})
    assert told.address() == MORE


def test_uvs_own_file_wins_over_pip(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "uv" / "uv.toml"
    file.parent.mkdir(parents=True)
    file.write_text(
        f'[[index]]\nname = "corp"\nurl = "{MORE}"\ndefault = true\n[[index]]\nname = "x"\nurl = "{EXTRA}"\n'
    )
    told = _told(tmp_path, PIP_INDEX_URL=MAIN)
    assert (told.main, told.extras) == (MORE, (EXTRA,))


def test_a_file_of_uvs_that_speaks_of_other_things_leaves_the_word_to_pip(tmp_path: Path) -> None:
    file = tmp_path / ".config" / "uv" / "uv.toml"
    file.parent.mkdir(parents=True)
    file.write_text('link-mode = "copy"\n')
    assert _told(tmp_path, PIP_INDEX_URL=MAIN).main == MAIN


def test_a_broken_file_of_uvs_is_told_in_its_words(tmp_path: Path) -> None:
    file = tmp_path / "uv.toml"
    file.write_text("index-url = 7\n")
    with pytest.raises(ProblemError) as caught:
        _told(tmp_path, UV_CONFIG_FILE=str(file))
    assert "uv refuses its settings" in caught.value.problem.what
    assert str(file) in caught.value.problem.detail


def test_the_main_index_is_asked_before_extra_ones_and_nothing_else_is(tmp_path: Path) -> None:
    told = _told(tmp_path, PIP_INDEX_URL=MAIN, PIP_EXTRA_INDEX_URL=f"{EXTRA} {MORE}")
    variables = uv_environment({"UV_EXTRA_INDEX_URL": "https://stale.example"}, told.environment("first-index"))
    assert variables["UV_INDEX"] == f"{MAIN} {EXTRA}"
    assert variables["UV_DEFAULT_INDEX"] == MORE
    assert "UV_EXTRA_INDEX_URL" not in variables
    assert told.strategies == ("first-index", "unsafe-first-match")


def test_an_extra_index_alone_goes_beside_the_built_in_one(tmp_path: Path) -> None:
    told = _told(tmp_path, PIP_EXTRA_INDEX_URL=EXTRA)
    assert told.environment("first-index")["UV_INDEX"] == built_in_index()
    assert told.environment("first-index")["UV_DEFAULT_INDEX"] == EXTRA


def test_no_index_means_none(tmp_path: Path) -> None:
    told = _told(tmp_path, PIP_NO_INDEX="yes", PIP_EXTRA_INDEX_URL=EXTRA)
    assert told.flags == ("--no-index",)
    assert told.extras == ()
    assert told.address() == ""


def test_folders_are_looked_through_by_us_and_pages_are_uvs(tmp_path: Path) -> None:
    told = _told(
        tmp_path,
        PIP_FIND_LINKS="/a/folder https://pages.example/links file:///with%20space",
        UV_FIND_LINKS=str(tmp_path),
    )
    assert told.folders == (tmp_path, Path("/a/folder"), Path("/with space"))
    assert told.pages == (str(tmp_path), "https://pages.example/links")


def test_pips_certificates_proxy_and_time_limit_count_where_nothing_else_is_said(tmp_path: Path) -> None:
    settings = {"PIP_CERT": "/ca.pem", "PIP_PROXY": "http://p.example:1", "PIP_TIMEOUT": "9", "PIP_TRUSTED_HOST": "a b"}
    assert dict(_told(tmp_path, **settings).variables) == {
        "SSL_CERT_FILE": "/ca.pem",
        "HTTPS_PROXY": "http://p.example:1",
        "HTTP_PROXY": "http://p.example:1",
        "UV_HTTP_TIMEOUT": "9",
        "UV_INSECURE_HOST": "a b",
    }
    said = {
        "SSL_CERT_FILE": "/own.pem",
        "all_proxy": "http://q.example",
        "UV_HTTP_TIMEOUT": "5",
        "UV_INSECURE_HOST": "c",
    }
    assert _told(tmp_path, **settings, **said).variables == ()


def test_a_relative_cache_stays_where_it_was(tmp_path: Path) -> None:
    assert uv_environment({"UV_CACHE_DIR": "cache"})["UV_CACHE_DIR"] == str(Path.cwd() / "cache")


def test_addresses_are_shown_without_logins() -> None:
    text = "error for `https://me:pass@a.example/x` and http://token@b.example, mail me@c.example"
    assert without_secrets(text) == "error for `https://a.example/x` and http://b.example, mail me@c.example"
    assert host_of("https://me:pa@ss@a.example:8080/x") == "a.example"
    assert host_of("file:///a/b") == "file:///a/b"
