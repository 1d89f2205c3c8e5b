"""Handing over in a browser: offered, looked at, taken over or declined or taken back, and nothing else is told."""

import uuid

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.board.test_conduct import registered
from tests.system.small_catalogue import COMPANIES

pytestmark = pytest.mark.asyncio(loop_scope="session")
GIVER, TAKER, STRANGER = COMPANIES[3], COMPANIES[4], COMPANIES[5]
BARRED = "CMP-75"
SECRET = "our-secret-plan"


def page_of(item: api.Reservation) -> str:
    """The page of a reservation."""
    return f"/reservations/{item.name.split('/')[1]}/{item.name.rsplit('/', 1)[1]}"


async def offered(board: Browsing, day: int, to: str = TAKER) -> api.Reservation:
    """A booking with a note, offered to another company in the browser."""
    made: api.Reservation = await board.book(GIVER, "core", units=3, day=day, note=SECRET)
    [form] = forms(await board.page(page_of(made), GIVER), "/transfer")
    async with board.browser(GIVER) as browser:
        answer = await browser.post("/transfer", data={**form, "to": to, "hours": "48"}, follow_redirects=True)
    assert "It stays yours until they take it over." in answer.text
    assert f"Offered to {to} until" in answer.text
    return made


async def owner(board: Browsing, made: api.Reservation) -> str:
    """Whose a reservation is now."""
    request = api.ListReservationsRequest(parent="companies/-", page_size=1000)
    found = await board.centre.call(board.centre.scheduler.ListReservations, request, "operator")
    [name] = [each.name for each in found.reservations if each.name.endswith(made.name.rsplit("/", 1)[1])]
    return str(name.split("/")[1])


