"""Approval over the wire: operators vote, companies see what was said and not by whom."""

import asyncio

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity, Role
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR
from tests.scheduler.serving import ALPHA, AUDITOR, NOON, OPERATOR, Desk, Refused, demand, request_id

PENDING, CONFIRMED, DENIED = (
    api.Reservation.STATE_PENDING,
    api.Reservation.STATE_CONFIRMED,
    api.Reservation.STATE_DENIED,
)
KIM, LEE = (Identity(name, Role.OPERATOR, "") for name in ("kim", "lee"))


async def pending(desk: Desk, number: int = 1, start: int = NOON) -> api.Reservation:
    """A booking that two of three must approve."""
    made: api.Reservation = await desk.call("CreateReservation", demand(number, ("B24", 4), start=start))
    return made


def approval(name: str, number: int = 2, **fields: object) -> api.ApproveReservationRequest:
    """A vote for it, under the number of its review."""
    return api.ApproveReservationRequest(
        name=name,
        request_id=request_id(number),
        reference="IRB-7",
        **fields,  # type: ignore[arg-type]
    )


async def test_a_booking_waits_for_its_committee(desk: Desk) -> None:
    """Asked for, it is pending and says how it is approved and by when; two yes confirm it."""
    made = await pending(desk)
    assert (made.state, made.expire_time.seconds) == (PENDING, NOW + 24 * HOUR)
    assert (made.approval.rule, made.approval.voters, made.approval.quorum) == ("committee", 3, 2)
    assert made.approval.reference_required
    first = await desk.call("ApproveReservation", approval(made.name, comment="sound"), KIM)
    assert (first.state, len(first.approval.votes)) == (PENDING, 1)
    second = await desk.call("ApproveReservation", approval(made.name), LEE)
    assert (second.state, second.allocations) == (CONFIRMED, made.allocations)
    assert [(vote.approves, vote.comment, vote.reference) for vote in second.approval.votes] == [
        (True, "sound", "IRB-7"),
        (True, "", "IRB-7"),
    ]


async def test_what_waits_is_changed_and_asked_for_anew(desk: Desk) -> None:
    """More of it is another question: shown beforehand, votes void, the deadline new; an old etag decides nothing."""
    made = await pending(desk)
    await desk.call("ApproveReservation", approval(made.name), KIM)
    seen = await desk.call("GetReservation", api.GetReservationRequest(name=made.name))
    wish = api.UpdateReservationRequest(request_id=request_id(9), validate_only=True)
    wish.reservation.name, wish.reservation.duration.seconds = made.name, 2 * HOUR
    shown = await desk.call("UpdateReservation", wish)
    assert (shown.state, len(shown.approval.votes)) == (PENDING, 0)
    assert await desk.call("GetReservation", api.GetReservationRequest(name=made.name)) == seen
    wish.validate_only = False
    changed = await desk.call("UpdateReservation", wish)
    assert (changed.state, changed.end_time, len(changed.approval.votes)) == (PENDING, shown.end_time, 0)
    with pytest.raises(Refused) as stale:
        await desk.call("ApproveReservation", approval(made.name, 3, etag=seen.etag), LEE)
    assert stale.value.reason == "STALE_ETAG"
    await desk.call("ApproveReservation", approval(made.name, 4), KIM)
    assert (await desk.call("ApproveReservation", approval(made.name, 5), LEE)).state == CONFIRMED


async def test_nobody_is_told_who_voted(desk: Desk) -> None:
    """P8: the company, and whoever watches, sees what was said; no answer carries a voter's name."""
    made = await pending(desk)
    await desk.call("ApproveReservation", approval(made.name), KIM)
    watch = api.WatchReservationsRequest(parent="companies/ALPHA", after_position=made.position)
    (heard,) = await desk.watch(watch)
    assert len(heard.reservation.approval.votes) == 1
    told = await desk.call("GetReservation", api.GetReservationRequest(name=made.name))
    assert b"kim" not in told.SerializeToString() + heard.SerializeToString()


