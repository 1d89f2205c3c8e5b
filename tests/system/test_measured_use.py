"""From a node's report to a company's history: agents, scheduler, ledger and metrics as processes, each killed once."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.eventlog.use import NodeUse, encode_use
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.against_ledger import differences
from tests.system.harness import Clients, eventually, kill, running_centre
from tests.system.raw_log import read_log
from tests.system.small_catalogue import COMPANY, HOUR
from tests.system.views import scrape
from tests.system.workload import booking

HALF_AT_WORK = (1000,) * 4 + (0,) * 4
DAYS = 2
UNITS = 16
SPEED = HOUR
"""An hour passes in a second, so a record is due after every second."""


@asynccontextmanager
async def reporting(clients: Clients, folder: Path) -> AsyncIterator[None]:
    """An agent for every node of the pool of GPUs; on each of them one half works and the other does nothing."""
    trace = folder / "trace"
    reports = [
        NodeUse(node=f"gpu-{node}", start=0, end=1, source="nvml", accelerators=HALF_AT_WORK, memory=HALF_AT_WORK)
        for node in range(8)
    ]
    trace.write_bytes(b"".join(encode_use(report) + b"\n" for report in reports))
    settings = {
        "AIDC_NATS_URL": clients.centre.nats.url,
        "AIDC_CENTRE": clients.centre.name,
        "AIDC_RECORDED": str(trace),
        "AIDC_INTERVAL_SECONDS": "1",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.agent.app"), env={"PATH": os.environ["PATH"], **settings}
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def recorded(clients: Clients, position: int | None = None) -> Counter[str]:
    """Unit-seconds measured, busy and idle, as the raw log says up to a position, and how many records say so."""
    sums: Counter[str] = Counter()
    for page in (await read_log(clients.centre))[:position]:
        for entry in page.page["entries"]:
            for event in entry["events"]:
                if event["type"] == "use_measured":
                    sums["records"] += 1
                    for use in event["resources"]:
                        sums.update({name: use[name] for name in ("measured", "busy", "idle")})
    return sums


async def shown(clients: Clients) -> tuple[int, Counter[str]]:
    """The position that the metrics service has come to, and the same sums as it counts them there."""
    series = await scrape(clients)
    names = {"measured": "alloc_measured", "busy": "alloc_busy", "idle": "alloc_idle_held"}
    sums = {
        name: int(series.get((f"{metric}_unit_seconds_total", COMPANY, "gpu"), 0)) for name, metric in names.items()
    }
    return int(series["alloc_projection_position", "metrics"]), Counter(sums)


@pytest.mark.timeout(180)
async def test_what_nodes_report_reaches_the_log_the_history_and_the_metrics(tmp_path: Path) -> None:
    """Half of what is held works, half lies idle: the log says so, also after a kill, and so do ledger and metrics."""
    async with running_centre(tmp_path, speed=SPEED) as clients, reporting(clients, tmp_path):
        start = clients.centre.time.now() // HOUR * HOUR + 4 * HOUR
        request = booking(COMPANY, "gpu", UNITS, day=0)
        request.reservation.start_time.CopyFrom(Timestamp(seconds=start))
        request.reservation.end_time.CopyFrom(Timestamp(seconds=start + DAYS * 24 * HOUR))
        granted: api.Reservation = await clients.call(clients.scheduler.CreateReservation, request, COMPANY)

        async def has_records(count: int) -> bool:
            return (await recorded(clients))["records"] >= count

        await eventually(lambda: has_records(1), "a record of use in the log")
        for victim in ("scheduler", "ledger", "metrics"):
            service = clients.centre.part(victim)
            kill(service)
            await service.exited()
            before = (await recorded(clients))["records"]
            await service.start()
            await eventually(partial(has_records, before + 1), f"a record of use after the {victim} was killed")

        async def caught_up(count: int) -> bool:
            return (await recorded(clients, (await shown(clients))[0]))["records"] >= count

        everything = (await recorded(clients))["records"]
        await eventually(lambda: caught_up(everything), "the metrics have counted every record so far")
        position, counted = await shown(clients)
        sums = await recorded(clients, position)
        del sums["records"]
        assert counted == sums
        assert await differences(clients) == []
        assert 0 < sums["measured"] <= UNITS * DAYS * 24 * HOUR
        assert sums["busy"] == sums["idle"] == sums["measured"] // 2
        asked = ledger_api.GetHistoryRequest(name=granted.name)
        history = await clients.call(clients.ledger.GetHistory, asked, COMPANY)
        told = [entry.description for entry in history.entries if entry.event == "use_measured"]
        assert told
        assert all(text.startswith("Its use was measured from ") for text in told)