async def test_what_is_offered_is_looked_at_and_taken_over(board: Browsing) -> None:
    """The other company finds it, sees what it would get and not what was said of it, and then it is theirs."""
    made = await offered(board, day=33)
    assert page_of(made) in await board.page("/company", TAKER)
    look = await board.page(page_of(made), TAKER)
    assert f"{GIVER} offers this to you until" in look
    assert "3 cores" in look
    assert SECRET not in look
    assert "The ledger does not answer" not in look
    [form] = forms(look, "/transfer/accept")
    async with board.browser(TAKER) as browser:
        answers = [await browser.post("/transfer/accept", data=form) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        after = (await browser.get(answers[0].headers["location"])).text
    assert "Taken over. It is yours now." in after
    assert SECRET not in after
    assert await owner(board, made) == TAKER
    async with board.browser(GIVER) as browser:
        assert (await browser.get(page_of(made))).status_code == 404


async def test_what_is_declined_stays_where_it_was(board: Browsing) -> None:
    """Whoever declines says why if they like; the first company reads who did, and may offer it to another."""
    made = await offered(board, day=34)
    [form] = forms(await board.page(page_of(made), TAKER), "/transfer/accept")
    async with board.browser(TAKER) as browser:
        told = await browser.post("/transfer/decline", data={**form, "reason": "not needed"}, follow_redirects=True)
        assert "It stays with the other company." in told.text
        assert (await browser.get(page_of(made))).status_code == 404
    page = await board.page(page_of(made), GIVER)
    assert f"{TAKER} declined it" in page
    assert forms(page, "/transfer")
    assert await owner(board, made) == GIVER


async def test_an_offer_is_taken_back(board: Browsing) -> None:
    """Until somebody takes it the offer can be withdrawn, and then there is nothing to take."""
    made = await offered(board, day=35)
    [accept] = forms(await board.page(page_of(made), TAKER), "/transfer/accept")
    page = await board.page(page_of(made), GIVER)
    assert not forms(page, "/transfer")
    [form] = forms(page, "/transfer/withdraw")
    async with board.browser(GIVER) as browser, board.browser(TAKER) as late:
        told = await browser.post("/transfer/withdraw", data=form, follow_redirects=True)
        assert "The offer is taken back." in told.text
        assert (await late.post("/transfer/accept", data=accept)).status_code == 404
    assert await owner(board, made) == GIVER


async def test_nobody_else_finds_or_takes_it(board: Browsing) -> None:
    """P8: to a third company an offer is a missing reservation, in the page and behind the form."""
    made = await offered(board, day=36)
    seal = forms(await board.page("/", STRANGER), "/sign-out")[0]["seal"]
    sent = {"seal": seal, "name": made.name, "request_id": str(uuid.uuid4())}
    async with board.browser(STRANGER) as browser:
        assert (await browser.get(page_of(made))).status_code == 404
        for path in ("/transfer/accept", "/transfer/decline"):
            assert (await browser.post(path, data=sent)).status_code == 404, path
        assert GIVER not in (await browser.get("/company")).text


async def test_an_offer_to_nobody_is_refused_in_words(board: Browsing) -> None:
    """A company that there is not is named so; hours that are none are no form of ours; nothing is offered."""
    made = await board.book(GIVER, "core", day=37)
    [form] = forms(await board.page(page_of(made), GIVER), "/transfer")
    async with board.browser(GIVER) as browser:
        missing = await browser.post("/transfer", data={**form, "to": "CMP-999", "hours": "48"})
        odd = await browser.post("/transfer", data={**form, "to": TAKER, "hours": "soon"})
    assert missing.status_code == 409
    assert "There is no such company." in missing.text
    assert odd.status_code == 400
    assert "Offered to" not in await board.page(page_of(made), GIVER)


async def test_an_operator_finds_offers_and_answers_for_the_other_company(board: Browsing) -> None:
    """On the first page stands from whom to whom; taken over, the page says whose it is now."""
    made = await offered(board, day=38)
    first = await board.page("/", "operator")
    assert "Offered from one company to another" in first
    assert page_of(made) in first
    look = await board.page(page_of(made), "operator")
    assert f"You answer for {TAKER}" in look
    [form] = forms(look, "/transfer/accept")
    async with board.browser("operator") as browser:
        after = await browser.post("/transfer/accept", data=form, follow_redirects=True)
    assert "Handed over." in after.text
    assert await owner(board, made) == TAKER


async def test_an_operator_declines_for_the_other_company(board: Browsing) -> None:
    """The operator stays on the reservation, and reads there that it was declined."""
    made = await offered(board, day=39)
    [form] = forms(await board.page(page_of(made), "operator"), "/transfer/accept")
    async with board.browser("operator") as browser:
        told = await browser.post("/transfer/decline", data={**form, "reason": "no use"}, follow_redirects=True)
    assert "It stays with the other company." in told.text
    assert f"{TAKER} declined it" in told.text
    assert await owner(board, made) == GIVER


async def test_what_would_be_refused_is_told_before_it_is_taken(board: Browsing) -> None:
    """Where the other company may not take it, every reason stands there instead of the button."""
    made = await board.book(GIVER, "core", units=2, day=40)
    [form] = forms(await board.page(page_of(made), GIVER), "/transfer")
    misuse = api.RecordMisuseRequest(parent=f"companies/{BARRED}", request_id=str(uuid.uuid4()))
    misuse.misuse.reason = "mining"
    call, scheduler = board.centre.call, board.centre.scheduler
    await call(scheduler.RegisterCompany, registered(BARRED), "operator")
    terms = await call(scheduler.GetTerms, api.GetTermsRequest(), "operator")
    terms.ClearField("effective_time")
    terms.misuse_revokes = True
    await call(scheduler.PublishTerms, api.PublishTermsRequest(terms=terms, request_id=str(uuid.uuid4())), "operator")
    await call(scheduler.RecordMisuse, misuse, "operator")
    async with board.browser(GIVER) as browser:
        await browser.post("/transfer", data={**form, "to": BARRED, "hours": "48"})
    look = await board.page(page_of(made), "operator")
    assert "Taking it over would be refused now." in look
    assert "REVOKED" in look
    assert ">Take it over<" not in look
    assert ">Decline<" in look


async def test_an_auditor_answers_nothing(board: Browsing) -> None:
    """The same roles as the doors: who changes nothing has no such form."""
    made = await offered(board, day=41)
    assert not forms(await board.page(page_of(made), "auditor"), "/transfer/accept")
