"""The service: ready once caught up, honest while the log is away, the same after a restart, gone if the log breaks."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from services.allocation.rejections import Reason
from services.eventlog.beside import REFUSALS, USE, SideStream
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.memory import MemoryLog
from services.eventlog.page import Record, decode_page
from services.eventlog.refusals import encode_refusals
from services.eventlog.use import encode_use
from services.metrics.app import LabelCount, Settings, look, serve
from services.metrics.catalogue import METRICS
from services.metrics.progress import Progress
from services.metrics.usage import Usage
from services.runtime.lifecycle import Stop
from services.runtime.settings import Address, NatsUrl, SettingsError, load
from tests.metrics.synthetic import HOUR_SECONDS, START, refusals, report, small_log

SECONDS_MAX = 30
AFTER_WEEKS = "alloc_pool_forecast"
"""What a young log has not."""
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
_numbers = count(1)


async def get(address: str, path: str, accept: str = "text/plain") -> tuple[int, str]:
    """Status and body of a page."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body


def figures(body: str) -> dict[tuple[str, ...], float]:
    """Every series that follows from the log alone."""
    own = ("process_", "alloc_projection_lag", "alloc_collector")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in parse(body)
        for sample in family.samples
        if not sample.name.startswith(own)
    }


class Silent:
    """A stream beside the log on which nothing is said."""

    async def follow(self) -> AsyncGenerator[list[Record], None]:
        """Wait for ever."""
        await asyncio.Event().wait()
        yield []


class Running:
    """The service as a process of its own, heard through its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[dict[str, str]] = []

    async def says(self, event: str) -> dict[str, str]:
        """Listen until this event."""
        assert self.process.stderr
        async with asyncio.timeout(SECONDS_MAX):
            async for line in self.process.stderr:
                self.said.append(json.loads(line))
                if self.said[-1]["event"] == event:
                    return self.said[-1]
        raise AssertionError(f"never said {event}: {self.said}")

    async def exits(self) -> int:
        """Wait for its end; give the status."""
        async with asyncio.timeout(SECONDS_MAX):
            return await self.process.wait()


@asynccontextmanager
async def running(nats_url: str, centre: str, **settings: str) -> AsyncIterator[Running]:
    """`python -m services.metrics.app` with these settings."""
    required = {"AIDC_NATS_URL": nats_url, "AIDC_CENTRE": centre, "AIDC_METRICS_LISTEN": "127.0.0.1:0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.metrics.app"),
        env={"PATH": os.environ["PATH"], **required, **settings},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def centre() -> Iterator[str]:
    """The name of a centre that no other test uses."""
    return f"metrics-{next(_numbers)}"


@asynccontextmanager
async def log_of(nats_url: str, centre: str) -> AsyncIterator[JetStreamLog]:
    """A new centre's log with the small synthetic history in it, and beside it a refusal for each company."""
    log = await JetStreamLog.connect(nats_url, centre)
    refused = SideStream(log.connection, centre, REFUSALS)
    await refused.make()
    await refused.publish(b"no message of ours")
    await refused.publish(encode_refusals(refusals(3, 2, START)))
    reports = SideStream(log.connection, centre, USE)
    await reports.make()
    await reports.publish(encode_use(report("pool-000-000")), about="pool-000-000")
    for record in small_log(centre):
        await log.append(record.data, after=record.position - 1)
    yield log
    await log.close()


async def test_service_shows_the_fold_of_the_log(nats_url: str, centre: str, tmp_path: Path) -> None:
    """P6: the process serves what the log says at the position that it states, and ends in order when asked."""
    usage = Usage()
    for record in small_log(centre):
        usage.apply(record.position, decode_page(record.data))
    ready = tmp_path / "ready.json"
    async with (
        log_of(nats_url, centre),
        running(nats_url, centre, AIDC_READY_FILE=str(ready)) as service,
    ):
        address = (await service.says("serving"))["http"]
        assert json.loads(ready.read_text()) == {"http": address}
        assert (await get(address, "/healthz"))[0] == 200
        shown = figures((await get(address, "/metrics"))[1])
        assert shown["alloc_projection_position", "metrics"] == usage.position
        for (company, pool), account in usage.accounts.items():
            assert shown["alloc_used_unit_seconds_total", company, pool] == account.used
            assert shown["alloc_held_unit_seconds", company, pool] == account.held
        service.process.terminate()
        assert await service.exits() == 0


async def test_restart_shows_the_same_figures(nats_url: str, centre: str) -> None:
    """P7: a killed service comes back with the same figures to the last digit; no counter falls back."""
    shown = []
    async with log_of(nats_url, centre):
        for _ in range(2):
            async with running(nats_url, centre) as service:
                address = (await service.says("serving"))["http"]
                while "alloc_pool_used_units{" not in (scraped := (await get(address, "/metrics"))[1]):
                    pass  # A round trip each time, until what stands beside the log was read too.
                shown.append(figures(scraped))
    assert shown[0] == shown[1]


async def test_exposition_is_the_catalogue_in_both_formats(nats_url: str, nats_monitor: str, centre: str) -> None:
    """Prometheus's text and OpenMetrics both parse, and name what the catalogue names, besides the process's own."""
    async with log_of(nats_url, centre), running(nats_url, centre, AIDC_NATS_MONITOR=nats_monitor) as service:
        address = (await service.says("serving"))["http"]
        for asked_for in ("alloc_stream_bytes{", "alloc_unmet_demands{", "alloc_pool_used_units{"):
            while asked_for not in (await get(address, "/metrics"))[1]:
                pass  # A round trip each time, until it was read; the test's own limit bounds it.
        plain = (await get(address, "/metrics"))[1]
        openmetrics = (await get(address, "/metrics", OPENMETRICS))[1]
    for families in (parse(plain), parse_openmetrics(openmetrics)):
        names = {sample.name for family in families for sample in family.samples}
        catalogue = {metric.name for metric in METRICS if not metric.name.startswith(AFTER_WEEKS)}
        assert {name for name in names if not name.startswith("process_")} == catalogue


