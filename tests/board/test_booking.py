"""Booking in a browser: found, booked once, refused with reasons and alternatives, given back."""

import asyncio
import re
import uuid

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.board.conftest import SLOT_SECONDS
from tests.system.small_catalogue import COMPANIES, COMPANY, RIVAL

pytestmark = pytest.mark.asyncio(loop_scope="session")
BOOKER = COMPANIES[3]
SEARCH = "/book?resource=SEATS&amount=4&hours=2&earliest=2026-03-20T09:00&note=from+the+board"


async def booked(board: Browsing, holder: str) -> list[api.Reservation]:
    """A company's reservations."""
    request = api.ListReservationsRequest(parent=f"companies/{holder}", page_size=1000)
    found = await board.centre.call(board.centre.scheduler.ListReservations, request, holder)
    return list(found.reservations)


async def test_a_form_that_is_sent_twice_books_once(board: Browsing) -> None:
    """A double click is one reservation, and both clicks lead to it."""
    before = len(await booked(board, BOOKER))
    first = forms(await board.page(SEARCH, BOOKER), "/book")[0]
    async with board.browser(BOOKER) as browser:
        answers = await asyncio.gather(*(browser.post("/book", data=first) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer.headers["location"] for answer in answers}) == 1
    mine = await booked(board, BOOKER)
    assert len(mine) == before + 1
    assert mine[-1].note == "from the board"


async def test_what_was_taken_meanwhile_is_refused_with_a_way_out(board: Browsing) -> None:
    """An offer that somebody else took is refused with every reason, and an alternative books with one click."""
    holder = COMPANIES[4]
    page = SEARCH.replace("2026-03-20", "2026-03-23")
    first = forms(await board.page(page, holder), "/book")[0]
    theirs = forms(await board.page(page, RIVAL), "/book")[0]
    async with board.browser(RIVAL) as rival, board.browser(holder) as browser:
        assert (await rival.post("/book", data=theirs)).status_code == 303
        refused = await browser.post("/book", data=first)
        assert refused.status_code == 409
        assert "NO_CAPACITY" in refused.text
        assert RIVAL not in refused.text
        instead = forms(refused.text, "/book")
        assert instead
        assert len({form["request_id"] for form in (first, *instead)}) == len(instead) + 1
        assert "Or with a small change" in refused.text
        assert (await browser.post("/book", data=instead[0])).status_code == 303


async def test_a_search_without_an_offer_says_which_rules_stand_in_the_way(board: Browsing) -> None:
    """More than there is has no offer, and the reason is in words and by its code."""
    text = await board.page("/book?resource=SEATS&amount=400&hours=2")
    assert "NO_CAPACITY" in text or "INVALID_UNITS" in text
    assert not forms(text, "/book")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("resource=nothing", "There is no resource nothing."),
        ("resource=gpu&amount=many", "many is no amount of gpu."),
        ("resource=gpu&amount=0.5", "0.5 is no amount of gpu."),
        ("resource=milli&amount=NaN", "NaN is no amount of milli."),
        ("resource=gpu&hours=-1", "-1 is no number of hours"),
        ("resource=gpu&hours=1e99", "1e99 is no number of hours"),
        ("resource=gpu&earliest=tomorrow", "tomorrow is no date and time."),
    ],
)
async def test_what_cannot_be_read_is_named(board: Browsing, fields: str, said: str) -> None:
    """Each field that makes no sense is told in a sentence, and nothing is asked."""
    assert said in await board.page(f"/book?hours=2&{fields}" if "hours" not in fields else f"/book?{fields}")


async def test_several_resources_are_booked_together(board: Browsing) -> None:
    """Up to three lines are one demand; amounts in GPUs become the pool's own unit."""
    page = "/book?resource=core&amount=4&resource2=milli&amount2=0.5&hours=2&earliest=2026-03-24T10:00"
    found = forms(await board.page(page), "/book")[0]
    assert (found["line1"], found["line2"]) == ("core:4:0", "milli:500:0")
    async with board.browser(COMPANY) as browser:
        answer = await browser.post("/book", data=found, follow_redirects=True)
    assert "Booked. This is durable" in answer.text
    assert "0.5 GPU" in answer.text


