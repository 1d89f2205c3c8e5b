"""Traces: reports played where there is no machine to read, the same ones every time.

A trace is a file with one report a line, as `--record` writes it, or it is drawn from a seed. What it says is marked as
recorded in every report.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from services.agent.driver import PER_MILLE, NoDriver, Reading
from services.agent.reporter import Outlet
from services.eventlog.use import NodeUse, decode_use, encode_use

TRACE_BYTES_MAX = 64 << 20
PHASE_READINGS = 20
"""A drawn accelerator does one thing for so many readings, then another."""
IDLE_SHARE, PART_SHARE = 0.3, 0.2
"""Of the phases: those that do nothing, and those that work for some of the time; the others work throughout."""
IDLE_RATE_MAX = 20
"""How busy, in thousandths, an accelerator looks on which nothing runs."""


class Trace:
    """One node's readings in a row, and then from the beginning again."""

    source = "recorded"

    def __init__(self, readings: Sequence[Reading]) -> None:
        assert readings
        self._readings = readings
        self._next = 0

    def read(self) -> Reading:
        """The next reading."""
        reading = self._readings[self._next]
        self._next = (self._next + 1) % len(self._readings)
        return reading

    def close(self) -> None:
        """There is nothing to let go of."""


class Drawn:
    """A node drawn from a seed: the same seed, node and number of accelerators work alike for ever."""

    source = "recorded"

    def __init__(self, seed: int, node: str, accelerators: int) -> None:
        self._name = f"{seed}/{node}"
        self._accelerators = accelerators
        self._count = 0

    def read(self) -> Reading:
        """The next reading."""
        rates = tuple(self._rate(place) for place in range(self._accelerators))
        self._count += 1
        mean = sum(rates) // len(rates) if rates else self._rate(0)
        return Reading(
            rates,
            memory=tuple(rate * 4 // 5 for rate in rates),
            processor=mean // 2 if rates else mean,
            host_memory=mean // 3,
            processes=tuple(int(rate > IDLE_RATE_MAX) for rate in rates),
        )

    def close(self) -> None:
        """There is nothing to let go of."""

    def _rate(self, place: int) -> int:
        phase = _chance(f"{self._name}/{place}/{(self._count + 7 * place) // PHASE_READINGS}")
        moment = _chance(f"{self._name}/{place}/at {self._count}")
        if phase < IDLE_SHARE:
            return int(IDLE_RATE_MAX * moment)
        if phase < IDLE_SHARE + PART_SHARE:
            return int(200 + 400 * moment)
        return int(PER_MILLE - 150 * moment)


class Copied:
    """An outlet that also writes every report to a file, one a line: a trace to be played elsewhere."""

    def __init__(self, outlet: Outlet, path: Path) -> None:
        """Open the file. Raises `NoDriver`."""
        self._outlet = outlet
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise NoDriver(f"cannot write to {path}: {error.strerror or error}") from error
        self._last = b""

    async def publish(self, data: bytes, about: str) -> None:
        """Write it down once, and pass it on. Raises `Unknown`."""
        if data != self._last and self._file.tell() < TRACE_BYTES_MAX:
            self._file.write(data + b"\n")
        self._last = data
        await self._outlet.publish(data, about)


def append_reports(path: Path, reports: Iterable[NodeUse]) -> None:
    """Write reports at the end of a trace. Raises `NoDriver`."""
    try:
        with path.open("ab") as trace:
            trace.write(b"".join(encode_use(report) + b"\n" for report in reports))
    except OSError as error:
        raise NoDriver(f"cannot write to {path}: {error.strerror or error}") from error


def read_trace(path: Path) -> dict[str, Trace]:
    """The nodes of a trace, by name. Raises `NoDriver`, naming the line that is wrong."""
    readings: dict[str, list[Reading]] = {}
    try:
        if path.stat().st_size > TRACE_BYTES_MAX:
            raise NoDriver(f"{path} is larger than {TRACE_BYTES_MAX >> 20} MiB: play a part of it")
        for report in _reports(path):
            memories = report.memory, report.processor, report.host_memory
            reading = Reading(report.accelerators, *memories, processes=report.processes)
            readings.setdefault(report.node, []).append(reading)
    except OSError as error:
        raise NoDriver(f"cannot read {path}: {error.strerror or error}") from error
    if not readings:
        raise NoDriver(f"{path} holds no report")
    return {node: Trace(each) for node, each in readings.items()}


def _reports(path: Path) -> Iterator[NodeUse]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield decode_use(line)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise NoDriver(f"{path} line {number} is no report: {error}") from error


def _chance(name: str) -> float:
    """A number from 0 to 1 that looks like chance."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big") / 2**32
