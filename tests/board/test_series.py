"""Series in a browser: what would become of each time is shown first, then booked, and the rest given back."""

import re
import uuid

import pytest

from services.board.paper.words import words_for
from services.board.series.repetition import RULE, said
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.system.small_catalogue import COMPANIES, DAY, HOUR, MONDAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOLDER, OTHER = COMPANIES[3], COMPANIES[4]
WEEKLY = "/series/new?resource=ROOM-B&hours=2&every=week&day_MO=on&day_WE=on&times=4"


async def occupied(board: Browsing, start: int, hours: int) -> None:
    """Somebody else has the room."""
    request = api.CreateReservationRequest(parent=f"companies/{OTHER}", request_id=str(uuid.uuid4()))
    request.reservation.lines.add(resource="resources/ROOM-B", units=1)
    request.reservation.start_time.seconds = start
    request.reservation.end_time.seconds = start + hours * HOUR
    await board.centre.call(board.centre.scheduler.CreateReservation, request, OTHER)


async def listed(board: Browsing, holder: str) -> list[api.Series]:
    """A company's series."""
    request = api.ListSeriesRequest(parent=f"companies/{holder}")
    found = await board.centre.call(board.centre.scheduler.ListSeries, request, holder)
    return list(found.series)


async def test_a_series_is_shown_booked_once_and_given_back_from_a_date(board: Browsing) -> None:
    """The preview books nothing; sent twice it is one series; from its third time on it is given back."""
    before = len(await listed(board, HOLDER))
    page = await board.page(f"{WEEKLY}&first=2026-03-30T09:00", HOLDER)
    assert "4 of 4 would be booked" in page
    assert "every week on Mon, Wed, 4 times" in page
    assert len(await listed(board, HOLDER)) == before
    [form] = forms(page, "/series")
    async with board.browser(HOLDER) as browser:
        answers = [await browser.post("/series", data=form) for _ in range(2)]
        [path] = {answer.headers["location"].partition("?")[0] for answer in answers}
        shown = (await browser.get(f"{path}?done=series_booked")).text
        assert "Booked." in shown
        assert "4 times, 0 of them skipped" in shown
        choices = re.findall(r'<option value="(\d*)">[^<]*: (\d) of them', shown)
        assert [count for _, count in choices] == ["4", "3", "2", "1"]
        preview = (await browser.get(f"{path}/cancel?from={choices[2][0]}")).text
        assert "2 would be given back" in preview
        [cancellation] = forms(preview, "/series/cancel")
        sent = {**cancellation, "reason": "the project ends"}
        after = [await browser.post("/series/cancel", data=sent, follow_redirects=True) for _ in range(2)]
    assert all("Given back." in answer.text for answer in after)
    assert after[0].text.count('class="state cancelled"') == 2
    [made] = [each for each in await listed(board, HOLDER) if path.endswith(each.name.rsplit("/", 1)[1])]
    assert made.cancelled_from_time.seconds == made.occurrences[2].start_time.seconds
    overview = await board.page("/series", HOLDER)
    assert "given back from" in overview
    reservation = made.occurrences[0].reservation.rsplit("/", 1)[1]
    assert path in await board.page(f"/reservations/{HOLDER}/{reservation}", HOLDER)


async def test_what_cannot_be_granted_fails_is_skipped_or_moves(board: Browsing) -> None:
    """Each policy shows what it does: every conflict with its reason, the skipped time, or the later hour."""
    await occupied(board, MONDAY + 14 * DAY, 2)  # Monday 16 March, 09:00 in Seoul.
    page = f"{WEEKLY}&first=2026-03-16T09:00"
    failed = await board.page(f"{page}&policy=fail", HOLDER)
    assert "This would be refused" in failed
    assert "On 2026-03-16 09:00" in failed
    assert OTHER not in failed
    assert not forms(failed, "/series")
    skipped = await board.page(f"{page}&policy=skip", HOLDER)
    assert "3 of 4 would be booked" in skipped
    assert "Too few are free" in skipped
    shifted = await board.page(f"{page}&policy=shift", HOLDER)
    assert "4 of 4 would be booked" in shifted
    assert "instead of 09:00" in shifted
    [form] = forms(shifted, "/series")
    async with board.browser(HOLDER) as browser:
        made = (await browser.post("/series", data=form, follow_redirects=True)).text
    assert "1 at another hour" in made
    assert "instead of 09:00" in made


