"""From a metric to somebody's telephone: our rules, our Prometheus configuration and our routing, up to a webhook.

Needs the programs prometheus and prometheus-alertmanager, which are no wheels: `make alerts-check` runs this file,
`make test` does not.
"""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest
import yaml
from prometheus_client import CollectorRegistry, Counter

from services.runtime.embedded.child import Child, free_port
from services.runtime.health import Health
from services.runtime.http_server import HttpServer
from services.runtime.settings import Address
from tests.metrics.programs import program

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
SECONDS_MAX = 60
WAIT = "1s"
"""Instead of the example's patience."""


class Told(NamedTuple):
    """One message: who got it, and the alerts in it by name and company."""

    receiver: str
    alerts: frozenset[tuple[str, str]]


class Desk:
    """Where the webhooks of all receivers end."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.changed = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
        alerts = frozenset((each["labels"]["alertname"], each["labels"].get("company", "")) for each in body["alerts"])
        self.told.append(Told(head.split()[1].strip("/"), alerts))
        self.changed.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def hears(self, *expected: Told) -> None:
        """Wait until all of these were told."""
        while not set(expected) <= set(self.told):
            await self.changed.wait()
            self.changed.clear()


@asynccontextmanager
async def routed(folder: Path) -> AsyncIterator[tuple[Desk, str]]:
    """Alertmanager with our routing, its receivers here; gives them, and where it listens."""
    desk = Desk()
    server = await asyncio.start_server(desk.take, "127.0.0.1", 0)
    example = (FOLDER / "alertmanager.yml").read_text()
    example = example.replace("127.0.0.1:9099", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    config, address = folder / "alertmanager.yml", f"127.0.0.1:{free_port()}"
    config.write_text(re.sub(r"group_wait: \S+", f"group_wait: {WAIT}", example))
    command = [
        str(program("ALERTMANAGER")),
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager-data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    child = Child("alertmanager", folder, signal.SIGTERM)
    await child.start(command, lambda: ready(f"http://{address}/-/ready"))
    try:
        yield desk, address
    finally:
        await child.stop()
        server.close()


async def ready(url: str) -> bool:
    """Whether a server answers there."""
    try:
        return bool((await asyncio.to_thread(urlopen, url)).status == 200)
    except OSError:
        return False


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus sends it."""
    return {"labels": {"alertname": name, "severity": severity, **labels}}


async def send(address: str, alerts: Iterable[dict[str, Any]]) -> None:
    """Tell Alertmanager that these fire."""
    data = json.dumps(list(alerts)).encode()
    request = Request(  # A loopback address of our own.
        f"http://{address}/api/v2/alerts", data, {"Content-Type": "application/json"}, method="POST"
    )
    assert (await asyncio.to_thread(urlopen, request)).status == 200


async def test_each_severity_reaches_its_own_people(tmp_path: Path) -> None:
    """Pages go to who is on call, tickets to the queue, what companies hear to each company, the rest to planners."""
    async with asyncio.timeout(SECONDS_MAX), routed(tmp_path) as (desk, address):
        await send(
            address,
            [
                alert("Overbooked", "page", pool="a"),
                alert("StreamNearLimit", "ticket", stream="log"),
                alert("QuotaNearlySpent", "info", company="CMP-0001", kind="a"),
                alert("QuotaNearlySpent", "info", company="CMP-0002", kind="a"),
                alert("UnmetDemand", "info", pool="a"),
                alert("IdleHeld", "info", pool="a"),
            ],
        )
        await desk.hears(
            Told("on-call", frozenset({("Overbooked", "")})),
            Told("tickets", frozenset({("StreamNearLimit", "")})),
            Told("company-desk", frozenset({("QuotaNearlySpent", "CMP-0001")})),
            Told("company-desk", frozenset({("QuotaNearlySpent", "CMP-0002")})),
            Told("planners", frozenset({("UnmetDemand", "")})),
            Told("planners", frozenset({("IdleHeld", "")})),
        )
        assert len(desk.told) == 6


async def test_what_a_page_explains_is_not_told_again(tmp_path: Path) -> None:
    """A service that is down wakes somebody once: that its view is old and its budget burns is kept back."""
    async with asyncio.timeout(SECONDS_MAX), routed(tmp_path) as (desk, address):
        await send(address, [alert("TargetDown", "page", service="ledger")])
        await desk.hears(Told("on-call", frozenset({("TargetDown", "")})))
        await send(
            address,
            [
                alert("ProjectionStale", "page", projection="ledger"),
                alert("ErrorBudgetSlow", "ticket"),
                alert("Shedding", "ticket", reason="rate"),
            ],
        )
        await desk.hears(Told("tickets", frozenset({("Shedding", "")})))
        told = {name for message in desk.told for name, _ in message.alerts}
        assert told == {"TargetDown", "Shedding"}


async def test_a_metric_becomes_a_page(tmp_path: Path) -> None:
    """With our files as they are deployed: a broken invariant in a scrape ends at the webhook of who is on call."""
    registry = CollectorRegistry()
    Counter("alloc_ledger_invariant_violations_total", "Must stay 0.", ["invariant"], registry=registry).labels(
        "overlap"
    ).inc()
    async with (
        asyncio.timeout(SECONDS_MAX),
        routed(tmp_path) as (desk, address),
        HttpServer(listen=Address("127.0.0.1", 0), registry=registry, health=Health()) as server,
    ):
        mounted = tmp_path / "mounted"
        shutil.copytree(FOLDER, mounted)
        write(mounted / "targets.yml", [{"targets": [str(server.address)], "labels": {"service": "ledger"}}])
        write(mounted / "alertmanagers.yml", [{"targets": [address]}])
        deployed = (mounted / "prometheus.yml").read_text()
        (mounted / "prometheus.yml").write_text(re.sub(r"(interval|timeout): \S+", r"\1: 1s", deployed))
        here = f"127.0.0.1:{free_port()}"
        command = [
            str(program("PROMETHEUS")),
            f"--config.file={mounted / 'prometheus.yml'}",
            f"--web.listen-address={here}",
        ]
        child = Child("prometheus", tmp_path / "prometheus", signal.SIGTERM)
        (tmp_path / "prometheus").mkdir()
        began = time.monotonic()
        await child.start(
            [*command, f"--storage.tsdb.path={tmp_path / 'data'}"], lambda: ready(f"http://{here}/-/ready")
        )
        try:
            await desk.hears(Told("on-call", frozenset({("InvariantViolated", "")})))
        finally:
            await child.stop()
    assert time.monotonic() - began < SECONDS_MAX


def write(path: Path, content: object) -> None:
    """A file of targets."""
    path.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("severity", ["page", "ticket", "info"])
def test_amtool_reads_the_example(severity: str) -> None:
    """The file is valid to Alertmanager's own tool, and no severity is left without a receiver."""
    amtool = program("AMTOOL")
    config = str(FOLDER / "alertmanager.yml")
    subprocess.run([amtool, "check-config", config], check=True, capture_output=True)
    told = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={config}", f"severity={severity}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == {"page": "on-call", "ticket": "tickets", "info": "planners"}[severity]
