"""One reservation: what it holds, and its life as the ledger tells it."""

from datetime import timedelta

from starlette.responses import Response

from services.board.doors.answers import Missing, Unavailable
from services.board.doors.catalogue import hours_figure, plain
from services.board.frame import parts, paths
from services.board.frame.document import show
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.board.paper.times import from_timestamp, length
from services.board.reservations import asked, changing, splitting, transfers
from services.board.reservations.actions import confirm, give_back, quote
from services.board.reservations.attendance import check_in, people
from services.board.reservations.voting import approval_told, vote
from services.generated.aidc.ledger.v1 import ledger_pb2 as books
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

UNITS_SHOWN = 12
SPANS_SHOWN = 6
DONE = (
    "booked",
    "held",
    "asked",
    "checked_in",
    "given_back",
    "changed",
    "change_asked",
    "voted",
    "offered",
    "withdrawn",
    "taken_over",
    "handed_over",
    "declined",
    "split",
)


async def reservation(visit: Visit) -> Response:
    """The page. Raises `Missing` for another company's as for none."""
    path = visit.request.path_params
    name = f"companies/{path['company']}/reservations/{path['reservation']}"
    item = await visit.caller.ask(visit.caller.scheduler.GetReservation, api.GetReservationRequest(name=name))
    words = visit.words
    done = visit.query("done")
    title = words("reservation_title")
    head = el("div", el("h1", title), el("p", plain(name), class_="period"), class_="heading")
    if transfers.offered_to(visit, item):
        return show(visit, title, head, await transfers.answering(visit, item), _facts(visit, item, ""))
    return show(
        visit,
        title,
        head,
        parts.note(words(f"done_{done}"), "good") if done in DONE else None,
        confirm(visit, item),
        await transfers.answering(visit, item),
        _facts(visit, item, parts.price(visit, item)),
        check_in(visit, item),
        el(
            "div",
            vote(visit, item),
            changing.link(visit, item),
            asked.take_back(visit, item),
            splitting.splitting(visit, item),
            transfers.offering(visit, item),
            give_back(visit, item, await quote(visit, item)),
            class_="choices",
        ),
        _held(visit, item),
        await _history(visit, item),
    )


def _facts(visit: Visit, item: api.Reservation, cost: str) -> Markup:
    words = visit.words
    start, end = from_timestamp(item.start_time), from_timestamp(item.end_time)
    lasting: timedelta = end - start
    facts = [
        (words("head_what"), parts.lines(visit, item.lines)),
        (words("head_when"), [parts.when(visit, item), " ", el("span", length(lasting, words), class_="away")]),
        (words("head_state"), parts.state(visit, item)),
        (words("head_company"), paths.company_of(item.name)),
        (words("class_title"), people(visit, item)),
        (words("desired"), _desired(visit, item)),
        (words("head_price"), cost),
        (words("head_note"), item.note),
        (words("head_reason"), item.state_reason),
        (words("approval"), _approval(visit, item)),
        (words("asked_change"), asked.standing(visit, item)),
        (words("transfer_head"), transfers.standing(visit, item)),
        (words("split_from"), splitting.whole(item)),
        (words("late_from"), _late_from(visit, item)),
        (words("series_one_title"), _series(visit, item)),
        (words("overridden"), _overridden(visit, item)),
        (words("beyond_quota"), _beyond(visit, item)),
        (
            words("outage_title"),
            el("a", plain(item.outage), href=paths.of_outage(item.outage)) if item.outage else None,
        ),
        _checked_in(visit, item),
        (words("condition_label"), _condition(visit, item)),
        (words("hand_over_label"), item.hand_over),
        (words("head_granted"), visit.clock.stamp(from_timestamp(item.create_time))),
    ]
    return el("dl", [[el("dt", label), el("dd", value)] for label, value in facts if value], class_="facts")


def _desired(visit: Visit, item: api.Reservation) -> str:
    """The time that was asked for, where it was approved for another one."""
    if not item.HasField("desired_start_time"):
        return ""
    return visit.clock.span(from_timestamp(item.desired_start_time), from_timestamp(item.desired_end_time))


