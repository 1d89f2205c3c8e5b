"""Reading accelerators: the mean since the last reading, honest where NVIDIA's driver is not able to tell.

The library here is a stand-in with the functions of NVIDIA's own; `aidc agent --once` shows the real one.
"""

from types import SimpleNamespace

import pynvml
import pytest

from services.agent import nvml
from services.agent.driver import NoDriver
from services.agent.host import HostCounters
from services.agent.nvml import NvmlDriver
from tests.agent.stand_in import Accelerator, Library, installed


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    """A machine with two accelerators."""
    return installed(Library(Accelerator(), Accelerator(used=30)), monkeypatch)


def driver() -> NvmlDriver:
    """The machine under test."""
    return NvmlDriver(HostCounters())


def test_a_reading_is_the_mean_of_the_samples_since_the_last_one(library: Library) -> None:
    """A kernel that ran for half of the interval is half busy, whatever happens at the moment of asking."""
    machine, first = driver(), library.accelerators[0]
    first.samples = [(1, 100), (2, 0), (3, 100), (4, 0)]
    assert machine.read().accelerators == (500, 0)
    first.samples += [(5, 100), (6, 50)]
    assert machine.read().accelerators[0] == 750
    assert 4 in library.asked_since


def test_without_samples_the_glance_counts(library: Library) -> None:
    """A driver that keeps no samples is asked for what it says now."""
    for accelerator, rate in zip(library.accelerators, (40, 100), strict=True):
        accelerator.utilisation = rate
    assert driver().read().accelerators == (400, 1000)


def test_a_sample_beyond_the_whole_is_the_whole(library: Library) -> None:
    """Some drivers tell of more than 100 in a hundred; nothing is busier than busy."""
    library.accelerators[0].samples = [(1, 101), (2, 255)]
    assert driver().read().accelerators[0] == 1000


def test_an_accelerator_cut_into_instances_is_not_idle(library: Library) -> None:
    """NVML tells no utilisation of one that is cut up (MIG), so it is unknown; its memory and its neighbour are not."""
    library.accelerators[0].cut = True
    library.accelerators[1].utilisation = 70
    reading = driver().read()
    assert reading.accelerators == (None, 700)
    assert reading.memory == (0, 250)


@pytest.mark.parametrize(
    "broken", [pynvml.NVMLError_GpuIsLost, pynvml.NVMLError_NotSupported, pynvml.NVMLError_Unknown]
)
def test_an_accelerator_that_falls_off_the_bus_costs_its_own_figures_alone(
    library: Library, broken: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown from then on and said once, while its neighbour is read; back again, it is read again."""
    machine, lost = driver(), library.accelerators[0]
    library.accelerators[1].utilisation = 60
    lost.broken = broken
    for _ in range(3):
        reading = machine.read()
        assert reading.accelerators == (None, 600)
        assert reading.memory == (None, 250)
    assert capsys.readouterr().out.count("accelerator_not_known") == 1
    lost.broken, lost.utilisation = None, 10
    assert machine.read().accelerators == (100, 600)


def test_an_accelerator_that_is_lost_from_the_start_does_not_hide_the_others(library: Library) -> None:
    """Seven good accelerators are read though the eighth cannot even be opened; it is read once it can be."""
    library.accelerators[0].broken = pynvml.NVMLError_GpuIsLost
    library.accelerators[1].utilisation = 60
    machine = driver()
    assert machine.names == ["unknown", "NVIDIA H200"]
    assert machine.read().accelerators == (None, 600)
    library.accelerators[0].broken = None
    assert machine.read().accelerators == (0, 600)
    assert machine.names == ["NVIDIA H200"] * 2


def test_processes_are_counted(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """What computes and draws is one process, and what only draws is one too; of a lost device nothing is known."""
    library.accelerators[0].pids = [11, 12]
    machine = driver()
    assert machine.read().processes == (2, 0)
    drawing = [SimpleNamespace(pid=pid) for pid in (12, 13)]
    monkeypatch.setattr(nvml.pynvml, "nvmlDeviceGetGraphicsRunningProcesses", lambda _: drawing)
    library.accelerators[1].broken = pynvml.NVMLError_GpuIsLost
    assert machine.read().processes == (3, None)


def test_memory_is_a_share(library: Library) -> None:
    """How full each accelerator's memory is, in thousandths; the names are the driver's own, and it is closed."""
    machine = driver()
    assert machine.read().memory == (0, 250)
    assert machine.names == ["NVIDIA H200"] * 2
    machine.close()
    assert not library.open


def test_a_driver_that_is_gone_at_the_end_is_let_go_all_the_same(library: Library) -> None:
    """An agent that is told to stop while the driver is being replaced ends in order."""
    machine = driver()
    library.open = False
    assert machine.read().accelerators == (None, None)
    machine.close()


@pytest.mark.parametrize(
    ("refuses", "said"),
    [
        (pynvml.NVMLError_LibraryNotFound, "NVML Shared Library Not Found"),
        (pynvml.NVMLError_DriverNotLoaded, "Driver Not Loaded"),
        (pynvml.NVMLError_NoPermission, "Insufficient Permissions"),
        (pynvml.NVMLError_LibRmVersionMismatch, "RM has detected an NVML/RM version mismatch"),
    ],
)
def test_a_machine_without_the_driver_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, refuses: type[Exception], said: str
) -> None:
    """One sentence with the reason and the two ways on, instead of a stack of calls."""
    installed(Library(refuses=refuses), monkeypatch)
    with pytest.raises(NoDriver, match=rf"cannot be read: {said}\. On .* --accelerators 0; .* --recorded or --seed"):
        driver()
