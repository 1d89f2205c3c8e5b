"""The reserves of the programmes in a browser: for operators and auditors, beside the choice of a company."""

import uuid

import pytest
from google.protobuf.duration_pb2 import Duration

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing
from tests.system.harness import eventually
from tests.system.small_catalogue import COMPANIES, DAY, HOUR

pytestmark = pytest.mark.asyncio(loop_scope="session")
LOSER, TAKER = "CMP-81", "CMP-82"
PROGRAMME = "resident-of-the-board"
TERM = 100 * DAY
AHEAD_SECONDS = 3
"""So soon a company is reviewed."""


def new_id() -> str:
    """A request id."""
    return str(uuid.uuid4())


async def enter(board: Browsing, name: str, start: int) -> None:
    """A company of the programme whose agreement began then, with 80 hours of GPUs."""
    call, scheduler = board.centre.call, board.centre.scheduler
    company = api.Company(name=f"companies/{name}", programme=PROGRAMME, reservation_max=Duration(seconds=DAY))
    company.agreement_start_time.seconds, company.agreement_end_time.seconds = start, start + TERM
    await call(scheduler.RegisterCompany, api.RegisterCompanyRequest(company=company, request_id=new_id()), "operator")
    hours = api.Quota(company=company.name, meter="resources/gpu", unit_seconds=80 * HOUR)
    hours.start_time.seconds = board.centre.centre.time.now() // HOUR * HOUR
    hours.end_time.seconds = hours.start_time.seconds + DAY
    await call(scheduler.GrantQuota, api.GrantQuotaRequest(quota=hours, request_id=new_id()), "operator")


async def reviewed(board: Browsing) -> None:
    """One company loses half of its 80 hours to the reserve, and another of its programme gets 15 of them."""
    call, scheduler = board.centre.call, board.centre.scheduler
    terms = await call(scheduler.GetTerms, api.GetTermsRequest(), "operator")
    terms.ClearField("effective_time")
    del terms.reclaim.rows[:]  # Whatever others gave the centre that all these tests share.
    terms.reclaim.rows.add(at_percent=40, below_percent=100, remove_percent=50)
    terms.reclaim.to_reserve = True
    await call(scheduler.PublishTerms, api.PublishTermsRequest(terms=terms, request_id=new_id()), "operator")
    now = board.centre.centre.time.now()
    await enter(board, LOSER, now + AHEAD_SECONDS - TERM * 40 // 100)
    await enter(board, TAKER, now - DAY)

    async def returned() -> bool:
        asked = api.ListReservesRequest(programme=PROGRAMME)
        return bool((await call(scheduler.ListReserves, asked, "auditor")).reserves)

    await eventually(returned, "the review is due and returns hours")
    given = api.Correction(meter="resources/gpu", unit_seconds=15 * HOUR, from_reserve=True)
    given.kind, given.reason = api.Correction.KIND_GOODWILL, "it can use them"
    request = api.PostCorrectionRequest(parent=f"companies/{TAKER}", correction=given, request_id=new_id())
    await call(scheduler.PostCorrection, request, "operator")


async def test_operators_and_auditors_see_what_is_left_to_each_programme(board: Browsing) -> None:
    """Before any review a sentence, afterwards a row with what was returned, given and is left; in both languages."""
    assert "No review has returned hours yet." in await board.page("/company", "operator")
    await reviewed(board)
    for who in ("operator", "auditor"):
        page = await board.page("/company", who)
        row = page.partition(f"<td>{PROGRAMME}</td>")[2].partition("</tr>")[0]
        assert [cell.partition("<")[0] for cell in row.split(">") if cell.partition("<")[0]][1:] == ["40", "15", "25"]
    assert "프로그램별 예비분" in await board.page("/company", "operator", **{"accept-language": "ko"})


async def test_a_company_sees_no_reserve(board: Browsing) -> None:
    """P8: what others of its programme lost is not its business."""
    assert "Reserves of the programmes" not in await board.page("/company", COMPANIES[0])