async def test_an_operator_books_for_a_company(board: Browsing) -> None:
    """Operators name the company; the reservation is the company's."""
    found = forms(await board.page(f"{SEARCH.replace('03-20', '03-25')}&company={BOOKER}", "operator"), "/book")[0]
    async with board.browser("operator") as browser:
        answer = await browser.post("/book", data=found)
    assert answer.headers["location"].startswith(f"/reservations/{BOOKER}/")


async def test_auditors_look_and_book_nothing(board: Browsing) -> None:
    """An auditor sees no way to book, and a form of theirs is refused."""
    assert 'href="/book"' not in await board.page("/", "auditor")
    async with board.browser("auditor") as browser:
        assert (await browser.get("/book")).status_code == 403
        seal = forms(await board.page("/", "auditor"), "/sign-out")[0]["seal"]
        sent = {"seal": seal, "company": COMPANY, "line1": "core:1:0", "start": "1772600400", "end": "1772604000"}
        answer = await browser.post("/book", data={**sent, "request_id": "00000000-0000-4000-8000-0000000000aa"})
    assert answer.status_code == 403


async def test_a_reservation_is_given_back_once(board: Browsing) -> None:
    """A cancellation sent twice cancels once; a stale form is refused and says that it is stale."""
    made = await board.book(resource="core", units=2, day=10)
    page = f"/reservations/{COMPANY}/{made.name.rsplit('/', 1)[1]}"
    form, stale = [forms(await board.page(page), "/cancel")[0] for _ in range(2)]
    async with board.browser(COMPANY) as browser:
        answers = [await browser.post("/cancel", data={**form, "reason": "no data"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        late = await browser.post("/cancel", data=stale)
    assert late.status_code == 409
    assert re.search("STALE_ETAG|WRONG_STATE", late.text)
    text = await board.page(page)
    assert "no data" in text
    assert not forms(text, "/cancel")


async def test_a_form_that_was_tampered_with_is_refused(board: Browsing) -> None:
    """Lines and times that are none are told, and book nothing."""
    form = forms(await board.page(SEARCH.replace("03-20", "03-26")), "/book")[0]
    async with board.browser(COMPANY) as browser:
        for field, text in (("line1", "core"), ("line1", "core:x:0"), ("start", ""), ("end", "1e9")):
            assert (await browser.post("/book", data={**form, field: text})).status_code == 400
        odd = await browser.post("/book", data={**form, "line1": "../core:1:0"})
    assert odd.status_code == 409
    assert "INVALID_FIELD" in odd.text


async def test_an_offer_is_held_and_then_confirmed(board: Browsing) -> None:
    """Held once however often the form is sent, taken by nobody else, and booked by its own button."""
    page = SEARCH.replace("03-20", "03-27")
    form = forms(await board.page(page, BOOKER), "/book")[0]
    async with board.browser(BOOKER) as browser:
        answers = [await browser.post("/book", data={**form, "hold": "600"}) for _ in range(2)]
        assert len({answer.headers["location"] for answer in answers}) == 1
        held = await browser.get(answers[0].headers["location"])
        assert "Held for you" in held.text
        assert "Held until" in held.text
        confirmation = forms(held.text, "/confirm")[0]
        taken = await board.page(page.replace("amount=4", "amount=1").replace("hours=2", "hours=1"), RIVAL)
        assert form["start"] not in [each["start"] for each in forms(taken, "/book")]
        booked_now = await browser.post("/confirm", data=confirmation, follow_redirects=True)
        assert "Booked. This is durable" in booked_now.text
        assert not forms(booked_now.text, "/confirm")


async def test_what_is_held_can_be_let_go(board: Browsing) -> None:
    """A held offer is cancelled like a booking, and a confirmation that comes later is refused."""
    form = forms(await board.page(SEARCH.replace("03-20", "03-30"), BOOKER), "/book")[0]
    async with board.browser(BOOKER) as browser:
        held = await browser.post("/book", data={**form, "hold": "600"}, follow_redirects=True)
        cancellation, confirmation = forms(held.text, "/cancel")[0], forms(held.text, "/confirm")[0]
        assert (await browser.post("/cancel", data=cancellation)).status_code == 303
        late = await browser.post("/confirm", data=confirmation)
    assert late.status_code == 409
    assert re.search("STALE_ETAG|WRONG_STATE", late.text)


async def test_somebody_checks_in_where_somebody_must(board: Browsing) -> None:
    """The button stands there when it is time, checks in once, and is gone afterwards."""
    start = -(-board.centre.centre.time.now() // SLOT_SECONDS) * SLOT_SECONDS
    request = api.CreateReservationRequest(parent=f"companies/{COMPANY}", request_id=str(uuid.uuid4()))
    request.reservation.lines.add(resource="resources/LAB", units=1)
    request.reservation.start_time.seconds = start
    request.reservation.end_time.seconds = start + SLOT_SECONDS
    made = await board.centre.call(board.centre.scheduler.CreateReservation, request, COMPANY)
    assert made.name in [form["name"] for form in forms(await board.page("/company"), "/check-in")]
    page = f"/reservations/{COMPANY}/{made.name.rsplit('/', 1)[1]}"
    form = forms(await board.page(page), "/check-in")[0]
    async with board.browser(COMPANY) as browser:
        answers = [await browser.post("/check-in", data=form, follow_redirects=True) for _ in range(2)]
    for answer in answers:
        assert "Checked in." in answer.text
        assert not forms(answer.text, "/check-in")


async def test_what_somebody_must_approve_is_only_asked_for(board: Browsing) -> None:
    """A booking that waits for its manager says so, and that nobody has agreed yet; it can be taken back."""
    page = "/book?resource=BENCH&amount=1&hours=2&earliest=2026-03-18T09:00"
    async with board.browser(BOOKER) as browser:
        asked = await browser.post(
            "/book", data=forms(await board.page(page, BOOKER), "/book")[0], follow_redirects=True
        )
        assert "Asked for." in asked.text
        assert "Booked. This is durable" not in asked.text
        assert "0 of 1 needed have agreed" in asked.text
        assert "pending approval" in await board.page("/company", BOOKER)
        taken_back = await browser.post("/cancel", data=forms(asked.text, "/cancel")[0])
    assert taken_back.status_code == 303


async def test_an_operator_decides_on_what_waits(board: Browsing) -> None:
    """What waits stands on the first page; a vote without the review's number is refused, and with it counted."""
    page = "/book?resource=BENCH&amount=1&hours=2&earliest=2026-03-19T09:00"
    async with board.browser(BOOKER) as browser:
        offer = forms(await board.page(page, BOOKER), "/book")[0]
        path = (await browser.post("/book", data=offer)).headers["location"].partition("?")[0]
    assert not forms(await board.page(path, BOOKER), "/approve")
    assert "Waiting for approval" in await board.page("/", "operator")
    assert "Waiting for approval" not in await board.page("/", BOOKER)
    async with board.browser("operator") as browser:
        form = forms(await board.page(path, "operator"), "/approve")[0]
        silent = await browser.post("/approve", data={**form, "comment": "fine", "reference": ""})
        assert silent.status_code == 409
        assert "REFERENCE_REQUIRED" in silent.text
        form = forms(await board.page(path, "operator"), "/approve")[0]
        voted = await browser.post("/approve", data={**form, "reference": "IRB-2026-7"}, follow_redirects=True)
    assert "Your vote is counted." in voted.text
    assert "1 of 1 needed have agreed" in voted.text
    assert "IRB-2026-7" in await board.page(path, BOOKER)


async def test_an_operator_agrees_to_another_time(board: Browsing) -> None:
    """Another start alone moves the whole; then the page tells both times, what was asked for and what is confirmed."""
    page = "/book?resource=BENCH&amount=1&hours=2&earliest=2026-03-20T09:00"
    async with board.browser(BOOKER) as browser:
        offer = forms(await board.page(page, BOOKER), "/book")[0]
        path = (await browser.post("/book", data=offer)).headers["location"].partition("?")[0]
    form = forms(await board.page(path, "operator"), "/approve")[0]
    start, end = form["asked"].split()
    yes = {**form, "reference": "IRB-2026-8", "end": end}
    async with board.browser("operator") as browser:
        assert (await browser.post("/approve", data={**yes, "start": "later"})).status_code == 400
        past = await browser.post("/approve", data={**yes, "start": "2026-03-01T09:00"})
        assert past.status_code == 409
        assert "START_IN_PAST" in past.text
        voted = await browser.post("/approve", data={**yes, "start": "2026-03-20T14:00"}, follow_redirects=True)
    assert "Your vote is counted." in voted.text
    told = await board.page(path, BOOKER)
    assert "Fri 20 Mar 14:00–16:00" in told
    assert f"Asked for</dt><dd>Fri 20 Mar {start[-5:]}–{end[-5:]}" in told


async def test_a_yes_at_the_time_that_was_asked_for_asks_for_no_other(board: Browsing) -> None:
    """A form that is sent as it was opened confirms the time that stands there, to the second."""
    page = "/book?resource=BENCH&amount=1&hours=2&earliest=2026-03-23T09:00"
    async with board.browser(BOOKER) as browser:
        offer = forms(await board.page(page, BOOKER), "/book")[0]
        path = (await browser.post("/book", data=offer)).headers["location"].partition("?")[0]
    form = forms(await board.page(path, "operator"), "/approve")[0]
    start, end = form["asked"].split()
    async with board.browser("operator") as browser:
        await browser.post("/approve", data={**form, "reference": "IRB-2026-9", "start": start, "end": end})
    told = await board.page(path, BOOKER)
    assert "Asked for</dt>" not in told
    assert 'class="state confirmed"' in told


FLEXIBLE = "/book?resource=core&amount=2&hours=2&earliest=2026-03-24T09:00"
SLOT = re.compile(r'class="slot"[^>]*><time[^>]*>([^<]*)<')


async def test_the_closest_to_a_start_comes_first(board: Browsing) -> None:
    """Whoever says when it would be best is offered that time first, and not the earliest."""
    text = await board.page(f"{FLEXIBLE}&near=2026-03-26T14:00", BOOKER)
    assert "Those closest to what you want come first." in text
    assert SLOT.findall(text)[0] == "Thu 26 Mar 14:00–16:00"
    earliest = await board.page(FLEXIBLE, BOOKER)
    assert SLOT.findall(earliest)[0] == "Tue 24 Mar 09:00–11:00"


async def test_more_time_is_offered_where_there_is_some(board: Browsing) -> None:
    """Between two and five hours the longest is offered first, and books as it stands."""
    text = await board.page(f"{FLEXIBLE}&longest=5", BOOKER)
    assert SLOT.findall(text)[0] == "Tue 24 Mar 09:00–14:00"
    async with board.browser(BOOKER) as browser:
        made = await browser.post("/book", data=forms(text, "/book")[0], follow_redirects=True)
    assert "5 h" in made.text
    shorter = await board.page(f"{FLEXIBLE}&longest=1", BOOKER)
    assert "must not be less than the hours asked for" in shorter


async def test_less_of_it_is_offered_where_less_will_do(board: Browsing) -> None:
    """Where not all are free that are wanted, as many as there are come first; what is no amount is named."""
    await board.book(RIVAL, "core", units=1000, day=24, hours=4)
    page = "/book?resource=core&amount=64&hours=2&earliest=2026-03-26T09:00&latest=2026-03-26T11:00"
    assert not forms(await board.page(page, BOOKER), "/book")
    text = await board.page(f"{page}&least=8", BOOKER)
    [*lines] = [form["line1"] for form in forms(text, "/book")]
    assert lines
    assert all(8 <= int(line.split(":")[1]) <= 24 for line in lines)
    assert "some is no amount of core." in await board.page(f"{page}&least=some", BOOKER)


async def test_the_cheapest_comes_first(board: Browsing) -> None:
    """The order is the scheduler's, and the page says which it is; what makes no sense is the earliest."""
    text = await board.page(f"{FLEXIBLE}&order=cheapest", BOOKER)
    assert "The cheapest come first." in text
    assert forms(text, "/book")
    assert "The earliest come first." in await board.page(f"{FLEXIBLE}&order=dearest", BOOKER)


async def test_why_other_times_are_not_offered_is_told_to_whoever_asks(board: Browsing) -> None:
    """A room that is taken is told by its times and its rule, and never by whom."""
    taken = await board.book(RIVAL, "ROOM-B", day=45, hours=3)
    page = "/book?resource=ROOM-B&hours=2&earliest=2026-04-16T09:00"
    text = await board.page(f"{page}&why=on", BOOKER)
    assert "Not offered, for starts at these times" in text
    assert "NO_CAPACITY" in text
    assert RIVAL not in text
    assert taken.name.rsplit("/", 1)[1] not in text
    assert "Not offered" not in await board.page(page, BOOKER)
