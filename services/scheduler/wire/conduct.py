"""A company's record: what operators ask to have written into it, and how it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.values.arrears import Arrear
from services.allocation.values.conduct import Assignment, Cause, Conduct, Misuse, Qualification
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.requests import reservation_name

CAUSE_OF = {Cause.NO_SHOW: api.Strike.CAUSE_NO_SHOW, Cause.LATE_CANCEL: api.Strike.CAUSE_LATE_CANCEL}
MONTH_CHARACTERS = 7


class _AboutCompany(Protocol):
    """What every request about a company's record has."""

    @property
    def parent(self) -> str: ...

    @property
    def request_id(self) -> str: ...


@contextmanager
def _about_company(request: _AboutCompany) -> Iterator[tuple[Fields, str]]:
    """The fields of a request, and the company that it is about; in the end all that is wrong with them is raised."""
    fields = Fields()
    fields.request_id(request.request_id)
    (company,) = fields.name("parent", request.parent, "companies")
    yield fields, company
    fields.demand_valid()


def grant_qualification(request: api.GrantQualificationRequest) -> commands.GrantQualification:
    """A training. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        given = request.qualification
        (resource,) = fields.name("qualification.resource", given.resource, "resources")
        wish = Qualification(
            company=company,
            resource=resource,
            start=fields.time("qualification.start_time", given, "start_time"),
            end=fields.time("qualification.end_time", given, "end_time"),
        )
    return commands.GrantQualification(qualification=wish)


def revoke_qualification(request: api.RevokeQualificationRequest) -> commands.RevokeQualification:
    """The end of a training. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        (resource,) = fields.name("resource", request.resource, "resources")
        reason = fields.text("reason", request.reason)
    return commands.RevokeQualification(company=company, resource=resource, reason=reason)


def assign_officer(request: api.AssignOfficerRequest) -> commands.AssignOfficer:
    """An assignment. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        given = request.officer
        (officer,) = fields.name("officer.officer", given.officer, "officers")
        wish = Assignment(
            company=company,
            officer=officer,
            start=fields.time("officer.start_time", given, "start_time"),
            end=fields.time("officer.end_time", given, "end_time"),
        )
    return commands.AssignOfficer(assignment=wish)


def dismiss_officer(request: api.DismissOfficerRequest) -> commands.DismissOfficer:
    """The end of an assignment. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        (officer,) = fields.name("officer", request.officer, "officers")
        reason = fields.text("reason", request.reason)
    return commands.DismissOfficer(company=company, officer=officer, reason=reason)


def forgive_strike(request: api.ForgiveStrikeRequest) -> commands.ForgiveStrike:
    """A strike taken back. Raises `Problem` with every invalid field."""
    company, reservation_id = reservation_name(request.name)
    fields = Fields()
    fields.request_id(request.request_id)
    reason = fields.text("reason", request.reason)
    fields.demand_valid()
    return commands.ForgiveStrike(company=company, reservation_id=reservation_id, reason=reason)


def record_arrears(request: api.RecordArrearsRequest) -> commands.RecordArrears:
    """A bill that is overdue. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        given = request.arrear
        wish = Arrear(
            month=fields.text("arrear.month", given.month, MONTH_CHARACTERS),
            krw=given.krw,
            since=fields.time("arrear.due_time", given, "due_time"),
            reference=fields.text("arrear.reference", given.reference),
        )
    return commands.RecordArrears(company=company, arrear=wish)


def clear_arrears(request: api.ClearArrearsRequest) -> commands.ClearArrears:
    """The end of that. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        month = fields.text("month", request.month, MONTH_CHARACTERS)
        reason = fields.text("reason", request.reason)
    return commands.ClearArrears(company=company, month=month, reason=reason)


def record_misuse(request: api.RecordMisuseRequest) -> commands.RecordMisuse:
    """A misuse. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        reason = fields.text("misuse.reason", request.misuse.reason)
        reference = fields.text("misuse.reference", request.misuse.reference)
    return commands.RecordMisuse(company=company, reason=reason, reference=reference)


def lift_misuse(request: api.LiftMisuseRequest) -> commands.LiftMisuse:
    """The end of one. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        reason = fields.text("reason", request.reason)
    return commands.LiftMisuse(company=company, reason=reason)


def exempt_from_review(request: api.ExemptFromReviewRequest) -> commands.ExemptFromReview:
    """An exemption. Raises `Problem` with every invalid field."""
    with _about_company(request) as (fields, company):
        reason = fields.text("reason", request.reason)
        if not reason.strip():
            fields.fault("reason", "is required: it says why the review passes the company by")
    return commands.ExemptFromReview(company=company, reason=reason)


def conduct_reply(conduct: Conduct, position: int) -> api.Conduct:
    """A company's record as clients see it."""
    return api.Conduct(
        company=f"companies/{conduct.company}",
        reliability=conduct.reliability,
        kept=conduct.kept,
        missed=conduct.missed,
        strikes=[
            api.Strike(
                reservation=f"companies/{conduct.company}/reservations/{strike.reservation_id}",
                cause=CAUSE_OF[strike.cause],
                time=Timestamp(seconds=strike.at),
            )
            for strike in conduct.strikes
        ],
        suspended_until_time=Timestamp(seconds=conduct.suspended_until) if conduct.suspended_until else None,
        qualifications=[
            api.Qualification(
                resource=f"resources/{each.resource}",
                start_time=Timestamp(seconds=each.start),
                end_time=Timestamp(seconds=each.end),
            )
            for each in conduct.qualifications
        ],
        officers=[
            api.Officer(
                officer=f"officers/{each.officer}",
                start_time=Timestamp(seconds=each.start),
                end_time=Timestamp(seconds=each.end),
            )
            for each in conduct.officers
        ],
        arrears=[
            api.Arrear(
                month=each.month,
                krw=each.krw,
                due_time=Timestamp(seconds=each.since),
                reference=each.reference,
                suspends=each.suspends,
            )
            for each in conduct.arrears
        ],
        misuse=_misuse_reply(conduct.misuse) if conduct.misuse is not None else None,
        exemptions=[
            api.Exemption(review_time=Timestamp(seconds=each.at), reason=each.reason) for each in conduct.exemptions
        ],
        position=position,
    )


def _misuse_reply(misuse: Misuse) -> api.Misuse:
    return api.Misuse(
        reason=misuse.reason,
        reference=misuse.reference,
        time=Timestamp(seconds=misuse.at),
        revokes=misuse.revokes,
    )
