"""Strikes: for not coming, or for giving back late; taken back by an operator where there was a good reason."""

from collections.abc import Mapping, Sequence

from services.board.conduct.judgement import Judgement, facts, link, reason_field
from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.fields import text_field
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

NAME_CHARACTERS_MAX = 63


class Forgiven(Judgement):
    """A strike is taken back."""

    name, method, kind = "forgive", "ForgiveStrike", api.ForgiveStrikeRequest

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """For which reservation it was, and why."""
        known = fields.get("reservation", "")
        label = visit.words("reservation_title")
        name = text_field(label, "reservation", known, required=True, maxlength=NAME_CHARACTERS_MAX)
        return [name, reason_field(visit, fields)]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.ForgiveStrikeRequest:
        """What was typed."""
        company, item = fields.get("company", "").strip(), fields.get("reservation", "").strip()
        name = f"companies/{company}/reservations/{item}"
        return api.ForgiveStrikeRequest(name=name, reason=fields.get("reason", "").strip())

    async def effect(self, visit: Visit, request: api.ForgiveStrikeRequest, after: api.Conduct) -> Content:
        """How many are left, and whether a suspension goes with it."""
        words = visit.words
        until = suspension(visit, after)
        told = words("conduct_suspended", moment=until) if until else words("forgive_books")
        return [
            facts(
                (words("reservation_title"), plain(request.name)),
                (words("head_reason"), request.reason),
                (words("strikes_left"), str(len(after.strikes))),
            ),
            parts.note(told, "warn" if until else "note"),
        ]


def suspension(visit: Visit, conduct: api.Conduct) -> str:
    """Until when a company books no equipment; an empty string if it may."""
    until = from_timestamp(conduct.suspended_until_time)
    barred = conduct.HasField("suspended_until_time") and until > visit.clock.now
    return visit.clock.short(until) if barred else ""


def standing(visit: Visit, company: str, found: Sequence[api.Strike]) -> Markup | None:
    """The strikes that rules can still reach; nothing where there is none."""
    if not found:
        return None
    words = visit.words
    rows = []
    for each in found:
        name, cause = plain(each.reservation), api.Strike.Cause.Name(each.cause).removeprefix("CAUSE_").lower()
        label = words("open_named", name=name)
        rows.append(
            [
                visit.clock.stamp(from_timestamp(each.time)),
                words.either(f"cause_{cause}", cause),
                el("a", name, href=paths.of_reservation(each.reservation), aria_label=label),
                link(visit, Forgiven.name, company, reservation=name) if visit.person.operates else None,
            ]
        )
    head = [words("head_when"), words("strikes_cause"), words("reservation_title"), ""]
    return parts.table(head, rows, words("strikes_title"))
