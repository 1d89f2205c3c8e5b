"""Trainings: whose people may run a piece of equipment without an operator, and until when."""

from collections.abc import Mapping, Sequence

from services.board.conduct.judgement import Judgement, facts, link, moment_of, parent, reason_field
from services.board.doors.catalogue import plain
from services.board.frame import parts
from services.board.frame.fields import resource_field, text_field
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup
from services.board.paper.times import from_timestamp, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


class Trained(Judgement):
    """A company's people are trained."""

    name, method, kind = "training", "GrantQualification", api.GrantQualificationRequest

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """For what, and until when; from now on."""
        label, until = visit.words("training_until"), fields.get("until", "")
        until_field = text_field(label, "until", until, type_="datetime-local", required=True)
        return [resource_field(visit, fields, required=True), until_field]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.GrantQualificationRequest:
        """What was chosen and typed."""
        training = api.Qualification(
            resource=_resource(visit, fields, faults),
            start_time=to_timestamp(visit.clock.now),
            end_time=moment_of(visit, fields.get("until", ""), faults),
        )
        return api.GrantQualificationRequest(parent=parent(fields), qualification=training)

    async def effect(self, visit: Visit, request: api.GrantQualificationRequest, after: api.Conduct) -> Content:
        """What they may run by themselves."""
        words, training = visit.words, request.qualification
        until = visit.clock.stamp(from_timestamp(training.end_time))
        shown = (
            (words("head_resource"), visit.name(visit.catalogue[training.resource])),
            (words("training_until"), until),
        )
        return [facts(*shown), parts.note(words("training_allows"))]


class Untrained(Judgement):
    """A training does not count any more."""

    name, method, kind, harsh = "untrained", "RevokeQualification", api.RevokeQualificationRequest, True

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """Which, and why."""
        return [resource_field(visit, fields, required=True), reason_field(visit, fields)]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.RevokeQualificationRequest:
        """What was chosen and typed."""
        return api.RevokeQualificationRequest(
            parent=parent(fields),
            resource=_resource(visit, fields, faults),
            reason=fields.get("reason", "").strip(),
        )

    async def effect(self, visit: Visit, request: api.RevokeQualificationRequest, after: api.Conduct) -> Content:
        """What they need an operator for from now on."""
        words, resource = visit.words, visit.catalogue[request.resource]
        shown = (words("head_resource"), visit.name(resource)), (words("head_reason"), request.reason)
        return [facts(*shown), parts.note(words("untrained_needs"), "warn")]


def known(visit: Visit, company: str, found: Sequence[api.Qualification]) -> Markup | None:
    """The trainings that count, or will; nothing where there is none."""
    words, clock = visit.words, visit.clock
    rows = []
    for each in found:
        start, end = from_timestamp(each.start_time), from_timestamp(each.end_time)
        if end > clock.now:
            again = link(visit, Untrained.name, company, resource=plain(each.resource))
            what = visit.name(visit.catalogue[each.resource])
            rows.append([what, clock.stamp(start, clock.span(start, end)), again if visit.person.operates else None])
    head = [words("head_resource"), words("head_when"), ""]
    return parts.table(head, rows, words("training_title")) if rows else None


def _resource(visit: Visit, fields: Mapping[str, str], faults: list[str]) -> str:
    """The full name of a resource that was chosen; what is none is named."""
    name = fields.get("resource", "").strip()
    if name not in visit.catalogue:
        faults.append(visit.words("fault_resource", name=name))
    return f"resources/{name}"
