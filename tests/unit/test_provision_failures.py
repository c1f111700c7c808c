"""The last words of uv 0.13.9 and py-rattler 0.28.0, as they were heard, and what they amount to."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stand_ins.wheels import make_wheel

from rigfit.core.template import Artifact
from rigfit.sources.failures import Failure, problem_of

ALPHA = make_wheel("alpha").locked()
TORCH = Artifact(
    manager="pip",
    name="torch",
    version="2.13.0+cpu",
    url="https://download.example/whl/cpu/torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl",
    sha256="6" * 64,
    size=1,
    unpacked=1,
)
FETCH = "error: Failed to download `alpha==1.0`\n  cause: "
EXTRACT = f"{FETCH}Failed to extract archive: alpha-1.0-py3-none-any.whl\n  cause: "
RATTLER = "failed to fetch alpha-1.0-py3-none-any.whl\nCaused by: failed to interact with the package cache layer.\n"

HEARD = [
    (f"{FETCH}Hash mismatch for `alpha==1.0`\n\n  Expected:\n    sha256:{'0' * 64}\n  Computed:\n    sha256:{'1' * 64}", "hash_mismatch"),
    (f"{FETCH}Hash-checking is enabled, but no hashes were provided for `alpha==1.0+cpu`", "hash_mismatch"),
    (f"{EXTRACT}Bad CRC (got d5b55914, expected 8fb6f9db) for file: alpha/__init__.py", "hash_mismatch"),
    (f"{EXTRACT}Invalid zip file structure\n  cause: Encountered an unexpected header", "hash_mismatch"),
    (f"{EXTRACT}I/O operation failed during extraction\n  cause: Failed to download distribution due to network timeout. Try increasing UV_HTTP_TIMEOUT (current value: 2s).", "network_unreachable"),
    (f"{EXTRACT}I/O operation failed during extraction\n  cause: failed to write to file `/c/.tmpSvSpws/alpha/__init__.py`: No space left on device (os error 28)", "disk_full"),
    (f"{FETCH}Failed to write to the distribution cache\n  cause: error decoding response body\n  cause: end of file before message length reached", "network_unreachable"),
    (f"{FETCH}Failed to fetch: http://h/alpha-1.0-py3-none-any.whl\n  cause: HTTP status client error (404 Not Found) for url (http://h/alpha-1.0-py3-none-any.whl)", "artifact_unavailable"),
    (f"{FETCH}Failed to fetch: http://h/x\n  cause: HTTP status server error (503 Service Unavailable) for url (http://h/x)", "network_unreachable"),
    (f"{FETCH}Network connectivity is disabled, but the requested data wasn't found in the cache: http://h/x", "artifact_unavailable"),
    ("error: No solution found when resolving dependencies\n  cause: Because alpha was not found in the package registry and you require alpha==1.0, we can conclude that your requirements are unsatisfiable.", "artifact_unavailable"),
    ("error: No solution found when resolving dependencies\n  cause: Because there is no version of alpha==1.0 and you require alpha==1.0, we can conclude that your requirements are unsatisfiable.", "artifact_unavailable"),
    ("error: Request failed after 3 retries in 10.4s\n  cause: Failed to fetch: http://127.0.0.1:9/simple/alpha/\n  cause: tcp connect error\n  cause: Connection refused (os error 111)", "network_unreachable"),
    ("error: Failed to fetch: https://127.0.0.1:36119/simple/alpha/\n  cause: error sending request for url (https://127.0.0.1:36119/simple/alpha/)\n  cause: client error (Connect)\n  cause: received corrupt message of type InvalidContentType", "network_unreachable"),
    ("error: Distribution not found at: file:///nonexist/alpha-1.0-py3-none-any.whl", "artifact_unavailable"),
    ("error: Failed to initialize cache at `/c`\n  cause: failed to create directory `/c`: Read-only file system (os error 30)", "home_not_writable"),
    ("error: Failed to create virtual environment\n  cause: failed to create directory `/p`: Permission denied (os error 13)", "home_not_writable"),
    (f"{RATTLER}Caused by: hash mismatch when extracting http://h/x to /c/.x: expected {'0' * 64}, got {'1' * 64}, total size 3014250 bytes", "hash_mismatch"),
    (f"{RATTLER}Caused by: an io error occurred: bzip2: invalid data\nCaused by: bzip2: invalid data", "hash_mismatch"),
    (f"{RATTLER}Caused by: an io error occurred: error decoding response body\nCaused by: end of file before message length reached", "network_unreachable"),
    (f"{RATTLER}Caused by: an io error occurred: failed to unpack `lib/os.py`: No space left on device (os error 28)", "disk_full"),
    (f"{RATTLER}Caused by: error sending request for url (http://no.such.invalid/x)\nCaused by: client error (Connect)\nCaused by: dns error", "network_unreachable"),
    ("error: something that nobody has heard before", "install_failed"),
    ("", "install_failed"),
]  # fmt: skip


def _heard(text: str) -> Failure:
    return Failure(text=text, prefix="/p", artifacts=(ALPHA, TORCH), source="https://index.example/simple")


@pytest.mark.parametrize(("text", "code"), HEARD)
def test_known_words_have_their_code(text: str, code: str) -> None:
    assert problem_of(_heard(text)).code == code


@pytest.mark.parametrize("text", [text for text, code in HEARD if "lpha" in text and code != "disk_full"])
def test_the_file_or_the_host_is_named(text: str) -> None:
    what = problem_of(_heard(text)).what
    assert (
        "alpha-1.0-py3-none-any.whl" in what
        or "h cannot be reached" in what
        or "127.0.0.1" in what
        or "no.such.invalid" in what
    )


def test_a_file_with_a_local_version_is_known_by_its_escaped_name() -> None:
    words = (
        f"error: Failed to fetch: {TORCH.url}\n  cause: HTTP status client error (404 Not Found) for url ({TORCH.url})"
    )
    assert problem_of(_heard(words)).what.startswith(f"{TORCH.filename} cannot be had from download.example")


def test_a_broken_download_of_a_file_of_another_host_names_that_host() -> None:
    words = f"error: Failed to download `torch @ {TORCH.url}`\n  cause: end of file before message length reached"
    assert "from download.example broke off" in problem_of(_heard(words)).what


def test_a_broken_download_from_an_index_names_the_index() -> None:
    words = f"{FETCH}error decoding response body"
    assert "from index.example broke off" in problem_of(_heard(words)).what


def test_the_innermost_reason_is_shown_and_the_rest_is_detail() -> None:
    problem = problem_of(_heard("Resolved\nerror: one\n  cause: two\n  cause: three"))
    assert problem.what == "three"
    assert "cause: two" in problem.detail


def test_no_login_is_shown() -> None:
    words = "error: Failed to fetch: https://me:secret@h.example/x\n  cause: dns error"
    assert "secret" not in str(problem_of(_heard(words)).to_json())


def test_a_full_disk_is_told_with_its_place_and_numbers(tmp_path: Path) -> None:
    words = f"cause: failed to write to file `{tmp_path}/x`: No space left on device (os error 28)"
    problem = problem_of(Failure(text=words, prefix="/p", needed=3 * 1024**3))
    assert f"{tmp_path}/x" in problem.what
    assert "needs up to 3.0 GiB" in problem.what
    assert "free" in problem.what
