"""Why no driver answers: NVML's kind of silence and the traces together, as one of the contract's faults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rigfit.core.machine import Driver, DriverFault, Fault, Platform
from rigfit.probe import steps
from rigfit.probe.asking import Answer, Failure, Silence
from rigfit.probe.traces import Traces, library_version

# nvmlReturn_t, https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
_NO_PERMISSION, _DRIVER_NOT_LOADED, _TIMEOUT, _LIBRARY_NOT_FOUND, _FUNCTION_NOT_FOUND = 4, 9, 10, 12, 13
_GPU_IS_LOST, _RESET_REQUIRED, _OPERATING_SYSTEM, _VERSION_MISMATCH, _GPU_NOT_FOUND = 15, 16, 17, 18, 28
_FORBIDDEN = ("EACCES", "EPERM")
_MEND_BINDING = (
    "install rigfit again, so that it has its own nvidia-ml-py",
    "python -m pip uninstall -y pynvml && python -m pip install --force-reinstall nvidia-ml-py",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a fault is judged by, apart from what NVML said."""

    traces: Traces
    platform: Platform

    @property
    def container(self) -> str | None:
        return self.platform.container

    @property
    def host_driver(self) -> str:
        version = self.traces.module_version
        return f"NVIDIA driver {version}" if version else "an NVIDIA driver"

    @property
    def cards(self) -> str:
        slots = [card.slot for card in self.traces.cards or ()]
        return f"an NVIDIA GPU ({slots[0]})" if len(slots) == 1 else f"{len(slots) or 'no'} NVIDIA GPUs"


def of_silence(silence: Silence, scene: Scene) -> DriverFault:
    match silence.reason:
        case "timeout":
            return _fault("timeout", f"the NVIDIA driver did not answer within {silence.text}", steps.look_at_log())
        case "crash":
            what = f"NVIDIA's library ended the process that asked it ({silence.text})"
            return _fault("unknown", what, steps.look_at_log())
        case "library" | "binding" if scene.traces.none_of_nvidia:
            return _no_device(scene)
        case "binding":
            return _fault("unknown", f"the NVIDIA driver was not asked: {silence.text}", _MEND_BINDING)
        case "library":
            return _without_library(silence, scene)
        case "code":
            return _of_code(silence, scene)


def of_answer(answer: Answer, scene: Scene) -> Driver | DriverFault:
    """The driver, or the fault of one that answers and still serves nobody.

    One refused GPU among others is no fault of the driver: it is listed, with nothing known about it.
    """
    if answer.no_count is not None:
        return _of_failure(answer.no_count, scene)
    if not answer.gpus:
        return _without_gpus(scene)
    if len(answer.no_gpu) == len(answer.gpus):
        return _of_failure(answer.no_gpu[0], scene)
    if answer.no_cuda is not None and answer.no_cuda.code == _LIBRARY_NOT_FOUND:
        return _without_cuda_library(scene)
    version = answer.driver or scene.traces.module_version
    if version is None:
        why = _said(answer.no_driver) if answer.no_driver else "no version number"
        return _fault("unknown", f"the NVIDIA driver answers, but not with its version: {why}", steps.look_at_log())
    return Driver(version=version, cuda=answer.cuda)


def _fault(fault: Fault, what: str, fix: tuple[str, ...]) -> DriverFault:
    return DriverFault(fault=fault, what=what, fix=fix)


def _said(failure: Failure | Silence) -> str:
    number = "" if failure.code is None else f" (code {failure.code})"
    return f"{failure.call}: {failure.text or 'no text'}{number}"


def _no_device(scene: Scene) -> DriverFault:
    if not scene.platform.wsl:
        return _fault("no_device", "there is no NVIDIA GPU in this machine", ())
    what = "Windows lends this system no GPU"
    if scene.traces.wsl_gpu:
        what = (
            "Windows lends this system a GPU (/dev/dxg), but no library of an NVIDIA driver, so it is taken for "
            "another maker's"
        )
    fix = steps.renew_wsl() if scene.container is None else steps.pass_gpu(scene.container)
    return _fault("no_device", what, ("if there is an NVIDIA GPU in this computer:", *fix))


