"""Bad values in the fields of every call of the booking life: the same definite no, whichever call they come with.

The rows of single requests are in `test_grpc_bad_requests`; here each defect meets every call that has such a field.
"""

from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from services.runtime.identity import Identity
from tests.scheduler.serving import ALPHA, OPERATOR, SERVICE, Desk, Refused
from tests.scheduler.test_grpc_tenants import request_of

INVALID = grpc.StatusCode.INVALID_ARGUMENT

BY_OPERATORS = frozenset(
    {
        *("ApproveReservation", "DenyReservation", "DeclareOutage", "LiftOutage", "SetFunding", "PublishTerms"),
        *("GrantQualification", "RevokeQualification", "ForgiveStrike", "RecordArrears", "ClearArrears"),
        *("RecordMisuse", "LiftMisuse", "ExemptFromReview"),
    }
)
TEXTS: Mapping[str, tuple[str, ...]] = {
    "CreateReservation": ("reservation.note",),
    "UpdateReservation": ("reservation.note", "etag"),
    "ConfirmReservation": ("etag",),
    "CancelReservation": ("reason", "etag"),
    "ReleaseReservation": ("reason", "hand_over", "etag"),
    "CheckIn": ("etag",),
    "ApproveReservation": ("comment", "reference", "etag"),
    "DenyReservation": ("comment", "etag"),
    "AcceptTransfer": ("etag",),
    "SplitReservation": ("etag",),
    "DeclineTransfer": ("reason", "etag"),
    "CreateSeries": ("series.note", "series.first", "series.time_zone"),
    "UpdateSeries": ("series.note", "etag"),
    "CancelSeries": ("reason", "etag"),
    "DeclareOutage": ("outage.reason",),
    "LiftOutage": ("reason", "etag"),
    "SetFunding": ("funding.reason",),
    "RevokeQualification": ("reason",),
    "ForgiveStrike": ("reason",),
    "RecordArrears": ("arrear.reference",),
    "ClearArrears": ("reason",),
    "RecordMisuse": ("misuse.reason", "misuse.reference"),
    "LiftMisuse": ("reason",),
    "ExemptFromReview": ("reason",),
}
TIMES: Mapping[str, tuple[str, ...]] = {
    "CreateReservation": ("reservation.start_time", "reservation.end_time", "hold"),
    "UpdateReservation": ("reservation.start_time", "reservation.end_time", "reservation.duration"),
    "SearchOffers": ("duration", "earliest_start_time", "latest_end_time", "hold"),
    "CreateSeries": ("series.duration",),
    "UpdateSeries": ("series.duration", "from_time"),
    "CancelSeries": ("from_time",),
    "GetCalendar": ("start_time", "end_time"),
    "SplitReservation": ("at_time",),
    "ListReservations": ("start_time", "end_time"),
    "DeclareOutage": ("outage.start_time", "outage.end_time", "outage.lead_in"),
    "SetFunding": ("funding.start_time",),
    "RecordArrears": ("arrear.due_time",),
    "GrantQualification": ("qualification.start_time", "qualification.end_time"),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "ReleaseReservation": ("condition",),
    "CreateSeries": ("series.policy",),
    "UpdateSeries": ("series.policy",),
    "DeclareOutage": ("outage.kind",),
}
STRANGE = (
    *((-(2**63), 0), (-1, 0), (253_402_300_800, 0), (2**63 - 1, 0)),
    *((3600, -1), (3600, 1), (3600, 1_999_999_999)),
)
"""Seconds and nanoseconds that are no time."""
IDENTIFIED = sorted(
    method
    for method in {*TEXTS, *TIMES, "PublishTerms"}
    if "request_id" in SERVICE.methods_by_name[method].input_type.fields_by_name and method != "SearchOffers"
)
TAGGED = sorted(method for method, paths in TEXTS.items() if "etag" in paths)


