"""The methods about the centre's records: its terms, and how a company stands with it."""

from services.allocation import commands
from services.allocation.events import ConductEvent
from services.allocation.rejections import Rejected
from services.allocation.tables.records import judged
from services.allocation.values.conduct import Conduct
from services.allocation.values.terms import Terms
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.scheduler.access import company_of
from services.scheduler.answering import administer, ask_of
from services.scheduler.clock import MICROSECONDS
from services.scheduler.reading import Reading
from services.scheduler.wire import conduct
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.refusals import problem_of
from services.scheduler.wire.terms import publish_terms, terms_reply
from services.scheduler.writer import Writer

Judging = (
    api.GrantQualificationRequest
    | api.RevokeQualificationRequest
    | api.ForgiveStrikeRequest
    | api.RecordArrearsRequest
    | api.ClearArrearsRequest
    | api.RecordMisuseRequest
    | api.LiftMisuseRequest
    | api.ExemptFromReviewRequest
    | api.AssignOfficerRequest
    | api.DismissOfficerRequest
)
Judgement = (
    commands.GrantQualification
    | commands.RevokeQualification
    | commands.ForgiveStrike
    | commands.RecordArrears
    | commands.ClearArrears
    | commands.RecordMisuse
    | commands.LiftMisuse
    | commands.ExemptFromReview
    | commands.AssignOfficer
    | commands.DismissOfficer
)


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
        return await self._judge(call, request, conduct.grant_qualification(request))

    async def revoke_qualification(self, call: Call, request: api.RevokeQualificationRequest) -> api.Conduct:
        """Take a training back."""
        return await self._judge(call, request, conduct.revoke_qualification(request))

    async def forgive_strike(self, call: Call, request: api.ForgiveStrikeRequest) -> api.Conduct:
        """Take a strike back."""
        return await self._judge(call, request, conduct.forgive_strike(request))

    async def record_arrears(self, call: Call, request: api.RecordArrearsRequest) -> api.Conduct:
        """Record a bill that is overdue."""
        return await self._judge(call, request, conduct.record_arrears(request))

    async def clear_arrears(self, call: Call, request: api.ClearArrearsRequest) -> api.Conduct:
        """Record that it is paid, or waived."""
        return await self._judge(call, request, conduct.clear_arrears(request))

    async def record_misuse(self, call: Call, request: api.RecordMisuseRequest) -> api.Conduct:
        """Record a misuse; ticks take back what the company has."""
        return await self._judge(call, request, conduct.record_misuse(request))

    async def lift_misuse(self, call: Call, request: api.LiftMisuseRequest) -> api.Conduct:
        """Let the company book again."""
        return await self._judge(call, request, conduct.lift_misuse(request))

    async def exempt_from_review(self, call: Call, request: api.ExemptFromReviewRequest) -> api.Conduct:
        """Let the next review of a company's grants pass it by."""
        return await self._judge(call, request, conduct.exempt_from_review(request))

    async def assign_officer(self, call: Call, request: api.AssignOfficerRequest) -> api.Conduct:
        """Let an officer act for a company."""
        return await self._judge(call, request, conduct.assign_officer(request))

    async def dismiss_officer(self, call: Call, request: api.DismissOfficerRequest) -> api.Conduct:
        """Take that back."""
        return await self._judge(call, request, conduct.dismiss_officer(request))

    async def get_conduct(self, call: Call, request: api.GetConductRequest) -> api.Conduct:
        """A company's record."""
        company = company_of(call, request.parent)
        position = self._reading.reached(request.min_position)
        found = self._records.conduct(company)
        await self._reading.durable(position)
        return conduct.conduct_reply(found, position)

    async def _judge(self, call: Call, request: Judging, command: Judgement) -> api.Conduct:
        if request.validate_only:
            position = self._reading.reached(0)
            planned = self._planned(call, request, command)
            await self._reading.durable(position)
            return conduct.conduct_reply(planned, position)
        made = await administer(self._writer, call, request, command)
        assert isinstance(made, Conduct)
        return conduct.conduct_reply(made, self._writer.pages.head.position)

    def _planned(self, call: Call, request: Judging, command: Judgement) -> Conduct:
        """A company's record as it would stand, without changing anything."""
        match command:
            case commands.GrantQualification(qualification=about) | commands.AssignOfficer(assignment=about):
                company = about.company
            case _:
                company = command.company
        request.validate_only = False
        try:
            decided = self._writer.check(ask_of(call, request, command))
        except Rejected as refusal:
            raise problem_of(refusal) from None
        planned, now = self._records.conduct(company), self._now()
        for event in decided:
            if isinstance(event, ConductEvent):
                planned = judged(planned, event, now)
        return planned

    def _now(self) -> int:
        return self._writer.now() // MICROSECONDS
