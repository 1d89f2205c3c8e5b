"""Offers to choose from, each with the buttons that book or hold it, and the smallest changes of a demand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from services.board.booking.classes import sent_people
from services.board.booking.wishes import lasting, sent_line
from services.board.frame import parts
from services.board.frame.document import form, hidden
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.board.paper.times import from_timestamp, length
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

HOLD_SECONDS, HOLD_SECONDS_MIN = 600, 60


@dataclass(frozen=True)
class Asked:
    """What every offer of one demand has in common: who asked, with what note, for which class, and the way back."""

    company: str
    note: str
    people: api.Participants | None
    back: str

    @classmethod
    def of(cls, request: api.CreateReservationRequest, back: str) -> "Asked":
        """The same of a booking that was sent."""
        wish = request.reservation
        people = wish.participants if wish.HasField("participants") else None
        return cls(request.parent.partition("/")[2], wish.note, people, back)


def offers(visit: Visit, asked: Asked, found: Sequence[api.Offer]) -> Markup:
    """Offers, each with the button that books it."""
    return el("ol", [el("li", _offer(visit, asked, offer)) for offer in found], class_="offers")


def changes(visit: Visit, asked: Asked, found: Sequence[api.SmallestChange]) -> Markup:
    """The smallest changes of the demand that would be granted, each in words and one click away."""
    made = [el("li", el("p", each.description, lang="en"), _offer(visit, asked, each.offer)) for each in found]
    return parts.section(visit.words("changes_title"), el("ol", made, class_="offers"))


def demand(asked: Asked, lines: Iterable[api.Line], start: int, end: int) -> list[Markup]:
    """What is asked for, as fields that nobody sees."""
    return [
        hidden("company", asked.company),
        *(hidden(f"line{number}", sent_line(line)) for number, line in enumerate(lines, 1)),
        hidden("start", str(start)),
        hidden("end", str(end)),
        hidden("note", asked.note),
        *sent_people(asked.people),
        hidden("back", asked.back),
    ]


def _offer(visit: Visit, asked: Asked, offer: api.Offer) -> Markup:
    words, clock = visit.words, visit.clock
    start = from_timestamp(offer.start_time)
    when = clock.span(start, from_timestamp(offer.end_time))
    people = words("class_of", count=asked.people.count) if asked.people else ""
    told = (clock.away(start), length(lasting(offer), words), parts.price(visit, offer), people)
    # Until its start an offer may be held, so that one can ask somebody before one books.
    seconds = min(HOLD_SECONDS, int((start - clock.now).total_seconds()))
    hold = [
        hidden("hold_request_id", str(uuid4())),
        el(
            "button",
            words("hold_this", minutes=seconds // 60),
            name="hold",
            value=seconds,
            class_="second",
            aria_label=words("hold_at", when=when),
        ),
    ]
    return form(
        visit,
        "/book",
        demand(asked, offer.lines, offer.start_time.seconds, offer.end_time.seconds),
        hidden("request_id", str(uuid4())),
        el("p", clock.stamp(start, when), class_="slot"),
        el("p", " · ".join(filter(None, told)), class_="away"),
        parts.lines(visit, offer.lines),
        el(
            "div",
            el("button", words("book_this"), aria_label=words("book_at", when=when)),
            hold if seconds >= HOLD_SECONDS_MIN else None,
            class_="buttons",
        ),
        class_="offer",
    )
