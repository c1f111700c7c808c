"""Each fault of the contract is told apart by NVML's silence and the traces, with a next step of its own."""

from __future__ import annotations

from typing import Any

import pytest

from rigfit.core.machine import DriverFault, Platform
from rigfit.core.traces import Card, Traces
from rigfit.core.version import Version
from rigfit.probe.asking import Silence
from rigfit.probe.fault import of_silence
from rigfit.probe.scene import Scene

HOST = Platform(os="linux", arch="x86_64", glibc=Version("2.39"), kernel="6.8.0-60-generic")
WSL = Platform(os="linux", arch="x86_64", glibc=Version("2.39"), kernel="5.15-microsoft", wsl=True)
NO_LIBRARY = Silence(reason="library", text="libnvidia-ml.so.1: cannot open shared object file")
NOT_LOADED = Silence(reason="code", call="nvmlInit", code=9, text="Driver Not Loaded")
CARD = (Card(slot="0000:01:00.0", driver=None),)
LOADED: dict[str, Any] = {"cards": CARD, "module_loaded": True, "module_version": Version("580.95.05")}


def container(kind: str) -> Platform:
    return Platform(os="linux", arch="x86_64", glibc=Version("2.39"), container=kind)


def held_by(*drivers: str | None) -> tuple[Card, ...]:
    return tuple(Card(slot=f"0000:0{number}:00.0", driver=driver) for number, driver in enumerate(drivers))


def judge(silence: Silence, platform: Platform = HOST, **traces: Any) -> DriverFault:
    found = of_silence(silence, Scene(traces=Traces(**traces), platform=platform))
    assert found.what
    assert found.fix or found.fault == "no_device"
    return found


def code(number: int, node_error: str | None = None) -> Silence:
    return Silence(reason="code", call="nvmlInit", code=number, text="the words", node_error=node_error)


@pytest.mark.parametrize("silence", [NO_LIBRARY, NOT_LOADED, Silence(reason="binding", text="no module")])
def test_without_any_trace_there_is_no_device_whatever_is_installed(silence: Silence) -> None:
    assert judge(silence).fault == "no_device"
    assert judge(silence, library="/usr/lib64/libnvidia-ml.so.1").fault == "no_device"


@pytest.mark.parametrize("silence", [NO_LIBRARY, NOT_LOADED])
def test_an_unreadable_pci_list_is_never_no_device(silence: Silence) -> None:
    assert judge(silence, cards=None).fault != "no_device"


@pytest.mark.parametrize("reason", ["timeout", "crash"])
def test_a_library_that_hangs_or_crashes_is_never_no_device(reason: str) -> None:
    silence = Silence(reason=reason, text="10 s")  # type: ignore[arg-type]
    found = judge(silence)
    assert found.fault == {"timeout": "timeout", "crash": "unknown"}[reason]
    assert "10 s" in found.what
    assert "xid" in found.fix[0]


@pytest.mark.parametrize(
    ("distribution", "command"),
    [
        ("ubuntu", "sudo ubuntu-drivers install"),
        ("debian", "sudo apt install nvidia-driver"),
        ("fedora", "sudo dnf install akmod-nvidia"),
        ("arch", "sudo pacman -S nvidia-open"),
        ("slackware", "https://docs.nvidia.com/"),
    ],
)
def test_a_card_without_a_driver_gets_the_command_of_its_distribution(distribution: str, command: str) -> None:
    found = judge(NO_LIBRARY, cards=CARD, distributions=(distribution,))
    assert found.fault == "no_driver"
    assert "0000:01:00.0" in found.what
    assert command in found.fix[0]
    assert found.fix[-1] == "sudo reboot"


@pytest.mark.parametrize(("driver", "named"), [("nouveau", "nouveau"), ("NovaCore", "NovaCore")])
def test_another_driver_in_nvidias_place_is_named(driver: str, named: str) -> None:
    found = judge(NO_LIBRARY, cards=held_by(driver))
    assert (found.fault, named in found.what) == ("no_driver", True)


