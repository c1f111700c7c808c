"""The steps that mend a driver, as commands where a command does it, for this distribution and this container."""

from __future__ import annotations

from rigfit.core.traces import Traces
from rigfit.core.words import say

_GUIDE = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/"
_TOOLKIT = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/"
_REBOOT = "sudo reboot"

_INSTALL_DRIVER = {
    "ubuntu": "sudo ubuntu-drivers install",
    "debian": say("sudo apt install nvidia-driver firmware-misc-nonfree  # from the components contrib and non-free"),
    "fedora": say("sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda  # from RPM Fusion"),
    "arch": "sudo pacman -S nvidia-open nvidia-utils",
}
_INSTALL_LIBRARY = {
    "ubuntu": "sudo apt install libnvidia-compute-{branch} nvidia-utils-{branch}",
    "debian": "sudo apt install libnvidia-ml1 libcuda1 nvidia-smi",
    "fedora": "sudo dnf install xorg-x11-drv-nvidia-cuda",
    "arch": "sudo pacman -S nvidia-utils",
}
_INSTALL_HEADERS = {
    "debian": "sudo apt install linux-headers-$(uname -r)",
    "ubuntu": "sudo apt install linux-headers-$(uname -r)",
    "fedora": "sudo dnf install kernel-devel-$(uname -r)",
    "rhel": "sudo dnf install kernel-devel-$(uname -r)",
    "arch": "sudo pacman -S linux-headers",
}
# Where the key lies that DKMS or akmods signs with: https://github.com/dell/dkms#module-signing, read on 2026-11-22.
_IMPORT_KEY = {
    "ubuntu": "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der",
    "debian": "sudo mokutil --import /var/lib/dkms/mok.pub",
    "fedora": "sudo mokutil --import /etc/pki/akmods/certs/public_key.der",
}
_NEW_INITRAMFS = {
    "debian": "sudo update-initramfs -u",
    "ubuntu": "sudo update-initramfs -u",
    "arch": "sudo mkinitcpio -P",
}
_PASS_GPU = {
    "docker": say("start the container with `--gpus all` (docker run --gpus all ...)"),
    "podman": say(
        "start the container with `--device nvidia.com/gpu=all` (podman run --device nvidia.com/gpu=all ...)"
    ),
    "kubernetes": say("give the container `nvidia.com/gpu: 1` under resources.limits"),
    "lxc": say("on the host: lxc config device add CONTAINER gpu gpu && lxc config set CONTAINER nvidia.runtime true"),
    "apptainer": say("start the container with `--nv` (apptainer exec --nv ...)"),
}


def reboot() -> tuple[str, ...]:
    return (_REBOOT,)


def install_driver(traces: Traces) -> tuple[str, ...]:
    known = _first(_INSTALL_DRIVER, traces)
    return (known or say("install NVIDIA's driver for this system: {guide}", guide=_GUIDE), _REBOOT)


def install_library(traces: Traces) -> tuple[str, ...]:
    """The user-space half of the driver, of the version that the kernel module has."""
    version = traces.module_version
    guide = say(
        "install the libraries of NVIDIA's driver in the version of the loaded kernel module: {guide}", guide=_GUIDE
    )
    if version:
        guide = say(
            "install the libraries of NVIDIA's driver in version {version}: {guide}", version=version, guide=_GUIDE
        )
    known = _first(_INSTALL_LIBRARY, traces)
    if not known or (version is None and "{branch}" in known):
        return (guide,)
    return (known.format(branch=version.parts[0] if version else ""), guide)


def build_module(traces: Traces) -> tuple[str, ...]:
    headers = _first(_INSTALL_HEADERS, traces)
    build = "sudo dkms autoinstall -k $(uname -r)"
    if "fedora" in traces.distributions[:1]:
        build = say("sudo akmods --force  # of RPM Fusion; with NVIDIA's own packages: {command}", command=build)
    return (headers or say("install the headers of the running kernel (uname -r)"), build, "sudo modprobe nvidia")


def sign_module(traces: Traces) -> tuple[str, ...]:
    return (
        "mokutil --sb-state && sudo dmesg | grep -iE 'nvidia|module.*(reject|key)'",
        _first(_IMPORT_KEY, traces)
        or say(
            "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der"
            "  # DKMS's key; Fedora's is /etc/pki/akmods/certs/public_key.der"
        ),
        say("sudo reboot, and choose `Enroll MOK` in the blue screen; or turn Secure Boot off in the firmware"),
    )


def load_module() -> tuple[str, ...]:
    return ("sudo modprobe nvidia", "sudo dmesg | grep -iE 'nvrm|nvidia'", _REBOOT)


def make_nodes() -> tuple[str, ...]:
    return ("sudo nvidia-modprobe -c 0 -u", "sudo nvidia-smi")


def open_nodes() -> tuple[str, ...]:
    return (
        "ls -l /dev/nvidia*",
        say("sudo usermod -aG $(stat -c %G /dev/nvidiactl) $USER  # and log in again, if a group may open them"),
    )


def replace_rival(rival: str, traces: Traces) -> tuple[str, ...]:
    return (
        f"printf 'blacklist {rival}\\noptions {rival} modeset=0\\n' | sudo tee /etc/modprobe.d/blacklist-{rival}.conf",
        _first(_NEW_INITRAMFS, traces) or "sudo dracut --force",
        _REBOOT,
    )


def take_back_from_vfio() -> tuple[str, ...]:
    return (
        say(
            "look for what reserves the card: grep -rs vfio /etc/modprobe.d /proc/cmdline; virsh nodedev-list --cap pci"
        ),
        say("remove that setting, or run rigfit in the virtual machine that the card is reserved for"),
    )


def pass_gpu(container: str | None) -> tuple[str, ...]:
    """Containers see the host's kernel, and nothing of its driver unless asked."""
    toolkit = say("the host needs the NVIDIA Container Toolkit: {guide}", guide=_TOOLKIT)
    return (_PASS_GPU.get(container or "", _PASS_GPU["docker"]), toolkit)


def pass_capabilities(container: str | None) -> tuple[str, ...]:
    return (say("start the container with `-e NVIDIA_DRIVER_CAPABILITIES=compute,utility`"), *pass_gpu(container))


def restart_container(container: str | None) -> tuple[str, ...]:
    """The rules that let it open the devices are lost when the host's systemd reloads (nvidia-docker issue 1678)."""
    restart = say("restart this container: the host has withdrawn its right to the GPU's device files")
    return (restart, *pass_gpu(container))


def renew_wsl() -> tuple[str, ...]:
    return (
        say("install the newest NVIDIA driver in Windows (none inside WSL)"),
        say("in Windows: wsl --update"),
        say("in Windows: wsl --shutdown, then open this system again"),
    )


def look_at_log() -> tuple[str, ...]:
    return ("sudo dmesg | grep -iE 'nvrm|xid'", _REBOOT)


def _first(table: dict[str, str], traces: Traces) -> str | None:
    return next((table[name] for name in traces.distributions if name in table), None)
