"""Changing a reservation in a browser: its effect is shown, what was shown is sent, a stale look changes nothing."""

import re
import uuid
from urllib.parse import unquote

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.system.small_catalogue import COMPANIES, DAY, HOUR, MONDAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOLDER, OTHER = COMPANIES[4], COMPANIES[3]


def path_of(item: api.Reservation) -> str:
    """The page on which a reservation is changed."""
    company, name = item.name.split("/")[1], item.name.rsplit("/", 1)[1]
    return f"/reservations/{company}/{name}/change"


async def stands(board: Browsing, item: api.Reservation) -> api.Reservation:
    """A reservation as it stands now."""
    request = api.GetReservationRequest(name=item.name)
    found: api.Reservation = await board.centre.call(board.centre.scheduler.GetReservation, request, "operator")
    return found


async def test_the_effect_is_shown_before_anything_happens(board: Browsing) -> None:
    """Looking at a change shows both times and changes nothing; sending it makes the reservation what was shown."""
    made = await board.book(HOLDER, "core", units=2, day=30)  # 09:00 to 11:00 in Seoul.
    page = await board.page(f"{path_of(made)}?end=2026-04-01T13:30", HOLDER)
    assert "OFF_GRID" in page
    assert not forms(page, "/change")
    page = await board.page(f"{path_of(made)}?end=2026-04-01T14:00&amount1=3&note=longer", HOLDER)
    assert "It would be like this" in page
    assert all(text in page for text in ("11:00", "14:00", "2 cores", "3 cores", "longer"))
    assert (await stands(board, made)).etag == made.etag
    [form] = forms(page, "/change")
    async with board.browser(HOLDER) as browser:
        answers = [await browser.post("/change", data=form, follow_redirects=True) for _ in range(2)]
    assert all("Changed. This is durable" in answer.text for answer in answers)
    after = await stands(board, made)
    assert (after.lines[0].units, after.note) == (3, "longer")
    assert after.end_time.seconds == made.end_time.seconds + 3 * HOUR
    assert after.etag == '"2"'


async def test_another_start_alone_moves_the_whole(board: Browsing) -> None:
    """A start two days later keeps the length."""
    made = await board.book(HOLDER, "core", day=31)
    [form] = forms(await board.page(f"{path_of(made)}?start=2026-04-04T09:00", HOLDER), "/change")
    async with board.browser(HOLDER) as browser:
        assert (await browser.post("/change", data=form)).status_code == 303
    after = await stands(board, made)
    assert after.start_time.seconds == made.start_time.seconds + 2 * DAY
    assert after.end_time.seconds - after.start_time.seconds == 2 * HOUR


async def test_a_stale_look_changes_nothing_and_shows_what_there_is(board: Browsing) -> None:
    """Who looked before somebody else changed it is told so, sees the new state, and can send their wish for that."""
    made = await board.book(HOLDER, "core", day=32, note="as it was")
    [stale] = forms(await board.page(f"{path_of(made)}?end=2026-04-03T12:00", HOLDER), "/change")
    request = api.UpdateReservationRequest(request_id=str(uuid.uuid4()))
    request.reservation.name, request.reservation.note = made.name, "changed by a colleague"
    await board.centre.call(board.centre.scheduler.UpdateReservation, request, HOLDER)
    async with board.browser(HOLDER) as browser:
        answer = await browser.post("/change", data=stale)
        assert answer.status_code == 409
        assert "It has changed since you looked" in answer.text
        assert "changed by a colleague" in answer.text
        assert (await stands(board, made)).end_time == made.end_time
        [fresh] = forms(answer.text, "/change")
        assert (await browser.post("/change", data=fresh)).status_code == 303
    after = await stands(board, made)
    assert after.end_time.seconds == made.end_time.seconds + HOUR
    assert after.note == "changed by a colleague"


async def booked(board: Browsing, holder: str, resource: str, start: int, hours: int) -> api.Reservation:
    """A reservation of one unit at a time in seconds."""
    request = api.CreateReservationRequest(parent=f"companies/{holder}", request_id=str(uuid.uuid4()))
    request.reservation.lines.add(resource=f"resources/{resource}", units=1)
    request.reservation.start_time.seconds = start
    request.reservation.end_time.seconds = start + hours * HOUR
    made: api.Reservation = await board.centre.call(board.centre.scheduler.CreateReservation, request, holder)
    return made


