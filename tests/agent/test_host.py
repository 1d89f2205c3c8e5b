"""The processor and the memory, by the kernel's counters."""

from pathlib import Path

import pytest

from services.agent.host import HostCounters


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc whose machine has worked for 100 ticks of 400."""
    (tmp_path / "stat").write_text("cpu  60 10 30 290 10 0 0 0 55 0\ncpu0 60 10 30 290 10 0 0 0 55 0\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\n")
    return tmp_path


def test_busy_is_what_the_counters_grew_by(proc: Path) -> None:
    """Work of all the ticks since the last reading; time of guests is in it already, and waiting for a disk is not."""
    counters = HostCounters(proc)
    (proc / "stat").write_text("cpu  120 10 30 310 30 0 0 0 99 0\n")
    assert counters.processor() == 600


def test_no_time_is_no_rate(proc: Path) -> None:
    """Asked twice within one tick there is nothing to tell."""
    counters = HostCounters(proc)
    assert counters.processor() is None


def test_memory_is_full_by_what_is_not_available(proc: Path) -> None:
    """Caches that would make room count as free."""
    assert HostCounters(proc).memory() == 400


def test_this_machine_can_be_read() -> None:
    """The real /proc has what is looked for."""
    counters = HostCounters()
    memory = counters.memory()
    assert memory is not None
    assert 0 < memory < 1000
