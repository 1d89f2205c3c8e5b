"""Reports: about whole seconds, in order, kept while NATS is away, bounded, and at home in a real stream."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from services.agent import reporter
from services.agent.observer import REPORT_SECONDS_MAX, Observer
from services.agent.recorded import Drawn
from services.agent.reporter import Reporter
from services.eventlog import Unknown
from services.eventlog.beside import USE, SideStream
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.use import NodeUse, decode_use
from tests.agent.test_recorded import SAMPLE

SECONDS_MAX = 30


class Box:
    """Takes reports, unless it is away."""

    def __init__(self) -> None:
        self.reports: list[NodeUse] = []
        self.away = False

    async def publish(self, data: bytes, about: str) -> None:
        """Keep it."""
        if self.away:
            raise Unknown("away")
        self.reports.append(decode_use(data))
        assert self.reports[-1].node == about


class Clock:
    """Shows what it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.7

    def __call__(self) -> float:
        return self.seconds


def observer(clock: Clock, *nodes: str) -> Observer:
    """Some nodes, drawn from a seed."""
    return Observer({node: Drawn(1, node, 2) for node in nodes or ("n",)}, clock)


def test_reports_join_without_gap_or_overlap() -> None:
    """Each report begins where the one before ended, in whole seconds, with one report for every node."""
    clock = Clock()
    watching = observer(clock, "n", "m")
    clock.seconds += 15
    first = watching.look()
    clock.seconds += 14.9
    second = watching.look()
    assert [(report.node, report.start, report.end) for report in first] == [("n", 1_000, 1_015), ("m", 1_000, 1_015)]
    assert [(report.start, report.end) for report in second] == [(1_015, 1_030)] * 2
    assert {report.source for report in first} == {"recorded"}


def test_a_clock_that_is_set_back_is_waited_for() -> None:
    """Nothing is said twice about the same second."""
    clock = Clock()
    watching = observer(clock)
    clock.seconds -= 100
    assert watching.look() == []


def test_an_agent_that_was_held_up_tells_only_what_it_knows() -> None:
    """After an hour's sleep the report is about the last minute."""
    clock = Clock()
    watching = observer(clock)
    clock.seconds += 3_600
    (report,) = watching.look()
    assert report.end - report.start == REPORT_SECONDS_MAX


async def test_reports_wait_while_nats_is_away() -> None:
    """They arrive later, all of them, in order."""
    clock, box = Clock(), Box()
    watching = observer(clock)
    sending = Reporter(watching, box)
    box.away = True
    for _ in range(3):
        clock.seconds += 15
        sending.keep(watching.look())
        await sending.send()
    box.away = False
    await sending.send()
    assert [report.start for report in box.reports] == [1_000, 1_015, 1_030]
    assert sending.dropped == 0


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When NATS stays away the oldest reports go, and are counted."""
    monkeypatch.setattr(reporter, "WAITING_MAX", 2)
    clock, box = Clock(), Box()
    watching = observer(clock, "n", "m")
    sending = Reporter(watching, box, nodes=2)
    for _ in range(3):
        clock.seconds += 15
        sending.keep(watching.look())
    await sending.send()
    assert sending.dropped == 2
    assert [report.start for report in box.reports] == [1_015, 1_015, 1_030, 1_030]


async def test_an_agent_reports_to_a_real_stream(nats_url: str, tmp_path: Path) -> None:
    """The process plays its trace into JetStream, writes it down, and ends in order when it is asked to."""
    log = await JetStreamLog.connect(nats_url, "agents")
    stream = SideStream(log.connection, "agents", USE)
    await stream.make()
    settings = {
        "AIDC_NATS_URL": nats_url,
        "AIDC_CENTRE": "agents",
        "AIDC_RECORDED": str(SAMPLE),
        "AIDC_INTERVAL_SECONDS": "1",
        "AIDC_RECORD": str(tmp_path / "trace"),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.agent.app"), env={"PATH": os.environ["PATH"], **settings}, stderr=-3
    )
    try:
        got: list[NodeUse] = []
        async with asyncio.timeout(SECONDS_MAX):
            following = stream.follow()
            async for records in following:
                got += [decode_use(record.data) for record in records]
                if len(got) >= 4:
                    break
            await following.aclose()
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert {report.node for report in got} == {"gpu-1", "cpu-1"}
    assert got[2].start == got[0].end
    assert len((tmp_path / "trace").read_bytes().splitlines()) >= 4
    await log.close()


async def test_an_agent_without_a_driver_ends_with_one_line() -> None:
    """On a machine without accelerators the process says what to do, and does not try again and again."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.agent.app"),
        env={"PATH": os.environ["PATH"], "AIDC_NATS_URL": "nats://127.0.0.1:9", "AIDC_ACCELERATORS": "99"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    line = json.loads(said.decode().splitlines()[-1])
    assert line["error"] == "NoDriver"


@pytest.mark.parametrize(("name", "value"), [("INTERVAL_SECONDS", "0"), ("INTERVAL_SECONDS", "60"), ("NODE", "a b")])
async def test_settings_that_make_no_sense_are_named(name: str, value: str) -> None:
    """Which setting, and what it must be."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.agent.app"),
        env={"PATH": os.environ["PATH"], "AIDC_NATS_URL": "nats://127.0.0.1:9", f"AIDC_{name}": value},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert f"AIDC_{name} is" in said.decode()
