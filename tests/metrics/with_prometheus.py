"""A Prometheus of our own watches the services, survives a kill, and loads the rules.

Needs the program, which is no wheel: `make metrics-check` runs this file, `make test` does not.
"""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from prometheus_client import CollectorRegistry, Gauge

from services.runtime.embedded.prometheus import Prometheus
from services.runtime.health import Health
from services.runtime.http_server import HttpServer
from services.runtime.settings import Address
from tests.metrics.check_dashboards import MAY_BE_EMPTY, amiss, questions, unanswered
from tests.metrics.programs import program

SECONDS_MAX = 30
PROGRAM = program("PROMETHEUS")


async def ask(prometheus: Prometheus, path: str, **arguments: str) -> Any:
    """The data of an answer of Prometheus's HTTP interface."""
    url = f"{prometheus.url}/api/v1/{path}?{urlencode(arguments)}"
    return json.loads(await asyncio.to_thread(lambda: urlopen(url).read()))["data"]  # noqa: S310


async def test_watches_the_services_and_keeps_what_it_saw(tmp_path: Path) -> None:
    """Targets carry the names that the rules go by, every rule is loaded, and a kill costs no answer given before."""
    registry = CollectorRegistry()
    Gauge("alloc_log_position", "The last durable position.", registry=registry).set(7)
    async with HttpServer(listen=Address("127.0.0.1", 0), registry=registry, health=Health()) as server:
        watched = {"scheduler": str(server.address)}
        async with (
            asyncio.timeout(SECONDS_MAX),
            Prometheus(PROGRAM, tmp_path, lambda: watched, scrape_seconds=1) as prometheus,
        ):
            await seen(prometheus, "alloc_log_position")
            groups = (await ask(prometheus, "rules"))["groups"]
            assert {rule["name"] for group in groups for rule in group["rules"]} >= {"TargetDown", "Overbooked"}
            before = prometheus.address
            prometheus.kill()
            await prometheus.start()
            assert prometheus.address == before
            assert (await seen(prometheus, "alloc_log_position"))["service"] == "scheduler"


async def seen(prometheus: Prometheus, query: str) -> dict[str, str]:
    """The labels of the first series of an answer, once there is one."""
    while not (found := (await ask(prometheus, "query", query=query))["result"]):
        pass  # A round trip each time; the caller's limit bounds it.
    labels: dict[str, str] = found[0]["metric"]
    return labels


async def test_a_query_without_an_answer_is_named(tmp_path: Path) -> None:
    """The check of the dashboards is not content with nothing: where nothing is scraped it names every query."""
    async with asyncio.timeout(SECONDS_MAX), Prometheus(PROGRAM, tmp_path, dict) as prometheus:
        left = await asyncio.to_thread(unanswered, prometheus, questions())
        missing = await asyncio.to_thread(amiss, prometheus, left)
    asked = {each for each in questions() if not any(name in each.expression for name in MAY_BE_EMPTY)}
    assert len(asked) > 100
    assert {f"{where}: no data for {expression}" for where, expression in asked} < set(missing)
