"""Every panel, recording rule and alert asks for data that there is: shown with a real centre, load and Prometheus.

A program, not a test: it needs the programs `prometheus` and `aidc`, and about two minutes. It starts a centre of its
own on simulated time in a temporary folder, books on it, and then puts every query of deploy/grafana and
deploy/prometheus to the Prometheus that watches it. Ends with 1 and names what gave no data.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import yaml

from services.agent.recorded import Drawn
from services.cli.catalogue import CENTRE_FOLDER, read_catalogue
from services.cli.connection import read_endpoints
from services.eventlog.use import NodeUse, encode_use
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.embedded.prometheus import Prometheus
from tests.metrics.booking_load import book_until
from tests.metrics.programs import program

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
CLOCK = "2026-03-03T09:00:00+09:00@18000"
"""Five hours pass in a second: reservations start and end meanwhile, and there are two weeks to forecast from."""
START_SECONDS_MAX = 180.0
LOAD_SECONDS_MIN = 80.0
LOAD_SECONDS_MAX = 240.0
"""Until then what has not been answered is asked again, while the load goes on: a busy machine takes longer."""
AGAIN_SECONDS = 5.0
SCRAPE_SECONDS = 1
TRACE_READINGS = 40
"""Of every node, before its trace begins again."""
COMPANY = "CMP-0004"
"""The company that the tenants' dashboard is opened for. It has quota and books."""

MAY_BE_EMPTY = {
    "alloc_ledger_invariant_violations_total": "its series begin with the first violation",
    "alloc_grpc_shed_total": "its series begin with the first call that is turned away",
    "< on (kind) group_left () alloc_quota_period_end": "nobody's quota may burn too early",
    f'alloc_no_shows_total{{company="{COMPANY}"}}': "this company may always have come",
    "alloc_pool_next_denial": "it has series while bookings wait for approval",
    "ALERTS": "it has a series while an alert is pending or fires",
}
"""What a healthy centre does not show, and why."""
EXEMPLARS = "alloc_reserved_unit_seconds_total"
"""A counter whose exemplars must have reached Prometheus."""
ZERO = " or vector(0)"
"""What panels add to show a zero; it is left out here, since it would answer for any misspelt name."""

_opener = build_opener(ProxyHandler({}))


class Question(NamedTuple):
    """A query and where it stands."""

    where: str
    expression: str


