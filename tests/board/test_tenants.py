"""P8 in the browser: a company finds nothing of another's, in any page, form or refusal, and no note is ever code."""

import re
import uuid

import pytest
from google.protobuf.message import Message

from services.board.web import Board
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, enclosing, forms
from tests.system.small_catalogue import COMPANIES, DAY, HOUR, MONDAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
ALPHA, BETA = COMPANIES[1], COMPANIES[2]
OPERATORS_ALONE = ("/approve", "/deny", "/officers", "/officers/dismiss")
TRANSFERS = ("/transfer", "/transfer/withdraw", "/transfer/accept", "/transfer/decline")
CHANGES = ("/confirm", "/check-in", "/cancel", "/release", "/split", *TRANSFERS, *OPERATORS_ALONE)
ENCLOSING = ("/change", "/override", "/series", "/series/cancel", "/series/change", "/outages", "/outages/lift")
"""Changes whose whole request is in the form."""
CANARY = "canary-merger-plans"
ECHO = re.compile(r'<span class="languages">.*?</span>|name="back" value="[^"]*"')
FIELDS = ("search", "company", "resource", "amount", "hours", "earliest", "note", "day", "next")
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;{7*7}"


async def live(board: Browsing) -> list[str]:
    """BETA fills a day of many resources with notes of its own; gives the names of what it booked."""
    made = [
        await board.book(BETA, resource, units=units, day=12, hours=4, note=CANARY)
        for resource, units in (("gpu", 8), ("core", 64), ("SEATS", 1), ("ROOM-A", 1), ("RIG", 1), ("milli", 4000))
    ]
    cancel = api.CancelReservationRequest(name=made[-1].name, request_id=str(uuid.uuid4()), reason=CANARY)
    await board.centre.call(board.centre.scheduler.CancelReservation, cancel, BETA)
    series = await repeated(board)
    return [made[0].name.rsplit("/", 1)[1], series.rsplit("/", 1)[1], *(item.name.rsplit("/", 1)[1] for item in made)]


async def repeated(board: Browsing) -> str:
    """BETA books cores again and again, with a note of its own."""
    wish = api.CreateSeriesRequest(parent=f"companies/{BETA}", request_id=str(uuid.uuid4()))
    wish.series.lines.add(resource="resources/core", units=1)
    wish.series.first, wish.series.time_zone, wish.series.note = "2026-03-15T09:00", "Asia/Seoul", CANARY
    wish.series.duration.seconds, wish.series.policy = HOUR, api.CONFLICT_POLICY_SKIP
    wish.series.recurrence.append("RRULE:FREQ=WEEKLY;COUNT=3")
    return str((await board.centre.call(board.centre.scheduler.CreateSeries, wish, BETA)).name)


def addresses(theirs: str, series: str) -> list[str]:
    """Every page that can be asked for, with every parameter that might reach for another company."""
    return [
        "/",
        *(f"/timeline?kind=all&day=2026-03-14&zoom={zoom}" for zoom in ("day", "week", "month")),
        "/timeline?resource=ROOM-A&day=2026-03-14",
        *(f"/usage?range={name}&company={BETA}&pool=gpu" for name in ("days", "weeks", "months")),
        f"/company?company={BETA}",
        f"/company/bookings.ics?company={BETA}",
        f"/book?resource=ROOM-A&hours=4&earliest=2026-03-14T09:00&company={BETA}",
        "/book?resource=gpu&amount=64&hours=4&earliest=2026-03-14T09:00&latest=2026-03-14T13:00",
        f"/reservations/{BETA}/{theirs}",
        f"/reservations/{ALPHA}/{theirs}",
        f"/reservations/-/{theirs}",
        f"/reservations/{BETA}/{theirs}/change?end=2026-03-14T15:00",
        f"/reservations/{ALPHA}/{theirs}/change",
        f"/series?company={BETA}",
        f"/series/{BETA}/{series}",
        f"/series/{ALPHA}/{series}",
        f"/series/{BETA}/{series}/change?time=10:00",
        f"/series/{BETA}/{series}/cancel",
        f"/series/{ALPHA}/{series}/cancel?from=1",
        f"/series/new?company={BETA}&resource=ROOM-A&hours=4&first=2026-03-14T09:00&times=2&policy=skip",
        "/outages?over=1",
        "/outages/new?resource=core",
        f"/reservations/{BETA}/{theirs}?ask=give-back",
        "/sign-in",
        "/acting",
        "/language?to=en",
    ]


