"""A new outage: what is out, when and why; whom it would move or displace; and then the declaring of it."""

from collections.abc import Mapping
from uuid import uuid4

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import RedirectResponse, Response

from services.board.doors.answers import Forbidden, Refused, Unavailable
from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.answering import CONFLICT, SEE_OTHER
from services.board.frame.document import hidden, show
from services.board.frame.fields import REASON_CHARACTERS_MAX, resource_field, text_field
from services.board.frame.sending import enclosed, opened, unknown
from services.board.frame.visit import Visit, address, local_path, read_sealed_form
from services.board.outages import page as outages
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ACTION = "/outages"
KINDS = {
    "failure": api.Outage.KIND_FAILURE,
    "maintenance": api.Outage.KIND_MAINTENANCE,
    "closed": api.Outage.KIND_CLOSURE,
}
PLACES = ("room", "rack", "zone")
NODES_MAX, NAME_CHARACTERS_MAX, TEXT_CHARACTERS_MAX = 500, 63, 500
LEAD_IN_HOURS_MAX = 720


async def new(visit: Visit) -> Response:
    """The form, and whom it would concern if something was asked."""
    if not visit.person.operates:
        raise Forbidden
    words, fields = visit.words, dict(visit.request.query_params)
    title = words("outage_new_title")
    asked = bool(fields.get("resource") or fields.get("place"))
    still = [el("h1", title), _form(visit, fields)]
    found = await _effect(visit, fields) if asked else parts.empty(words("outage_begin"))
    return show(visit, title, found, still=still, live=asked)


async def declare(visit: Visit) -> Response:
    """An outage that was seen and sent."""
    fields = await read_sealed_form(visit)
    request = opened(fields, api.DeclareOutageRequest)
    words = visit.words
    try:
        made = await visit.caller.ask(visit.caller.scheduler.DeclareOutage, request)
    except Refused as refused:
        title = words("refused_title")
        back = local_path(fields.get("back", "/outages/new"))
        told = [
            parts.note(words("change_refused"), "bad"),
            parts.violations(visit, refused.violations),
            el("p", el("a", words("outage_again"), href=back)),
        ]
        return show(visit, title, el("h1", title), told, status=CONFLICT, live=False)
    except Unavailable:
        return unknown(visit, ACTION, request)
    path = paths.of_outage(made.outage.name)
    return RedirectResponse(address(path, done="outage_declared"), status_code=SEE_OTHER)


async def _effect(visit: Visit, fields: Mapping[str, str]) -> Content:
    """Whom it would move or displace, with the button that declares it; or why it would be refused."""
    words, faults = visit.words, list[str]()
    outage = read_outage(visit, fields, faults)
    if faults:
        return [parts.note(fault, "bad") for fault in faults]
    request = api.DeclareOutageRequest(outage=outage, request_id=str(uuid4()), validate_only=True)
    try:
        report = await visit.caller.ask(visit.caller.scheduler.DeclareOutage, request)
    except Refused as refused:
        return parts.section(words("change_refused_title"), parts.violations(visit, refused.violations))
    request.validate_only, request.request_id = False, str(uuid4())
    here = f"{visit.request.url.path}?{visit.request.url.query}"
    button = el("button", words("outage_declare"), class_="bad")
    return [
        parts.section(words("outage_effect"), outages.facts(visit, report.outage)),
        outages.affected(visit, report),
        enclosed(visit, ACTION, request, hidden("back", here), button, class_="send"),
    ]


def read_outage(visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.Outage:
    """The outage that a form asks for; what makes no sense is named."""
    words, kind = visit.words, fields.get("kind", "")
    scope, what = _scope(visit, fields, faults), fields.get("place_name") or fields.get("resource", "")
    outage = api.Outage(
        kind=KINDS.get(kind, api.Outage.KIND_FAILURE),
        reason=fields.get("reason", "").strip(),
        start_time=_moment(visit, fields.get("start", ""), faults),
        end_time=_moment(visit, fields.get("end", ""), faults),
        scopes=[scope],
    )
    named = fields.get("name", "").strip()
    moment = f"{visit.clock.local(visit.clock.now):%m%d-%H%M}"
    outage.name = f"outages/{named or f'{what}-{moment}'[:NAME_CHARACTERS_MAX]}"
    lead_in = fields.get("lead_in", "").strip()
    if lead_in and not (lead_in.isascii() and lead_in.isdecimal() and int(lead_in[:4]) <= LEAD_IN_HOURS_MAX):
        faults.append(words("fault_number", text=lead_in, most=LEAD_IN_HOURS_MAX))
    elif lead_in:
        outage.lead_in.seconds = int(lead_in) * 3600
    return outage


def _scope(visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.OutageScope:
    """A resource with its nodes, or a place."""
    resource, place, name = (fields.get(key, "").strip() for key in ("resource", "place", "place_name"))
    if place in PLACES:
        if resource or not name:
            faults.append(visit.words("fault_place"))
        scope = api.OutageScope()
        setattr(scope, place, name)
        return scope
    if resource not in visit.catalogue:
        faults.append(visit.words("fault_resource", name=resource))
    nodes = fields.get("nodes", "").replace(",", " ").split()
    return api.OutageScope(resource=f"resources/{plain(resource)}", nodes=nodes[:NODES_MAX])


def _moment(visit: Visit, text: str, faults: list[str]) -> Timestamp | None:
    if not text.strip():
        return None
    try:
        return to_timestamp(visit.clock.read(text.strip()))
    except ValueError:
        faults.append(visit.words("fault_moment", text=text))
        return None


def _form(visit: Visit, fields: Mapping[str, str]) -> Markup:
    words = visit.words
    place = fields.get("place", "")
    places = [el("option", words(f"outage_{name}"), value=name, selected=name == place) for name in PLACES]
    kinds = [
        el("option", words(f"incident_{name}"), value=name, selected=name == fields.get("kind", "failure"))
        for name in KINDS
    ]

    def field(name: str, **attributes: str | int | bool) -> Markup:
        return text_field(words(f"outage_{name}"), name, fields.get(name, ""), **attributes)

    return el(
        "form",
        el("div", resource_field(visit, fields), field("nodes", maxlength=TEXT_CHARACTERS_MAX), class_="fields"),
        el(
            "div",
            el("label", words("outage_place"), el("select", el("option", "", value=""), places, name="place")),
            field("place_name", maxlength=NAME_CHARACTERS_MAX),
            class_="fields",
        ),
        el(
            "div",
            el("label", words("head_incident"), el("select", kinds, name="kind")),
            field("start", type_="datetime-local"),
            field("end", type_="datetime-local"),
            field("lead_in", inputmode="numeric", maxlength=4),
            class_="fields",
        ),
        el(
            "div",
            field("reason", maxlength=REASON_CHARACTERS_MAX),
            field("name", maxlength=NAME_CHARACTERS_MAX),
            class_="fields",
        ),
        el(
            "p",
            el("button", words("outage_try")),
            " ",
            el("span", words("footer_zone", zone=visit.clock.zone_name()), class_="away"),
        ),
        method="get",
        action="/outages/new",
        class_="search",
    )
