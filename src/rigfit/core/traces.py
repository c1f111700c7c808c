"""What NVIDIA's hardware and drivers leave on a machine, as it was found."""

from __future__ import annotations

from dataclasses import dataclass

from rigfit.core.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An NVIDIA display device on the PCI bus and the kernel driver that holds it, as /sys names it."""

    slot: str
    driver: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """`cards` is None where the PCI list may not be read; `nodes` are the /dev/nvidia* files, `denied` those among
    them that this user may not open; `rival` is the module of another driver for NVIDIA cards that is loaded;
    `module_built` is None where the list of this kernel's modules is out of sight, as in a container.
    """

    cards: tuple[Card, ...] | None = ()
    module_loaded: bool = False
    module_version: Version | None = None
    module_built: bool | None = None
    rival: str | None = None
    library: str | None = None
    library_version: Version | None = None
    nodes: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    secure_boot: bool | None = None
    wsl_gpu: bool = False
    windows_driver: bool = False
    tegra: bool = False
    distributions: tuple[str, ...] = ()

    @property
    def none_of_nvidia(self) -> bool:
        """Whether everything was looked at, and nothing shows an NVIDIA GPU.

        A machine without a PCI bus (a micro-VM) counts as looked at: a GPU that no bus, kernel module or device file
        knows of is out of reach for every program. `wsl_gpu` alone does not count: Windows lends any maker's GPU.
        """
        seen = self.cards or self.module_loaded or self.nodes or self.windows_driver or self.tegra
        return self.cards is not None and not seen
