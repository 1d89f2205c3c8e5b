"""Reading accelerators: the mean since the last reading, honest where the driver is not able to tell.

The driver here is a stand-in with the functions of NVIDIA's library; `aidc agent --once` shows the real one.
"""

from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from services.agent.driver import NoDriver
from services.agent.host import HostCounters
from services.agent.nvml import NvmlDriver


class Library:
    """Two accelerators, whose samples a test gives."""

    def __init__(self) -> None:
        self.samples: list[list[tuple[int, int]]] = [[], []]
        self.utilisation: list[int | Exception] = [0, 0]
        self.asked_since: list[int] = []
        self.open = True

    def get_samples(self, handle: int, _: int, since: int) -> tuple[int, list[Any]]:
        """Every sample that is kept, as the real one gives them: the time asked for included."""
        self.asked_since.append(since)
        if not self.samples[handle]:
            raise pynvml.NVMLError_NotFound
        return 1, [
            SimpleNamespace(timeStamp=at, sampleValue=SimpleNamespace(uiVal=value))
            for at, value in self.samples[handle]
            if at >= since
        ]

    def get_rates(self, handle: int) -> Any:
        """The glance."""
        found = self.utilisation[handle]
        if isinstance(found, Exception):
            raise found
        return SimpleNamespace(gpu=found)

    def shut(self) -> None:
        """Close."""
        self.open = False


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    """The driver's library, replaced."""
    made = Library()
    for name, stand_in in {
        "nvmlInit": lambda: None,
        "nvmlShutdown": made.shut,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda _: "NVIDIA H200",
        "nvmlDeviceGetSamples": made.get_samples,
        "nvmlDeviceGetUtilizationRates": made.get_rates,
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=handle * 30, total=120),
    }.items():
        monkeypatch.setattr(pynvml, name, stand_in)
    return made


def driver() -> NvmlDriver:
    """The machine under test."""
    return NvmlDriver(HostCounters())


def test_a_reading_is_the_mean_of_the_samples_since_the_last_one(library: Library) -> None:
    """A kernel that ran for half of the interval is half busy, whatever happens at the moment of asking."""
    machine = driver()
    library.samples[0] = [(1, 100), (2, 0), (3, 100), (4, 0)]
    assert machine.read().accelerators == (500, 0)
    library.samples[0] += [(5, 100), (6, 50)]
    assert machine.read().accelerators[0] == 750
    assert 4 in library.asked_since


def test_without_samples_the_glance_counts(library: Library) -> None:
    """A driver that keeps no samples is asked for what it says now."""
    library.utilisation = [40, 100]
    assert driver().read().accelerators == (400, 1000)


def test_unknown_is_not_idle(library: Library) -> None:
    """An accelerator that is cut into instances, or fell off the bus, is not known; its neighbour is."""
    library.utilisation = [pynvml.NVMLError_NotSupported(), 70]
    assert driver().read().accelerators == (None, 700)


def test_memory_is_a_share(library: Library) -> None:
    """How full each accelerator's memory is, in thousandths; the names are the driver's own, and it is closed."""
    machine = driver()
    assert machine.read().memory == (0, 250)
    assert machine.names == ["NVIDIA H200"] * 2
    machine.close()
    assert not library.open


def test_a_machine_without_the_driver_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the reason and the two ways on, instead of a stack of calls."""

    def missing() -> None:
        raise pynvml.NVMLError_LibraryNotFound

    monkeypatch.setattr(pynvml, "nvmlInit", missing)
    with pytest.raises(NoDriver, match=r"cannot be read: .* --accelerators 0; .* --recorded or --seed"):
        driver()