def test_nouveau_that_is_loaded_and_holds_no_card_yet_is_named_too() -> None:
    assert "nouveau" in judge(NO_LIBRARY, cards=CARD, rival="nouveau").what


def test_nouveau_in_the_way_of_an_installed_driver_is_to_be_blacklisted() -> None:
    found = judge(NOT_LOADED, cards=held_by("nouveau"), rival="nouveau", distributions=("rocky", "rhel"))
    assert found.fault == "not_loaded"
    assert "blacklist nouveau" in found.fix[0]
    assert found.fix[1] == "sudo dracut --force"


def test_novas_module_is_blacklisted_by_its_name_and_not_by_that_of_its_driver() -> None:
    assert "blacklist nova_core" in judge(NOT_LOADED, cards=held_by("NovaCore"), rival="nova_core").fix[0]


@pytest.mark.parametrize("silence", [NO_LIBRARY, NOT_LOADED])
def test_a_card_reserved_for_virtual_machines_is_told_apart(silence: Silence) -> None:
    found = judge(silence, cards=held_by("vfio-pci", "vfio-pci"))
    assert (found.fault, "vfio-pci" in found.what) == ("no_driver", True)
    assert "vfio-pci" not in judge(silence, cards=held_by("vfio-pci", None)).what


def test_a_module_not_built_for_this_kernel_is_to_be_built() -> None:
    found = judge(NOT_LOADED, cards=CARD, module_built=False, secure_boot=True, distributions=("debian",))
    assert found.fault == "not_loaded"
    assert "6.8.0-60-generic" in found.what
    assert "linux-headers" in found.fix[0]
    assert "dkms" in found.fix[1]


def test_a_module_that_secure_boot_may_reject_is_to_be_signed() -> None:
    found = judge(NOT_LOADED, cards=CARD, module_built=True, secure_boot=True)
    assert (found.fault, "Secure Boot" in found.what) == ("not_loaded", True)
    assert "mokutil" in found.fix[0]


@pytest.mark.parametrize("secure_boot", [False, None])
def test_a_module_that_nobody_loaded_is_to_be_loaded(secure_boot: object) -> None:
    found = judge(NOT_LOADED, cards=CARD, module_built=True, secure_boot=secure_boot)
    assert (found.fault, found.fix[0]) == ("not_loaded", "sudo modprobe nvidia")


def test_a_module_without_its_device_files_is_to_get_them() -> None:
    found = judge(NOT_LOADED, **LOADED)
    assert found.fault == "no_permission"
    assert "nvidia-modprobe" in found.fix[0]


def test_a_module_that_is_loaded_and_says_it_is_not_is_unknown_with_its_words() -> None:
    found = judge(NOT_LOADED, **LOADED, nodes=("nvidia0", "nvidiactl"))
    assert (found.fault, "Driver Not Loaded (code 9)" in found.what) == ("unknown", True)


def test_a_driver_without_its_library_on_a_host_is_half_installed() -> None:
    found = judge(NO_LIBRARY, **LOADED, distributions=("ubuntu", "debian"))
    assert (found.fault, "580.95.05" in found.what) == ("no_library", True)
    assert found.fix[0] == "sudo apt install libnvidia-compute-580 nvidia-utils-580"


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        ("docker", "--gpus all"),
        ("podman", "--device nvidia.com/gpu=all"),
        ("kubernetes", "nvidia.com/gpu: 1"),
        ("lxc", "gpu gpu"),
        ("apptainer", "--nv"),
        ("systemd-nspawn", "--gpus all"),
    ],
)
def test_a_container_without_the_gpu_is_told_its_own_missing_flag(kind: str, flag: str) -> None:
    found = judge(NO_LIBRARY, container(kind), **LOADED)
    assert (found.fault, flag in found.fix[0]) == ("no_library", True)


def test_a_container_with_the_device_and_without_the_library_lacks_a_capability() -> None:
    found = judge(NO_LIBRARY, container("docker"), **LOADED, nodes=("nvidia0", "nvidiactl"))
    assert found.fault == "no_library"
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in found.fix[0]


