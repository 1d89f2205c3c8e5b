"""Misuse: what a company has is used for something else. An operator records it, and lifts it."""

from collections.abc import Mapping

from services.board.conduct.judgement import REFERENCE_CHARACTERS_MAX, Judgement, facts, parent, reason_field
from services.board.frame import parts
from services.board.frame.fields import text_field
from services.board.frame.reading import reservations
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup, el
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ROWS_MAX = 20


class MisuseFound(Judgement):
    """A company misuses what it has."""

    name, method, kind, harsh = "misuse", "RecordMisuse", api.RecordMisuseRequest, True

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """What happened, and where that is found."""
        reference = fields.get("reference", "")
        return [
            reason_field(visit, fields, required=True),
            text_field(visit.words("judge_reference"), "reference", reference, maxlength=REFERENCE_CHARACTERS_MAX),
        ]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.RecordMisuseRequest:
        """What was typed."""
        misuse = api.Misuse(reason=fields.get("reason", "").strip(), reference=fields.get("reference", "").strip())
        return api.RecordMisuseRequest(parent=parent(fields), misuse=misuse)

    async def effect(self, visit: Visit, request: api.RecordMisuseRequest, after: api.Conduct) -> Content:
        """What would be taken back, by the terms of today: every one of its reservations, or nothing."""
        words = visit.words
        told = facts(
            (words("judge_because"), request.misuse.reason), (words("judge_reference"), request.misuse.reference)
        )
        if not after.misuse.revokes:
            return [told, parts.note(words("misuse_records"), "warn")]
        found, more, _ = await reservations(visit, visit.clock.now, parent=request.parent)
        if not found:
            return [told, parts.note(words("misuse_none"), "warn")]
        title = words("misuse_takes", count=f"{len(found)}{'+' if more else ''}")
        left = len(found) - ROWS_MAX
        return [
            told,
            parts.note([el("b", title), " ", words("misuse_takes_explained")], "bad"),
            parts.reservations(visit, found[:ROWS_MAX], title),
            el("p", words("and_more", count=left), class_="away") if left > 0 else None,
        ]


class MisuseLifted(Judgement):
    """The company may book again."""

    name, method, kind = "lift", "LiftMisuse", api.LiftMisuseRequest

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """Why, if one likes."""
        return [reason_field(visit, fields)]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.LiftMisuseRequest:
        """What was typed."""
        return api.LiftMisuseRequest(parent=parent(fields), reason=fields.get("reason", "").strip())

    async def effect(self, visit: Visit, request: api.LiftMisuseRequest, after: api.Conduct) -> Content:
        """What comes back, and what does not."""
        words = visit.words
        return [facts((words("head_reason"), request.reason)), parts.note(words("lift_books"))]
