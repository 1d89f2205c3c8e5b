"""Changing a series in a browser: its effect on each time is shown, and what was shown is sent, or nothing happens."""

import re
from urllib.parse import urlencode

import pytest

from services.board.series.repetition import fields_of
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.system.small_catalogue import COMPANIES

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOLDER = COMPANIES[5]
NEW = "/series/new?resource=core&amount=2&hours=2&times=4&day_MO=on&day_WE=on&policy=skip&note=training"
FIELD = re.compile(r'<input ([^>]*name="(?:time|hours|amount1|note|interval|times|day_..|overwrite|out_\d{8})"[^>]*)>')
VALUE = re.compile(r'(\w+)="([^"]*)"')


async def booked(board: Browsing, first: str) -> str:
    """A series of four times from a Monday on, made in the browser; gives its page."""
    [form] = forms(await board.page(f"{NEW}&first={first}", HOLDER), "/series")
    async with board.browser(HOLDER) as browser:
        made = await browser.post("/series", data=form)
    return made.headers["location"].partition("?")[0]


async def stands(board: Browsing, path: str) -> api.Series:
    """A series as it stands."""
    name = f"companies/{HOLDER}/series/{path.rsplit('/', 1)[1]}"
    found: api.Series = await board.centre.call(
        board.centre.scheduler.GetSeries, api.GetSeriesRequest(name=name), HOLDER
    )
    return found


def filled(page: str) -> dict[str, str]:
    """The fields of the form as a browser would send them."""
    found = [(dict(VALUE.findall(text)), text) for text in FIELD.findall(page)]
    ticked = {
        each["name"]: each.get("value", "") for each, text in found if "checkbox" not in text or " checked" in text
    }
    return {**ticked, "every": "week", "policy": "skip"}


async def preview(board: Browsing, path: str, **changed: str) -> str:
    """The page with the form as it stands, but for what is changed."""
    fields = {**filled(await board.page(f"{path}/change", HOLDER)), **changed}
    return await board.page(f"{path}/change?{urlencode(fields)}", HOLDER)


async def send(board: Browsing, page: str) -> str:
    """Send what a page shows, twice; both answers are the same page."""
    [form] = forms(page, "/series/change")
    async with board.browser(HOLDER) as browser:
        answers = [await browser.post("/series/change", data=form, follow_redirects=True) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    return answers[1].text


async def test_a_form_that_is_sent_as_it_was_opened_changes_nothing(board: Browsing) -> None:
    """What the form holds is the series as it stands, to the second and to the rule."""
    path = await booked(board, "2026-04-06T09:00")
    assert "Nothing differs from what there is." in await preview(board, path)


async def test_all_that_is_to_come_moves_to_another_hour(board: Browsing) -> None:
    """Looking changes nothing; sent, each time is an hour later and longer, and keeps its name."""
    path = await booked(board, "2026-04-06T09:00")
    before = await stands(board, path)
    page = await preview(board, path, time="10:00", hours="3", amount1="4")
    assert page.count("would change") == 4
    assert await stands(board, path) == before
    assert "Changed. What was refused is marked below" in await send(board, page)
    after = await stands(board, path)
    assert [each.reservation for each in after.occurrences] == [each.reservation for each in before.occurrences]
    moved = [
        (now.start_time.seconds - was.start_time.seconds)
        for now, was in zip(after.occurrences, before.occurrences, strict=True)
    ]
    assert moved == [3600] * 4
    assert (after.duration.seconds, after.lines[0].units) == (3 * 3600, 4)


async def test_this_one_and_the_following_change(board: Browsing) -> None:
    """From the third time on there is another amount; those before it stay."""
    path = await booked(board, "2026-04-06T13:00")
    before = await stands(board, path)
    since = str(before.occurrences[2].start_time.seconds)
    page = await preview(board, path, time="15:00", **{"from": since})
    assert page.count("would change") == 2
    assert page.count("stays as it is") == 2
    await send(board, page)
    moved = [each.start_time.seconds for each in (await stands(board, path)).occurrences]
    assert moved == [each.start_time.seconds + (7200 if at > 1 else 0) for at, each in enumerate(before.occurrences)]


async def test_one_time_is_left_out_and_stays_out(board: Browsing) -> None:
    """It is given back, the others stay, the rule says so in words, and at another hour it is still left out."""
    path = await booked(board, "2026-04-06T16:00")
    page = await preview(board, path, out_20260408="on")
    assert page.count("would be given back") == 1
    assert page.count("stays as it is") == 3
    shown = await send(board, page)
    assert "4 times, 1 of them left out" in shown
    assert len((await stands(board, path)).occurrences) == 3
    await send(board, await preview(board, path, time="17:00"))
    after = await stands(board, path)
    assert len(after.occurrences) == 3
    assert "EXDATE:20260408T170000" in after.recurrence


async def test_another_rule_books_and_gives_back(board: Browsing) -> None:
    """More times are booked, and days that the rule no longer has move or are given back; all of it is shown first."""
    path = await booked(board, "2026-04-06T18:00")
    page = await preview(board, path, times="6")
    assert page.count("would be booked") == 2
    await send(board, page)
    assert len((await stands(board, path)).occurrences) == 6
    page = await preview(board, path, times="5")
    assert page.count("would be given back") == 1
    await send(board, page)
    assert len((await stands(board, path)).occurrences) == 5


async def test_a_stale_change_changes_nothing(board: Browsing) -> None:
    """What was shown before somebody else changed the series is refused, and the page says so."""
    path = await booked(board, "2026-04-07T09:00")
    stale = await preview(board, path, amount1="5")
    await send(board, await preview(board, path, note="changed meanwhile"))
    shown = await send(board, stale)
    assert "It has changed since you looked" in shown
    assert (await stands(board, path)).lines[0].units == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"time": "25:00"}, "25:00 is no date and time."),
        ({"hours": "x"}, "x is no number of hours"),
        ({"amount1": "many"}, "many is no amount of core."),
        ({"times": "many"}, "many is no number from 1 to 100."),
    ],
)
async def test_what_cannot_be_read_is_named(board: Browsing, fields: dict[str, str], said: str) -> None:
    """Each field that makes no sense is told in a sentence, and nothing is asked."""
    path = await booked(board, "2026-04-09T09:00")
    page = await preview(board, path, **fields)
    assert said in page
    assert not forms(page, "/series/change")


async def test_what_cannot_be_granted_is_told(board: Browsing) -> None:
    """A change that no time could have is refused with its rule, and nothing can be sent."""
    path = await booked(board, "2026-04-13T09:00")
    page = await preview(board, path, amount1="5000", policy="fail")
    assert "This would be refused" in page
    assert "NO_CAPACITY" in page
    assert not forms(page, "/series/change")


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("RRULE:FREQ=DAILY;COUNT=3", {"every": "day", "interval": "1", "times": "3"}),
        (
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=5",
            {"every": "week", "interval": "2", "times": "5", "day_MO": "on", "day_FR": "on"},
        ),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2", {}),
        ("RRULE:FREQ=DAILY;UNTIL=20261231T000000", {}),
        ("", {}),
    ],
)
async def test_a_rule_that_no_form_writes_is_left_alone(rule: str, fields: dict[str, str]) -> None:
    """A form is filled in only with what it would write again to the letter."""
    assert fields_of(rule) == fields
