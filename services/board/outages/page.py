"""*Outages*: what is out or will be, who stood in the way and what became of them, and giving the units back."""

from collections.abc import Sequence
from uuid import uuid4

from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Refused, Unavailable
from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.answering import CONFLICT, SEE_OTHER
from services.board.frame.document import form, hidden, show
from services.board.frame.fields import REASON_CHARACTERS_MAX
from services.board.frame.sending import ENCLOSED, opened, unknown
from services.board.frame.visit import Visit, address, read_sealed_form
from services.board.outages.incidents import KINDS
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/outages/lift"
OUTAGES_MAX = 500
NODES_SHOWN = 6
OFFERS_SHOWN = 3
DONE = ("outage_declared", "outage_lifted")
LOOKS = {api.Outage.STATE_PLANNED: "warn", api.Outage.STATE_IN_FORCE: "bad"}


async def listing(visit: Visit) -> Response:
    """Every outage that is not over; with `over` those of the last month too."""
    words, over = visit.words, bool(visit.query("over"))
    request = api.ListOutagesRequest(page_size=OUTAGES_MAX, show_over=over)
    found = await visit.caller.ask(visit.caller.scheduler.ListOutages, request)
    rows = [
        [
            _state(visit, each),
            words(f"incident_{KINDS.get(each.kind, 'failure')}"),
            [_taken(visit, each), el("div", each.reason, class_="away") if each.reason else None],
            _when(visit, each),
            el(
                "a",
                words("open"),
                href=paths.of_outage(each.name),
                aria_label=words("open_outage", name=plain(each.name)),
            ),
        ]
        for each in found.outages
    ]
    title, head = words("outages_title"), [*(words(f"head_{key}") for key in ("state", "incident", "what", "when")), ""]
    made = parts.table(head, rows, title) if rows else parts.empty(words("no_outages"))
    other = el(
        "a", words("outages_current" if over else "outages_over"), href=address("/outages", over="" if over else 1)
    )
    new = [el("a", words("outage_new_title"), href="/outages/new"), " · "] if visit.person.operates else None
    return show(visit, title, el("h1", title), el("p", new, other), el("section", made))


async def one(visit: Visit) -> Response:
    """One outage, and what became of whom, as far as whoever looks may know."""
    done = visit.query("done")
    note = parts.note(visit.words(f"done_{done}"), "good") if done in DONE else None
    return await _page(visit, f"outages/{visit.request.path_params['outage']}", note)


async def lift(visit: Visit) -> Response:
    """A form that gives the units back, sent."""
    fields = await read_sealed_form(visit)
    request = opened(fields, api.LiftOutageRequest) if ENCLOSED in fields else api.LiftOutageRequest()
    for name in ("name", "etag", "request_id", "reason"):
        if name in fields:
            setattr(request, name, fields[name])
    try:
        lifted = await visit.caller.ask(visit.caller.scheduler.LiftOutage, request)
    except Refused as refused:
        stale = any(each.reason == "STALE_ETAG" for each in refused.violations)
        told = [
            parts.note(visit.words("change_stale_now" if stale else "change_refused"), "bad"),
            None if stale else parts.violations(visit, refused.violations),
        ]
        return await _page(visit, request.name, told, CONFLICT)
    except Unavailable:
        return unknown(visit, ACTION, request)
    return RedirectResponse(address(paths.of_outage(lifted.name), done="outage_lifted"), status_code=SEE_OTHER)


async def _page(visit: Visit, name: str, note: Content, status: int = 200) -> Response:
    report = await visit.caller.ask(visit.caller.scheduler.GetOutage, api.GetOutageRequest(name=name))
    title = visit.words("outage_title")
    return show(
        visit,
        title,
        el("div", el("h1", title), el("p", plain(report.outage.name), class_="period"), class_="heading"),
        note,
        facts(visit, report.outage),
        _lifting(visit, report.outage),
        affected(visit, report),
        el("p", el("a", visit.words("outages_all"), href="/outages")),
        status=status,
        live=status != CONFLICT,
    )


