"""How a lawful no is told: one status for every reason, every violated rule, and what would be granted instead."""

from collections.abc import Sequence

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]
    BadRequest,
    PreconditionFailure,
    QuotaFailure,
)

from services.allocation.rejections import Reason, Rejected, Violation
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import Problem

Code = grpc.StatusCode

STATUS_OF: dict[Reason, grpc.StatusCode] = {
    Reason.REQUEST_ID_REUSED: Code.ALREADY_EXISTS,
    Reason.ALREADY_EXISTS: Code.ALREADY_EXISTS,
    Reason.COMPANY_NOT_FOUND: Code.NOT_FOUND,
    Reason.RESOURCE_NOT_FOUND: Code.NOT_FOUND,
    Reason.RESERVATION_NOT_FOUND: Code.NOT_FOUND,
    Reason.OUTAGE_NOT_FOUND: Code.NOT_FOUND,
    Reason.INVALID_RESOURCE: Code.INVALID_ARGUMENT,
    Reason.INVALID_QUOTA: Code.INVALID_ARGUMENT,
    Reason.INVALID_OUTAGE: Code.INVALID_ARGUMENT,
    Reason.INVALID_PARTICIPANTS: Code.INVALID_ARGUMENT,
    Reason.TOO_FEW_SEATS: Code.FAILED_PRECONDITION,
    Reason.INVALID_OFFICER: Code.INVALID_ARGUMENT,
    Reason.INVALID_ARREARS: Code.INVALID_ARGUMENT,
    Reason.INVALID_MISUSE: Code.INVALID_ARGUMENT,
    Reason.INVALID_FUNDING: Code.INVALID_ARGUMENT,
    Reason.INVALID_OVERRIDE: Code.INVALID_ARGUMENT,
    Reason.INVALID_TARIFF: Code.INVALID_ARGUMENT,
    Reason.PERIOD_RUNNING: Code.FAILED_PRECONDITION,
    Reason.SERIES_NOT_FOUND: Code.NOT_FOUND,
    Reason.INVALID_SERIES: Code.INVALID_ARGUMENT,
    Reason.INVALID_TERMS: Code.INVALID_ARGUMENT,
    Reason.INVALID_CORRECTION: Code.INVALID_ARGUMENT,
    Reason.INVALID_QUALIFICATION: Code.INVALID_ARGUMENT,
    Reason.NO_SUCH_RECORD: Code.NOT_FOUND,
    Reason.STALE_ETAG: Code.ABORTED,
    Reason.WRONG_STATE: Code.FAILED_PRECONDITION,
    Reason.ALREADY_VOTED: Code.FAILED_PRECONDITION,
    Reason.REFERENCE_REQUIRED: Code.FAILED_PRECONDITION,
    Reason.NEEDS_APPROVAL: Code.FAILED_PRECONDITION,
    Reason.INVALID_LINES: Code.INVALID_ARGUMENT,
    Reason.INVALID_UNITS: Code.INVALID_ARGUMENT,
    Reason.INVALID_INTERVAL: Code.INVALID_ARGUMENT,
    Reason.OFF_GRID: Code.INVALID_ARGUMENT,
    Reason.DURATION_OUT_OF_RANGE: Code.INVALID_ARGUMENT,
    Reason.START_IN_PAST: Code.FAILED_PRECONDITION,
    Reason.NOTICE_TOO_SHORT: Code.FAILED_PRECONDITION,
    Reason.BEYOND_HORIZON: Code.FAILED_PRECONDITION,
    Reason.OUTSIDE_AGREEMENT: Code.FAILED_PRECONDITION,
    Reason.NOT_ENTITLED: Code.FAILED_PRECONDITION,
    Reason.SUSPENDED: Code.FAILED_PRECONDITION,
    Reason.ARREARS: Code.FAILED_PRECONDITION,
    Reason.REVOKED: Code.FAILED_PRECONDITION,
    Reason.NOT_QUALIFIED: Code.FAILED_PRECONDITION,
    Reason.END_IN_PAST: Code.FAILED_PRECONDITION,
    Reason.TOO_EARLY: Code.FAILED_PRECONDITION,
    Reason.NO_QUOTA: Code.RESOURCE_EXHAUSTED,
    Reason.OUT_OF_SERVICE: Code.FAILED_PRECONDITION,
    Reason.OUTSIDE_OPENING_HOURS: Code.FAILED_PRECONDITION,
    Reason.CLOSED_DAY: Code.FAILED_PRECONDITION,
    Reason.MAINTENANCE: Code.FAILED_PRECONDITION,
    Reason.COMPANION_MISSING: Code.FAILED_PRECONDITION,
    Reason.TOO_MANY_HOLDS: Code.RESOURCE_EXHAUSTED,
    Reason.QUOTA_EXCEEDED: Code.RESOURCE_EXHAUSTED,
    Reason.CONCURRENCY_EXCEEDED: Code.RESOURCE_EXHAUSTED,
    Reason.RESERVE_EXCEEDED: Code.RESOURCE_EXHAUSTED,
    Reason.EXCLUSIVE_GROUP_BUSY: Code.FAILED_PRECONDITION,
    Reason.CHANGEOVER_TOO_SHORT: Code.FAILED_PRECONDITION,
    Reason.NOT_FUNDED: Code.FAILED_PRECONDITION,
    Reason.NO_CAPACITY: Code.FAILED_PRECONDITION,
    Reason.NO_PLACEMENT: Code.FAILED_PRECONDITION,
}


def problem_of(
    refusal: Rejected, alternatives: Sequence[api.Offer] = (), smallest: Sequence[api.SmallestChange] = ()
) -> Problem:
    """The error that tells a client everything about a refusal."""
    first = refusal.violations[0]
    code = STATUS_OF[first.reason]
    detail = api.Refusal(
        violations=[violation_of(each) for each in refusal.violations],
        alternatives=alternatives,
        smallest_changes=smallest,
    )
    metadata = {"subject": first.subject, "violations": ",".join(dict.fromkeys(v.reason for v in refusal.violations))}
    if first.limit or first.asked:
        metadata |= {"limit": str(first.limit), "asked": str(first.asked)}
    return Problem(
        code, first.reason, str(refusal), metadata=metadata, details=[detail, *_standard_details(code, refusal)]
    )


def violation_of(violation: Violation) -> api.Violation:
    """One violated rule, as the API tells it."""
    return api.Violation(
        reason=violation.reason,
        description=violation.description,
        subject=violation.subject,
        limit=violation.limit,
        asked=violation.asked,
        operator_may_override=violation.overridable,
    )


def _standard_details(code: grpc.StatusCode, refusal: Rejected) -> list[Message]:
    """The google.rpc detail that generic clients understand, where there is one for the status."""
    match code:
        case Code.INVALID_ARGUMENT:
            fields = [
                BadRequest.FieldViolation(field=each.subject or "reservation", description=each.description)
                for each in refusal.violations
            ]
            return [BadRequest(field_violations=fields)]
        case Code.FAILED_PRECONDITION:
            broken = [
                PreconditionFailure.Violation(type=each.reason, subject=each.subject, description=each.description)
                for each in refusal.violations
            ]
            return [PreconditionFailure(violations=broken)]
        case Code.RESOURCE_EXHAUSTED:
            spent = [
                QuotaFailure.Violation(subject=each.subject, description=each.description)
                for each in refusal.violations
            ]
            return [QuotaFailure(violations=spent)]
        case _:
            return []
