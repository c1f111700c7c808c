"""Why no driver answers: NVML's kind of silence and the traces together, as one of the contract's faults."""

from __future__ import annotations

from pathlib import Path

from rigfit.core.machine import Driver, DriverFault, Fault, FaultCause
from rigfit.core.words import joined, say
from rigfit.probe import steps
from rigfit.probe.asking import Answer, Failure, Silence
from rigfit.probe.scene import Scene
from rigfit.probe.traces import library_version

# nvmlReturn_t, https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
_NO_PERMISSION, _DRIVER_NOT_LOADED, _TIMEOUT, _LIBRARY_NOT_FOUND, _FUNCTION_NOT_FOUND = 4, 9, 10, 12, 13
_GPU_IS_LOST, _RESET_REQUIRED, _OPERATING_SYSTEM, _VERSION_MISMATCH, _GPU_NOT_FOUND = 15, 16, 17, 18, 28
_FORBIDDEN = ("EACCES", "EPERM")
_MEND_BINDING = (
    say("install rigfit again, so that it has its own nvidia-ml-py"),
    "python -m pip uninstall -y pynvml && python -m pip install --force-reinstall nvidia-ml-py",
)


def of_silence(silence: Silence, scene: Scene) -> DriverFault:
    match silence.reason:
        case "timeout":
            what = say("the NVIDIA driver did not answer within {time}", time=silence.text)
            return _fault("timeout", what, steps.look_at_log())
        case "crash":
            what = say("NVIDIA's library ended the process that asked it ({reason})", reason=silence.text)
            return _fault("unknown", what, steps.look_at_log(), "driver_crashed")
        case "library" | "binding" if scene.traces.none_of_nvidia:
            return _no_device(scene)
        case "binding":
            what = say("the NVIDIA driver was not asked: {reason}", reason=silence.text)
            return _fault("unknown", what, _MEND_BINDING, "nvml_binding")
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
        why = _said(answer.no_driver) if answer.no_driver else say("no version number")
        what = say("the NVIDIA driver answers, but not with its version: {reason}", reason=why)
        return _fault("unknown", what, steps.look_at_log())
    return Driver(version=version, cuda=answer.cuda)


def _fault(fault: Fault, what: str, fix: tuple[str, ...], cause: FaultCause | None = None) -> DriverFault:
    return DriverFault(fault=fault, what=what, fix=fix, cause=cause)


def _said(failure: Failure | Silence) -> str:
    told = joined(": ", [failure.call, failure.text or say("no text")])
    return told if failure.code is None else say("{error} (code {code})", error=told, code=failure.code)


def _no_device(scene: Scene) -> DriverFault:
    if not scene.platform.wsl:
        return _fault("no_device", say("there is no NVIDIA GPU in this machine"), ())
    what = say("Windows lends this system no GPU")
    if scene.traces.wsl_gpu:
        what = say(
            "Windows lends this system a GPU (/dev/dxg), but no library of an NVIDIA driver, so it is taken for "
            "another maker's"
        )
    fix = steps.renew_wsl() if scene.container is None else steps.pass_gpu(scene.container)
    return _fault("no_device", what, (say("if there is an NVIDIA GPU in this computer:"), *fix))


def _without_library(silence: Silence, scene: Scene) -> DriverFault:
    traces = scene.traces
    if traces.tegra and not traces.cards:
        return _tegra(silence.text)
    if traces.cards is None and not (traces.module_loaded or traces.nodes or traces.windows_driver):
        what = say("the list of PCI devices may not be read, so it is not known whether there is an NVIDIA GPU")
        return _fault("unknown", what, ("ls -l /sys/bus/pci/devices",), "pci_unreadable")
    if traces.library is not None:
        what = say("{file} is there, but cannot be loaded: {reason}", file=traces.library, reason=silence.text)
        fix = ("sudo ldconfig", *steps.install_library(traces))
        return _fault("no_library", what, fix, "library_not_loadable")
    if scene.platform.wsl:
        what = say("Windows has an NVIDIA driver, but its libraries are not in this system (/usr/lib/wsl/lib)")
        fix = steps.pass_gpu(scene.container) if scene.container else steps.renew_wsl()
        return _fault("no_library", what, fix, "wsl_without_library")
    if scene.container is not None:
        return _without_library_in_container(scene)
    if traces.module_loaded:
        what = say(
            "{driver} is loaded in the kernel, but its library libnvidia-ml.so.1 is not installed",
            driver=scene.host_driver,
        )
        return _fault("no_library", what, steps.install_library(traces), "library_missing")
    return _without_driver(scene)


