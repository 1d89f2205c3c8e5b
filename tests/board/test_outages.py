"""Outages in a browser: whom one would concern is shown first; declared, told, and lifted by operators alone."""

import uuid

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.system.small_catalogue import COMPANIES, HOUR, MONDAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOLDER, OTHER = COMPANIES[3], COMPANIES[4]
DAY_SECONDS = 24 * HOUR
BENCH_OUT = "/outages/new?resource=SEATS&kind=maintenance&start=2026-04-21T09:00&end=2026-04-22T09:00&reason=new+lamps"


async def booked(board: Browsing, holder: str) -> api.Reservation:
    """A seat on 21 April, from nine in Seoul."""
    request = api.CreateReservationRequest(parent=f"companies/{holder}", request_id=str(uuid.uuid4()))
    request.reservation.lines.add(resource="resources/SEATS", units=1)
    request.reservation.start_time.seconds = MONDAY + 50 * DAY_SECONDS
    request.reservation.end_time.seconds = MONDAY + 50 * DAY_SECONDS + 2 * HOUR
    made: api.Reservation = await board.centre.call(board.centre.scheduler.CreateReservation, request, holder)
    return made


async def test_an_outage_is_shown_declared_told_and_lifted(board: Browsing) -> None:
    """The plan names who would lose their slots and does nothing; declared, each company is told of its own alone."""
    mine, theirs = await booked(board, HOLDER), await booked(board, OTHER)
    ids = [each.name.rsplit("/", 1)[1] for each in (mine, theirs)]
    plan = await board.page(f"{BENCH_OUT}&name=lamps", "operator")
    assert all(each in plan for each in ids)
    assert "loses its slots" in plan
    assert "lamps" not in await board.page("/outages", HOLDER)
    [form] = forms(plan, "/outages")
    async with board.browser("operator") as browser:
        answers = [await browser.post("/outages", data=form, follow_redirects=True) for _ in range(2)]
        assert all("Taken out." in answer.text for answer in answers)
        assert "new lamps" in answers[0].text
        seen = await board.page("/outages/lamps", HOLDER)
        assert ids[0] in seen
        assert ids[1] not in seen
        assert OTHER not in seen
        assert "/outages/lamps" in await board.page(f"/reservations/{HOLDER}/{ids[0]}", HOLDER)
        stale = forms(answers[1].text, "/outages/lift")[0]
        assert not forms(seen, "/outages/lift")
        odd = await browser.post("/outages/lift", data={**stale, "etag": '"99"'})
        assert odd.status_code == 409
        assert "It has changed since you looked" in odd.text
        lifted = await browser.post("/outages/lift", data={**stale, "reason": "done early"}, follow_redirects=True)
        assert "Given back." in lifted.text
        assert "done early" in lifted.text
        again = await browser.post("/outages/lift", data={**stale, "request_id": str(uuid.uuid4())})
        assert again.status_code == 409
    assert "lamps" not in await board.page("/outages", HOLDER)
    assert "lamps" in await board.page("/outages?over=1", HOLDER)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("resource=nothing", "There is no resource nothing."),
        ("resource=core&place=rack&place_name=R0", "Name a resource or a place, and not both"),
        ("place=rack", "Name a resource or a place, and not both"),
        ("resource=core&start=soon", "soon is no date and time."),
        ("resource=core&lead_in=long", "long is no number from 1 to 720."),
        ("resource=core&nodes=core-99", "INVALID_OUTAGE"),
        ("place=room&place_name=Atlantis", "INVALID_OUTAGE"),
        ("resource=core&name=%2F%2F", "INVALID_FIELD"),
    ],
)
async def test_what_makes_no_sense_is_named(board: Browsing, fields: str, said: str) -> None:
    """Each mistake is told in a sentence or by the scheduler's reason, and nothing can be sent."""
    page = await board.page(f"/outages/new?{fields}", "operator")
    assert said in page
    assert not forms(page, "/outages")


async def test_a_place_and_single_nodes_can_be_taken_out(board: Browsing) -> None:
    """A rack stands for all in it; nodes by name for themselves; without a name one is made up."""
    rack = await board.page(
        "/outages/new?place=rack&place_name=R3&start=2026-04-25T09:00&end=2026-04-25T10:00", "operator"
    )
    assert "core-12, core-13, core-14, core-15" in rack
    nodes = await board.page("/outages/new?resource=core&nodes=core-1,core-3&start=2026-04-25T09:00", "operator")
    assert "core (128 cores)" in nodes
    assert "core-1, core-3" in nodes
    assert forms(nodes, "/outages")


@pytest.mark.parametrize("holder", [HOLDER, "auditor"])
async def test_only_operators_take_things_out(board: Browsing, holder: str) -> None:
    """Others see the list and no way to add to it."""
    assert "/outages/new" not in await board.page("/outages", holder)
    async with board.browser(holder) as browser:
        assert (await browser.get("/outages/new")).status_code == 403