def enclosed(theirs: str, series: str) -> dict[str, Message]:
    """A request for each form that encloses one, made by hand to reach for what another company has."""
    change = api.UpdateReservationRequest(request_id=str(uuid.uuid4()))
    change.reservation.name, change.reservation.note = theirs, "taken over"
    book = api.CreateSeriesRequest(parent=f"companies/{BETA}", request_id=str(uuid.uuid4()))
    book.series.lines.add(resource="resources/core", units=1)
    book.series.first, book.series.time_zone, book.series.duration.seconds = "2026-03-20T09:00", "Asia/Seoul", HOUR
    book.series.recurrence.append("RRULE:FREQ=DAILY;COUNT=2")
    cancel = api.CancelSeriesRequest(name=series, request_id=str(uuid.uuid4()))
    again = api.UpdateSeriesRequest(request_id=str(uuid.uuid4()))
    again.series.name, again.series.note = series, "taken over"
    override = api.CreateReservationRequest(parent=f"companies/{BETA}", request_id=str(uuid.uuid4()))
    override.reservation.CopyFrom(change.reservation)
    declare = api.DeclareOutageRequest(request_id=str(uuid.uuid4()))
    declare.outage.name, declare.outage.kind = "outages/sabotage", api.Outage.KIND_FAILURE
    declare.outage.scopes.add(resource="resources/core")
    lift = api.LiftOutageRequest(name="outages/sabotage", request_id=str(uuid.uuid4()))
    return {
        "/change": change,
        "/override": override,
        "/series": book,
        "/series/cancel": cancel,
        "/series/change": again,
        "/outages": declare,
        "/outages/lift": lift,
    }


async def test_a_company_sees_nothing_of_another_in_any_page(board: Browsing) -> None:
    """Not a name, a note, a reason or an id, whatever is asked for; but that the time is taken, it sees."""
    ids = await live(board)
    known = {route.path for route in _routes(board.board)}
    async with board.browser(ALPHA) as browser:
        for address in addresses(*ids[:2]):
            # Only the ways back to this very page repeat what was typed into its address.
            told = ECHO.sub("", (await browser.get(address)).text)
            assert not [secret for secret in (CANARY, BETA, *ids) if secret in told], address
        week = (await browser.get("/timeline?kind=all&day=2026-03-14")).text
    assert 'class="busy"' in week
    asked = {address.partition("?")[0] for address in addresses("x", "y")}
    assert {path for path in known if "{" not in path} - asked == {*CHANGES, *ENCLOSING, "/sign-out", "/live"} - asked


async def test_a_company_changes_nothing_of_another(board: Browsing) -> None:
    """Forms with another's names are answered as if there were nothing, and nothing happens."""
    theirs, series = await board.book(BETA, "core", day=13), await repeated(board)
    seal = forms(await board.page("/", ALPHA), "/sign-out")[0]["seal"]
    wish = {"line1": "core:1:0", "start": str(MONDAY + 14 * DAY), "end": str(MONDAY + 14 * DAY + HOUR)}
    async with board.browser(ALPHA) as browser:
        for path in CHANGES:
            sent = {"seal": seal, "name": theirs.name, "request_id": str(uuid.uuid4()), "to": ALPHA, "hours": "24"}
            sent |= {"leaving-core": "1"} if path == "/split" else {}
            answer = await browser.post(path, data=sent)
            assert answer.status_code == (403 if path in OPERATORS_ALONE else 404), path
        wishes = enclosed(theirs.name, series)
        assert wishes.keys() == set(ENCLOSING)
        for path, request in wishes.items():
            answer = await browser.post(path, data={"seal": seal, **enclosing(request)})
            assert answer.status_code in (403, 404), path
            assert CANARY not in answer.text
        booked = await browser.post(
            "/book", data={"seal": seal, "company": BETA, "request_id": str(uuid.uuid4()), **wish}
        )
    assert booked.headers["location"].startswith(f"/reservations/{ALPHA}/")
    request = api.GetReservationRequest(name=theirs.name)
    whole = await board.centre.call(board.centre.scheduler.GetSeries, api.GetSeriesRequest(name=series), BETA)
    assert not whole.HasField("cancelled_from_time")
    still = await board.centre.call(board.centre.scheduler.GetReservation, request, BETA)
    assert still.state == api.Reservation.STATE_CONFIRMED
    assert still.note == theirs.note


@pytest.mark.parametrize("holder", [ALPHA, "operator", "auditor"])
async def test_a_hostile_note_is_only_text(board: Browsing, holder: str) -> None:
    """Whatever somebody writes into a note or a reason is shown as it is, in every page that shows it."""
    made = await board.book(ALPHA, "SEATS", day=15, note=HOSTILE)
    gone = await board.book(ALPHA, "SEATS", day=15, note=HOSTILE)
    cancel = api.CancelReservationRequest(name=gone.name, request_id=str(uuid.uuid4()), reason=HOSTILE)
    await board.centre.call(board.centre.scheduler.CancelReservation, cancel, ALPHA)
    pages = (
        "/timeline?kind=equipment&day=2026-03-17&zoom=day",
        f"/company?company={ALPHA}",
        *(f"/reservations/{ALPHA}/{each.name.rsplit('/', 1)[1]}" for each in (made, gone)),
    )
    for page in pages:
        text = await board.page(page, holder)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text, page
        assert "<script>alert" not in text
        assert "<img" not in text


@pytest.mark.parametrize("field", FIELDS)
async def test_a_hostile_address_is_only_text(board: Browsing, field: str) -> None:
    """What stands in an address may be shown again, and is never markup."""
    for path in ("/", "/timeline", "/usage", "/company", "/book", "/sign-in"):
        async with board.browser("operator") as browser:
            answer = await browser.get(path, params={"hours": "2", "resource": "core", field: HOSTILE})
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text


def _routes(board: Board) -> list[object]:
    return list(board.app()._pages.routes)  # type: ignore[attr-defined]  # The guard's inside.
