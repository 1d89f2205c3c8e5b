"""Exemptions: a review of a company's grants passes it by, as it asked for in time and an operator agrees."""

from collections.abc import Mapping, Sequence

from services.board.conduct.judgement import Judgement, facts, parent, reason_field
from services.board.frame import parts
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


class Exempted(Judgement):
    """The next review takes nothing."""

    name, method, kind = "exemption", "ExemptFromReview", api.ExemptFromReviewRequest

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """Why."""
        return [reason_field(visit, fields, required=True)]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.ExemptFromReviewRequest:
        """What was typed."""
        return api.ExemptFromReviewRequest(parent=parent(fields), reason=fields.get("reason", "").strip())

    async def effect(self, visit: Visit, request: api.ExemptFromReviewRequest, after: api.Conduct) -> Content:
        """Which review it is."""
        words = visit.words
        review = max(from_timestamp(each.review_time) for each in after.exemptions)
        return [
            facts((words("exemption_review"), visit.clock.stamp(review)), (words("judge_because"), request.reason)),
            parts.note(words("exemption_takes_nothing")),
        ]


def ahead(visit: Visit, found: Sequence[api.Exemption]) -> list[Markup]:
    """The exemptions from reviews that are still to come."""
    words, clock = visit.words, visit.clock
    return [
        parts.note(words("exemption_stands", moment=clock.short(review), reason=each.reason))
        for each in found
        if (review := from_timestamp(each.review_time)) > clock.now
    ]