async def test_refusals_become_unmet_demand(nats_url: str, centre: str) -> None:
    """What the stream beside the log says was refused is shown by pool and reason; a message of another form is not."""
    async with log_of(nats_url, centre), running(nats_url, centre) as service:
        address = (await service.says("serving"))["http"]
        taken = ("alloc_side_messages_total", "taken", "refusals")
        while not (shown := figures((await get(address, "/metrics"))[1]))[taken]:
            pass  # A round trip each time, until the stream was read; the test's own limit bounds it.
    reasons = [reason.value for reason in Reason]
    for number, pool in enumerate(("pool-000", "pool-001", "pool-000")):
        assert shown["alloc_unmet_unit_seconds", pool, "resident", reasons[number]] == 8 * HOUR_SECONDS
        assert shown["alloc_unmet_demands", pool, "resident", reasons[number]] == 1
    assert shown["alloc_side_messages_total", "unreadable", "refusals"] == 1


async def test_reports_of_nodes_become_use(nats_url: str, centre: str) -> None:
    """What a node said last is shown against what is installed, and nothing is made up about the other nodes."""
    async with log_of(nats_url, centre), running(nats_url, centre) as service:
        address = (await service.says("serving"))["http"]
        while ("alloc_pool_used_units", "pool-000") not in (shown := figures((await get(address, "/metrics"))[1])):
            pass  # A round trip each time, until the stream was read; the test's own limit bounds it.
    assert shown["alloc_pool_measured_units", "pool-000"] == 8
    assert shown["alloc_pool_used_units", "pool-000"] == 8 * 0.7
    assert ("alloc_pool_used_units", "pool-001") not in shown


async def test_altered_page_ends_the_service(nats_url: str, centre: str) -> None:
    """P9: a page that does not follow the one before ends the process, non-zero, with one line that says which."""
    async with log_of(nats_url, centre) as log, running(nats_url, centre) as service:
        await service.says("serving")
        stray = small_log(centre)[1]
        position = await log.append(stray.data, after=await log.last_position())
        failed = await service.says("service_failed")
        assert failed["error"] == "BrokenLog"
        assert f"position {position}" in failed["message"]
        assert await service.exits() == 1


async def test_missing_log_ends_the_service(nats_url: str, centre: str) -> None:
    """A reader never makes a log: without one it says who does, and ends."""
    async with running(nats_url, centre) as service:
        assert "start the centre's scheduler first" in (await service.says("service_failed"))["message"]
        assert await service.exits() == 1


async def test_not_ready_before_it_has_caught_up(unused_address: Address) -> None:
    """/healthz answers 503 until the figures have equalled the end of the log; /metrics answers meanwhile."""
    log, stop = MemoryLog(record.data for record in small_log("test")), Stop()
    log.leave()
    settings = Settings(nats_url=NatsUrl(""), metrics_listen=unused_address, centre="test")
    service = asyncio.create_task(serve(settings, log, stop, Silent(), Silent()))
    async with asyncio.timeout(SECONDS_MAX):
        assert await first_answer(unused_address, "/healthz") == 503
        shown = figures((await get(str(unused_address), "/metrics"))[1])
        assert shown["alloc_projection_position", "metrics"] == 0
        log.come_back()
        while (await get(str(unused_address), "/healthz"))[0] != 200:
            pass  # A round trip each time; the limit above bounds it.
        shown = figures((await get(str(unused_address), "/metrics"))[1])
        assert shown["alloc_projection_position", "metrics"] == len(log.pages)
        stop.request("the test is over")
        await service


@pytest.fixture
def unused_address() -> Address:
    """A loopback address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return Address("127.0.0.1", server.getsockname()[1])


async def first_answer(address: Address, path: str) -> int:
    """The status of the first answer after the server begins to listen."""
    while True:
        try:
            return (await get(str(address), path))[0]
        except ConnectionRefusedError:
            await asyncio.sleep(0)


async def test_looking_at_a_log_that_is_away_is_no_failure() -> None:
    """While the log does not answer the service goes on and knows that it does not know."""
    log, progress = MemoryLog(), Progress(monotonic())
    await look(log, progress)
    assert progress.asked.working
    log.leave()
    await look(log, progress)
    assert not progress.asked.working
    log.come_back()
    await look(log, progress)
    assert progress.asked.working


def test_label_limit_is_a_count() -> None:
    """A limit below zero is refused at the door, by name."""
    assert LabelCount.parse("200") == 200
    with pytest.raises(SettingsError, match="AIDC_COMPANY_LABELS_MAX is not a whole number of 0 or more"):
        load(Settings, {"AIDC_NATS_URL": "x", "AIDC_METRICS_LISTEN": "a:1", "AIDC_COMPANY_LABELS_MAX": "-1"})


def test_missing_settings_are_named_in_one_line() -> None:
    """A first start without settings says what is missing, with no traceback; an address to listen at is not needed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AIDC_")}
    ended = subprocess.run([sys.executable, "-m", "services.metrics.app"], env=environment, capture_output=True)
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert (ended.returncode, json.loads(line)["problems"]) == (1, ["AIDC_NATS_URL is missing"])