def _without_library(silence: Silence, scene: Scene) -> DriverFault:
    traces = scene.traces
    if traces.tegra and not traces.cards:
        return _tegra(silence.text)
    if traces.cards is None and not (traces.module_loaded or traces.nodes or traces.windows_driver):
        what = "the list of PCI devices may not be read, so it is not known whether there is an NVIDIA GPU"
        return _fault("unknown", what, ("ls -l /sys/bus/pci/devices",))
    if traces.library is not None:
        what = f"{traces.library} is there, but cannot be loaded: {silence.text}"
        return _fault("no_library", what, ("sudo ldconfig", *steps.install_library(traces)))
    if scene.platform.wsl:
        what = "Windows has an NVIDIA driver, but its libraries are not in this system (/usr/lib/wsl/lib)"
        fix = steps.pass_gpu(scene.container) if scene.container else steps.renew_wsl()
        return _fault("no_library", what, fix)
    if scene.container is not None:
        return _without_library_in_container(scene)
    if traces.module_loaded:
        what = f"{scene.host_driver} is loaded in the kernel, but its library libnvidia-ml.so.1 is not installed"
        return _fault("no_library", what, steps.install_library(traces))
    return _without_driver(scene)


def _without_library_in_container(scene: Scene) -> DriverFault:
    traces = scene.traces
    if "nvidiactl" in traces.nodes:
        what = "this container has the GPU's device files, but not the driver's library: the capability `utility` is missing"
        return _fault("no_library", what, steps.pass_capabilities(scene.container))
    if traces.module_loaded:
        what = f"{scene.host_driver} runs on the host, but nothing of it was passed into this container"
        return _fault("no_library", what, steps.pass_gpu(scene.container))
    return _without_driver(scene)


def _without_driver(scene: Scene) -> DriverFault:
    """There is a card, and neither the module nor the library of NVIDIA's driver."""
    who = "this machine" if scene.container is None else "the host"
    rival = _rival(scene)
    if rival == "vfio-pci":
        what = f"{who} has {scene.cards}, reserved for virtual machines (vfio-pci)"
        return _fault("no_driver", what, steps.take_back_from_vfio())
    instead = "" if rival is None else f"; {rival} drives it in its place, and cannot run CUDA"
    what = f"{who} has {scene.cards}, but not NVIDIA's driver{instead}"
    if scene.container is not None:
        return _fault("no_driver", what, ("on the host: install NVIDIA's driver", *steps.pass_gpu(scene.container)))
    return _fault("no_driver", what, steps.install_driver(scene.traces))


def _rival(scene: Scene) -> str | None:
    """The driver that holds the cards when NVIDIA's does not; vfio-pci only where it holds them all."""
    holders = {card.driver for card in scene.traces.cards or ()}
    if holders == {"vfio-pci"}:
        return "vfio-pci"
    held = next((name for name in holders if name and name.lower().startswith(("nouveau", "nova"))), None)
    return held or scene.traces.rival


def _of_code(silence: Silence, scene: Scene) -> DriverFault:
    said = _said(silence)
    if silence.code in (_DRIVER_NOT_LOADED, _LIBRARY_NOT_FOUND, _GPU_NOT_FOUND) and scene.traces.none_of_nvidia:
        return _no_device(scene)
    if silence.code == _VERSION_MISMATCH:
        return _mismatch(silence, scene)
    if silence.node_error in _FORBIDDEN:
        return _forbidden(said, scene)
    if silence.code == _DRIVER_NOT_LOADED:
        return _not_loaded(scene, said)
    return _of_failure(silence, scene)


def _of_failure(failure: Failure | Silence, scene: Scene) -> DriverFault:
    said = _said(failure)
    if failure.code in (_NO_PERMISSION, _OPERATING_SYSTEM):
        return _forbidden(said, scene)
    if failure.code == _TIMEOUT:
        return _fault("timeout", f"the NVIDIA driver gave up: {said}", steps.look_at_log())
    if failure.code == _FUNCTION_NOT_FOUND:
        what = f"this NVIDIA driver is too old to be asked: {said}"
        return _fault("unknown", what, steps.install_driver(scene.traces))
    if failure.code in (_GPU_IS_LOST, _RESET_REQUIRED):
        what = f"the GPU has stopped working until it is restarted: {said}"
        return _fault("unknown", what, steps.look_at_log())
    if failure.code == _LIBRARY_NOT_FOUND:
        what = f"the library that was loaded is not that of a driver (a stub of the CUDA toolkit?): {said}"
        return _fault("no_library", what, ("unset LD_LIBRARY_PATH", *steps.install_library(scene.traces)))
    fix = steps.look_at_log() if scene.container is None else steps.restart_container(scene.container)
    return _fault("unknown", f"the NVIDIA driver failed: {said}", fix)


def _forbidden(said: str, scene: Scene) -> DriverFault:
    if scene.container is not None:
        what = f"this container may not open the GPU's device files: {said}"
        return _fault("no_permission", what, steps.restart_container(scene.container))
    denied = ", ".join(f"/dev/{name}" for name in scene.traces.denied) or "the GPU's device files"
    return _fault("no_permission", f"this user may not open {denied}: {said}", steps.open_nodes())


