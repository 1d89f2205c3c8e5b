"""What the fake centre answers with: reservations, and a no."""

from datetime import UTC, datetime

import grpc
from google.rpc.error_details_pb2 import ErrorInfo

from services.cli.times import to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered

REQUEST_ID = "0b0e7a52-5b0a-4b43-9a55-0f4a0f1f6e11"
NINE = to_timestamp(datetime(2026, 3, 16, 0, tzinfo=UTC))  # 09:00 in Seoul.
ONE = to_timestamp(datetime(2026, 3, 16, 4, tzinfo=UTC))
LINES = [api.Line(resource="resources/M01", units=1)]
NAME = "companies/CMP-0004/reservations/r1"
TOKEN = "x.eyJjb21wYW55IjoiQ01QLTAwMDQifQ.x"  # The claims say company CMP-0004.
BOOK = ["book", "M01", "--start", "2026-03-16 09:00", "--duration", "4h"]


def granted(request: api.CreateReservationRequest) -> api.Reservation:
    """The yes to a booking."""
    return reservation(request.reservation.lines)


def reservation(lines: list[api.Line]) -> api.Reservation:
    """A confirmed reservation of the driving simulator."""
    allocations = [
        api.Allocation(resource="resources/M01", units=1, unit_names=["M01-1"]),
        api.Allocation(resource="resources/a100-dev", units=8000, companion_of="resources/M01"),
    ]
    return api.Reservation(
        name=NAME,
        state=api.Reservation.STATE_CONFIRMED,
        lines=lines,
        start_time=NINE,
        end_time=ONE,
        allocations=allocations,
        position=42,
    )


def held(_: object) -> api.Reservation:
    """An offer that is held."""
    offer = reservation(LINES)
    offer.state = api.Reservation.STATE_HELD
    offer.expire_time.CopyFrom(NINE)
    return offer


def pending(_: object = None) -> api.Reservation:
    """A booking that waits for its committee."""
    waiting = reservation(LINES)
    waiting.state = api.Reservation.STATE_PENDING
    waiting.expire_time.CopyFrom(NINE)
    waiting.approval.rule, waiting.approval.voters, waiting.approval.quorum = "committee", 5, 3
    waiting.approval.reference_required = True
    waiting.approval.votes.add(approves=True, reference="IRB-7")
    waiting.approval.votes.add(approves=False)
    return waiting


def refused(_: object) -> api.Reservation:
    """The no to a booking, with a way out."""
    raise Answered(
        grpc.StatusCode.FAILED_PRECONDITION,
        "The cabin is taken.",
        ErrorInfo(domain="aidc", reason="NO_CAPACITY"),
        api.Refusal(
            violations=[
                api.Violation(reason="EXCLUSIVE_GROUP_BUSY", description="The cabin is taken.", subject="DIL-CABIN"),
                api.Violation(reason="NO_CAPACITY", description="M01 is taken.", subject="M01"),
            ],
            alternatives=[api.Offer(start_time=NINE, end_time=ONE, lines=LINES)],
        ),
    )
