"""What is read at a glance is read as everything else is: the same command, the same digest, and nothing amiss."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from msgspec.structs import replace

from services.allocation.units.demand import LINES_MAX
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.validation import violations
from services.scheduler.ask import Ask
from services.scheduler.batch import plain_asks, read_item
from services.scheduler.wire.fields import SECONDS_MAX, Fields
from services.scheduler.wire.plain import plain_demand

Request = api.CreateReservationRequest
Deviation = Callable[[Request], object]
PARENT = "companies/ALPHA"
UUID = "0b7c1c9e-3f4e-4d6a-9f5e-2c9b6f1a7d10"
NOON = 1_800_000_000

STILL_PLAIN: dict[str, Deviation] = {
    "parent": lambda request: setattr(request, "parent", PARENT),
    "capitals": lambda request: setattr(request, "request_id", UUID.upper()),
    "two lines": lambda request: request.reservation.lines.add(resource="resources/gpu", units=8),
    "many units": lambda request: request.reservation.lines.add(resource="resources/core", units=1 << 40),
    "epoch": lambda request: setattr(request.reservation.start_time, "seconds", 0),
    "last second": lambda request: setattr(request.reservation.end_time, "seconds", SECONDS_MAX),
    "unknown field": lambda request: request.MergeFromString(b"\xfa\x3e\x01x"),
}
"""What a plain demand may differ in, and stay one."""
NOT_PLAIN: dict[str, Deviation] = {
    "parent of another": lambda request: setattr(request, "parent", "companies/BETA"),
    "unprintable parent": lambda request: setattr(request, "parent", "companies/\u0000"),
    "no request id": lambda request: setattr(request, "request_id", ""),
    "odd request id": lambda request: setattr(request, "request_id", f"{UUID}\u200b"),
    "zero request id": lambda request: setattr(request, "request_id", "00000000-0000-0000-0000-000000000000"),
    "hold": lambda request: setattr(request.hold, "seconds", 60),
    "validate only": lambda request: setattr(request, "validate_only", True),
    "justification": lambda request: setattr(request, "justification", "because"),
    "override": lambda request: request.override_reasons.append("QUOTA_EXCEEDED"),
    "no lines": lambda request: request.reservation.ClearField("lines"),
    "too many lines": lambda request: request.reservation.lines.extend(
        api.Line(resource=f"resources/r{number}", units=1) for number in range(LINES_MAX)
    ),
    "no units": lambda request: request.reservation.lines.add(resource="resources/gpu"),
    "fewer than none": lambda request: request.reservation.lines.add(resource="resources/gpu", units=-1),
    "odd resource": lambda request: request.reservation.lines.add(resource="resources/g\u200bpu", units=1),
    "no resource": lambda request: request.reservation.lines.add(units=1),
    "operator": lambda request: request.reservation.lines.add(resource="resources/g", units=1, with_operator=True),
    "shape": lambda request: request.reservation.lines.add(
        resource="resources/g", units=1, shape=api.Shape(units_per_node=1)
    ),
    "shape without units": lambda request: request.reservation.lines.add(
        resource="resources/g", shape=api.Shape(units_per_node=1)
    ),
    "note": lambda request: setattr(request.reservation, "note", "for the night"),
    "unprintable note": lambda request: setattr(request.reservation, "note", "a\u0007b"),
    "class": lambda request: setattr(request.reservation.participants, "count", 3),
    "start within a second": lambda request: setattr(request.reservation.start_time, "nanos", 5),
    "end within a second": lambda request: setattr(request.reservation.end_time, "nanos", 5),
    "start before time": lambda request: setattr(request.reservation.start_time, "seconds", -1),
    "end after time": lambda request: setattr(request.reservation.end_time, "seconds", SECONDS_MAX + 1),
    "end at the start": lambda request: setattr(request.reservation.end_time, "seconds", NOON),
    "no start": lambda request: request.reservation.ClearField("start_time"),
    "no end": lambda request: request.reservation.ClearField("end_time"),
    "duration": lambda request: setattr(request.reservation.duration, "seconds", 3600),
    "no reservation": lambda request: request.ClearField("reservation"),
}
"""What makes a demand another than plain."""
EVERY = {**STILL_PLAIN, **NOT_PLAIN}


def demand(*deviations: str) -> Request:
    """A plain demand, and what it deviates in. Reading one completes it, so each is made anew."""
    request = Request(
        request_id=UUID,
        reservation=api.Reservation(
            lines=[api.Line(resource="resources/cpu", units=4)],
            start_time={"seconds": NOON},
            end_time={"seconds": NOON + 3600},
        ),
    )
    for name in deviations:
        EVERY[name](request)
    return request


def comparable(ask: Ask) -> Ask:
    """An ask without what is drawn anew for each."""
    command: Any = ask.command
    return replace(ask, command=replace(command, reservation_id=""))


@pytest.mark.parametrize("name", ["", *STILL_PLAIN])
def test_most_demands_are_plain(name: str) -> None:
    """Lines, times and a request id, with the parent of the whole or none."""
    assert plain_demand(demand(*filter(None, [name])), PARENT) is not None


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_whatever_says_more_is_not(name: str) -> None:
    """Everything else goes the way that everything goes."""
    assert plain_demand(demand(name), PARENT) is None


def test_a_glance_reads_what_reading_does() -> None:
    """Whatever is plain is sound, has no faults, and is the very same demand: with any two deviations together."""
    plain = 0
    for pair in [
        *((name,) for name in EVERY),
        *combinations(EVERY, 2),
        *(pair[::-1] for pair in combinations(EVERY, 2)),
    ]:
        if plain_demand(demand(*pair), PARENT) is None:
            continue
        plain += 1
        (found,) = plain_asks([demand(*pair)], PARENT, "ALPHA", "tester")
        assert found is not None
        fields = Fields()
        expected = read_item(fields, demand(*pair), PARENT, "ALPHA", "tester")
        assert (violations(demand(*pair)), fields.faults) == ({}, {}), pair
        assert comparable(found) == comparable(expected), pair
    assert plain > len(STILL_PLAIN) ** 2 // 2
