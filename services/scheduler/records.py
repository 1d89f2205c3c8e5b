"""The methods about the centre's records: its terms, and how a company stands with it."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.attendance.conduct import Assignment, Cause, Conduct, Qualification
from services.allocation.attendance.terms import Terms
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.scheduler.access import company_of
from services.scheduler.answering import administer
from services.scheduler.clock import MICROSECONDS
from services.scheduler.reading import Reading
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.requests import reservation_name
from services.scheduler.wire.terms import publish_terms, terms_reply
from services.scheduler.writer import Writer

CAUSE_OF = {Cause.NO_SHOW: api.Strike.CAUSE_NO_SHOW, Cause.LATE_CANCEL: api.Strike.CAUSE_LATE_CANCEL}


class RecordKeeping:
    """Publishes terms, and keeps the companies' records."""

    def __init__(self, writer: Writer, reading: Reading) -> None:
        self._writer = writer
        self._reading = reading
        self._records = writer.centre.records

    async def publish_terms(self, call: Call, request: api.PublishTermsRequest) -> api.Terms:
        """Let new terms hold from now on, or from later."""
        command = publish_terms(request, self._now())
        made = await administer(self._writer, call, request, command)
        assert made is None or isinstance(made, Terms)
        return terms_reply(made or command.terms)

    async def get_terms(self, call: Call, request: api.GetTermsRequest) -> api.Terms:
        """The terms that hold now, or at another time."""
        fields = Fields()
        at = fields.seconds("time", request.time) if request.HasField("time") else self._now()
        fields.demand_valid()
        return terms_reply(self._records.terms_at(at))

    async def grant_qualification(self, call: Call, request: api.GrantQualificationRequest) -> api.Conduct:
        """Record a training."""
        return await self._judge(call, request, grant_qualification(request))

    async def revoke_qualification(self, call: Call, request: api.RevokeQualificationRequest) -> api.Conduct:
        """Take a training back."""
        return await self._judge(call, request, revoke_qualification(request))

    async def forgive_strike(self, call: Call, request: api.ForgiveStrikeRequest) -> api.Conduct:
        """Take a strike back."""
        return await self._judge(call, request, forgive_strike(request))

    async def assign_officer(self, call: Call, request: api.AssignOfficerRequest) -> api.Conduct:
        """Let an officer act for a company."""
        return await self._judge(call, request, assign_officer(request))

    async def dismiss_officer(self, call: Call, request: api.DismissOfficerRequest) -> api.Conduct:
        """Take that back."""
        return await self._judge(call, request, dismiss_officer(request))

    async def get_conduct(self, call: Call, request: api.GetConductRequest) -> api.Conduct:
        """A company's record."""
        company = company_of(call, request.parent)
        position = self._reading.reached(request.min_position)
        conduct = self._records.conduct(company)
        await self._reading.durable(position)
        return conduct_reply(conduct, position)

    async def _judge(
        self,
        call: Call,
        request: api.GrantQualificationRequest
        | api.RevokeQualificationRequest
        | api.ForgiveStrikeRequest
        | api.AssignOfficerRequest
        | api.DismissOfficerRequest,
        command: commands.GrantQualification
        | commands.RevokeQualification
        | commands.ForgiveStrike
        | commands.AssignOfficer
        | commands.DismissOfficer,
    ) -> api.Conduct:
        made = await administer(self._writer, call, request, command)
        match command:
            case commands.GrantQualification(qualification=about) | commands.AssignOfficer(assignment=about):
                company = about.company
            case _:
                company = command.company
        shown = made or self._records.conduct(company)
        assert isinstance(shown, Conduct)
        return conduct_reply(shown, self._writer.pages.head.position)

    def _now(self) -> int:
        return self._writer.now() // MICROSECONDS


def grant_qualification(request: api.GrantQualificationRequest) -> commands.GrantQualification:
    """A training. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    (company,) = fields.name("parent", request.parent, "companies")
    given = request.qualification
    (resource,) = fields.name("qualification.resource", given.resource, "resources")
    wish = Qualification(
        company=company,
        resource=resource,
        start=fields.time("qualification.start_time", given, "start_time"),
        end=fields.time("qualification.end_time", given, "end_time"),
    )
    fields.demand_valid()
    return commands.GrantQualification(qualification=wish)


def revoke_qualification(request: api.RevokeQualificationRequest) -> commands.RevokeQualification:
    """The end of a training. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    (company,) = fields.name("parent", request.parent, "companies")
    (resource,) = fields.name("resource", request.resource, "resources")
    reason = fields.text("reason", request.reason)
    fields.demand_valid()
    return commands.RevokeQualification(company=company, resource=resource, reason=reason)


def assign_officer(request: api.AssignOfficerRequest) -> commands.AssignOfficer:
    """An assignment. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    (company,) = fields.name("parent", request.parent, "companies")
    given = request.officer
    (officer,) = fields.name("officer.officer", given.officer, "officers")
    wish = Assignment(
        company=company,
        officer=officer,
        start=fields.time("officer.start_time", given, "start_time"),
        end=fields.time("officer.end_time", given, "end_time"),
    )
    fields.demand_valid()
    return commands.AssignOfficer(assignment=wish)


def dismiss_officer(request: api.DismissOfficerRequest) -> commands.DismissOfficer:
    """The end of an assignment. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    (company,) = fields.name("parent", request.parent, "companies")
    (officer,) = fields.name("officer", request.officer, "officers")
    reason = fields.text("reason", request.reason)
    fields.demand_valid()
    return commands.DismissOfficer(company=company, officer=officer, reason=reason)


def forgive_strike(request: api.ForgiveStrikeRequest) -> commands.ForgiveStrike:
    """A strike taken back. Raises `Problem` with every invalid field."""
    company, reservation_id = reservation_name(request.name)
    fields = Fields()
    fields.request_id(request.request_id)
    reason = fields.text("reason", request.reason)
    fields.demand_valid()
    return commands.ForgiveStrike(company=company, reservation_id=reservation_id, reason=reason)


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
        position=position,
    )
