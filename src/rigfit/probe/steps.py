"""The steps that mend a driver, as commands where a command does it, for this distribution and this container."""

from __future__ import annotations

from rigfit.probe.traces import Traces

_GUIDE = "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/"
_REBOOT = "sudo reboot"

_INSTALL_DRIVER = {
    "ubuntu": "sudo ubuntu-drivers install",
    "debian": "sudo apt install nvidia-driver firmware-misc-nonfree  # from the components contrib and non-free",
    "fedora": "sudo dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda  # from RPM Fusion",
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
_NEW_INITRAMFS = {
    "debian": "sudo update-initramfs -u",
    "ubuntu": "sudo update-initramfs -u",
    "arch": "sudo mkinitcpio -P",
}
_PASS_GPU = {
    "docker": "start the container with `--gpus all` (docker run --gpus all ...)",
    "podman": "start the container with `--device nvidia.com/gpu=all` (podman run --device nvidia.com/gpu=all ...)",
    "kubernetes": "give the container `nvidia.com/gpu: 1` under resources.limits",
    "lxc": "on the host: lxc config device add CONTAINER gpu gpu && lxc config set CONTAINER nvidia.runtime true",
    "apptainer": "start the container with `--nv` (apptainer exec --nv ...)",
}


def reboot() -> tuple[str, ...]:
    return (_REBOOT,)


def install_driver(traces: Traces) -> tuple[str, ...]:
    known = _first(_INSTALL_DRIVER, traces)
    return (known or f"install NVIDIA's driver for this system: {_GUIDE}", _REBOOT)


def install_library(traces: Traces) -> tuple[str, ...]:
    """The user-space half of the driver, of the version that the kernel module has."""
    version = traces.module_version
    exactly = f"version {version}" if version else "the version of the loaded kernel module"
    guide = f"install the libraries of NVIDIA's driver in {exactly}: {_GUIDE}"
    known = _first(_INSTALL_LIBRARY, traces)
    if not known or (version is None and "{branch}" in known):
        return (guide,)
    return (known.format(branch=version.parts[0] if version else ""), guide)


def build_module(traces: Traces) -> tuple[str, ...]:
    headers = _first(_INSTALL_HEADERS, traces)
    build = ("sudo dkms autoinstall -k $(uname -r)", "sudo modprobe nvidia")
    return (headers, *build) if headers else ("install the headers of the running kernel (uname -r)", *build)


def sign_module() -> tuple[str, ...]:
    return (
        "mokutil --sb-state && sudo dmesg | grep -iE 'nvidia|module.*(reject|key)'",
        "sudo mokutil --import /var/lib/shim-signed/mok/MOK.der  # DKMS's key; Fedora's is /etc/pki/akmods/certs/public_key.der",
        "sudo reboot, and choose `Enroll MOK` in the blue screen; or turn Secure Boot off in the firmware",
    )


def load_module() -> tuple[str, ...]:
    return ("sudo modprobe nvidia", "sudo dmesg | grep -iE 'nvrm|nvidia'", _REBOOT)


def make_nodes() -> tuple[str, ...]:
    return ("sudo nvidia-modprobe -c 0 -u", "sudo nvidia-smi")


def open_nodes() -> tuple[str, ...]:
    return (
        "ls -l /dev/nvidia*",
        "sudo usermod -aG $(stat -c %G /dev/nvidiactl) $USER  # and log in again, if a group may open them",
    )


def replace_rival(rival: str, traces: Traces) -> tuple[str, ...]:
    return (
        f"printf 'blacklist {rival}\\noptions {rival} modeset=0\\n' | sudo tee /etc/modprobe.d/blacklist-{rival}.conf",
        _first(_NEW_INITRAMFS, traces) or "sudo dracut --force",
        _REBOOT,
    )


def take_back_from_vfio() -> tuple[str, ...]:
    return (
        "look for what reserves the card: grep -rs vfio /etc/modprobe.d /proc/cmdline; virsh nodedev-list --cap pci",
        "remove that setting, or run rigfit in the virtual machine that the card is reserved for",
    )


def pass_gpu(container: str | None) -> tuple[str, ...]:
    """Containers see the host's kernel, and nothing of its driver unless asked."""
    toolkit = "the host needs the NVIDIA Container Toolkit: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/"
    return (_PASS_GPU.get(container or "", _PASS_GPU["docker"]), toolkit)


def pass_capabilities(container: str | None) -> tuple[str, ...]:
    return ("start the container with `-e NVIDIA_DRIVER_CAPABILITIES=compute,utility`", *pass_gpu(container))


def restart_container(container: str | None) -> tuple[str, ...]:
    """The rules that let it open the devices are lost when the host's systemd reloads (nvidia-docker issue 1678)."""
    return ("restart this container: the host has withdrawn its right to the GPU's device files", *pass_gpu(container))


def renew_wsl() -> tuple[str, ...]:
    return (
        "install the newest NVIDIA driver in Windows (none inside WSL)",
        "in Windows: wsl --update",
        "in Windows: wsl --shutdown, then open this system again",
    )


def look_at_log() -> tuple[str, ...]:
    return ("sudo dmesg | grep -iE 'nvrm|xid'", _REBOOT)


def _first(table: dict[str, str], traces: Traces) -> str | None:
    return next((table[name] for name in traces.distributions if name in table), None)
