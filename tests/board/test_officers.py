"""Support officers in a browser: assigned by an operator, they act for one company at a time, as the centre allows."""

import pytest

from services.board.doors.session import ACTING_COOKIE
from services.generated.aidc.ledger.v1 import ledger_pb2 as books
from tests.board.browsing import Browsing, forms
from tests.system.harness import OFFICER
from tests.system.small_catalogue import COMPANIES

pytestmark = pytest.mark.asyncio(loop_scope="session")
HELPED, OTHER = COMPANIES[2], COMPANIES[5]
UNTIL = "2026-12-01T18:00"


async def assign(board: Browsing, company: str) -> str:
    """Assign the officer on the company's page, as an operator; gives the page after."""
    page = await board.page(f"/company?company={company}", "operator")
    [form] = forms(page, "/officers")
    async with board.browser("operator") as browser:
        sent = {**form, "officer": OFFICER, "until": UNTIL}
        return (await browser.post("/officers", data=sent, follow_redirects=True)).text


async def test_an_officer_books_for_a_company_and_the_history_says_who(board: Browsing) -> None:
    """Asked for whom first, they see what the company sees, book in its name, and are named in the history."""
    assert OFFICER in await assign(board, HELPED)
    async with board.browser(OFFICER) as browser:
        asked = await browser.get("/company", follow_redirects=True)
        assert "For whom do you act?" in asked.text
        [form] = forms(asked.text, "/acting")
        assert form["next"] == "/company"
        chosen = await browser.post("/acting", data={**form, "company": HELPED}, follow_redirects=True)
        assert f"{HELPED}, by {OFFICER}" in chosen.text
        assert "My company" in chosen.text
        offer = forms((await browser.get("/book?resource=core&amount=2&hours=2")).text, "/book")[0]
        made = await browser.post("/book", data=offer, follow_redirects=True)
    assert "Booked." in made.text
    company, name = made.url.path.split("/")[2:]
    assert company == HELPED
    request = books.GetHistoryRequest(name=f"companies/{company}/reservations/{name}")
    history = await board.centre.call(board.centre.ledger.GetHistory, request, "auditor")
    assert history.entries[0].actor == f"officers/{OFFICER}/companies/{HELPED}"


async def test_a_form_for_one_company_does_nothing_for_another(board: Browsing) -> None:
    """What was opened for one company and sent after changing to another is refused, and nothing is booked."""
    for company in (HELPED, OTHER):
        await assign(board, company)
    async with board.browser(OFFICER) as browser:
        browser.cookies.set(ACTING_COOKIE, HELPED)
        offer = forms((await browser.get("/book?resource=core&amount=2&hours=2")).text, "/book")[0]
        browser.cookies.set(ACTING_COOKIE, OTHER)
        refused = await browser.post("/book", data=offer)
    assert refused.status_code == 403
    assert "Nothing was changed" in refused.text


@pytest.mark.parametrize("company", ["CMP-999", "", "a b", "../x", COMPANIES[0]])
async def test_an_officer_acts_for_nobody_else(board: Browsing, company: str) -> None:
    """A company that is not theirs, and one that there is not, are told alike; a cookie made by hand helps nobody."""
    async with board.browser(OFFICER) as browser:
        [form] = forms((await browser.get("/acting")).text, "/acting")
        denied = await browser.post("/acting", data={**form, "company": company})
        assert denied.status_code == 403
        assert "You may not act for this company now." in denied.text
        browser.cookies.set(ACTING_COOKIE, company)
        assert (await browser.get("/company")).headers["location"].startswith(("/acting?", "/sign-in?"))


async def test_an_officer_who_is_dismissed_acts_no_more(board: Browsing) -> None:
    """An operator ends it on the company's page; the officer's next page asks for whom they act."""
    page = await assign(board, OTHER)
    [form] = [each for each in forms(page, "/officers/dismiss") if each["officer"] == OFFICER]
    async with board.browser(OFFICER) as browser, board.browser("operator") as operator:
        browser.cookies.set(ACTING_COOKIE, OTHER)
        assert (await browser.get("/company")).status_code == 200
        after = await operator.post("/officers/dismiss", data=form, follow_redirects=True)
        assert not forms(after.text, "/officers/dismiss")
        told = await browser.get("/company", follow_redirects=True)
    assert "You may no longer act for this company." in told.text


async def test_a_company_reads_who_acts_for_it_and_assigns_nobody(board: Browsing) -> None:
    """The company is told who may act for it; only operators have the forms, and anybody else's is refused."""
    await assign(board, HELPED)
    page = await board.page("/company", HELPED)
    assert OFFICER in page
    assert not forms(page, "/officers")
    seal = forms(page, "/sign-out")[0]["seal"]
    async with board.browser(HELPED) as browser:
        for path in ("/officers", "/officers/dismiss"):
            sent = {"seal": seal, "company": HELPED, "officer": OFFICER, "until": UNTIL}
            assert (await browser.post(path, data=sent)).status_code == 403, path


@pytest.mark.parametrize("holder", ["operator", "auditor", HELPED])
async def test_who_is_no_officer_acts_for_nobody(board: Browsing, holder: str) -> None:
    """The page is for officers alone."""
    async with board.browser(holder) as browser:
        assert (await browser.get("/acting")).status_code == 403


async def test_nobody_who_is_not_signed_in_chooses(board: Browsing) -> None:
    """The door comes first."""
    async with board.browser() as browser:
        assert (await browser.get("/acting")).headers["location"].startswith("/sign-in?")


async def test_an_officer_signs_in_with_a_token_alone(board: Browsing) -> None:
    """The door lets a good token of an officer in, and asks for whom on the next page."""
    async with board.browser() as browser:
        sent = {"token": board.centre.centre.tokens[OFFICER], "next": "/book"}
        answer = await browser.post("/sign-in", data=sent)
        assert answer.headers["location"] == "/book"
        asked = await browser.get("/book", follow_redirects=True)
        assert "For whom do you act?" in asked.text
        wrong = await browser.post("/sign-in", data={**sent, "token": sent["token"][:-6] + "AAAAAA"})
    assert wrong.status_code == 401
