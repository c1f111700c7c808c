"""What stands in the way of a driver that answers: its libraries, the service of SXM boards, toolkits, the next kernel."""

from __future__ import annotations

from collections.abc import Iterator

from rigfit.core.evidence import Evidence, Fabric, Library, Toolkit
from rigfit.core.finding import Finding, Unknown
from rigfit.core.machine import Driver, Machine
from rigfit.core.version import Version
from rigfit.core.words import say
from rigfit.doctor.machine.fault import shadowing

CODES = (
    "fabric_manager_missing",
    "fabric_manager_version",
    "library_stub",
    "library_shadowed",
    "library_mismatch",
    "library_copies",
    "cuda_compat",
    "wsl_linux_driver",
    "wsl_library_path",
    "toolkit_newer",
    "cuda_toolkits",
    "module_missing_for_next_kernel",
)

_CUDA = "libcuda.so.1"
_FABRIC = "https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/index.html"
_WSL = "https://docs.nvidia.com/cuda/wsl-user-guide/index.html"
_COMPAT = "https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html"
# One pattern: apt does nothing at all where one of several finds no package. libnvidia-container1 is of no driver.
_PURGE = "sudo apt purge '^(libcuda1|libnvidia-compute-.*|nvidia-driver-.*|cuda-drivers.*)$'"
_MINOR = "https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html"


def findings(machine: Machine, evidence: Evidence) -> Iterator[Finding]:
    """A Linux driver within WSL harms whatever else is wrong; the rest is about a driver that answers."""
    if machine.platform.wsl and evidence.libraries is not None:
        yield from _wsl(evidence)
    driver = machine.driver
    if not isinstance(driver, Driver):
        return
    if evidence.fabric is not None and machine.platform.container is None:
        yield from _fabric(evidence, evidence.fabric, driver)
    if not machine.platform.wsl:
        yield from _libraries(evidence, machine, driver)
    yield from _next_kernel(machine, evidence)
    yield from _toolkits(evidence, driver)


def unknown(machine: Machine, evidence: Evidence) -> Iterator[Unknown]:
    if not isinstance(machine.driver, Driver):
        return
    fabric, container = evidence.fabric, machine.platform.container
    if fabric is not None and (fabric.running is None or (container and not fabric.running)):
        why = say("the processes of the machine are out of sight here")
        yield Unknown(what=say("whether the fabric manager of these GPUs runs"), why=why)
    elif fabric is not None and fabric.running and fabric.version is None:
        why = say("no package of dpkg has it, and the database of rpm is not read")
        yield Unknown(what=say("the version of the fabric manager"), why=why)
    if evidence.libraries is None:
        what = say("which libcuda.so.1 programs load")
        yield Unknown(what=what, why=say("the list of the loader (/etc/ld.so.cache) cannot be read"))


def _fabric(evidence: Evidence, fabric: Fabric, driver: Driver) -> Iterator[Finding]:
    seen = say("NVSwitches on the PCI bus: {slots}", slots=", ".join(fabric.switches))
    install = (
        (f"sudo apt install nvidia-fabricmanager-{driver.version.major}",)
        if {"debian", "ubuntu"} & set(evidence.traces.distributions)
        else ()
    )
    same = say(
        "install the fabric manager of the driver's version, {version}: {guide}", version=driver.version, guide=_FABRIC
    )
    if fabric.version is not None and fabric.version != driver.version:
        yield Finding(
            code="fabric_manager_version",
            severity="error" if fabric.running is False else "warning",
            what=say(
                "the fabric manager is of version {found}, and the driver of {driver}: it starts with its own version only",
                found=fabric.version,
                driver=driver.version,
            ),
            because=(
                seen,
                say("{package} is installed in version {version}", package=fabric.package, version=fabric.version),
            ),
            fix=(*install, same, "sudo systemctl restart nvidia-fabricmanager"),
            source=_FABRIC,
        )
    elif fabric.running is False:
        absent = say("no process is called nv-fabricmanager, and dpkg has no package of it")
        idle = say("{package} is installed, and does not run", package=fabric.package)
        start = ("sudo systemctl enable --now nvidia-fabricmanager", "journalctl -u nvidia-fabricmanager -n 20")
        yield Finding(
            code="fabric_manager_missing",
            severity="error",
            what=say("the fabric manager does not run, without which CUDA does not start on these GPUs (error 802)"),
            because=(seen, idle if fabric.package else absent),
            fix=start if fabric.package else (*install, same, *start),
            source=_FABRIC,
        )


