"""A stand-in for NVIDIA's library: the functions of `pynvml` that the agent calls, over accelerators that tests break.

Each function behaves as NVML's does: it needs `nvmlInit` first, answers by handle, includes the very time asked for
among the samples, and fails with NVML's own errors. What the agent calls beyond these is missing, loudly.
"""

from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pynvml
import pytest

FUNCTIONS = {
    "nvmlInit": "init",
    "nvmlShutdown": "shutdown",
    "nvmlDeviceGetCount": "device_get_count",
    "nvmlDeviceGetHandleByIndex": "device_get_handle_by_index",
    "nvmlDeviceGetName": "device_get_name",
    "nvmlDeviceGetSamples": "device_get_samples",
    "nvmlDeviceGetUtilizationRates": "device_get_utilization_rates",
    "nvmlDeviceGetMemoryInfo": "device_get_memory_info",
    "nvmlDeviceGetComputeRunningProcesses": "device_get_compute_running_processes",
    "nvmlDeviceGetGraphicsRunningProcesses": "device_get_graphics_running_processes",
}
"""What the agent calls, by the methods below that stand in for it."""
ERRORS = {name: kind for name, kind in vars(pynvml).items() if name.startswith("NVMLError")}


@dataclass
class Accelerator:
    """One accelerator. `broken` fails whatever is asked of it; `cut` is one that is cut into instances (MIG)."""

    name: str = "NVIDIA H200"
    samples: list[tuple[int, int]] = field(default_factory=list)
    """Microseconds by the driver's clock, and hundredths."""
    utilisation: int = 0
    used: int = 0
    total: int = 120
    pids: list[int] = field(default_factory=list)
    broken: type[Exception] | None = None
    cut: bool = False


class Library:
    """The library. `refuses` is what `nvmlInit` fails with, if it does."""

    def __init__(self, *accelerators: Accelerator, refuses: type[Exception] | None = None) -> None:
        self.accelerators = list(accelerators)
        self.refuses = refuses
        self.open = False
        self.asked_since: list[int] = []

    def module(self) -> ModuleType:
        """As a module, to stand where `pynvml` does."""
        made = ModuleType("pynvml")
        functions = {name: getattr(self, own) for name, own in FUNCTIONS.items()}
        constants = {"NVML_GPU_UTILIZATION_SAMPLES": pynvml.NVML_GPU_UTILIZATION_SAMPLES}
        vars(made).update(functions | constants | ERRORS)
        return made

    def init(self) -> None:
        """Open."""
        if self.refuses:
            raise self.refuses
        self.open = True

    def shutdown(self) -> None:
        """Close."""
        self._demand_open()
        self.open = False

    def device_get_count(self) -> int:
        """How many there are; one that is lost is still counted."""
        self._demand_open()
        return len(self.accelerators)

    def device_get_handle_by_index(self, index: int) -> Accelerator:
        """A handle: here the accelerator itself."""
        return self._working(self.accelerators[index])

    def device_get_name(self, handle: Accelerator) -> str:
        """What it is."""
        return self._working(handle).name

    def device_get_samples(self, handle: Accelerator, kind: int, since: int) -> tuple[int, list[Any]]:
        """What is kept of its utilisation, the time asked for included; an error where nothing is."""
        assert kind == pynvml.NVML_GPU_UTILIZATION_SAMPLES
        self.asked_since.append(since)
        if self._working(handle).cut:
            raise pynvml.NVMLError_NotSupported
        found = [sample for sample in handle.samples if sample[0] >= since]
        if not found:
            raise pynvml.NVMLError_NotFound
        return 1, [SimpleNamespace(timeStamp=at, sampleValue=SimpleNamespace(uiVal=value)) for at, value in found]

    def device_get_utilization_rates(self, handle: Accelerator) -> Any:
        """The glance; of an accelerator that is cut into instances NVML tells none."""
        if self._working(handle).cut:
            raise pynvml.NVMLError_NotSupported
        return SimpleNamespace(gpu=handle.utilisation, memory=0)

    def device_get_memory_info(self, handle: Accelerator) -> Any:
        """How full it is."""
        return SimpleNamespace(used=self._working(handle).used, total=handle.total)

    def device_get_compute_running_processes(self, handle: Accelerator) -> list[Any]:
        """Who computes on it."""
        return [SimpleNamespace(pid=pid, usedGpuMemory=None) for pid in self._working(handle).pids]

    def device_get_graphics_running_processes(self, handle: Accelerator) -> list[Any]:
        """Who draws on it: nobody, in a data centre."""
        self._working(handle)
        return []

    def _working(self, accelerator: Accelerator) -> Accelerator:
        self._demand_open()
        if accelerator.broken:
            raise accelerator.broken
        return accelerator

    def _demand_open(self) -> None:
        if not self.open:
            raise pynvml.NVMLError_Uninitialized


def installed(library: Library, monkeypatch: pytest.MonkeyPatch) -> Library:
    """The library, where the agent looks for NVIDIA's."""
    monkeypatch.setattr("services.agent.nvml.pynvml", library.module())
    return library
