"""The accelerators of this machine, read from NVIDIA's driver (NVML).

A device is busy while some kernel runs on it, which is what NVML can tell of any device; it is not how much of the
device the kernel fills. The driver samples this several times a second and keeps some twenty seconds of it, so what is
read is the mean since the last reading, not a glance.
"""

from contextlib import suppress
from typing import Any

import pynvml  # type: ignore[import-untyped]  # It ships no types.
import structlog

from services.agent.driver import PER_MILLE, NoDriver, Rates, Reading
from services.agent.host import HostCounters

PER_CENT = 10
"""Thousandths in the driver's hundredths."""
NAMELESS = "unknown"

_log = structlog.get_logger()


class NvmlDriver:
    """Every accelerator of this machine, in the order of the PCI bus, and the host beside them."""

    source = "nvml"

    def __init__(self, host: HostCounters) -> None:
        """Open the driver. Raises `NoDriver`."""
        self._host = host
        try:
            pynvml.nvmlInit()
            count = pynvml.nvmlDeviceGetCount()
            self._devices = [Device(index) for index in range(count)]
        except pynvml.NVMLError as error:
            reason = str(error).rstrip(".")
            raise NoDriver(
                f"NVIDIA's driver cannot be read: {reason}. On a node without accelerators use --accelerators 0; to try"
                " the agent without any, play a trace with --recorded or --seed"
            ) from error

    @property
    def names(self) -> list[str]:
        """What each accelerator is."""
        return [device.name for device in self._devices]

    def read(self) -> Reading:
        """How busy each accelerator and the processor were since the last reading."""
        return Reading(
            accelerators=tuple(device.busy() for device in self._devices),
            memory=tuple(device.memory() for device in self._devices),
            processor=self._host.processor(),
            host_memory=self._host.memory(),
            processes=tuple(device.processes() for device in self._devices),
        )

    def close(self) -> None:
        """Let go of the driver, which may be gone already."""
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


class HostDriver:
    """A node without accelerators."""

    source = "host"

    def __init__(self, host: HostCounters) -> None:
        self._host = host

    def read(self) -> Reading:
        """How busy the processor was since the last reading."""
        none: Rates = ()
        return Reading(none, none, self._host.processor(), self._host.memory())

    def close(self) -> None:
        """There is nothing to let go of."""


class Device:
    """One accelerator."""

    def __init__(self, index: int) -> None:
        """Open it; one that cannot be opened is tried again with every reading, and hides none of the others."""
        self.name = NAMELESS
        self._index = index
        self._opened: Any = None
        self._seen_until = 0  # microseconds, by the driver's clock
        self._silent = False
        try:
            self._handle()
        except pynvml.NVMLError as error:
            self._say_once(error)

    def busy(self) -> int | None:
        """The share of the time since the last reading in which a kernel ran, in thousandths; None if not known."""
        try:
            samples = self._samples()
            if samples:
                return sum(samples) * PER_CENT // len(samples)
            return int(pynvml.nvmlDeviceGetUtilizationRates(self._handle()).gpu) * PER_CENT
        except pynvml.NVMLError as error:
            self._say_once(error)
            return None

    def memory(self) -> int | None:
        """How full its memory is, in thousandths; None if not known."""
        try:
            memory = pynvml.nvmlDeviceGetMemoryInfo(self._handle())
        except pynvml.NVMLError as error:
            self._say_once(error)
            return None
        return int(memory.used) * PER_MILLE // int(memory.total) if memory.total else None

    def processes(self) -> int | None:
        """How many processes compute or draw on it now; None if not known. One that does both is one."""
        try:
            listed = [
                *pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle()),
                *pynvml.nvmlDeviceGetGraphicsRunningProcesses(self._handle()),
            ]
        except pynvml.NVMLError as error:
            self._say_once(error)
            return None
        return len({process.pid for process in listed})

    def _handle(self) -> Any:
        """The driver's handle of it. Raises NVMLError."""
        if self._opened is None:
            handle = pynvml.nvmlDeviceGetHandleByIndex(self._index)
            name: str | bytes = pynvml.nvmlDeviceGetName(handle)
            self.name = name.decode() if isinstance(name, bytes) else name
            self._opened = handle
        return self._opened

    def _samples(self) -> list[int]:
        """Hundredths, as the driver sampled them since the last reading; none where it keeps no samples."""
        try:
            _, samples = pynvml.nvmlDeviceGetSamples(
                self._handle(), pynvml.NVML_GPU_UTILIZATION_SAMPLES, self._seen_until
            )
        except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_NotFound):
            return []
        fresh: list[Any] = [sample for sample in samples if sample.timeStamp > self._seen_until]
        self._seen_until = max([sample.timeStamp for sample in fresh], default=self._seen_until)
        return [min(int(sample.sampleValue.uiVal), 100) for sample in fresh]

    def _say_once(self, error: Exception) -> None:
        if not self._silent:
            _log.warning("accelerator_not_known", index=self._index, name=self.name, reason=str(error))
        self._silent = True