def _libraries(evidence: Evidence, machine: Machine, driver: Driver) -> Iterator[Finding]:
    """Programs load the first; the kernel module wants its own version."""
    every = evidence.where(_CUDA)
    if not every:
        return
    first, right = every[0], next((each for each in every if each.version == driver.version), None)
    if first.is_stub:
        yield _stub(first, right)
    elif first.version is not None and first.version != driver.version and _is_compat(first, machine, driver):
        yield from _compat(first, first.version, machine, driver)
    elif first.version is not None and first.version != driver.version:
        yield (
            shadowing(first, right, module=str(driver.version))
            if first.variable and right
            else _mismatch(first, first.version, driver)
        )
    elif len({each.version for each in every if each.version}) > 1:
        yield Finding(
            code="library_copies",
            severity="note",
            what=say("there are several libcuda.so.1; programs load the right one"),
            because=tuple(_told(each) for each in every),
        )


def _told(library: Library) -> str:
    return say("{path}: version {version}", path=library.path, version=library.version or say("unknown"))


def _stub(first: Library, right: Library | None) -> Finding:
    what = say("programs load a stub of the CUDA toolkit, which is no driver: {path}", path=first.path)
    because = [say("{path} lies in a folder named stubs, for linkers alone", path=first.path)]
    if first.variable:
        because.append(say("{variable} names that folder", variable=first.variable))
    if right is not None:
        because.append(say("the driver's own is {path}", path=right.path))
    fix = ("unset LD_LIBRARY_PATH",) if first.variable else ("sudo ldconfig",)
    remove = say("take that folder out of LD_LIBRARY_PATH and of /etc/ld.so.conf.d")
    source = "https://docs.nvidia.com/cuda/cuda-c-best-practices-guide/index.html"
    return Finding(
        code="library_stub", severity="error", what=what, because=tuple(because), fix=(*fix, remove), source=source
    )


def _is_compat(first: Library, machine: Machine, driver: Driver) -> bool:
    """A container's toolkit puts that of the image where the driver's own would be, if it is newer.

    https://github.com/NVIDIA/nvidia-container-toolkit/issues/125
    """
    newer = first.version is not None and first.version > driver.version
    return first.is_compat or (machine.platform.container is not None and first.variable is None and newer)


def _compat(first: Library, version: Version, machine: Machine, driver: Driver) -> Iterator[Finding]:
    """Newer than the driver it is of use on data-center GPUs; older than the driver on none."""
    consumer = next((gpu.name for gpu in machine.gpus if gpu.name and "GeForce" in gpu.name), None)
    older = version < driver.version
    because = [_told(first), say("driver: {version}", version=driver.version)]
    what = say("CUDA runs through NVIDIA's package cuda-compat, which works on data-center GPUs alone")
    if older:
        what = say("the libcuda.so.1 of cuda-compat is older than the driver: CUDA does not start (error 803)")
    elif consumer:
        what = say("the libcuda.so.1 of cuda-compat does not work on GPUs for consumers (error 804)")
        because.append(consumer)
    take_out = say("take {folder} out of LD_LIBRARY_PATH or /etc/ld.so.conf.d", folder=first.path.rpartition("/")[0])
    if not first.is_compat:
        take_out = say("on the host: install a newer driver; or take an image without cuda-compat")
    yield Finding(
        code="cuda_compat",
        severity="error" if older or consumer else "note",
        what=what,
        because=tuple(because),
        fix=(take_out,) if older or consumer else (),
        source=_COMPAT,
    )


