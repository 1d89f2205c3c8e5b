"""Corrections over the wire: who may, what is checked, and one effect for one request."""

from typing import Any

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.scheduler.serving import ALPHA, OPERATOR, Desk, Refused, demand, request_id


def posting(number: int, krw: int = 5_000, *, parent: str = "companies/ALPHA", **fields: Any) -> Any:
    """A correction of ALPHA."""
    given = {"kind": api.Correction.KIND_GOODWILL, "reason": "the cooling hummed", **fields}
    wish = api.Correction(krw=krw, **given)
    return api.PostCorrectionRequest(parent=parent, correction=wish, request_id=request_id(number))


async def test_a_correction_is_posted_once_and_can_be_reversed_by_its_name(desk: Desk) -> None:
    """P4: asked again it is the same one; the name that it got is what a reversal names."""
    about = await desk.call("CreateReservation", demand(900))
    request = posting(1, reservation=about.name)
    made = await desk.call("PostCorrection", request, OPERATOR)
    assert await desk.call("PostCorrection", request, OPERATOR) == made
    assert (made.krw, made.reservation, made.reason) == (5_000, about.name, "the cooling hummed")
    back = await desk.call("PostCorrection", posting(2, -5_000, reverses=made.name), OPERATOR)
    assert back.reverses == made.name
    assert back.position > made.position
    with pytest.raises(Refused) as refused:
        await desk.call("PostCorrection", posting(3, -5_000, reverses=made.name), OPERATOR)
    assert refused.value.reason == "INVALID_CORRECTION"


async def test_a_dry_run_posts_nothing(desk: Desk) -> None:
    """It says what it would be, without a name."""
    request = posting(1)
    request.validate_only = True
    shown = await desk.call("PostCorrection", request, OPERATOR)
    assert (shown.krw, shown.name, shown.position) == (5_000, "", 0)
    with pytest.raises(Refused) as refused:
        await desk.call("PostCorrection", request, ALPHA)
    assert refused.value.code == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": api.Correction.KIND_UNSPECIFIED}, "INVALID_FIELD"),
        ({"kind": 9}, "INVALID_FIELD"),
        ({"reason": "x" * 501}, "INVALID_FIELD"),
        ({"reason": ""}, "INVALID_CORRECTION"),
        ({"krw": 0}, "INVALID_CORRECTION"),
        ({"krw": -(2**63)}, "INVALID_CORRECTION"),
        ({"reservation": "companies/BETA/reservations/r1"}, "INVALID_FIELD"),
        ({"reservation": "r1"}, "INVALID_FIELD"),
        ({"reverses": "companies/BETA/corrections/c1"}, "INVALID_FIELD"),
        ({"reverses": "companies/ALPHA/corrections/c1"}, "NO_SUCH_RECORD"),
        ({"reservation": "companies/ALPHA/reservations/r1"}, "RESERVATION_NOT_FOUND"),
        ({"parent": "ALPHA"}, "INVALID_FIELD"),
        ({"krw": 0, "unit_seconds": 3600}, "INVALID_FIELD"),
        ({"krw": 0, "meter": "resources/h100"}, "INVALID_FIELD"),
        ({"krw": 1, "unit_seconds": 3600, "meter": "resources/h100"}, "INVALID_FIELD"),
        ({"krw": 0, "unit_seconds": 3600, "meter": "h100"}, "INVALID_FIELD"),
        ({"krw": 0, "unit_seconds": 3600, "meter": "resources/none"}, "NO_QUOTA"),
        ({"krw": 0, "unit_seconds": -(2**63), "meter": "resources/h100"}, "INVALID_CORRECTION"),
        ({"parent": "companies/GHOST"}, "COMPANY_NOT_FOUND"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(desk: Desk, fields: dict[str, Any], reason: str) -> None:
    """Each fault is told, and nothing is posted."""
    before = desk.writer.pages.head.position
    with pytest.raises(Refused) as refused:
        await desk.call("PostCorrection", posting(1, **{"krw": 1, **fields}), OPERATOR)
    assert refused.value.reason == reason
    assert desk.writer.pages.head.position == before


async def test_hours_stand_in_the_quota_and_are_reversed_by_name(desk: Desk) -> None:
    """A credit of hours is in what the company is told of its quota at once, and gone when it is taken back."""
    asked = api.ListQuotasRequest(parent="companies/ALPHA")

    async def granted() -> dict[tuple[str, int], int]:
        told = await desk.call("ListQuotas", asked, ALPHA)
        return {(each.meter, each.start_time.seconds): each.unit_seconds for each in told.quotas}

    before = await granted()
    hours = {"meter": "resources/h100", "unit_seconds": 7_200}
    made = await desk.call("PostCorrection", posting(1, 0, **hours), OPERATOR)
    assert (made.meter, made.unit_seconds) == ("resources/h100", 7_200)
    corrected = made.meter, made.quota_time.seconds
    assert await granted() == {**before, corrected: before[corrected] + 7_200}
    back = {**hours, "unit_seconds": -7_200, "reverses": made.name, "quota_time": made.quota_time}
    await desk.call("PostCorrection", posting(2, 0, **back), OPERATOR)
    assert await granted() == before
