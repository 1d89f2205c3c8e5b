"""Splitting a reservation, as clients do it: two answers in one, once, and what both are told to be afterwards."""

from typing import Any

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.scenario import HOUR
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id
from tests.scheduler.test_grpc_tenants import handing_over, splitting

CONFIRMED = api.Reservation.STATE_CONFIRMED


async def booked(desk: Desk, *lines: tuple[str, int], hours: float = 4) -> api.Reservation:
    """ALPHA's reservation of some lines, from noon of tomorrow on."""
    made: api.Reservation = await desk.call("CreateReservation", demand(1, *lines, hours=hours, note="for us"))
    return made


async def got(desk: Desk, name: str) -> api.Reservation:
    """A reservation as it stands."""
    found: api.Reservation = await desk.call("GetReservation", api.GetReservationRequest(name=name))
    return found


async def test_both_are_answered_and_stand_so(desk: Desk) -> None:
    """The rest under the name that it had, and the part under a new one, each as whoever gets it finds it."""
    whole = await booked(desk, ("h100", 16))
    made = await desk.call("SplitReservation", splitting(whole.name, at=NOON + HOUR, etag=whole.etag))
    rest, part = made.reservation, made.part
    assert (rest.name, rest.end_time.seconds, part.start_time.seconds) == (whole.name, NOON + HOUR, NOON + HOUR)
    assert (part.end_time, part.lines, part.note, part.state) == (whole.end_time, whole.lines, "for us", CONFIRMED)
    assert (part.split_from, part.late_from_time.seconds) == (whole.name, NOON)
    assert (part.create_time, part.position, rest.position) == (whole.create_time, rest.position, rest.position)
    assert part.name.startswith("companies/ALPHA/reservations/")
    assert (await got(desk, rest.name), await got(desk, part.name)) == (rest, part)
    held = [each.unit_names for each in whole.allocations]
    assert [each.unit_names for each in rest.allocations] == [each.unit_names for each in part.allocations] == held


async def test_units_leave_by_their_lines(desk: Desk) -> None:
    """What leaves is named by its units, and begins when the whole does: there is no other lateness to tell."""
    whole = await booked(desk, ("h100", 16), ("cpu", 8))
    lines = [api.Line(resource="resources/cpu", units=3)]
    made = await desk.call("SplitReservation", splitting(whole.name, *lines))
    assert [(each.resource, each.units) for each in made.part.lines] == [("resources/cpu", 3)]
    assert [(each.resource, each.units) for each in made.reservation.lines] == [
        ("resources/h100", 16),
        ("resources/cpu", 5),
    ]
    assert not made.part.HasField("late_from_time")


async def test_it_is_split_once(desk: Desk) -> None:
    """P4: under the same id the same part, though the rest goes on; under another id that part of it is gone."""
    whole = await booked(desk, ("cpu", 4))
    request = splitting(whole.name, at=NOON + HOUR)
    first = await desk.call("SplitReservation", request)
    cancel = api.CancelReservationRequest(name=whole.name, request_id=request_id(9))
    cancelled = await desk.call("CancelReservation", cancel)
    again = await desk.call("SplitReservation", request)
    assert (again.part, again.reservation) == (first.part, cancelled)
    assert await desk.call("SplitReservation", splitting(whole.name, at=NOON + HOUR, validate_only=True)) == again
    listed = await desk.call("ListReservations", api.ListReservationsRequest(parent="companies/ALPHA"))
    assert len(listed.reservations) == 2


async def test_to_look_changes_nothing(desk: Desk) -> None:
    """P3: with `validate_only` both are shown as they would be, with their prices, and the part has no name yet."""
    await desk.call("PublishTariff", published(), OPERATOR)
    whole = await booked(desk, ("h100", 16))
    looked = await desk.call("SplitReservation", splitting(whole.name, at=NOON + HOUR, validate_only=True))
    assert (looked.reservation.name, looked.part.name, looked.part.split_from) == (whole.name, "", whole.name)
    assert (looked.reservation.cost.krw, looked.part.cost.krw) == (48_000, 144_000)
    assert await got(desk, whole.name) == whole


async def test_a_refusal_names_every_rule_and_leaves_it_whole(desk: Desk) -> None:
    """P3: neither part is on the grid, and both say so."""
    whole = await booked(desk, ("h100", 16))
    with pytest.raises(Refused) as refused:
        await desk.call("SplitReservation", splitting(whole.name, at=NOON + HOUR // 2))
    assert [each.reason for each in refused.value.refusal.violations] == ["OFF_GRID", "OFF_GRID"]
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert await got(desk, whole.name) == whole


async def test_a_part_is_handed_over_without_a_word_of_the_whole(desk: Desk) -> None:
    """P8: who takes it over learns how late it would be given back, and not from which booking it comes."""
    whole = await booked(desk, ("cpu", 4))
    part = (await desk.call("SplitReservation", splitting(whole.name, at=NOON + HOUR))).part
    await desk.call("UpdateReservation", handing_over(part.name, "BETA", 2))
    seen = await desk.call("GetReservation", api.GetReservationRequest(name=part.name), BETA)
    taken = await desk.call("AcceptTransfer", api.AcceptTransferRequest(name=part.name, request_id=request_id(3)), BETA)
    for each in (seen, taken):
        assert (each.split_from, each.late_from_time.seconds) == ("", NOON)
    assert (await got(desk, whole.name)).state == CONFIRMED
    again = await desk.call("SplitReservation", splitting(whole.name, at=NOON + HOUR))
    assert (again.part, again.reservation.name) == (part, whole.name)


async def test_a_watch_tells_of_both(desk: Desk) -> None:
    """On one page: the rest as it is from now on, and the part that is new."""
    whole = await booked(desk, ("cpu", 4))
    made = await desk.call("SplitReservation", splitting(whole.name, at=NOON + HOUR))
    request = api.WatchReservationsRequest(parent="companies/ALPHA", after_position=whole.position)
    told = await desk.watch(request, ALPHA, count=2)
    names = [each.reservation.name for each in told if each.HasField("reservation")]
    assert sorted(names) == sorted([whole.name, made.part.name])


def published() -> Any:
    """A rate card that is valid at once."""
    request = api.PublishTariffRequest(request_id=request_id(40))
    request.tariff.name = "tariffs/krw"
    request.tariff.prices.add(resource="resources/h100", krw=3000, basis=api.PRICE_BASIS_HOUR)
    return request