def test_a_container_with_the_library_and_without_the_device_lacks_permission() -> None:
    found = judge(NOT_LOADED, container("docker"), **LOADED)
    assert (found.fault, "--gpus all" in found.fix[0]) == ("no_permission", True)


def test_a_container_on_a_host_without_the_driver_says_so_of_the_host() -> None:
    found = judge(NO_LIBRARY, container("docker"), cards=held_by("nouveau"))
    assert (found.fault, "the host" in found.what, "on the host" in found.fix[0]) == ("no_driver", True, True)
    found = judge(NOT_LOADED, container("docker"), cards=CARD)
    assert (found.fault, "the host" in found.what) == ("not_loaded", True)


@pytest.mark.parametrize("number", [4, 17])
def test_a_refusal_by_the_device_files_is_no_permission(number: int) -> None:
    found = judge(code(number), **LOADED, nodes=("nvidia0", "nvidiactl"), denied=("nvidiactl",))
    assert (found.fault, "/dev/nvidiactl" in found.what) == ("no_permission", True)


@pytest.mark.parametrize("number", [9, 999])
@pytest.mark.parametrize("errno", ["EPERM", "EACCES"])
def test_a_container_that_lost_its_right_to_the_device_is_to_be_restarted(number: int, errno: str) -> None:
    found = judge(code(number, errno), container("docker"), **LOADED, nodes=("nvidia0", "nvidiactl"))
    assert found.fault == "no_permission"
    assert found.fix[0].startswith("restart this container")


def test_versions_that_do_not_match_are_both_carried_and_a_reboot_mends_it() -> None:
    found = judge(code(18), **LOADED, library_version=Version("570.133.20"))
    assert found.fault == "version_mismatch"
    assert (found.module_version, found.library_version) == (Version("580.95.05"), Version("570.133.20"))
    assert found.fix == ("sudo reboot",)
    assert "container" in judge(code(18), container("docker"), **LOADED).fix[0]


def test_versions_that_cannot_be_read_are_said_to_be_unknown() -> None:
    found = judge(code(18), cards=CARD)
    assert (found.module_version, found.library_version) == (None, None)
    assert found.what.count("unknown") == 2


def test_a_stub_in_place_of_the_library_is_no_library() -> None:
    found = judge(code(12), **LOADED)
    assert (found.fault, found.fix[0]) == ("no_library", "unset LD_LIBRARY_PATH")


@pytest.mark.parametrize("number", [3, 15, 16, 20, 999])
def test_any_other_code_is_unknown_with_its_number_and_text(number: int) -> None:
    found = judge(code(number), **LOADED)
    assert (found.fault, f"the words (code {number})" in found.what) == ("unknown", True)


def test_wsl_with_a_gpu_and_nothing_of_nvidia_is_taken_for_another_makers_and_says_why() -> None:
    found = judge(NO_LIBRARY, WSL, wsl_gpu=True)
    assert (found.fault, "/dev/dxg" in found.what) == ("no_device", True)
    assert any("wsl --update" in step for step in found.fix)


def test_wsl_whose_windows_has_the_driver_and_has_not_passed_it_on_is_no_library() -> None:
    found = judge(NO_LIBRARY, WSL, windows_driver=True)
    assert (found.fault, "/usr/lib/wsl/lib" in found.what) == ("no_library", True)


def test_wsl_whose_driver_does_not_answer_is_to_be_restarted() -> None:
    found = judge(NOT_LOADED, WSL, windows_driver=True, wsl_gpu=True)
    assert (found.fault, any("wsl --shutdown" in step for step in found.fix)) == ("not_loaded", True)


def test_a_jetson_is_never_taken_for_a_machine_without_a_gpu() -> None:
    for silence in (NO_LIBRARY, NOT_LOADED):
        found = judge(silence, tegra=True)
        assert (found.fault, "Jetson" in found.what) == ("unknown", True)


def test_a_binding_that_is_missing_is_our_fault_and_not_the_drivers() -> None:
    found = judge(Silence(reason="binding", text="`pynvml` is not installed"), **LOADED)
    assert (found.fault, "`pynvml` is not installed" in found.what) == ("unknown", True)