def _mismatch(first: Library, version: Version, driver: Driver) -> Finding:
    what = say(
        "programs load a libcuda.so.1 of version {found}, and the driver is {driver}",
        found=version,
        driver=driver.version,
    )
    fix = (
        say("remove what brought {path}: `dpkg -S {path}` or `rpm -qf {path}` tells", path=first.path),
        "sudo ldconfig",
    )
    because = (_told(first), say("driver: {version}", version=driver.version))
    return Finding(code="library_mismatch", severity="error", what=what, because=because, fix=fix, source=_COMPAT)


def _wsl(evidence: Evidence) -> Iterator[Finding]:
    every = evidence.where(_CUDA)
    linux = next((each for each in every if each.version is not None and not each.is_compat), None)
    if linux is not None:
        yield Finding(
            code="wsl_linux_driver",
            severity="error" if linux == every[0] else "warning",
            what=say("a Linux driver is installed within WSL, where only that of Windows works"),
            because=(_told(linux), say("WSL's own libraries lie in /usr/lib/wsl/lib")),
            fix=(
                _PURGE,
                say("within WSL install the package cuda-toolkit, never cuda or cuda-drivers"),
                "sudo ldconfig",
            ),
            source=_WSL,
        )
    elif evidence.traces.windows_driver and all(each.is_stub for each in every):
        yield Finding(
            code="wsl_library_path",
            severity="error",
            what=say("programs do not find the driver's libraries that Windows lends: /usr/lib/wsl/lib is on no list"),
            because=(say("neither LD_LIBRARY_PATH nor /etc/ld.so.cache leads to /usr/lib/wsl/lib/libcuda.so.1"),),
            fix=("echo /usr/lib/wsl/lib | sudo tee /etc/ld.so.conf.d/ld.wsl.conf && sudo ldconfig",),
            source=_WSL,
        )


def _next_kernel(machine: Machine, evidence: Evidence) -> Iterator[Finding]:
    modules, kernel, upcoming = evidence.modules, machine.platform.kernel, evidence.modules.next_kernel
    if upcoming in (None, kernel) or machine.platform.container or modules.file_of(kernel) is None:
        return
    if modules.file_of(upcoming) is None:
        yield Finding(
            code="module_missing_for_next_kernel",
            severity="warning",
            what=say(
                "after the next start there is no driver: its module was not built for the kernel {kernel}",
                kernel=upcoming,
            ),
            because=(
                say("/boot/vmlinuz leads to {kernel}; running is {running}", kernel=upcoming, running=kernel),
                say("/lib/modules/{kernel}/modules.dep names no NVIDIA module", kernel=upcoming),
            ),
            fix=(f"sudo apt install linux-headers-{upcoming}", f"sudo dkms autoinstall -k {upcoming}"),
            source="https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/",
        )


def _toolkits(evidence: Evidence, driver: Driver) -> Iterator[Finding]:
    """Of another CUDA than the driver's: people take the one for the other."""
    every = evidence.toolkits
    if driver.cuda is None or all(each.version in (None, driver.cuda) for each in every):
        return
    led = next((each for each in every if each.by), None)
    because = (*map(_toolkit, every), say("driver CUDA: {cuda}, the newest that this driver runs", cuda=driver.cuda))
    if led is not None and led.version is not None and led.version.major > driver.cuda.major:
        yield Finding(
            code="toolkit_newer",
            severity="warning",
            what=say(
                "what is compiled here with CUDA {toolkit} does not run: this driver runs CUDA up to {cuda}",
                toolkit=led.version,
                cuda=driver.cuda,
            ),
            because=because,
            fix=(say("use a toolkit that the driver runs, or a newer driver; rigfit itself needs no toolkit"),),
            source=_MINOR,
        )
        return
    yield Finding(
        code="cuda_toolkits",
        severity="note",
        what=say(
            "toolkit (nvcc), driver CUDA and the CUDA that torch was built for are three things; rigfit never needs nvcc"
        ),
        because=because,
        source=_MINOR,
    )


def _toolkit(toolkit: Toolkit) -> str:
    version = toolkit.version or say("unknown")
    if toolkit.by:
        return say(
            "toolkit {version}: {place}, by {ways}", version=version, place=toolkit.place, ways=", ".join(toolkit.by)
        )
    return say("toolkit {version}: {place}", version=version, place=toolkit.place)