async def test_what_would_be_refused_says_why_and_names_nobody(board: Browsing) -> None:
    """An end that another company stands in the way of is refused in words and by its code, and cannot be sent."""
    start = MONDAY + 33 * DAY
    made = await booked(board, HOLDER, "SEATS", start, 2)
    for _ in range(4):
        await booked(board, OTHER, "SEATS", start + 4 * HOUR, 4)
    page = await board.page(path_of(made), HOLDER)
    offered = re.findall(r'<a href="([^"]*/change[?]end=[^"]*)">', page)
    assert [unquote(each)[-5:] for each in offered] == ["12:00", "13:00"]
    refused = await board.page(f"{path_of(made)}?end=2026-04-04T15:00", HOLDER)
    assert "This would be refused" in refused
    assert "NO_CAPACITY" in refused
    assert OTHER not in refused
    assert not forms(refused, "/change")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("start=yesterday", "yesterday is no date and time."),
        ("amount1=many", "many is no amount of core."),
        ("amount1=-2", "-2 is no amount of core."),
        ("amount1=2&note=&end=", "Nothing differs from what there is."),
    ],
)
async def test_what_cannot_be_read_is_named(board: Browsing, fields: str, said: str) -> None:
    """A field that makes no sense is told in a sentence; what is left as it is, is no change."""
    made = await booked(board, HOLDER, "core", MONDAY + 34 * DAY, 1)
    page = await board.page(f"{path_of(made)}?{fields.replace('amount1=2', 'amount1=1')}", HOLDER)
    assert said in page
    assert not forms(page, "/change")


async def test_what_is_over_and_what_was_tampered_with_change_nothing(board: Browsing) -> None:
    """A cancelled reservation has no form; a request that is none is told apart from a refusal."""
    made = await booked(board, HOLDER, "core", MONDAY + 35 * DAY, 1)
    [form] = forms(await board.page(f"{path_of(made)}?note=new", HOLDER), "/change")
    cancel = api.CancelReservationRequest(name=made.name, request_id=str(uuid.uuid4()))
    await board.centre.call(board.centre.scheduler.CancelReservation, cancel, HOLDER)
    page = await board.page(path_of(made), HOLDER)
    assert "It can no longer be changed." in page
    async with board.browser(HOLDER) as browser:
        late = await browser.post("/change", data=form)
        odd = [await browser.post("/change", data={**form, "request": text}) for text in ("", "AA", "é", "////")]
    assert late.status_code == 409
    assert "It can no longer be changed." in late.text
    assert {answer.status_code for answer in odd} <= {400, 404, 409}


async def test_an_auditor_changes_nothing(board: Browsing) -> None:
    """An auditor sees no way to change a reservation, and the page is not theirs."""
    made = await booked(board, HOLDER, "core", MONDAY + 36 * DAY, 1)
    assert "/change" not in await board.page(path_of(made).removesuffix("/change"), "auditor")
    async with board.browser("auditor") as browser:
        assert (await browser.get(path_of(made))).status_code == 403


async def test_what_a_change_costs_is_shown_before(board: Browsing) -> None:
    """With a rate card the price now and then stands there, how much more it is, and what cancelling would bring."""
    card = api.PublishTariffRequest(request_id=str(uuid.uuid4()))
    card.tariff.name, card.tariff.compute_late_percent = "tariffs/board", 50
    card.tariff.prices.add(resource="resources/core", krw=100)
    await board.centre.call(board.centre.scheduler.PublishTariff, card, "operator")
    made = await booked(board, HOLDER, "core", MONDAY + 37 * DAY, 2)
    shown = await board.page(path_of(made).removesuffix("/change"), HOLDER)
    assert "KRW 200" in shown
    assert "It costs nothing: KRW 200 are not due any more." in shown
    longer = await board.page(f"{path_of(made)}?end=2026-04-08T14:00", HOLDER)
    assert "KRW 500" in longer
    assert "It would cost KRW 300 more." in longer
    shorter = await board.page(f"{path_of(made)}?end=2026-04-08T10:00", HOLDER)
    assert "It would cost KRW 100 less." in shorter
    assert " · KRW 600" in await board.page("/book?resource=core&amount=3&hours=2", HOLDER)


