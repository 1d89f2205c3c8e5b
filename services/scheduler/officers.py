"""Who may act for whom: a company's support officers, and an officer's companies, with the dates of each."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation.values.conduct import Assignment
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.scheduler import reads
from services.scheduler.access import company_of
from services.scheduler.reading import Reading
from services.scheduler.wire.fields import Fields
from services.scheduler.writer import Writer


class OfficerList:
    """Tells who may act for whom: a company its own, an officer their own, the centre all."""

    def __init__(self, writer: Writer, reading: Reading) -> None:
        self._centre = writer.centre
        self._reading = reading

    async def list_officers(self, call: Call, request: api.ListOfficersRequest) -> api.ListOfficersResponse:
        """Assignments by when they begin."""
        company = company_of(call, request.parent, all_allowed=True)
        officer = _named(request)
        alone = call.identity.subject if call.identity.role is Role.OFFICER else ""
        question = f"officers {company} {officer} {alone}"
        page = reads.Page.of(request.page_size, request.page_token, question, default=50, most=200)
        position = self._reading.reached(request.min_position)
        now = self._reading.seconds()
        companies = [company] if company else list(self._centre.records.conducts)
        wanted = (
            each
            for name in companies
            for each in self._centre.records.conduct(name).officers
            if officer in ("", each.officer) and alone in ("", each.officer)
        )
        found, token = page.cut(wanted, lambda each: (each.start, f"{each.company}/{each.officer}"))
        await self._reading.durable(position)
        return api.ListOfficersResponse(
            assignments=[assignment_reply(each, now) for each in found],
            next_page_token=token,
            position=position,
            time_zone=self._centre.zone.key,
        )


def assignment_reply(assignment: Assignment, now: int) -> api.OfficerAssignment:
    """An assignment, and whether it holds at a time in seconds."""
    return api.OfficerAssignment(
        company=f"companies/{assignment.company}",
        officer=api.Officer(
            officer=f"officers/{assignment.officer}",
            start_time=Timestamp(seconds=assignment.start),
            end_time=Timestamp(seconds=assignment.end),
        ),
        acting=assignment.start <= now < assignment.end,
    )


def _named(request: api.ListOfficersRequest) -> str:
    """The officer whom a request is about; empty for all."""
    if not request.officer:
        return ""
    fields = Fields()
    (officer,) = fields.name("officer", request.officer, "officers")
    fields.demand_valid()
    return officer