async def test_a_repeated_vote_is_one_vote(desk: Desk) -> None:
    """P4: the same request id, many times at once, is counted once; another id of the same voter is refused."""
    made = await pending(desk)
    answers = await asyncio.gather(*(desk.call("ApproveReservation", approval(made.name), KIM) for _ in range(20)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert len(answers[0].approval.votes) == 1
    with pytest.raises(Refused) as refused:
        await desk.call("ApproveReservation", approval(made.name, 3), KIM)
    assert refused.value.reason == "ALREADY_VOTED"


async def test_a_review_must_be_named(desk: Desk) -> None:
    """Where people take part a yes without a reference is refused, and nothing is counted."""
    made = await pending(desk)
    request = approval(made.name)
    request.reference = ""
    with pytest.raises(Refused) as refused:
        await desk.call("ApproveReservation", request, KIM)
    assert refused.value.reason == "REFERENCE_REQUIRED"
    assert (await desk.call("ApproveReservation", approval(made.name), KIM)).state == PENDING


async def test_a_denied_booking_says_why(desk: Desk) -> None:
    """Two no of three end it, with the last comment as its reason; its units are free again."""
    made = await pending(desk)
    for number, voter in enumerate((KIM, LEE), 2):
        request = api.DenyReservationRequest(
            name=made.name, request_id=request_id(number), comment=f"Too risky, says {number}."
        )
        denied = await desk.call("DenyReservation", request, voter)
    assert (denied.state, denied.state_reason) == (DENIED, "Too risky, says 3.")
    await desk.call("CreateReservation", demand(9, ("B24", 112)))


async def test_what_waits_is_listed_by_its_deadline(desk: Desk) -> None:
    """Operators see everybody's, what ends first coming first, page after page."""
    late = await pending(desk, 1, start=NOON)
    soon = await pending(desk, 2, start=NOW + 3 * HOUR)
    await desk.call("CreateReservation", demand(3))
    request = api.ListReservationsRequest(parent="companies/-", states=[PENDING], order_by="expire_time", page_size=1)
    for identity in (OPERATOR, AUDITOR):
        first = await desk.call("ListReservations", request, identity)
        request.page_token = first.next_page_token
        second = await desk.call("ListReservations", request, identity)
        assert [each.name for page in (first, second) for each in page.reservations] == [soon.name, late.name]
        request.page_token = ""


async def test_what_nobody_approves_is_denied_by_time(desk: Desk) -> None:
    """At its deadline it is denied by the centre itself, once, and says so."""
    made = await pending(desk)
    desk.clock.seconds = made.expire_time.seconds
    assert (desk.writer.tick(), desk.writer.tick()) == (1, 0)
    told = await desk.call("GetReservation", api.GetReservationRequest(name=made.name), ALPHA)
    assert (told.state, told.state_reason) == (DENIED, "It was not approved by its deadline.")
    with pytest.raises(Refused) as refused:
        await desk.call("ApproveReservation", approval(made.name), KIM)
    assert refused.value.reason == "WRONG_STATE"


async def test_checking_a_vote_counts_nothing(desk: Desk) -> None:
    """`validate_only` says yes or no and leaves the booking as it was."""
    made = await pending(desk)
    pages = len(desk.log.pages)
    shown = await desk.call("ApproveReservation", approval(made.name, validate_only=True), KIM)
    assert (shown, len(desk.log.pages)) == (made, pages)


async def test_a_booking_is_confirmed_at_another_time(desk: Desk) -> None:
    """Both times are told: that of the vote at once, and after the last one the desired beside the confirmed."""
    made = await pending(desk)
    start, end = made.start_time.seconds + 2 * HOUR, made.end_time.seconds + 2 * HOUR
    request = approval(made.name)
    request.start_time.seconds, request.end_time.seconds = start, end
    first = await desk.call("ApproveReservation", request, KIM)
    (vote,) = first.approval.votes
    assert (first.state, first.start_time, vote.start_time.seconds, vote.end_time.seconds) == (
        PENDING,
        made.start_time,
        start,
        end,
    )
    done = await desk.call("ApproveReservation", approval(made.name), LEE)
    assert (done.state, done.start_time.seconds, done.end_time.seconds) == (CONFIRMED, start, end)
    assert (done.desired_start_time, done.desired_end_time) == (made.start_time, made.end_time)
    assert done.allocations[0].spans[0].start_time.seconds == start


async def test_half_a_time_is_no_time(desk: Desk) -> None:
    """A start without an end is refused, and so is a time that the rules refuse; nothing is counted."""
    made = await pending(desk)
    request = approval(made.name)
    request.start_time.seconds = made.start_time.seconds + HOUR
    with pytest.raises(Refused) as half:
        await desk.call("ApproveReservation", request, KIM)
    assert half.value.reason == "INVALID_FIELD"
    request.end_time.seconds = request.start_time.seconds
    with pytest.raises(Refused) as empty:
        await desk.call("ApproveReservation", request, KIM)
    assert empty.value.reason == "INVALID_INTERVAL"
    assert await desk.call("GetReservation", api.GetReservationRequest(name=made.name)) == made
