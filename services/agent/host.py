"""The processor and the memory of this machine, by the kernel's own counters in /proc."""

from pathlib import Path

from services.agent.driver import PER_MILLE

PROC = Path("/proc")
IDLE_COLUMNS = (3, 4)
"""Of the first line of /proc/stat: idle, and waiting for a disk."""
COUNTED_COLUMNS = 8
"""The columns after these are the time of guests, which is in the others already."""


class HostCounters:
    """Counters that only grow: how busy the machine was is what they grew by since the last time."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc
        self._before = self._ticks()

    def processor(self) -> int | None:
        """How busy the processors were together since the last time, in thousandths; None if no time has passed."""
        (busy, whole), before = self._ticks(), self._before
        self._before = (busy, whole)
        passed = whole - before[1]
        return (busy - before[0]) * PER_MILLE // passed if passed > 0 else None

    def memory(self) -> int | None:
        """How full the memory is, in thousandths."""
        sizes = dict(line.split(":", 1) for line in (self._proc / "meminfo").read_text().splitlines())
        whole, free = (int(sizes[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        return (whole - free) * PER_MILLE // whole if whole else None

    def _ticks(self) -> tuple[int, int]:
        """Ticks of work, and of all, since the machine started."""
        first = (self._proc / "stat").read_text().split("\n", 1)[0]
        columns = [int(text) for text in first.split()[1 : 1 + COUNTED_COLUMNS]]
        whole = sum(columns)
        return whole - sum(columns[place] for place in IDLE_COLUMNS), whole
