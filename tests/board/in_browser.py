"""The board in headless Chromium: keyboard, live changes, no script, contrast, print. `make board-check` runs it."""

import re
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.lifecycle import Stop
from tests.board import inspection
from tests.board.browsing import Browsing, forms
from tests.board.tabs import NARROW, WIDE, Tabs
from tests.board.test_live import serving
from tests.system.harness import OFFICER, eventually
from tests.system.small_catalogue import COMPANIES, COMPANY, DAY, MONDAY, RIVAL

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
CHANGE = "/reservations/{made}/change?end=2026-03-05T15:00"
READ = ("/", "/timeline?kind=all&day=2026-03-05", "/usage", "/company", "/series", "/outages")
ASK = (
    "/book?resource=core&amount=4&hours=2",
    "/series/new?resource=core&hours=2&first=2026-03-20T09:00&day_MO=on&times=3",
    "/book?resource=core&amount=4&hours=2&longest=6&order=closest&near=2026-03-10T09:00&why=on",
    "{series}",
    "{series}/change?time=11:00&hours=2&times=4&every=week&out_20260316=on",
    "{series}/cancel",
    "/reservations/{made}?ask=give-back",
    CHANGE,
    "/book?resource=core&amount=4&hours=2&people=4&ids=p-1+p-2+p-3+p-4",
)
BILL = f"company={COMPANIES[3]}&month=2026-01&krw=1200000&due=2026-02-15T18:00&reference=2026-01-71"
OPERATE = (
    f"/book?resource=core&hours=2&earliest=2026-07-20T09:00&company={COMPANY}",
    f"/company?company={COMPANY}",
    f"/conduct/arrears?asked=1&{BILL}",
    f"/conduct/misuse?asked=1&company={COMPANY}&reason=mining",
    f"/conduct/training?company={COMPANY}",
    "/outages/new?resource=core&nodes=core-1,core-2&kind=failure",
)
PAGES = tuple((COMPANY, path) for path in (*READ, *ASK)) + tuple(("operator", path) for path in OPERATE)
"""Every page as somebody looks at it, with what it asks and answers."""
TABS_MAX = 80
BOOKER = COMPANIES[2]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tabs(board: Browsing, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tabs]:
    """Chromium in front of a board that is served."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "these tests need Chromium: install the package `chromium`"
    first = await board.book(COMPANY, "core", units=3, day=3, hours=4, note="to be changed")
    for day in (3, 4):
        await board.book(COMPANY, "RIG", day=day, hours=4, note="crash test")
        await board.book(RIVAL, "ROOM-A", day=day, hours=6)
        await board.book(COMPANY, "gpu", units=8, day=day, hours=20)
    async with serving(board, tmp_path_factory.mktemp("served"), Stop()) as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield Tabs(browser, served, f"{COMPANY}/{first.name.rsplit('/', 1)[1]}", await repeated(board))
        await browser.close()


async def repeated(board: Browsing) -> str:
    """A series of four Mondays; gives the path of its page."""
    page = "/series/new?resource=core&amount=2&hours=2&first=2026-03-09T09:00&day_MO=on&times=4&policy=skip"
    [form] = forms(await board.page(page), "/series")
    async with board.browser(COMPANY) as browser:
        return (await browser.post("/series", data=form)).headers["location"].partition("?")[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("holder", [COMPANY, "operator", "auditor"])
async def test_no_page_complains(tabs: Tabs, holder: str, scheme: str) -> None:
    """No error of a script, no refusal by the policy, in any page and either scheme."""
    tabs.complaints.clear()
    async with tabs.open(holder, color_scheme=scheme) as page:
        asked = {"operator": (*ASK, *OPERATE), COMPANY: ASK}.get(holder, ())
        for path in (*READ, *asked):
            await page.goto(tabs.at(path))
            if await page.locator("#live").count():
                await page.wait_for_selector("#live:not(:empty)")
    assert tabs.complaints == []


@pytest.mark.parametrize(("holder", "path"), PAGES)
@pytest.mark.parametrize("locale", ["en-GB", "ko-KR"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_pages_fit_the_screen(tabs: Tabs, holder: str, path: str, locale: str, viewport: object) -> None:
    """Nothing sticks out to the right, in either language."""
    async with tabs.open(holder, path, viewport=viewport, locale=locale) as page:
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("holder", "path"), PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_from_its_ground(tabs: Tabs, holder: str, path: str, scheme: str) -> None:
    """Contrast is at least 4.5 to 1, or 3 to 1 for large letters (WCAG AA)."""
    async with tabs.open(holder, path, color_scheme=scheme) as page:
        assert await page.evaluate(inspection.FAINT_TEXT) == []


@pytest.mark.parametrize(("holder", "path"), PAGES)
async def test_everything_has_a_name_and_a_place(tabs: Tabs, holder: str, path: str) -> None:
    """Controls, links and pictures are named; headings go down one level at a time; ids are used once."""
    async with tabs.open(holder, path) as page:
        assert await page.evaluate(inspection.NAMELESS) == []
        assert await page.evaluate(inspection.DISORDER) == []


async def pressed_to(page: Page, selector: str) -> None:
    """Press Tab until something has the focus, and see that the focus is seen on the way."""
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        assert await page.evaluate(inspection.FOCUS_IS_SEEN), await page.evaluate("document.activeElement.outerHTML")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by keyboard")


async def test_a_person_without_a_mouse_books_and_gives_back(tabs: Tabs) -> None:
    """From the door to a booking and its cancellation with the keyboard alone, the focus always seen."""
    async with tabs.open(BOOKER) as page:
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")  # The first stop skips to the content.
        assert await page.evaluate("document.activeElement.id") == "content"
        await page.goto("/")
        await pressed_to(page, 'nav a[href="/book"]')
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/book")
        await pressed_to(page, "select[name=resource]")
        await page.keyboard.type("core")
        await pressed_to(page, "input[name=amount]")
        await page.keyboard.type("3")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".offer button")
        await pressed_to(page, ".offer button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/reservations/**")
        assert "Booked." in await page.inner_text("main")
        await pressed_to(page, "#give-back summary")
        await page.keyboard.press("Enter")
        await pressed_to(page, "#give-back button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**done=given_back")
        assert "cancelled" in await page.inner_text("dl.facts")


async def test_a_person_without_a_mouse_changes_a_reservation(tabs: Tabs) -> None:
    """From the list to the changed reservation with the keyboard alone: what it would come to is seen before."""
    made = await tabs.served.browsing.book(BOOKER, "core", units=2, day=25, note="to grow")
    path = f"/reservations/{BOOKER}/{made.name.rsplit('/', 1)[1]}"
    async with tabs.open(BOOKER, path) as page:
        await pressed_to(page, 'a[href$="/change"]')
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/change")
        await pressed_to(page, "input[name=amount1]")
        await page.keyboard.type("6")  # What the field holds is selected, and replaced.
        await page.keyboard.press("Enter")
        await page.wait_for_selector("form.send button")
        assert "6 cores" in await page.inner_text("main")
        await pressed_to(page, "form.send button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**done=changed")
        assert "6 cores" in await page.inner_text("dl.facts")


async def test_bars_of_the_timeline_are_reached_and_opened_by_keyboard(tabs: Tabs) -> None:
    """A reservation in the drawing is a link like any other."""
    async with tabs.open(COMPANY, READ[1]) as page:
        await pressed_to(page, "a.bar")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/reservations/{COMPANY}/**")


async def test_a_page_changes_when_the_centre_does(tabs: Tabs) -> None:
    """A booking made elsewhere appears without a reload, and takes the focus from nothing."""
    async with tabs.open(COMPANY, "/company") as page:
        await page.focus('nav a[href="/usage"]')
        await tabs.served.browsing.book(COMPANY, "core", day=20, note="made elsewhere")
        await page.wait_for_selector("text=made elsewhere", timeout=20_000)
        assert await page.evaluate("document.activeElement.getAttribute('href')") == "/usage"


async def test_a_page_waits_while_somebody_answers_a_question(tabs: Tabs) -> None:
    """What somebody has opened or is writing stays until they are done; then the page is new."""
    made = await tabs.served.browsing.book(COMPANY, "core", day=21)
    change = api.UpdateReservationRequest(request_id=str(uuid.uuid4()))
    change.reservation.name, change.reservation.note = made.name, "came meanwhile"
    async with tabs.open(COMPANY, f"/reservations/{COMPANY}/{made.name.rsplit('/', 1)[1]}") as page:
        await page.click("#give-back summary")
        await page.fill("#give-back input[name=reason]", "half a sentence")
        await tabs.served.browsing.centre.call(tabs.served.browsing.centre.scheduler.UpdateReservation, change, COMPANY)
        with pytest.raises(Exception, match="Timeout"):
            await page.wait_for_selector("text=came meanwhile", timeout=4_000)
        assert await page.input_value("#give-back input[name=reason]") == "half a sentence"
        await page.keyboard.press("Escape")
        await page.focus("nav a >> nth=0")
        await page.wait_for_selector("text=came meanwhile", timeout=20_000)


async def test_a_person_without_a_mouse_hands_a_reservation_over(tabs: Tabs) -> None:
    """Offered with the keyboard alone, and taken over by the other company in the same way."""
    made = await tabs.served.browsing.book(BOOKER, "core", units=2, day=26)
    path = f"/reservations/{BOOKER}/{made.name.rsplit('/', 1)[1]}"
    async with tabs.open(BOOKER, path) as page:
        await pressed_to(page, "#hand-over summary")
        await page.keyboard.press("Enter")
        await pressed_to(page, "input[name=to]")
        await page.keyboard.type(RIVAL)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**done=offered")
    async with tabs.open(RIVAL, "/company") as page:
        await pressed_to(page, f'a[href="{path}"]')
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{path}")
        await pressed_to(page, "main .notice button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**done=taken_over")


async def test_an_operator_without_a_mouse_records_a_bill_and_clears_it(tabs: Tabs) -> None:
    """From the company's page and back by keyboard alone: what follows from the bill is seen before it is sent."""
    async with tabs.open("operator", f"/company?company={BOOKER}") as page:
        await pressed_to(page, 'a[href^="/conduct/arrears"]')
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/conduct/arrears?**")
        assert await page.input_value("input[name=company]") == BOOKER
        await pressed_to(page, "input[name=krw]")
        await page.keyboard.type("1,200,000")
        await page.fill("input[name=month]", "2026-01")
        await page.fill("input[name=due]", "2026-02-15T18:00")
        await pressed_to(page, "form.search button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("form.send button")
        assert "1,200,000" in await page.inner_text("dl.facts")
        await pressed_to(page, "form.send button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**done=arrears")
        assert "The overdue bill is recorded." in await page.inner_text("main")
        await pressed_to(page, 'a[href^="/conduct/paid"]')
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/conduct/paid?**")
        await pressed_to(page, "form.search button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("form.send button")
        await pressed_to(page, "form.send button")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**done=paid")


async def test_an_officer_without_a_mouse_comes_to_a_company(tabs: Tabs) -> None:
    """Signed in, an officer is asked for whom, types it, and is on that company's page, on a phone too."""
    centre = tabs.served.browsing.centre
    request = api.AssignOfficerRequest(parent=f"companies/{COMPANY}", request_id=str(uuid.uuid4()))
    request.officer.officer = f"officers/{OFFICER}"
    request.officer.start_time.seconds, request.officer.end_time.seconds = MONDAY - DAY, MONDAY + 90 * DAY
    await centre.call(centre.scheduler.AssignOfficer, request, "operator")
    async with tabs.open(OFFICER, "/company", viewport=NARROW, footer=False) as page:
        await page.keyboard.type(COMPANY)  # The field has the focus.
        await page.keyboard.press("Enter")
        await page.wait_for_selector("footer")
        assert f"{COMPANY}, by {OFFICER}" in await page.inner_text("header")
        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


async def test_a_double_click_books_once(tabs: Tabs) -> None:
    """Two clicks on one offer are one reservation."""
    async with tabs.open(BOOKER, "/book?resource=core&amount=5&hours=1&note=doubled") as page:
        await page.dblclick(".offer button >> nth=0")
        await page.wait_for_url("**/reservations/**")
        await page.goto("/company")
        assert (await page.inner_text("main")).count("doubled") == 1


async def test_without_a_script_everything_reads_and_books(tabs: Tabs) -> None:
    """With JavaScript off, each page has its content, and a booking and a cancellation go through."""
    async with tabs.open(BOOKER, java_script_enabled=False) as page:
        for path in (*READ, *ASK[:2]):
            await page.goto(path)
            assert await page.locator("main h1").count() == 1
        await page.goto("/book?resource=core&amount=2&hours=1")
        await page.click(".offer button >> nth=0")
        assert "/reservations/" in page.url
        await page.click("#give-back summary")
        await page.click("#give-back button")
        assert "done=given_back" in page.url
        await page.goto(ASK[1].replace("core", "SEATS"))
        await page.click("form.send button")
        assert "done=series_booked" in page.url
        await page.click("details.ask summary")
        await page.click("details.ask button")
        await page.click("form.send button")
        assert "done=given_back" in page.url


async def test_who_wants_no_motion_gets_none(tabs: Tabs) -> None:
    """Nothing moves for those who ask for that."""
    async with tabs.open(COMPANY, reduced_motion="reduce") as page:
        assert await page.evaluate("getComputedStyle(document.querySelector('nav a')).transitionDuration") == "0s"


@pytest.mark.parametrize(("holder", "path"), PAGES)
async def test_paper_shows_the_content_alone(tabs: Tabs, holder: str, path: str, tmp_path: Path) -> None:
    """On paper there is no navigation and no button, and what was on the screen is there, on white."""
    async with tabs.open(holder, path, color_scheme="dark") as page:
        await page.emulate_media(media="print")
        assert await page.locator("nav").is_hidden()
        assert await page.locator("button:visible").count() == 0
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        await page.pdf(path=tmp_path / "page.pdf", format="A4", landscape=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "page.pdf").read_bytes()))
    assert 1 <= pages <= 4


async def test_a_token_that_ends_leads_back_to_the_door(tabs: Tabs) -> None:
    """Signed out in one tab, the other one asks to sign in again at its next change."""
    async with tabs.open(COMPANY, "/company") as page:
        await page.context.clear_cookies()
        await tabs.served.browsing.book(COMPANY, "core", day=22)
        await page.wait_for_url("**/sign-in**", timeout=20_000)


async def test_the_connection_says_when_it_is_lost(tabs: Tabs, board: Browsing, tmp_path: Path) -> None:
    """A board that goes away is told of, in words."""
    stop = Stop()
    async with (
        serving(board, tmp_path, stop) as brief,
        Tabs(tabs._browser, brief).open(COMPANY) as page,  # The same browser.
    ):
        await page.wait_for_selector("#live:has-text('Live')")
        stop.request("now")

        async def told() -> bool:
            return "lost" in await page.inner_text("#live")

        await eventually(told, "the lost connection is told")
