"""A slow decision in a dashboard leads to its trace and to its page: exemplars of the histogram of decisions."""

from pathlib import Path

import pytest
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.scheduler.serving import ALPHA, SERVICE, Desk, demand, serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def book(desk: Desk, number: int, *traced: tuple[str, str]) -> api.Reservation:
    """A booking, as a part of a trace or of none."""
    reply: bytes = await desk.channel.unary_unary(f"/{SERVICE.full_name}/CreateReservation")(
        demand(number).SerializeToString(), metadata=(*desk.bearer(ALPHA), *traced), timeout=10.0
    )
    return api.Reservation.FromString(reply)


def examples(desk: Desk) -> list[dict[str, str]]:
    """The labels of every exemplar of the time that decisions took, as Prometheus reads them."""
    text = generate_latest(desk.telemetry._registry).decode()
    return [
        dict(sample.exemplar.labels)
        for family in text_string_to_metric_families(text)
        if family.name == "alloc_decision_seconds"
        for sample in family.samples
        if sample.exemplar
    ]


async def test_a_traced_booking_is_the_example_for_its_like(tmp_path: Path) -> None:
    """Its bucket carries the trace that the caller sent and the position of the page that holds the booking."""
    async with serving(tmp_path) as desk:
        reservation = await book(desk, 1, ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01"))
        assert examples(desk) == [{"trace_id": TRACE, "position": str(reservation.position)}]


@pytest.mark.parametrize(
    "sent", [(), (("traceparent", "00-nonsense-01"),), (("traceparent", f"00-{TRACE.upper()}-1-1"),)]
)
async def test_without_a_trace_there_is_no_example(tmp_path: Path, sent: tuple[tuple[str, str], ...]) -> None:
    """Nothing that is no trace's id becomes a label, and an untraced booking costs nothing more."""
    async with serving(tmp_path) as desk:
        await book(desk, 1, *sent)
        assert examples(desk) == []