async def test_the_price_stands_on_bars_and_beside_what_is_offered(board: Browsing) -> None:
    """A bar of the timeline says its price to whoever points at it, and so does the list of what others offer."""
    card = api.PublishTariffRequest(request_id=str(uuid.uuid4()))
    card.tariff.name = "tariffs/bars"
    card.tariff.prices.add(resource="resources/core", krw=100)
    await board.centre.call(board.centre.scheduler.PublishTariff, card, "operator")
    made = await booked(board, HOLDER, "core", MONDAY + 42 * DAY, 7)
    timeline = await board.page("/timeline?kind=compute&day=2026-04-13", HOLDER)
    bar = timeline[timeline.index(f'href="{path_of(made).removesuffix("/change")}"') :]
    assert "confirmed, KRW 700" in bar[: bar.index("</a>")]
    [form] = forms(await board.page(path_of(made).removesuffix("/change"), HOLDER), "/transfer")
    async with board.browser(HOLDER) as browser:
        await browser.post("/transfer", data={**form, "to": OTHER, "hours": "48"})
    offered = await board.page("/company", OTHER)
    assert "KRW 700" in offered[offered.index("Offered to you by other companies") :].partition("</section>")[0]
    assert "It would cost: KRW 700." in await board.page(path_of(made).removesuffix("/change"), OTHER)


@pytest.mark.parametrize("holder", [HOLDER, "operator"])
async def test_only_an_operator_excuses_what_is_given_back(board: Browsing, holder: str) -> None:
    """Weather or a fault of the centre is no strike: the operator's form has a box for that, a company's has not."""
    made = await booked(board, HOLDER, "core", MONDAY + 43 * DAY, 2)
    path = path_of(made).removesuffix("/change")
    page = await board.page(path, holder)
    assert ('name="excused"' in page) == (holder == "operator")
    [form] = forms(page, "/cancel")
    async with board.browser(holder) as browser:
        sent = {**form, "reason": "a storm", "excused": "on"}
        after = await browser.post("/cancel", data=sent, follow_redirects=True)
    assert "Given back." in after.text


async def test_a_change_of_what_was_approved_waits_and_is_judged(board: Browsing) -> None:
    """The effect says that somebody must agree; it is shown as waiting, taken back, asked for again and agreed to."""
    made = await booked(board, HOLDER, "BENCH", MONDAY + 40 * DAY, 2)
    vote = api.ApproveReservationRequest(name=made.name, request_id=str(uuid.uuid4()), reference="IRB-1")
    await board.centre.call(board.centre.scheduler.ApproveReservation, vote, "operator")
    path = path_of(made).removesuffix("/change")
    end = "2026-04-11T13:00"

    async def ask() -> None:
        page = await board.page(f"{path_of(made)}?end={end}", HOLDER)
        assert "Somebody must agree to this first" in page
        async with board.browser(HOLDER) as browser:
            sent = await browser.post("/change", data=forms(page, "/change")[0], follow_redirects=True)
        assert "It stays as it is, and the new place is kept" in sent.text
        assert "Shall become" in sent.text

    await ask()
    assert (await stands(board, made)).end_time == made.end_time
    async with board.browser(HOLDER) as browser:
        back = forms(await board.page(path, HOLDER), "/change")[0]
        assert "Shall become" not in (await browser.post("/change", data=back, follow_redirects=True)).text
    await ask()
    for list_ in (await board.page("/company", HOLDER), await board.page("/", "operator")):
        row = list_[: list_.index(made.name.rsplit("/", 1)[1][:8])].rpartition("<tr>")[2]
        assert "change waits for approval" in row
    assert "변경 승인 대기" in await board.page("/company", HOLDER, **{"accept-language": "ko"})
    async with board.browser("operator") as browser:
        page = await board.page(path, "operator")
        assert "A yes is for the change as it was asked for" in page
        form = forms(page, "/approve")[0]
        await browser.post("/approve", data={**form, "reference": "IRB-2"}, follow_redirects=True)
    after = await stands(board, made)
    assert after.end_time.seconds == made.end_time.seconds + 2 * HOUR
    assert not after.HasField("asked_change")
