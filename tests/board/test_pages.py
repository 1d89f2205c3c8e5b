"""What each page shows, over a real scheduler and ledger."""

import re

import pytest
from icalendar import Calendar

from services.board.doors.catalogue import KINDS
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.board.conftest import own_resources
from tests.system import small_catalogue
from tests.system.small_catalogue import COMPANIES, COMPANY, DAY, MONDAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
GUEST = COMPANIES[5]
"""A company that no other test books for."""


async def test_now_tells_free_units_as_plain_numbers(board: Browsing) -> None:
    """What is free of each pool stands there as a number, milli-GPUs as GPUs, beside how much there is."""
    text = await board.page("/", "operator")
    for pool, total in (("gpu", "64 GPU"), ("core", "1,024 cores"), ("milli", "16 GPU")):
        card = text[text.index(f">{pool}</a>") :]
        assert re.search(r'class="big">[\d,.]+</b>', card)
        assert total in card[: card.index("</article>")]


async def test_now_tells_a_company_when_a_size_fits_and_leads_to_booking_it(board: Browsing) -> None:
    """The next fit of each reference size is a link that fills in the search."""
    text = await board.page("/")
    assert "/book?resource=gpu&amp;amount=8&amp;hours=24" in text
    assert "/book?resource=milli&amp;amount=0.125&amp;hours=24" in text


async def test_an_outage_is_told_and_drawn(board: Browsing) -> None:
    """What an operator declares stands among the incidents with its reason, and behind the bars, for everybody."""
    outage = api.Outage(name="outages/leak", kind=api.Outage.KIND_FAILURE, reason="water <in> row 3")
    outage.scopes.add(resource="resources/core", nodes=["core-0", "core-1"])
    request = api.DeclareOutageRequest(outage=outage, request_id="00000000-0000-4000-8000-00000000bbbb")
    await board.centre.call(board.centre.scheduler.DeclareOutage, request, "operator")
    text = await board.page("/")
    row = text[text.index('class="state bad">failure') :]
    assert "core (128 cores)" in row
    assert "water &lt;in&gt; row 3" in row
    assert "until lifted" in row
    assert 'class="closure"' in await board.page("/timeline?resource=core")
    lift = api.LiftOutageRequest(name="outages/leak", request_id="00000000-0000-4000-8000-00000000bbbc")
    await board.centre.call(board.centre.scheduler.LiftOutage, lift, "operator")
    assert "water" not in await board.page("/")


async def test_the_timeline_draws_a_booking_where_it_is(board: Browsing) -> None:
    """A bar stands at its share of the week and leads to its reservation."""
    made = await board.book(resource="SEATS", day=8, hours=12)
    text = await board.page("/timeline?kind=equipment&zoom=week&day=2026-03-10")
    bar = text[text.index(f'href="/reservations/{COMPANY}/{made.name.rsplit("/", 1)[1]}"') :]
    # 2026-03-10 00:00 UTC is 09:00 in Seoul, on the second day of the week of Monday, 9 March.
    start, width = (24 + 9) / (7 * 24) * 100, 12 / (7 * 24) * 100
    assert f'x="{start:.3f}%" width="{width:.3f}%"' in bar[: bar.index("</a>")]


@pytest.mark.parametrize("zoom", ["day", "week", "month"])
@pytest.mark.parametrize("kind", ["compute", "equipment", "operators", "all"])
async def test_every_zoom_and_kind_has_a_row_for_each_resource(board: Browsing, zoom: str, kind: str) -> None:
    """What is asked for is drawn, and nothing else."""
    known = [*own_resources(), *small_catalogue.resources()]
    expected = [each for each in known if KINDS.get(kind, each.kind) == each.kind]
    text = await board.page(f"/timeline?kind={kind}&zoom={zoom}&day=2026-03-04", "auditor")
    assert text.count('<th scope="row">') == len(expected)


async def test_the_timeline_can_be_searched(board: Browsing) -> None:
    """Rows are found by their name or id, whatever its case; a search without a hit says so."""
    assert (await board.page("/timeline?kind=all&search=room-a", "operator")).count('<th scope="row">') == 1
    assert "No resource is called that." in await board.page("/timeline?kind=all&search=nothing", "operator")


async def test_usage_comes_from_the_ledger(board: Browsing) -> None:
    """What a company booked and gave back stands in its row to the unit-hour, as soon as the ledger knows it."""
    made = await board.book(GUEST, "gpu", units=4, day=5, hours=6)
    kept = await board.book(GUEST, "gpu", units=2, day=5, hours=6)
    cancel = api.CancelReservationRequest(name=made.name, request_id="00000000-0000-4000-8000-00000000aaaa")
    done = await board.centre.call(board.centre.scheduler.CancelReservation, cancel, GUEST)
    await board.page("/company", GUEST)  # Waits for the ledger to have come so far.
    assert done.position > kept.position
    text = await board.page("/usage?pool=gpu", GUEST)
    row = text[text.index('<a href="/timeline?resource=gpu">') :]
    cells = re.findall(r'<td class="number">([\d,.]+)</td>', row[: row.index("</tr>")])
    assert cells == ["36", "0", "24"]
    assert "100 %" in row[: row.index("</tr>")]