def _without_library_in_container(scene: Scene) -> DriverFault:
    traces = scene.traces
    if "nvidiactl" in traces.nodes:
        what = say(
            "this container has the GPU's device files, but not the driver's library: the capability `utility` is missing"
        )
        return _fault("no_library", what, steps.pass_capabilities(scene.container), "container_without_capability")
    if traces.module_loaded:
        what = say(
            "{driver} runs on the host, but nothing of it was passed into this container", driver=scene.host_driver
        )
        return _fault("no_library", what, steps.pass_gpu(scene.container), "container_without_gpu")
    return _without_driver(scene)


def _without_driver(scene: Scene) -> DriverFault:
    """There is a card, and neither the module nor the library of NVIDIA's driver."""
    who = say("this machine") if scene.container is None else say("the host")
    rival = _rival(scene)
    if rival == "vfio-pci":
        what = say("{who} has {cards}, reserved for virtual machines (vfio-pci)", who=who, cards=scene.cards)
        return _fault("no_driver", what, steps.take_back_from_vfio(), "gpu_reserved")
    what = say("{who} has {cards}, but not NVIDIA's driver", who=who, cards=scene.cards)
    if rival is not None:
        what = say(
            "{who} has {cards}, but not NVIDIA's driver; {rival} drives it in its place, and cannot run CUDA",
            who=who,
            cards=scene.cards,
            rival=rival,
        )
    cause: FaultCause | None = None if rival is None else "nouveau"
    if scene.container is not None:
        install = say("on the host: install NVIDIA's driver")
        return _fault("no_driver", what, (install, *steps.pass_gpu(scene.container)), cause)
    return _fault("no_driver", what, steps.install_driver(scene.traces), cause)


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
        return _fault("timeout", say("the NVIDIA driver gave up: {error}", error=said), steps.look_at_log())
    if failure.code == _FUNCTION_NOT_FOUND:
        what = say("this NVIDIA driver is too old to be asked: {error}", error=said)
        return _fault("unknown", what, steps.install_driver(scene.traces), "driver_too_old")
    if failure.code in (_GPU_IS_LOST, _RESET_REQUIRED):
        what = say("the GPU has stopped working until it is restarted: {error}", error=said)
        return _fault("unknown", what, steps.look_at_log(), "gpu_lost")
    if failure.code == _LIBRARY_NOT_FOUND:
        what = say(
            "the library that was loaded is not that of a driver (a stub of the CUDA toolkit?): {error}", error=said
        )
        fix = ("unset LD_LIBRARY_PATH", *steps.install_library(scene.traces))
        return _fault("no_library", what, fix, "library_stub")
    what = say("the NVIDIA driver failed: {error}", error=said)
    if scene.container is None:
        return _fault("unknown", what, steps.look_at_log())
    return _fault("unknown", what, steps.restart_container(scene.container), _lost(scene))


def _forbidden(said: str, scene: Scene) -> DriverFault:
    if scene.container is not None:
        what = say("this container may not open the GPU's device files: {error}", error=said)
        return _fault("no_permission", what, steps.restart_container(scene.container), _lost(scene))
    denied = ", ".join(f"/dev/{name}" for name in scene.traces.denied) or say("the GPU's device files")
    what = say("this user may not open {files}: {error}", files=denied, error=said)
    return _fault("no_permission", what, steps.open_nodes(), "user_denied")


def _lost(scene: Scene) -> FaultCause | None:
    """Device files that are there, and open to this user by their modes: the container's own rules have been withdrawn."""
    return "container_lost_gpu" if "nvidiactl" in scene.traces.nodes and not scene.traces.denied else None


def _not_loaded(scene: Scene, said: str) -> DriverFault:
    traces = scene.traces
    if traces.tegra and not traces.cards:
        return _tegra(said)
    if scene.platform.wsl:
        what = say("the NVIDIA driver of Windows does not answer here: {error}", error=said)
        return _fault("not_loaded", what, steps.renew_wsl(), "wsl_driver_silent")
    if not traces.module_loaded:
        return _not_loaded_on_host(scene)
    if "nvidiactl" in traces.nodes:
        what = say("{driver} is loaded, but says that it is not: {error}", driver=scene.host_driver, error=said)
        return _fault("unknown", what, steps.look_at_log())
    if scene.container is not None:
        what = say(
            "{driver} runs on the host, but this container was not given its device files (/dev/nvidiactl)",
            driver=scene.host_driver,
        )
        return _fault("no_permission", what, steps.pass_gpu(scene.container), "container_without_gpu")
    what = say("{driver} is loaded, but its device files (/dev/nvidiactl) are missing", driver=scene.host_driver)
    return _fault("no_permission", what, steps.make_nodes(), "device_files_missing")