async def test_a_series_that_was_taken_meanwhile_is_refused_with_a_way_back(board: Browsing) -> None:
    """What another company took between the look and the click is told, and the form can be opened again."""
    page = f"{WEEKLY}&first=2026-04-13T09:00&policy=fail"
    [form] = forms(await board.page(page, HOLDER), "/series")
    await occupied(board, MONDAY + 42 * DAY, 2)
    async with board.browser(HOLDER) as browser:
        refused = await browser.post("/series", data=form)
        assert refused.status_code == 409
        assert "Nothing was booked" in refused.text
        assert "/series/new?resource=ROOM-B" in refused.text


async def test_a_stale_look_gives_nothing_back(board: Browsing) -> None:
    """A form from before another change is refused, and the page shows how the series stands."""
    [form] = forms(await board.page(f"{WEEKLY}&first=2026-04-20T15:00", HOLDER), "/series")
    async with board.browser(HOLDER) as browser:
        made = await browser.post("/series", data=form, follow_redirects=True)
        last = re.findall(r'<option value="(\d+)">', made.text)[-1]
        path = f"{made.url.path}/cancel"
        [stale] = forms((await browser.get(path)).text, "/series/cancel")
        [first] = forms((await browser.get(f"{path}?from={last}")).text, "/series/cancel")
        assert (await browser.post("/series/cancel", data=first)).status_code == 303
        late = await browser.post("/series/cancel", data=stale, follow_redirects=True)
        odd = await browser.get(f"{path}?from=soon")
    assert "It has changed since you looked" in late.text
    assert late.text.count('class="state confirmed"') == 3
    assert odd.status_code == 400


@pytest.mark.parametrize(
    ("fields", "said_of_it"),
    [
        ("first=soon", "soon is no date and time."),
        ("first=2026-03-09T09:00&times=many", "many is no number from 1 to 100."),
        ("first=2026-03-09T09:00&times=101", "101 is no number from 1 to 100."),
        ("first=2026-03-09T09:00&times=2&interval=0", "0 is no number from 1 to 52."),
        ("first=2026-03-09T09:00&times=2&hours=x", "x is no number of hours"),
    ],
)
async def test_what_cannot_be_read_is_named(board: Browsing, fields: str, said_of_it: str) -> None:
    """Each field that makes no sense is told in a sentence, and nothing is asked."""
    hours = "" if "hours" in fields else "&hours=1"
    page = await board.page(f"/series/new?resource=core&{fields}{hours}", HOLDER)
    assert said_of_it in page
    assert not forms(page, "/series")


async def test_an_auditor_sees_series_and_books_none(board: Browsing) -> None:
    """The list is there for auditors, without a way to add to it."""
    text = await board.page("/series", "auditor")
    assert "/series/new" not in text
    async with board.browser("auditor") as browser:
        assert (await browser.get("/series/new")).status_code == 403


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY;COUNT=3", "every day, 3 times"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;COUNT=5", "every 2 weeks on Tue, 5 times"),
        ("FREQ=MONTHLY;COUNT=12", "every month, 12 times"),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2"),
        ("FREQ=DAILY;UNTIL=20261231T000000", "RRULE:FREQ=DAILY;UNTIL=20261231T000000"),
    ],
)
async def test_a_rule_is_said_in_words_or_as_it_stands(rule: str, words: str) -> None:
    """What this board writes is said in words; any other rule is shown as it was written, never wrongly."""
    assert said(words_for("en", ""), [RULE + rule]) == words
