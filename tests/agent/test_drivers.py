"""What every driver promises, whoever measures: the same tests for the accelerators of a machine and for traces."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pynvml
import pytest

from services.agent.app import NodeName, Settings, drivers_of
from services.agent.driver import PER_MILLE, Driver
from services.agent.observer import Observer
from services.agent.recorded import append_reports
from services.eventlog.use import decode_use, encode_use
from services.runtime.settings import NatsUrl
from tests.agent.stand_in import Accelerator, Library, installed

NODE = "n-1"
READINGS = 40
Make = Callable[[], Driver]


def of(**settings: object) -> Driver:
    """The driver of one node, as an agent with these settings chooses it."""
    told = Settings(nats_url=NatsUrl(""), node=NodeName(NODE), **settings)  # type: ignore[arg-type]  # The dataclass checks the names.
    [driver] = drivers_of(told).values()
    return driver


@pytest.fixture(params=["nvml", "cut", "lost", "drawn", "recorded", "host"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    """A way to open one of the drivers: three states of a machine with accelerators, two traces, and the host alone."""
    busy = Accelerator(samples=[(at, at % 101) for at in range(1, 200)], used=60, pids=[1, 1, 2])
    machines = {
        "nvml": [busy, Accelerator()],
        "cut": [Accelerator(cut=True, used=120), busy],
        "lost": [busy, Accelerator(broken=pynvml.NVMLError_GpuIsLost)],
    }
    installed(Library(*machines.get(request.param, [])), monkeypatch)
    trace = tmp_path / "trace"
    if request.param == "recorded":
        clock = iter(range(0, 1_000, 15))
        observer = Observer({NODE: of(seed=5, accelerators=2)}, lambda: float(next(clock)))
        append_reports(trace, [report for _ in range(6) for report in observer.look()])
    settings: dict[str, dict[str, object]] = {
        "drawn": {"seed": 3, "accelerators": 2},
        "recorded": {"recorded": trace},
        "host": {"accelerators": 0},
    }
    return lambda: of(**settings.get(request.param, {}))


@pytest.fixture
def driver(make: Make) -> Iterator[Driver]:
    """One of them, open."""
    made = make()
    yield made
    made.close()


def test_every_figure_is_a_share_or_unknown(driver: Driver) -> None:
    """Each is a whole number of thousandths from none to all, or None; never a guess, and never beyond."""
    for _ in range(READINGS):
        reading = driver.read()
        for rate in (*reading.accelerators, *reading.memory, reading.processor, reading.host_memory):
            assert rate is None or (type(rate) is int and 0 <= rate <= PER_MILLE)


def test_a_device_keeps_its_place(driver: Driver) -> None:
    """As many figures of use as of memory, in every reading: one that is not known leaves a gap."""
    places = {(len(reading.accelerators), len(reading.memory)) for reading in (driver.read() for _ in range(READINGS))}
    [(accelerators, memories)] = places
    assert accelerators == memories


def test_a_reading_becomes_a_report_that_survives_the_wire(driver: Driver) -> None:
    """Whoever measured is named, and what the scheduler decodes is what was seen."""
    clock = iter((100.0, 115.0))
    observer = Observer({NODE: driver}, lambda: next(clock))
    [report] = observer.look()
    assert (report.node, report.start, report.end, report.source) == (NODE, 100, 115, driver.source)
    assert decode_use(encode_use(report)) == report


def test_a_driver_can_be_closed_and_opened_again(make: Make) -> None:
    """An agent that is started again reads the same machine."""
    first, second = [], []
    for readings in (first, second):
        driver = make()
        readings.append(len(driver.read().accelerators))
        driver.close()
    assert first == second