def _not_loaded_on_host(scene: Scene) -> DriverFault:
    """The library is installed and the kernel has no module of it: held by another, not built, not signed, or not asked."""
    traces, kernel = scene.traces, scene.platform.kernel
    rival = _rival(scene)
    if rival == "vfio-pci":
        return _without_driver(scene)
    if scene.container is not None:
        what, load = say("the kernel of the host has no NVIDIA driver loaded"), say("on the host: sudo modprobe nvidia")
        return _fault("not_loaded", what, (load, *steps.pass_gpu(scene.container)))
    if rival is not None:
        what = say("NVIDIA's driver is installed, but {rival} holds the GPU in its place", rival=rival)
        return _fault("not_loaded", what, steps.replace_rival(traces.rival or rival, traces), "nouveau")
    if traces.module_built is False:
        what = say(
            "NVIDIA's driver is installed, but its kernel module was not built for the running kernel {kernel}",
            kernel=kernel,
        )
        return _fault("not_loaded", what, steps.build_module(traces), "module_not_built")
    if traces.secure_boot:
        what = say(
            "NVIDIA's driver is installed, but its kernel module is not loaded; "
            "Secure Boot is on and rejects an unsigned one"
        )
        return _fault("not_loaded", what, (*steps.sign_module(traces), *steps.load_module()), "secure_boot")
    what = say("NVIDIA's driver is installed, but its kernel module is not loaded")
    return _fault("not_loaded", what, steps.load_module())


def _mismatch(silence: Silence, scene: Scene) -> DriverFault:
    module = scene.traces.module_version
    loaded = None if silence.library is None else library_version(Path(silence.library))
    library = loaded or scene.traces.library_version
    unknown = say("unknown")
    if scene.container is None:
        fix = steps.reboot()
        what = say(
            "the NVIDIA kernel module (version {module}) and the driver's library (version {library}) do not match: "
            "the driver was updated, and the old module is still loaded",
            module=module or unknown,
            library=library or unknown,
        )
    else:
        fix = (say("restart this container"), say("if that does not help: reboot the host"))
        what = say(
            "the NVIDIA kernel module (version {module}) and the driver's library (version {library}) do not match: "
            "the driver was updated, and this container still has the old library",
            module=module or unknown,
            library=library or unknown,
        )
    return DriverFault(
        fault="version_mismatch",
        what=what,
        fix=fix,
        module_version=module,
        library_version=library,
        cause="driver_upgraded" if scene.container is None else "container_driver_mismatch",
    )


def _without_cuda_library(scene: Scene) -> DriverFault:
    if scene.container is not None:
        what = say("this container has NVML, but not libcuda.so.1: the capability `compute` is missing")
        return _fault("no_library", what, steps.pass_capabilities(scene.container), "container_without_capability")
    what = say("the NVIDIA driver answers, but its library libcuda.so.1 is not installed")
    return _fault("no_library", what, steps.install_library(scene.traces), "library_missing")


def _without_gpus(scene: Scene) -> DriverFault:
    """NVML works and lists nothing."""
    traces = scene.traces
    if scene.platform.wsl:
        what = say("the NVIDIA driver of Windows answers, but lends this system no GPU")
        return _fault("unknown", what, steps.renew_wsl(), "wsl_driver_silent")
    if traces.cards == () and not any(name[-1].isdigit() for name in traces.nodes):
        return _no_device(scene)
    if _rival(scene) == "vfio-pci":
        return _without_driver(scene)
    if scene.container is not None:
        what = say("{driver} answers, but this container was given none of its GPUs", driver=scene.host_driver)
        return _fault("no_permission", what, steps.pass_gpu(scene.container), "container_without_gpu")
    if traces.denied:
        return _forbidden(say("the driver lists no GPU"), scene)
    what = say(
        "{driver} answers, but serves no GPU, although this machine has {cards}",
        driver=scene.host_driver,
        cards=scene.cards,
    )
    too_old = say("check that this version of the driver supports this GPU (its open module needs Turing or later)")
    return _fault("unknown", what, (too_old, *steps.look_at_log()), "gpu_not_served")


def _tegra(said: str) -> DriverFault:
    what = say("this is an NVIDIA Jetson, whose built-in GPU does not answer to NVML: {error}", error=said)
    return _fault(
        "unknown", what, (say("rigfit has no environment for it yet; see NVIDIA's wheels for JetPack"),), "jetson"
    )