def questions() -> Iterator[Question]:
    """Every query of every panel, every recorded name, and every metric that an alert looks at."""
    for path in sorted((ROOT / "deploy" / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                expression = target["expr"].replace("$company", COMPANY)
                yield Question(f"{path.stem}: {panel['title']} {target['refId']}", expression)
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            if "record" in rule:
                yield Question(f"rules: {rule['record']}", rule["record"])
            for name in sorted(set(re.findall(r"\b(?:alloc|grpc)_(?!code|type)[a-z_]+", rule["expr"]))):
                if f":{name}" not in rule["expr"]:
                    yield Question(f"rules: {rule.get('alert') or rule['record']}", name)


def unanswered(prometheus: Prometheus, asked: Iterable[Question]) -> list[Question]:
    """The questions to which there is no answer, or none but NaN."""
    missing = []
    for question in asked:
        if any(name in question.expression for name in MAY_BE_EMPTY):
            continue
        result = ask(prometheus, "query", query=question.expression.replace(ZERO, ""))["result"]
        if not any(series["value"][1] != "NaN" for series in result):
            missing.append(question)
    return missing


def amiss(prometheus: Prometheus, without_answer: Iterable[Question]) -> list[str]:
    """What is to be told of these questions, of exemplars that did not arrive, and of rules that do not work."""
    missing = [f"{where}: no data for {expression}" for where, expression in without_answer]
    seen = ask(prometheus, "query_exemplars", query=EXEMPLARS, start="0", end=str(time.time()))
    if not any("position" in exemplar["labels"] for series in seen for exemplar in series["exemplars"]):
        missing.append(f"exemplars: {EXEMPLARS} carries no position")
    rules = [rule for group in ask(prometheus, "rules")["groups"] for rule in group["rules"]]
    missing += [
        f"rules: {rule['name']}: {rule.get('lastError', 'not evaluated')}" for rule in rules if rule["health"] != "ok"
    ]
    version = ask(prometheus, "status/buildinfo")["version"]
    asked = len(set(questions()))
    sys.stdout.write(f"Prometheus {version}: {asked} queries and {len(rules)} rules asked, {len(missing)} amiss\n")
    return missing


async def ask_until_answered(prometheus: Prometheus) -> list[str]:
    """Ask until everything was answered once, or it takes too long; give what is amiss then."""
    until = time.monotonic() + LOAD_SECONDS_MAX - LOAD_SECONDS_MIN
    left = await asyncio.to_thread(unanswered, prometheus, dict.fromkeys(questions()))
    while left and time.monotonic() < until:
        await asyncio.sleep(AGAIN_SECONDS)
        left = await asyncio.to_thread(unanswered, prometheus, left)
    return await asyncio.to_thread(amiss, prometheus, left)


def ask(prometheus: Prometheus, path: str, **arguments: str) -> Any:
    """The data of an answer of Prometheus's HTTP interface."""
    with _opener.open(f"{prometheus.url}/api/v1/{path}?{urlencode(arguments)}") as answer:
        return json.load(answer)["data"]


@asynccontextmanager
async def centre(folder: Path, prometheus: Path) -> AsyncIterator[dict[str, Any]]:
    """`aidc up` with its catalogue, as a process of its own; gives its endpoints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", "up", "--data", str(folder), "--clock", CLOCK, "--json"),
        *("--prometheus", str(prometheus)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(START_SECONDS_MAX):
            await process.stdout.readline()  # It prints one line once it is ready.
        endpoints = read_endpoints(folder)
        if endpoints is None:
            raise RuntimeError("the centre did not start")
        yield endpoints
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def reporting(nats_url: str, trace: Path) -> AsyncIterator[None]:
    """An agent that plays every node of the catalogue."""
    await asyncio.to_thread(write_trace, trace)
    settings = {"AIDC_NATS_URL": nats_url, "AIDC_RECORDED": str(trace), "AIDC_INTERVAL_SECONDS": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.agent.app"), env={**os.environ, **settings}
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def write_trace(path: Path) -> None:
    """What every node of the catalogue does, drawn from a seed."""
    drawn = {
        node.id: Drawn(1, node.id, resource.bins_per_node if resource.bins_per_node > 1 else 0)
        for resource in read_catalogue(CENTRE_FOLDER).resources
        if resource.kind == api.RESOURCE_KIND_COMPUTE
        for node in resource.nodes
    }
    reports = [report for _ in range(TRACE_READINGS) for report in looked(drawn)]
    path.write_bytes(b"".join(encode_use(report) + b"\n" for report in reports))


def looked(drawn: dict[str, Drawn]) -> Iterator[NodeUse]:
    """A report of every node."""
    for node, driver in drawn.items():
        reading = driver.read()
        yield NodeUse(node=node, start=0, end=1, source=driver.source, **reading._asdict())


async def check(prometheus_program: Path) -> list[str]:
    """Start everything, book for a while, and ask."""
    with tempfile.TemporaryDirectory(prefix="aidc-dashboards-") as folder:
        async with centre(Path(folder, "centre"), prometheus_program) as endpoints:
            targets = {name: endpoints[f"{name}_http"] for name in ("scheduler", "ledger")}
            targets["metrics"] = endpoints["metrics"]
            watched = Prometheus(
                prometheus_program, Path(folder, "prometheus"), lambda: targets, scrape_seconds=SCRAPE_SECONDS
            )
            async with watched as prometheus, reporting(endpoints["nats"], Path(folder, "trace")):
                # What was refused is forgotten after a day, which passes quickly here: ask while the load goes on.
                enough = asyncio.Event()
                load = asyncio.create_task(book_until(enough, endpoints, COMPANY))
                try:
                    await asyncio.sleep(LOAD_SECONDS_MIN)
                    return await ask_until_answered(prometheus)
                finally:
                    enough.set()
                    sys.stdout.write(f"{await load}\n")


def main() -> int:
    """Check; give the exit status."""
    missing = asyncio.run(check(program("PROMETHEUS")))
    sys.stdout.write("".join(f"{line}\n" for line in missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
