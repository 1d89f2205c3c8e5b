"""Classes over the wire: searched for, held, and as the occurrences of a series."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.scheduler.serving import Desk, Refused, request_id, serving


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The fixture centre behind its doors."""
    async with serving(tmp_path / "keys") as served:
        yield served


async def test_a_class_is_searched_for_and_held(desk: Desk) -> None:
    """An offer has seats for everybody: of flexible units no fewer, held with its people, or a no that says why."""
    request = api.SearchOffersRequest(
        parent="companies/ALPHA",
        lines=[api.Line(resource="resources/cpu", units=40)],
        duration=Duration(seconds=3600),
        units_min={"resources/cpu": 1},
        order=api.OFFER_ORDER_CHEAPEST,
        participants=api.Participants(count=2, ids=["p-1", "p-2"]),
        hold=Duration(seconds=600),
        request_id=request_id(36),
    )
    found = await desk.call("SearchOffers", request)
    assert {offer.lines[0].units for offer in found.offers} <= set(range(2, 41))
    assert (found.held.participants.count, list(found.held.participants.ids)) == (2, ["p-1", "p-2"])
    plain = api.SearchOffersRequest(
        parent="companies/ALPHA", lines=request.lines, duration=request.duration, participants=request.participants
    )
    assert (await desk.call("SearchOffers", plain)).offers
    plain.participants.CopyFrom(api.Participants(count=41))
    for wish in (plain, api.SearchOffersRequest(**{**fields_of(plain), "priced": True})):
        none = await desk.call("SearchOffers", wish)
        assert [each.reason for each in none.violations] == ["TOO_FEW_SEATS"]
    for count, ids, reason in ((0, [], "INVALID_FIELD"), (2, ["p-1"], "INVALID_PARTICIPANTS")):
        plain.participants.CopyFrom(api.Participants(count=count, ids=ids))
        with pytest.raises(Refused) as refused:
            await desk.call("SearchOffers", plain)
        assert refused.value.reason == reason


def fields_of(message: Message) -> dict[str, Any]:
    """What is set in a message."""
    return {field.name: value for field, value in message.ListFields()}


async def test_every_occurrence_of_a_series_is_a_class(desk: Desk) -> None:
    """The people stand on each, and each counts its own; too few seats refuse all of them, an id too few the series."""
    series = api.Series(
        lines=[api.Line(resource="resources/cpu", units=3)],
        first="2026-03-04T09:00",
        time_zone="Asia/Seoul",
        duration=Duration(seconds=3600),
        recurrence=["RRULE:FREQ=DAILY;COUNT=2"],
        participants=api.Participants(count=3),
    )
    wish = api.CreateSeriesRequest(parent="companies/ALPHA", series=series, request_id=request_id(37))
    made = await desk.call("CreateSeries", wish)
    assert made.participants.count == 3
    names = [each.reservation for each in made.occurrences]
    one = await desk.call("GetReservation", api.GetReservationRequest(name=names[0]))
    assert (one.participants.count, one.participants.present) == (3, 0)
    desk.clock.seconds = one.start_time.seconds
    await desk.call("CheckIn", api.CheckInRequest(name=names[0], request_id=request_id(38), present=2))
    other = await desk.call("GetReservation", api.GetReservationRequest(name=names[1]))
    assert other.participants.present == 0
    for number, count, ids, reason in (
        (39, 4, [], "TOO_FEW_SEATS"),
        (40, 2, ["p-1"], "INVALID_PARTICIPANTS"),
        (41, 1, ["kim@example.org"], "INVALID_FIELD"),
    ):
        wish.request_id = request_id(number)
        wish.series.participants.CopyFrom(api.Participants(count=count, ids=ids))
        with pytest.raises(Refused) as refused:
            await desk.call("CreateSeries", wish)
        assert refused.value.reason == reason
    await changed_classes(desk, made)
    longer = api.UpdateSeriesRequest(
        series=api.Series(name=made.name, recurrence=["RRULE:FREQ=DAILY;COUNT=4"]), request_id=request_id(42)
    )
    changed = await desk.call("UpdateSeries", longer)
    added = await desk.call("GetReservation", api.GetReservationRequest(name=changed.occurrences[-1].reservation))
    assert added.participants.count == 2


async def changed_classes(desk: Desk, made: api.Series) -> None:
    """What of a series has not begun is a class of two people instead, and one occurrence of two others."""
    wish = api.UpdateSeriesRequest(series=api.Series(name=made.name), request_id=request_id(50))
    wish.update_mask.paths.append("participants")
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateSeries", wish)
    assert refused.value.reason == "INVALID_FIELD", "a class stays one"
    for number, count, ids, reason in (
        (51, 4, [], "TOO_FEW_SEATS"),
        (52, 2, ["p-1"], "INVALID_PARTICIPANTS"),
        (53, 1, ["kim@example.org"], "INVALID_FIELD"),
    ):
        wish.request_id = request_id(number)
        wish.series.participants.CopyFrom(api.Participants(count=count, ids=ids))
        with pytest.raises(Refused) as refused:
            await desk.call("UpdateSeries", wish)
        assert refused.value.reason == reason
    wish.request_id = request_id(54)
    wish.series.participants.CopyFrom(api.Participants(count=2))
    told = await desk.call("UpdateSeries", wish)
    assert told.participants.count == 2
    assert [each.effect for each in told.occurrences] == [0, api.Occurrence.EFFECT_CHANGED]
    name = made.occurrences[1].reservation
    one = api.UpdateReservationRequest(
        reservation=api.Reservation(name=name, participants=api.Participants(count=2, ids=["p-1", "p-2"])),
        request_id=request_id(55),
        validate_only=True,
    )
    assert list((await desk.call("UpdateReservation", one)).participants.ids) == ["p-1", "p-2"]
    assert not (await desk.call("GetReservation", api.GetReservationRequest(name=name))).participants.ids
    one.validate_only = False
    assert list((await desk.call("UpdateReservation", one)).participants.ids) == ["p-1", "p-2"]
    everything = api.UpdateReservationRequest(reservation=one.reservation, request_id=request_id(56))
    everything.reservation.ClearField("participants")
    everything.reservation.MergeFrom(await desk.call("GetReservation", api.GetReservationRequest(name=name)))
    everything.reservation.ClearField("participants")
    everything.update_mask.paths.append("*")
    assert (await desk.call("UpdateReservation", everything)).participants.count == 2
    one.update_mask.paths.append("participants")
    one.reservation.ClearField("participants")
    one.request_id = request_id(57)
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateReservation", one)
    assert refused.value.reason == "INVALID_FIELD"