def facts(visit: Visit, outage: api.Outage) -> Markup:
    """What an outage takes out, and when."""
    words = visit.words
    lead_in = outage.lead_in.ToTimedelta().total_seconds() / 3600
    shown: Sequence[tuple[str, Content]] = [
        (words("head_state"), [_state(visit, outage), " ", words(f"incident_{KINDS.get(outage.kind, 'failure')}")]),
        (words("head_when"), _when(visit, outage)),
        (words("outage_lead_in"), words("time_hours", count=f"{lead_in:g}") if lead_in else ""),
        (words("head_what"), _taken(visit, outage, named=True)),
        (words("head_reason"), outage.reason),
        (words("outage_lift_reason"), outage.lift_reason),
    ]
    return el("dl", [[el("dt", label), el("dd", value)] for label, value in shown if value], class_="facts")


def affected(visit: Visit, report: api.OutageReport) -> Markup:
    """Who stood in the way, and what became or would become of each."""
    words = visit.words
    rows = []
    for each in report.affected:
        company = [el("span", paths.company_of(each.reservation), class_="owner"), " "]
        outcome = api.AffectedReservation.Outcome.Name(each.outcome).removeprefix("OUTCOME_").lower()
        label = words("open_named", name=plain(each.reservation))
        lost = None
        if each.HasField("lost_end_time"):
            start, end = from_timestamp(each.lost_start_time), from_timestamp(each.lost_end_time)
            given = words("outage_given", krw=f"{each.compensation_krw:,}") if each.compensation_krw else None
            lost = [visit.clock.stamp(start, visit.clock.span(start, end)), el("div", given) if given else None]
        offers = [el("div", parts.when(visit, offer)) for offer in each.offers[:OFFERS_SHOWN]]
        name = el("a", plain(each.reservation), href=paths.of_reservation(each.reservation), aria_label=label)
        rows.append([[company, name], words.either(f"outcome_{outcome}", outcome), lost, offers])
    title = words("outage_affected", count=report.affected_count)
    head = [words(key) for key in ("reservation_title", "head_became", "head_lost", "head_instead")]
    pending = parts.note(words("outage_pending", count=report.pending_count), "warn") if report.pending_count else None
    return parts.section(
        title, pending, parts.table(head, rows, title) if rows else parts.empty(words("outage_nobody"))
    )


def _state(visit: Visit, outage: api.Outage) -> Markup:
    name = api.Outage.State.Name(outage.state).removeprefix("STATE_").lower()
    return el("span", visit.words(f"outage_{name}"), class_=f"state {LOOKS.get(outage.state, '')}".strip())


def _taken(visit: Visit, outage: api.Outage, *, named: bool = False) -> Markup:
    """What is out: resources and units; their nodes by name where there is room."""
    shown = []
    for each in outage.taken:
        resource = visit.catalogue[each.resource]
        text = f"{visit.name(resource)} ({visit.amount(resource, each.units)})"
        nodes = list(each.nodes)
        more = visit.words("and_more", count=len(nodes) - NODES_SHOWN) if len(nodes) > NODES_SHOWN else ""
        names = f"{', '.join(nodes[:NODES_SHOWN])} {more}" if named else ""
        shown.append(el("div", text, [" ", el("span", names, class_="away")] if names else None))
    return el("div", shown)


def _when(visit: Visit, outage: api.Outage) -> Markup:
    clock, start = visit.clock, from_timestamp(outage.start_time)
    if outage.HasField("lift_time"):
        return clock.stamp(start, clock.span(start, max(start, from_timestamp(outage.lift_time))))
    if outage.HasField("end_time"):
        return clock.stamp(start, clock.span(start, from_timestamp(outage.end_time)))
    return clock.stamp(start, visit.words("until_lifted", moment=clock.short(start)))


def _lifting(visit: Visit, outage: api.Outage) -> Markup | None:
    """A question behind a button, for operators, while units are out or will be."""
    if outage.state == api.Outage.STATE_OVER or not visit.person.operates:
        return None
    words = visit.words
    return el(
        "details",
        el("summary", words("outage_lift")),
        form(
            visit,
            ACTION,
            hidden("name", outage.name),
            hidden("etag", outage.etag),
            hidden("request_id", str(uuid4())),
            el("p", words("outage_lift_explained")),
            el("label", words("reason_label"), el("input", name="reason", maxlength=REASON_CHARACTERS_MAX)),
            el("button", words("outage_lift_send")),
        ),
        class_="ask",
    )