def every(table: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Each method with each of its fields."""
    return [(method, path) for method, paths in table.items() for path in paths]


def parent_of(request: Message, path: str) -> tuple[Any, str]:
    """The message that a path leads into, and the name of its last field."""
    *way, name = path.split(".")
    message: Any = request
    for step in way:
        message = getattr(message, step)
    return message, name


async def refused(desk: Desk, method: str, request: Message) -> grpc.StatusCode:
    """The status of a no that is explained and leaves the log as it is."""
    await desk.writer.settled()
    pages = list(desk.log.pages)
    with pytest.raises(Refused) as no:
        await desk.ask(method, request, asker(method))
    assert no.value.reason, "no ErrorInfo"
    assert "Traceback" not in str(no.value)
    assert desk.log.pages == pages
    return no.value.code


def asker(method: str) -> Identity:
    """Who may ask for it."""
    return OPERATOR if method in BY_OPERATORS else ALPHA


@pytest.mark.parametrize(("method", "path"), every(TEXTS))
async def test_text_that_is_none_is_refused(desk: Desk, method: str, path: str) -> None:
    """No control characters, and no more of it than its limit says."""
    request = await request_of(desk, method, "ALPHA")
    message, name = parent_of(request, path)
    for text in ("a\x00b", "a\x1bb", "x" * 5_000):
        setattr(message, name, text)
        assert await refused(desk, method, request) is INVALID


@pytest.mark.parametrize(("method", "path"), every(TIMES))
async def test_a_time_that_is_none_is_refused(desk: Desk, method: str, path: str) -> None:
    """Years that no calendar has, and parts of a second."""
    request = await request_of(desk, method, "ALPHA")
    message, name = parent_of(request, path)
    for seconds, nanos in STRANGE:
        getattr(message, name).seconds, getattr(message, name).nanos = seconds, nanos
        assert await refused(desk, method, request) is INVALID


@pytest.mark.parametrize(("method", "path"), every(CHOICES))
async def test_a_choice_that_there_is_not_is_refused(desk: Desk, method: str, path: str) -> None:
    """A number that no choice has is not taken for another."""
    request = await request_of(desk, method, "ALPHA")
    message, name = parent_of(request, path)
    setattr(message, name, 99)
    assert await refused(desk, method, request) is INVALID


@pytest.mark.parametrize("method", IDENTIFIED)
async def test_a_change_has_an_id_of_its_own(desk: Desk, method: str) -> None:
    """Without a UUID nothing is changed."""
    request: Any = await request_of(desk, method, "ALPHA")
    for text in ("", "7", "0" * 36, "00000000-0000-0000-0000-000000000000", "x" * 300):
        request.request_id = text
        assert await refused(desk, method, request) is INVALID


@pytest.mark.parametrize("method", TAGGED)
async def test_an_old_etag_is_refused(desk: Desk, method: str) -> None:
    """Who has not read the last change decides again."""
    request: Any = await request_of(desk, method, "ALPHA")
    request.etag = '"99"'
    assert await refused(desk, method, request) is grpc.StatusCode.ABORTED


@pytest.mark.parametrize("method", sorted(TEXTS.keys() - {"ForgiveStrike", "AcceptTransfer", "DeclineTransfer"}))
async def test_the_same_id_is_the_same_yes_and_never_another_request(desk: Desk, method: str) -> None:
    """Repeated, one effect and one answer; with another body it is refused."""
    request = await request_of(desk, method, "ALPHA")
    first = await desk.ask(method, request, asker(method))
    pages = len(desk.log.pages)
    assert await desk.ask(method, request, asker(method)) == first
    assert len(desk.log.pages) == pages
    message, name = parent_of(request, TEXTS[method][0])
    setattr(message, name, '"2"' if name == "etag" else "a third thing")
    assert await refused(desk, method, request) is grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize("method", IDENTIFIED)
async def test_nobody_changes_anything_without_a_token(desk: Desk, method: str) -> None:
    """Who does not say who they are is asked for it, and told nothing."""
    request = await request_of(desk, method, "ALPHA")
    with pytest.raises(Refused) as no:
        await desk.ask(method, request, None)
    assert no.value.code is grpc.StatusCode.UNAUTHENTICATED
