"""Reserves over the wire: what a review returned is listed, given out with one effect for one request, and refused."""

from typing import Any

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.fixture import NOW
from tests.scheduler.serving import ALPHA, AUDITOR, OPERATOR, Desk, Refused, request_id

HOUR, DAY = 3_600, 86_400


async def reviewed(desk: Desk) -> None:
    """LAB has 80 unit-hours, books nothing and loses half of them to its programme, which FRIEND is of as well."""
    terms = api.Terms()
    terms.reclaim.rows.add(at_percent=40, below_percent=10, remove_percent=50)
    terms.reclaim.to_reserve = True
    asked: list[tuple[str, Any]] = [("PublishTerms", api.PublishTermsRequest(terms=terms))]
    for name, days, programme in (("LAB", 10, "resident"), ("FRIEND", 300, "resident"), ("OTHER", 300, "academy")):
        company = api.Company(name=f"companies/{name}", programme=programme)
        company.agreement_start_time.seconds, company.agreement_end_time.seconds = NOW, NOW + days * DAY
        company.reservation_max.seconds = DAY
        quota = api.Quota(company=company.name, meter="resources/h100", unit_seconds=80 * HOUR)
        quota.start_time.seconds, quota.end_time.seconds = NOW, NOW + 10 * DAY
        asked += [
            ("RegisterCompany", api.RegisterCompanyRequest(company=company)),
            ("GrantQuota", api.GrantQuotaRequest(quota=quota)),
        ]
    for number, (method, request) in enumerate(asked):
        request.request_id = request_id(500 + number)
        await desk.call(method, request, OPERATOR)
    desk.clock.seconds = NOW + 4 * DAY
    while desk.writer.tick():
        pass
    assert len(await listed(desk)) == 1


async def listed(desk: Desk, **fields: Any) -> list[tuple[str, str, float, float, float]]:
    """What the operator is told, in hours."""
    told = await desk.call("ListReserves", api.ListReservesRequest(**fields), AUDITOR)
    assert not told.next_page_token
    return [
        (
            each.programme,
            each.meter,
            each.returned_unit_seconds / HOUR,
            each.given_unit_seconds / HOUR,
            each.left_unit_seconds / HOUR,
        )
        for each in told.reserves
    ]


def giving(number: int, hours: float, company: str = "FRIEND", **fields: Any) -> api.PostCorrectionRequest:
    """Hours out of the reserve."""
    given = {"kind": api.Correction.KIND_GOODWILL, "reason": "it can use them", "meter": "resources/h100"}
    wish = api.Correction(**{**given, "unit_seconds": round(hours * HOUR), "from_reserve": True, **fields})
    return api.PostCorrectionRequest(parent=f"companies/{company}", correction=wish, request_id=request_id(number))


async def test_a_reserve_is_listed_given_out_of_and_filled_again(desk: Desk) -> None:
    """P4: asked again it is the same correction; a dry run gives nothing, and a reversal gives back."""
    assert await listed(desk) == []
    await reviewed(desk)
    assert await listed(desk) == [("resident", "resources/h100", 40, 0, 40)]
    tried = giving(1, 30)
    tried.validate_only = True
    assert (await desk.call("PostCorrection", tried, OPERATOR)).from_reserve
    assert await listed(desk, programme="resident") == [("resident", "resources/h100", 40, 0, 40)]
    made = await desk.call("PostCorrection", giving(2, 30), OPERATOR)
    assert await desk.call("PostCorrection", giving(2, 30), OPERATOR) == made
    assert (made.from_reserve, made.unit_seconds) == (True, 30 * HOUR)
    assert await listed(desk) == [("resident", "resources/h100", 40, 30, 10)]
    assert await listed(desk, programme="academy") == []
    back = giving(3, -30, reverses=made.name, from_reserve=False, quota_time=made.quota_time)
    assert (await desk.call("PostCorrection", back, OPERATOR)).from_reserve
    assert await listed(desk) == [("resident", "resources/h100", 40, 0, 40)]


@pytest.mark.parametrize(
    ("request_", "reason", "told"),
    [
        (giving(1, 41), "RESERVE_EXCEEDED", "has 40.0 unit-hours of h100 left; 41.0 were to be given"),
        (giving(1, 1, "OTHER"), "RESERVE_EXCEEDED", "The reserve of academy has 0.0 unit-hours"),
        (giving(1, 1, "ALPHA"), "RESERVE_EXCEEDED", "ALPHA is in no programme"),
        (giving(1, -1), "RESERVE_EXCEEDED", "give some of them"),
        (giving(1, 0, meter="", krw=5), "INVALID_FIELD", "from_reserve"),
    ],
)
async def test_what_a_reserve_does_not_give_is_refused(
    desk: Desk, request_: api.PostCorrectionRequest, reason: str, told: str
) -> None:
    """With a reason of its own, what is left in words, and nothing posted."""
    await reviewed(desk)
    before = desk.writer.pages.head.position
    with pytest.raises(Refused) as refused:
        await desk.call("PostCorrection", request_, OPERATOR)
    assert refused.value.reason == reason
    assert told in str(refused.value.status)
    assert desk.writer.pages.head.position == before
    if reason == "RESERVE_EXCEEDED":
        assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_reserves_are_nobodys_but_the_centres(desk: Desk) -> None:
    """P8: a company is not told what others of its programme lost."""
    with pytest.raises(Refused) as refused:
        await desk.call("ListReserves", api.ListReservesRequest(), ALPHA)
    assert refused.value.code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("fields", [{"page_size": -1}, {"page_token": "x"}, {"programme": "x" * 65}])
async def test_a_question_that_makes_no_sense_is_refused(desk: Desk, fields: dict[str, Any]) -> None:
    """By the field that is wrong."""
    with pytest.raises(Refused) as refused:
        await desk.call("ListReserves", api.ListReservesRequest(**fields), OPERATOR)
    assert refused.value.reason == "INVALID_FIELD"


async def test_reserves_are_listed_in_pages(desk: Desk) -> None:
    """By programme and meter, each once."""
    await reviewed(desk)
    reserves = desk.writer.centre.reserves
    for programme in ("academy", "hospital", "youth"):
        reserves.give(programme, "h100", 0)
    told, token = [], ""
    while True:
        page = await desk.call("ListReserves", api.ListReservesRequest(page_size=3, page_token=token), OPERATOR)
        told += [each.programme for each in page.reserves]
        token = page.next_page_token
        if not token:
            break
    assert told == ["academy", "hospital", "resident", "youth"]
