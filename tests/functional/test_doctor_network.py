"""What `rigfit doctor` says of the way to the package index, asked of a web server on loopback."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.stand_ins.catalogs import make_catalog
from tests.stand_ins.nvml import StandIn
from tests.stand_ins.ward import FOUND, Ward, without_nvidia
from tests.stand_ins.web import Reply, serve
from tests.stand_ins.wheels import make_wheel, put_on_index, put_on_whole_index

WHEELS = (make_wheel("torch", "2.13.0"), make_wheel("bitsandbytes", "0.50.2", size=900))
OTHER = make_wheel("torch", "2.13.0", text="b")
LIMIT = 3.0  # seconds that the index gets


@pytest.fixture
def ward(standin: StandIn, tmp_path: Path) -> Ward:
    """Its catalog fits a machine without NVIDIA's GPUs."""
    make_catalog(tmp_path / "catalog", *WHEELS)
    return without_nvidia(standin)


def asked(ward: Ward, index: str, **environ: str) -> tuple[dict[str, Any], int]:
    ward.environ = {"UV_DEFAULT_INDEX": index, "PIP_CONFIG_FILE": "/dev/null", **environ}
    ran = ward.doctor("--catalog", str(ward.standin.place / "catalog"))
    result: dict[str, Any] = ran.result
    wrong = [finding for finding in result["findings"] if finding["severity"] != "note"]
    return {**result, "findings": wrong}, ran.code


def test_an_index_with_the_locked_file_is_well(ward: Ward) -> None:
    with serve() as site:
        result, code = asked(ward, put_on_whole_index(site, *WHEELS))
        assert "GET /simple/torch/" in site.asked
    assert (result["findings"], result["unknown"], code) == ([], [], 0)


def test_an_index_with_another_file_of_that_name_is_told_with_both_hashes(ward: Ward) -> None:
    with serve() as site:
        result, code = asked(ward, put_on_whole_index(site, OTHER))
    found = result["findings"][0]
    assert (found["code"], code) == ("index_serves_other_file", FOUND)
    assert WHEELS[0].sha256 in found["because"][0]
    assert OTHER.sha256 in found["because"][1]


def test_an_index_whose_pages_tell_no_hashes_is_unknown(ward: Ward) -> None:
    with serve() as site:
        result, code = asked(ward, put_on_index(site, OTHER))
    assert (result["findings"], code) == ([], 0)
    assert result["unknown"][0]["why"] == "it tells no hashes"


def test_an_index_that_cannot_be_reached_is_unknown_and_names_the_proxy_by_its_variable(ward: Ward) -> None:
    proxy = "http://somebody:secret@127.0.0.1:9"
    result, code = asked(ward, "https://index.invalid/simple", HTTPS_PROXY=proxy, NO_PROXY="")
    assert (result["findings"], code) == ([], 0)
    assert "HTTPS_PROXY" in result["unknown"][0]["why"]
    assert "secret" not in str(result)


def test_an_index_that_hangs_is_given_up_and_unknown(ward: Ward) -> None:
    with serve() as site:
        site.replies["/simple/torch/"] = Reply(b"page", hangs=True)
        started = time.monotonic()
        result, code = asked(ward, f"{site.url}/simple")
    assert (result["findings"], code) == ([], 0)
    assert "3 s" in result["unknown"][0]["why"]
    assert time.monotonic() - started < LIMIT + 4


def test_without_a_network_nothing_is_asked_and_that_is_said(ward: Ward) -> None:
    with serve() as site:
        ward.environ = {"UV_DEFAULT_INDEX": f"{site.url}/simple"}
        result = ward.doctor("--offline", "--catalog", str(ward.standin.place / "catalog")).result
        assert site.asked == []
    assert result["unknown"][0]["why"] == "no network was asked"


@pytest.fixture
def unbelievable(tmp_path: Path) -> Iterator[str]:
    """The address of a server whose certificate nobody has signed but an unknown authority."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=a proxy", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*new, "-keyout", key, "-out", certificate, *names], check=True, capture_output=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_that_is_not_believed_is_found_with_the_words_of_uv(ward: Ward, unbelievable: str) -> None:
    result, code = asked(ward, unbelievable)
    found = result["findings"][0]
    assert (found["code"], code) == ("tls_refused", FOUND)
    assert "certificate" in found["because"][0]
    assert "SSL_CERT_FILE" in found["fix"][0]
