"""Splitting in a browser: by a time or by units, and the part that left is shown, with the way back to what stays."""

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.board.test_transfers import page_of
from tests.system.small_catalogue import COMPANIES

pytestmark = pytest.mark.asyncio(loop_scope="session")
OWNER, STRANGER = COMPANIES[3], COMPANIES[5]


async def test_units_leave_and_the_part_is_shown(board: Browsing) -> None:
    """The part has a page of its own that links to the rest; sent twice, it is split once."""
    made: api.Reservation = await board.book(OWNER, "core", units=5, day=36)
    [form] = forms(await board.page(page_of(made), OWNER), "/split")
    async with board.browser(OWNER) as browser:
        answers = [await browser.post("/split", data={**form, "leaving-core": "2"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
        assert answers[0].headers["location"] == answers[1].headers["location"]
        part = (await browser.get(answers[0].headers["location"])).text
        rest = (await browser.get(page_of(made))).text
    assert "This is the part that left" in part
    assert f'href="{page_of(made)}"' in part
    assert "2 cores" in part
    assert "3 cores" in rest
    assert forms(part, "/split")


async def test_what_makes_no_sense_is_refused_with_its_reasons(board: Browsing) -> None:
    """All of it, or neither a time nor units: the rule is shown, and the reservation is whole as before."""
    made: api.Reservation = await board.book(OWNER, "core", units=5, day=36)
    [form] = forms(await board.page(page_of(made), OWNER), "/split")
    async with board.browser(OWNER) as browser:
        refused = await browser.post("/split", data={**form, "leaving-core": "5"})
        unread = await browser.post("/split", data={**form, "leaving-core": "some"})
        whole = (await browser.get(page_of(made))).text
    assert refused.status_code == 409
    assert "Nothing of it would stay" in refused.text
    assert unread.status_code == 400
    assert "5 cores" in whole


async def test_nobody_else_splits_it(board: Browsing) -> None:
    """P8: to another company it is a missing one, and its page has no such form."""
    made: api.Reservation = await board.book(OWNER, "core", units=5, day=36)
    [form] = forms(await board.page(page_of(made), OWNER), "/split")
    async with board.browser(STRANGER) as browser:
        answer = await browser.post("/split", data={**form, "leaving-core": "2"})
    assert answer.status_code in (403, 404)
