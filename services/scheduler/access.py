"""Who may ask about what, and the words for what there is not."""

from datetime import UTC, datetime

import grpc

from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.values.transfer import HandedOver
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.runtime.problems import Problem, invalid
from services.runtime.reception import ActsFor
from services.scheduler.clock import MICROSECONDS
from services.scheduler.group_commit import LogBehind, TimeUnknown
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.refusals import problem_of
from services.scheduler.writer import Writer

RETRY_SECONDS = 0.5
ALL = "-"


def actor_of(call: Call) -> str:
    """Who acts, as the log records it."""
    identity = call.identity
    if identity.officer:
        return f"officers/{identity.officer}/companies/{identity.company}"
    return f"companies/{identity.company}" if identity.role is Role.COMPANY else f"{identity.role}s/{identity.subject}"


def officers_of(writer: Writer) -> ActsFor:
    """Who may act for which company, by what was decided so far and the centre's clock."""

    async def acts_for(officer: str, company: str) -> bool:
        return writer.centre.records.conduct(company).acted_for_by(officer, writer.now() // MICROSECONDS)

    return acts_for


def company_of(call: Call, parent: str, *, all_allowed: bool = False) -> str:
    """The company that a call is about; empty for all of them. A company may act for itself alone."""
    role = call.identity.role
    if all_allowed and parent == f"companies/{ALL}" and role is not Role.COMPANY:
        return ""
    fields = Fields()
    (company,) = fields.name("parent", parent, "companies")
    fields.demand_valid()
    if role is Role.COMPANY and company != call.identity.company:
        raise Problem(grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_COMPANY", "A company may act for itself alone.")
    return company


def demand_own(call: Call, company: str, name: str) -> None:
    """Another company's reservation answers exactly like a missing one."""
    if call.identity.role is Role.COMPANY and call.identity.company != company:
        raise problem_of(no_reservation(name))


def demand_operator(call: Call, sentence: str) -> None:
    """What only an operator may say. Raises `Problem` with the sentence."""
    if call.identity.role is not Role.OPERATOR:
        raise Problem(grpc.StatusCode.PERMISSION_DENIED, "OPERATORS_ONLY", f"{sentence} Ask one to.")


def demand_reason(
    call: Call, request: api.CancelReservationRequest | api.ReleaseReservationRequest | api.CancelSeriesRequest
) -> None:
    """An operator who gives back what a company booked tells it why; whoever only asks what that costs need not yet."""
    if call.identity.role is Role.OPERATOR and not request.reason.strip() and not request.validate_only:
        raise invalid({"reason": "is required from an operator: it tells the company why its booking is given back"})


def no_reservation(name: str) -> Rejected:
    return refuse(Reason.RESERVATION_NOT_FOUND, f"There is no reservation {name}.", name)


def handed_over(name: str, handover: HandedOver) -> Problem:
    """What its former company is told of a reservation: what it heard when it was accepted, and nothing since."""
    moment = datetime.fromtimestamp(handover.at, UTC)
    told = (
        f"{name} was handed over to {handover.to} at {moment:%Y-%m-%d %H:%M} UTC, and is no longer {handover.former}'s."
    )
    problem = problem_of(refuse(Reason.RESERVATION_NOT_FOUND, told, name))
    problem.metadata["handed_over_to"] = f"companies/{handover.to}"
    problem.metadata["handed_over_time"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return problem


def log_unavailable(error: LogBehind) -> Problem:
    """The log or the time is away: the outcome is unknown, and the client is told to ask again."""
    if isinstance(error, TimeUnknown):
        return Problem(grpc.StatusCode.UNAVAILABLE, "TIME_UNKNOWN", f"{error}.", retry_after_seconds=RETRY_SECONDS)
    return Problem(grpc.StatusCode.UNAVAILABLE, "LOG_UNAVAILABLE", f"{error}.", retry_after_seconds=RETRY_SECONDS)
