"""From a slow bar of a dashboard to the booking behind it: exemplars as Prometheus scrapes them from real services."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Exemplar

from services.cli.up.service import Service
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.harness import CALL_SECONDS, Clients, eventually, running_centre
from tests.system.small_catalogue import COMPANY
from tests.system.workload import booking

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SPEED = 1


async def exemplars(service: Service, metric: str, **labels: str) -> list[Exemplar]:
    """Every exemplar of a metric with these labels, as Prometheus would read it now."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://{service.http}/metrics", headers={"accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    return list(_found(answer.text, metric, labels))


def _found(text: str, metric: str, labels: dict[str, str]) -> Iterator[Exemplar]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == metric and sample.exemplar and labels.items() <= sample.labels.items():
                yield sample.exemplar


async def traced_booking(clients: Clients) -> api.Reservation:
    """A booking that is a part of the trace."""
    metadata = (*clients.bearer(COMPANY), ("traceparent", TRACEPARENT))
    made: api.Reservation = await clients.scheduler.CreateReservation(
        booking(COMPANY, "core", 2, day=3), metadata=metadata, timeout=CALL_SECONDS
    )
    return made


@pytest.mark.timeout(120)
async def test_a_traced_booking_is_found_from_its_exemplar(tmp_path: Path) -> None:
    """The scheduler's exemplar names trace and page, the metrics' the page, and the ledger tells what stands there."""
    async with running_centre(tmp_path, speed=SPEED) as clients:
        centre = clients.centre
        made = await traced_booking(clients)
        [decided] = await exemplars(centre.scheduler, "alloc_decision_seconds_bucket", pool="core")
        assert decided.labels == {"trace_id": TRACE, "position": str(made.position)}
        assert 0 < decided.value < CALL_SECONDS

        async def counted() -> bool:
            found = await exemplars(centre.metrics, "alloc_reserved_unit_seconds_total", company=COMPANY, pool="core")
            return [each.labels for each in found] == [{"position": str(made.position)}]

        await eventually(counted, "the metrics' exemplar names the booking's page")
        asked = ledger_api.GetHistoryRequest(name=made.name, min_position=made.position)
        history = await clients.call(clients.ledger.GetHistory, asked, COMPANY)
        assert str(history.entries[0].position) == decided.labels["position"]
