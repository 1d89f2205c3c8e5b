"""Operators' overrides in a browser: only by an operator, only of what may be, with a justification, and recorded."""

import re
import uuid

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, enclosing, forms
from tests.system.small_catalogue import COMPANIES, DAY, HOUR, MONDAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOLDER = COMPANIES[2]
FAR = "/book?resource=core&amount=2&hours=1&earliest=2026-07-01T09:00"
"""Beyond the sixty days that companies may book ahead."""
NEAR = "/book?resource=core&hours=1&earliest=2026-03-20T09:00"


async def test_an_operator_books_against_a_rule_and_it_is_recorded(board: Browsing) -> None:
    """The rule is named and chosen, the reason is asked for, and both stand on the reservation's page for everybody."""
    page = await board.page(f"{FAR}&company={HOLDER}", "operator")
    assert "At just the time asked" in page
    assert 'name="reason_BEYOND_HORIZON"' in page
    [form] = forms(page, "/override")
    sent = {**form, "reason_BEYOND_HORIZON": "on", "justification": "the ministry's demonstration"}
    async with board.browser("operator") as browser:
        answers = [await browser.post("/override", data=sent) for _ in range(2)]
    [path] = {answer.headers["location"].partition("?")[0] for answer in answers}
    for holder in ("operator", "auditor", HOLDER):
        shown = await board.page(path, holder)
        assert "Booked against" in shown
        assert "Too far ahead" in shown
        assert "the ministry&#x27;s demonstration" in shown


async def test_what_is_not_chosen_or_not_justified_is_refused(board: Browsing) -> None:
    """Without the rule it is refused as ever; without a reason too; and nothing is booked."""
    page = await board.page(f"{FAR.replace('07-01', '07-02')}&company={HOLDER}", "operator")
    [form] = forms(page, "/override")
    async with board.browser("operator") as browser:
        unchosen = await browser.post("/override", data={**form, "justification": "because"})
        silent = await browser.post("/override", data={**form, "reason_BEYOND_HORIZON": "on", "justification": " "})
        odd = await browser.post("/override", data={**form, "reason_NO_CAPACITY": "on", "justification": "because"})
    assert [answer.status_code for answer in (unchosen, silent, odd)] == [409] * 3
    assert "BEYOND_HORIZON" in unchosen.text
    assert forms(unchosen.text, "/override")
    assert "INVALID_OVERRIDE" in silent.text
    assert "INVALID_OVERRIDE" in odd.text
    assert all(forms(answer.text, "/override") for answer in (silent, odd))


async def test_what_nobody_may_override_says_so(board: Browsing) -> None:
    """More units than there are stay impossible, and no form pretends otherwise."""
    page = await board.page(
        f"/book?resource=core&amount=9999&hours=1&earliest=2026-03-20T09:00&company={HOLDER}", "operator"
    )
    assert "Nobody may override" in page
    assert not forms(page, "/override")


async def test_what_would_be_granted_needs_no_override(board: Browsing) -> None:
    """At a time that is free and allowed there are only offers."""
    page = await board.page(
        f"/book?resource=core&amount=1&hours=1&earliest=2026-03-20T09:00&company={HOLDER}", "operator"
    )
    assert forms(page, "/book")
    assert "Book it against the rules" not in page


@pytest.mark.parametrize("holder", [HOLDER, "auditor"])
async def test_only_operators_override(board: Browsing, holder: str) -> None:
    """A company sees no way to, and a form made by hand is refused."""
    if holder == HOLDER:
        assert not forms(await board.page(FAR, holder), "/override")
    seal = forms(await board.page("/", holder), "/sign-out")[0]["seal"]
    request = api.CreateReservationRequest(parent=f"companies/{HOLDER}", request_id=str(uuid.uuid4()))
    request.reservation.lines.add(resource="resources/core", units=1)
    request.reservation.start_time.seconds = MONDAY + 120 * DAY
    request.reservation.end_time.seconds = MONDAY + 120 * DAY + HOUR
    sent = {"seal": seal, **enclosing(request), "reason_BEYOND_HORIZON": "on", "justification": "I may not"}
    async with board.browser(holder) as browser:
        assert (await browser.post("/override", data=sent)).status_code == 403
        sent["request"] = enclosing(_overriding(request))["request"]
        plain = {key: value for key, value in sent.items() if not re.match("reason_|justification", key)}
        assert (await browser.post("/override", data=plain)).status_code == 403


def _overriding(request: api.CreateReservationRequest) -> api.CreateReservationRequest:
    request.override_reasons.append("BEYOND_HORIZON")
    request.justification = "I may not"
    return request