def _not_loaded(scene: Scene, said: str) -> DriverFault:
    traces = scene.traces
    if traces.tegra and not traces.cards:
        return _tegra(said)
    if scene.platform.wsl:
        return _fault("not_loaded", f"the NVIDIA driver of Windows does not answer here: {said}", steps.renew_wsl())
    if not traces.module_loaded:
        return _not_loaded_on_host(scene)
    if "nvidiactl" in traces.nodes:
        return _fault("unknown", f"{scene.host_driver} is loaded, but says that it is not: {said}", steps.look_at_log())
    if scene.container is not None:
        what = (
            f"{scene.host_driver} runs on the host, but this container was not given its device files (/dev/nvidiactl)"
        )
        return _fault("no_permission", what, steps.pass_gpu(scene.container))
    what = f"{scene.host_driver} is loaded, but its device files (/dev/nvidiactl) are missing"
    return _fault("no_permission", what, steps.make_nodes())


def _not_loaded_on_host(scene: Scene) -> DriverFault:
    """The library is installed and the kernel has no module of it: held by another, not built, not signed, or not asked."""
    traces, kernel = scene.traces, scene.platform.kernel
    rival = _rival(scene)
    if rival == "vfio-pci":
        return _without_driver(scene)
    if scene.container is not None:
        what = "the kernel of the host has no NVIDIA driver loaded"
        return _fault("not_loaded", what, ("on the host: sudo modprobe nvidia", *steps.pass_gpu(scene.container)))
    if rival is not None:
        what = f"NVIDIA's driver is installed, but {rival} holds the GPU in its place"
        return _fault("not_loaded", what, steps.replace_rival(traces.rival or rival, traces))
    if traces.module_built is False:
        what = f"NVIDIA's driver is installed, but its kernel module was not built for the running kernel {kernel}"
        return _fault("not_loaded", what, steps.build_module(traces))
    if traces.secure_boot:
        what = "NVIDIA's driver is installed, but its kernel module is not loaded; Secure Boot is on and rejects an unsigned one"
        return _fault("not_loaded", what, (*steps.sign_module(), *steps.load_module()))
    return _fault(
        "not_loaded", "NVIDIA's driver is installed, but its kernel module is not loaded", steps.load_module()
    )


def _mismatch(silence: Silence, scene: Scene) -> DriverFault:
    module = scene.traces.module_version
    loaded = None if silence.library is None else library_version(Path(silence.library))
    library = loaded or scene.traces.library_version
    what = (
        f"the NVIDIA kernel module (version {module or 'unknown'}) and the driver's library (version "
        f"{library or 'unknown'}) do not match: the driver was updated, and the old module is still loaded"
    )
    fix = steps.reboot()
    if scene.container is not None:
        what = what.replace("the old module is still loaded", "this container still has the old library")
        fix = ("restart this container", "if that does not help: reboot the host")
    return DriverFault(fault="version_mismatch", what=what, fix=fix, module_version=module, library_version=library)


def _without_cuda_library(scene: Scene) -> DriverFault:
    if scene.container is not None:
        what = "this container has NVML, but not libcuda.so.1: the capability `compute` is missing"
        return _fault("no_library", what, steps.pass_capabilities(scene.container))
    what = "the NVIDIA driver answers, but its library libcuda.so.1 is not installed"
    return _fault("no_library", what, steps.install_library(scene.traces))


def _without_gpus(scene: Scene) -> DriverFault:
    """NVML works and lists nothing."""
    traces = scene.traces
    if scene.platform.wsl:
        return _fault(
            "unknown", "the NVIDIA driver of Windows answers, but lends this system no GPU", steps.renew_wsl()
        )
    if traces.cards == () and not any(name[-1].isdigit() for name in traces.nodes):
        return _no_device(scene)
    if _rival(scene) == "vfio-pci":
        return _without_driver(scene)
    if scene.container is not None:
        what = f"{scene.host_driver} answers, but this container was given none of its GPUs"
        return _fault("no_permission", what, steps.pass_gpu(scene.container))
    if traces.denied:
        return _forbidden("the driver lists no GPU", scene)
    what = f"{scene.host_driver} answers, but serves no GPU, although this machine has {scene.cards}"
    too_old = "check that this version of the driver supports this GPU (its open module needs Turing or later)"
    return _fault("unknown", what, (too_old, *steps.look_at_log()))


def _tegra(said: str) -> DriverFault:
    what = f"this is an NVIDIA Jetson, whose built-in GPU does not answer to NVML: {said}"
    return _fault("unknown", what, ("rigfit has no environment for it yet; see NVIDIA's wheels for JetPack",))