def _approval(visit: Visit, item: api.Reservation) -> list[Markup] | None:
    """Who must agree, until when, and what was said so far."""
    if not item.HasField("approval"):
        return None
    pending = item.state == api.Reservation.STATE_PENDING
    return approval_told(visit, item.approval, from_timestamp(item.expire_time) if pending else None)


def _late_from(visit: Visit, item: api.Reservation) -> str | None:
    """Whence it counts how late it is given back, where that is not its start."""
    return visit.clock.short(from_timestamp(item.late_from_time)) if item.HasField("late_from_time") else None


def _series(visit: Visit, item: api.Reservation) -> Markup | None:
    """The way to the series that it is an occurrence of."""
    return el("a", plain(item.series), href=paths.of_series(item.series)) if item.series else None


def _overridden(visit: Visit, item: api.Reservation) -> list[Markup] | None:
    """The rules that an operator let it break, and why."""
    if not item.override_reasons:
        return None
    names = [visit.words.either(f"reason_{each}", each) for each in item.override_reasons]
    return [el("b", ", ".join(names)), el("div", item.override_justification)]


def _beyond(visit: Visit, item: api.Reservation) -> str:
    """What of it lies beyond each quota."""
    told = ((hours_figure(visit.catalogue[each.meter], each.unit_seconds), each.meter) for each in item.overburn)
    return ", ".join(f"{meter} {figure}" for figure, meter in told)


def _checked_in(visit: Visit, item: api.Reservation) -> tuple[str, Markup | None]:
    """When somebody came, or by when somebody must."""
    if item.HasField("check_in_time"):
        return visit.words("checked_in_at"), visit.clock.stamp(from_timestamp(item.check_in_time))
    due = item.HasField("check_in_deadline")
    return visit.words("check_in_by"), visit.clock.stamp(from_timestamp(item.check_in_deadline)) if due else None


def _condition(visit: Visit, item: api.Reservation) -> str:
    name = api.Condition.Name(item.condition).removeprefix("CONDITION_").lower()
    return visit.words.either(f"condition_{name}", "") if item.condition else ""


def _held(visit: Visit, item: api.Reservation) -> Markup:
    words = visit.words
    rows: list[parts.Row] = []
    for each in item.allocations:
        resource = visit.catalogue[each.resource]
        wanted_by = visit.name(visit.catalogue[each.companion_of]) if each.companion_of else words("the_demand")
        spans = [el("div", parts.when(visit, span)) for span in each.spans[:SPANS_SHOWN]]
        rows.append(
            [
                [visit.name(resource), " ", el("b", visit.amount(resource, each.units))],
                _few(visit, list(each.unit_names)),
                [spans, _more(visit, len(each.spans) - SPANS_SHOWN)],
                wanted_by,
            ]
        )
    title = words("held_title")
    head = [words("head_what"), words("head_units"), words("head_when"), words("head_for")]
    return parts.section(title, parts.table(head, rows, title))


def _few(visit: Visit, names: list[str]) -> list[str | Markup | None]:
    return [", ".join(names[:UNITS_SHOWN]), " ", _more(visit, len(names) - UNITS_SHOWN)]


def _more(visit: Visit, count: int) -> Markup | None:
    return el("span", visit.words("and_more", count=count), class_="away") if count > 0 else None


async def _history(visit: Visit, item: api.Reservation) -> Markup:
    """Its life from the ledger, which may be away without anything else being so."""
    title = visit.words("history_title")
    request = books.GetHistoryRequest(name=item.name, min_position=item.position)
    try:
        found = await visit.caller.ask(visit.caller.ledger.GetHistory, request)
    except (Missing, Unavailable):
        return parts.section(title, parts.note(visit.words("books_away"), "warn"))
    entries = [
        el(
            "li",
            visit.clock.stamp(from_timestamp(each.time)),
            el("p", visit.words.either(f"event_{each.event}", each.event.replace("_", " ")), class_="event"),
            el("p", each.description, lang="en"),
            el("p", visit.words("history_by", actor=each.actor, position=f"{each.position:,}"), class_="away"),
        )
        for each in found.entries
    ]
    return parts.section(title, el("ol", entries, class_="history"))