async def test_my_company_tells_quota_bookings_and_books(board: Browsing) -> None:
    """Quota burn, what comes up with a way to give it back, and the ledger's accounts at least as new."""
    made = await board.book(resource="gpu", units=8, day=6, hours=3, note="tuning run")
    text = await board.page("/company")
    assert "20,000" in text
    assert "GPU-hours" in text[text.index("20,000") : text.index("tuning run")]
    assert "tuning run" in text
    [way] = re.findall(rf'href="([^"]*{made.name.rsplit("/", 1)[1]}[^"]*)#give-back"', text)
    asked = await board.page(way)
    assert 'id="give-back" open' in asked
    assert made.name in [form["name"] for form in forms(asked, "/cancel")]
    told = re.search(r"from the ledger at position ([\d,]+)", text)
    assert told is not None
    assert int(told[1].replace(",", "")) >= made.position


async def test_bookings_are_given_to_calendar_programs(board: Browsing) -> None:
    """The company's page leads to a file that a calendar program reads, with what was booked in it."""
    made = await board.book(resource="core", day=17, note="for the calendar")
    assert 'href="/company/bookings.ics"' in await board.page("/company")
    async with board.browser(COMPANY) as browser:
        answer = await browser.get("/company/bookings.ics")
    assert answer.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert made.start_time.seconds in [int(each.decoded("dtstart").timestamp()) for each in events]


async def test_a_reservation_has_its_history_at_once(board: Browsing) -> None:
    """Its page waits for the ledger to know it, and tells who did what when."""
    made = await board.book(resource="RIG", day=7, hours=1, note="crash test")
    text = await board.page(f"/reservations/{COMPANY}/{made.name.rsplit('/', 1)[1]}")
    assert "crash test" in text
    assert 'class="history"' in text
    assert f"companies/{COMPANY}, position {made.position:,}" in text
    assert text.count("RIG") > 1  # Companions say what needs them.


async def test_a_page_speaks_the_language_of_the_browser_or_the_one_chosen(board: Browsing) -> None:
    """Accept-Language decides until somebody chooses; the choice is kept and leads back."""
    assert '<html lang="ko">' in await board.page("/", **{"accept-language": "ko-KR,ko;q=0.9,en;q=0.5"})
    assert '<html lang="en">' in await board.page("/", **{"accept-language": "fr, en;q=0.3, ko;q=0.1"})
    async with board.browser(COMPANY) as browser:
        answer = await browser.get("/language?to=ko&back=/usage?range=weeks", follow_redirects=True)
        assert answer.request.url.path == "/usage"
        assert "사용량과 미사용" in answer.text


async def test_times_are_the_centres_and_the_zone_is_named(board: Browsing) -> None:
    """Midnight UTC is nine in the morning in Seoul; whoever points at it sees UTC."""
    made = await board.book(resource="ROOM-A", day=9, hours=2)
    assert made.start_time.seconds == MONDAY + 9 * DAY
    text = await board.page("/company")
    assert 'datetime="2026-03-11T00:00:00Z" title="2026-03-11 00:00 UTC">Wed 11 Mar 09:00–11:00</time>' in text
    assert "Times are in Asia/Seoul, UTC+09:00." in text


@pytest.mark.parametrize("path", ["/", "/timeline", "/usage", "/company", "/book?resource=core&hours=2"])
async def test_every_page_reads_without_script(board: Browsing, path: str) -> None:
    """One heading, one main part, a language, and no script but the one file that makes it live."""
    text = await board.page(path)
    assert text.count("<h1>") == 1
    assert text.count("<main") == 1
    scripts = re.findall(r"<script[^>]*>", text)
    assert len(scripts) == 1
    assert re.fullmatch(r'<script src="/static/board\.[0-9a-f]{12}\.js" defer>', scripts[0])
    assert not re.search(r"\son[a-z]+=|\sstyle=|javascript:", text)


async def newcomer(board: Browsing) -> str:
    """A company that has neither quota nor bookings."""
    request = api.RegisterCompanyRequest(request_id="00000000-0000-4000-8000-00000000cccc")
    request.company.name, request.company.display_name = "companies/CMP-NEW", "CMP-NEW"
    request.company.agreement_start_time.seconds = MONDAY - DAY
    request.company.agreement_end_time.seconds = MONDAY + 300 * DAY
    request.company.horizon.seconds, request.company.reservation_max.seconds = 60 * DAY, 7 * DAY
    await board.centre.call(board.centre.scheduler.RegisterCompany, request, "operator")
    return "CMP-NEW"


async def test_a_new_company_is_told_how_to_begin(board: Browsing) -> None:
    """Nothing booked leads to the search, and what nothing was done in has a sentence, not an empty drawing."""
    name = await newcomer(board)
    company = await board.page(f"/company?company={name}", "operator")
    assert f'Nothing is booked. <a href="/book?company={name}">Find a time</a>' in company
    assert "the operators grant the rest" in company
    usage = await board.page(f"/usage?company={name}", "operator")
    assert "Nothing in this time." in usage
    assert 'class="plot"' not in usage


async def test_what_no_other_time_helps_against_gives_no_such_advice(board: Browsing) -> None:
    """More units than there are: try another wish; a company without quota is not told to come later."""
    assert "Try a later end" in await board.page("/book?resource=SEATS&amount=400&hours=2", GUEST)
    name = await newcomer(board)
    told = await board.page(f"/book?resource=gpu&amount=8&hours=2&company={name}", "operator")
    assert "NO_QUOTA" in told
    assert "Try a later end" not in told
