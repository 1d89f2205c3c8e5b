"""Held offers over the wire: one call holds, one confirms, and each may be repeated."""

import asyncio
from pathlib import Path

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.fixture import NOW
from tests.scheduler.desk import Held
from tests.scheduler.serving import BETA, Desk, Refused, demand, request_id, serving
from tests.scheduler.test_grpc import search

HELD, CONFIRMED = api.Reservation.STATE_HELD, api.Reservation.STATE_CONFIRMED
CANCELLED, EXPIRED = api.Reservation.STATE_CANCELLED, api.Reservation.STATE_EXPIRED


def confirmation(name: str, number: int = 2, **fields: object) -> api.ConfirmReservationRequest:
    """Takes an offer."""
    return api.ConfirmReservationRequest(name=name, request_id=request_id(number), **fields)  # type: ignore[arg-type]


async def current(desk: Desk, name: str) -> api.Reservation:
    """A reservation as it stands."""
    found: api.Reservation = await desk.call("GetReservation", api.GetReservationRequest(name=name))
    return found


async def test_an_offer_is_held_and_confirmed(desk: Desk) -> None:
    """The held offer says until when; confirmed, it is a booking under the same name."""
    offer = await desk.call("CreateReservation", demand(1, ("cpu", 200), hold=600))
    assert (offer.state, offer.expire_time.seconds) == (HELD, NOW + 600)
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(1, ("cpu", 100), company="BETA"), BETA)
    assert refused.value.reason == "NO_CAPACITY"
    confirmed = await desk.call("ConfirmReservation", confirmation(offer.name, etag=offer.etag))
    assert (confirmed.name, confirmed.state) == (offer.name, CONFIRMED)
    assert not confirmed.HasField("expire_time")
    assert await current(desk, offer.name) == confirmed


async def test_a_repeated_confirmation_is_the_same_yes(desk: Desk) -> None:
    """P4: many at once, and one after it was cancelled, get one answer and make one event."""
    offer = await desk.call("CreateReservation", demand(1, hold=600))
    answers = await asyncio.gather(*(desk.call("ConfirmReservation", confirmation(offer.name)) for _ in range(20)))
    cancel = api.CancelReservationRequest(name=offer.name, request_id=request_id(3))
    assert (await desk.call("CancelReservation", cancel)).state == CANCELLED
    answers.append(await desk.call("ConfirmReservation", confirmation(offer.name)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert b"".join(desk.log.pages).count(b'"reservation_confirmed"') == 1


async def test_checking_a_confirmation_changes_nothing(desk: Desk) -> None:
    """`validate_only` says yes or no and leaves the offer held."""
    offer = await desk.call("CreateReservation", demand(1, hold=600))
    pages = len(desk.log.pages)
    shown = await desk.call("ConfirmReservation", confirmation(offer.name, validate_only=True))
    assert (shown.state, len(desk.log.pages)) == (HELD, pages)


async def test_a_watch_hears_that_an_offer_expired(desk: Desk) -> None:
    """What nobody confirms ends by an event that its company is told of, and can be confirmed no more."""
    offer = await desk.call("CreateReservation", demand(1, hold=60))
    desk.clock.seconds = NOW + 60
    assert desk.writer.tick() == 1
    request = api.WatchReservationsRequest(parent="companies/ALPHA", after_position=offer.position)
    (heard,) = await desk.watch(request)
    assert (heard.reservation.name, heard.reservation.state) == (offer.name, EXPIRED)
    with pytest.raises(Refused) as refused:
        await desk.call("ConfirmReservation", confirmation(offer.name))
    assert refused.value.reason == "WRONG_STATE"
    listed = api.ListReservationsRequest(parent="companies/ALPHA", states=[EXPIRED])
    assert [each.name for each in (await desk.call("ListReservations", listed)).reservations] == [offer.name]


async def test_a_search_holds_its_first_offer(desk: Desk) -> None:
    """One call finds and holds; repeated it gives the same offer, and another body is refused."""
    found = await desk.call("SearchOffers", search("M01", hours=4, hold=600))
    first = found.offers[0]
    assert (found.held.state, found.held.start_time, found.held.end_time) == (HELD, first.start_time, first.end_time)
    assert found.position == found.held.position
    again = await desk.call("SearchOffers", search("M01", hours=4, hold=600))
    assert again.held == found.held
    assert [*again.offers] == [first]
    with pytest.raises(Refused) as refused:
        await desk.call("SearchOffers", search("M01", hours=4, hold=60))
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert (await desk.call("ConfirmReservation", confirmation(found.held.name))).state == CONFIRMED


async def test_of_two_searches_at_once_each_holds_another_offer(desk: Desk) -> None:
    """P1: nothing comes between the search and the hold, so that both are held and neither twice."""
    found = await asyncio.gather(
        desk.call("SearchOffers", search("M01", hours=4, hold=600)),
        desk.call("SearchOffers", search("M01", hours=4, hold=600, number=2)),
    )
    assert len({each.held.start_time.seconds for each in found}) == 2


async def test_a_search_that_finds_nothing_holds_nothing(desk: Desk) -> None:
    """The reasons are told, the log stays as it is, and the request id may be used again."""
    pages = len(desk.log.pages)
    found = await desk.call("SearchOffers", search("cpu", units=225, hold=600))
    assert not found.HasField("held")
    assert [each.reason for each in found.violations] == ["NO_CAPACITY"]
    assert len(desk.log.pages) == pages
    assert (await desk.call("SearchOffers", search("cpu", hold=600))).held.state == HELD


async def test_a_company_holds_few_offers(desk: Desk) -> None:
    """The sixth is refused, in a booking with its limit, and in a search as what stands in the way."""
    for number in range(5):
        await desk.call("CreateReservation", demand(number, hold=600))
    with pytest.raises(Refused) as refused:
        await desk.call("CreateReservation", demand(6, hold=600))
    assert [(each.reason, each.limit) for each in refused.value.refusal.violations] == [("TOO_MANY_HOLDS", 5)]
    found = await desk.call("SearchOffers", search("cpu", hold=600, number=7))
    assert [each.reason for each in found.violations] == ["TOO_MANY_HOLDS"]


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_batch_may_hold(desk: Desk, atomic: bool) -> None:
    """Items of a batch may be held like single ones, all or nothing too."""
    items = [demand(1, ("T1", 1), hold=60), demand(2, ("cpu", 1))]
    batch = api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=items, atomic=atomic)
    made = await desk.call("BatchCreateReservations", batch)
    assert [each.reservation.state for each in made.results] == [HELD, CONFIRMED]


async def test_an_offer_survives_a_restart_and_expires_once(tmp_path: Path) -> None:
    """A scheduler that comes back after the time of an offer lets it expire, by one event."""
    log = Held()
    async with serving(tmp_path / "one", log=log) as desk:
        kept = await desk.call("CreateReservation", demand(1, hold=600))
        lost = await desk.call("CreateReservation", demand(2, hold=60))
    async with serving(tmp_path / "two", log=log) as desk:
        assert (await current(desk, kept.name)).state == HELD
        desk.clock.seconds = NOW + 120
        assert (desk.writer.tick(), desk.writer.tick()) == (1, 0)
        assert (await current(desk, lost.name)).state == EXPIRED
        assert (await desk.call("ConfirmReservation", confirmation(kept.name, 3))).state == CONFIRMED
    assert b"".join(log.pages).count(b'"reservation_expired"') == 1
