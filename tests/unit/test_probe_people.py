"""The names that a report leaves out are known before it is made."""

from __future__ import annotations

from pathlib import Path

from rigfit.probe.people import as_address, private_names


def test_people_are_those_with_a_home_here(tmp_path: Path) -> None:
    (tmp_path / "home" / "carol").mkdir(parents=True)
    known = private_names(tmp_path, {"USER": "dave", "SUDO_USER": "erin"})
    assert {"carol", "dave", "erin"} <= set(known.users)


def test_hosts_are_those_of_the_systems_files_and_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hostname").write_text("forge\n")
    (tmp_path / "etc" / "hosts").write_text(
        "127.0.0.1 localhost\n10.0.0.7 nas.acme.test nas # of us all\n::1 ip6-loopback\n"
    )
    (tmp_path / "etc" / "resolv.conf").write_text("search acme.test lab\nnameserver 10.0.0.1\n")
    environ = {"NO_PROXY": "localhost,.corp.test:443,10.0.0.0/8", "HTTPS_PROXY": "proxy.test:3128"}
    hosts = set(private_names(tmp_path, environ).hosts)
    assert {"forge", "nas.acme.test", "nas", "acme.test", "corp.test", "proxy.test"} <= hosts
    assert not {"ip6-loopback", "10.0.0.0/8", "lab", "of"} & hosts


def test_a_machine_by_its_long_name_goes_by_the_short_one_too(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hostname").write_text("forge77.acme.test\n")
    hosts = private_names(tmp_path, {"SLURMD_NODENAME": "anvil8.acme.test"}).hosts
    assert {"forge77.acme.test", "forge77", "anvil8"} <= set(hosts)


def test_secrets_are_the_values_of_variables_that_are_called_so(tmp_path: Path) -> None:
    environ = {
        "HF_TOKEN": "one&two",
        "TOKENIZERS_PARALLELISM": "false",
        "UV_INDEX_ACME_PASSWORD": "three",
        "PWD": "/here",
        "UV_KEYRING_PROVIDER": "subprocess",
        "HTTPS_PROXY": "carol:four@proxy.test:3128",
    }
    known = private_names(tmp_path, environ)
    assert set(known.secrets) == {"one&two", "one%26two", "three", "four"}
    assert "carol" in known.users


def test_a_proxy_is_an_address_however_it_is_written() -> None:
    assert as_address("https_proxy", "proxy.test:3128") == "http://proxy.test:3128"
    assert as_address("ALL_PROXY", "socks5://proxy.test") == "socks5://proxy.test"
    assert as_address("NO_PROXY", "proxy.test") == "proxy.test"
