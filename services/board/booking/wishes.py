"""What somebody wants to book: read from an address or a form, and written back into either."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from google.protobuf.duration_pb2 import Duration

from services.board.booking.classes import read_people
from services.board.doors.catalogue import figure, plain, units_of
from services.board.frame.fields import field
from services.board.frame.visit import Visit
from services.board.paper.times import from_timestamp, to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

LINES_MAX = 3
HOURS_MAX = 24 * 92
OFFERS_MAX = 6
COLOCATIONS = {
    "anywhere": api.COLOCATION_UNSPECIFIED,
    "node": api.COLOCATION_NODE,
    "rack": api.COLOCATION_RACK,
    "fabric_group": api.COLOCATION_FABRIC_GROUP,
}


ORDERS = {
    "earliest": api.OFFER_ORDER_UNSPECIFIED,
    "cheapest": api.OFFER_ORDER_CHEAPEST,
    "closest": api.OFFER_ORDER_CLOSEST,
}
REFUSED_MAX = 8
"""Stretches of refused windows that are told of, where somebody asks."""


@dataclass(frozen=True)
class Preference:
    """Which offers are the better ones: an order, the start wanted most, and up to which length longer is better.

    `least` units of the first line will do; 0 means none less than asked for.
    """

    order: str = "earliest"
    near: datetime | None = None
    longest: timedelta | None = None
    least: int = 0
    why: bool = False


@dataclass(frozen=True)
class Wish:
    """A demand and the window to search; `faults` are messages about what could not be read."""

    company: str
    lines: tuple[api.Line, ...]
    length: timedelta
    earliest: datetime | None
    latest: datetime | None
    note: str
    people: api.Participants | None
    preference: Preference
    faults: tuple[str, ...]

    @property
    def parent(self) -> str:
        """Who books."""
        return f"companies/{self.company}"

    def search(self) -> api.SearchOffersRequest:
        """The question when this would be granted."""
        prefers = self.preference
        return api.SearchOffersRequest(
            parent=self.parent,
            lines=self.lines,
            duration=to_duration(self.length),
            earliest_start_time=to_timestamp(self.earliest) if self.earliest else None,
            latest_end_time=to_timestamp(self.latest) if self.latest else None,
            page_size=OFFERS_MAX,
            priced=True,
            order=ORDERS[prefers.order],
            desired_start_time=to_timestamp(prefers.near) if prefers.near else None,
            duration_max=to_duration(prefers.longest) if prefers.longest else None,
            units_min={self.lines[0].resource: prefers.least} if prefers.least else None,
            refused_max=REFUSED_MAX if prefers.why else 0,
            participants=self.people,
        )


def read_wish(visit: Visit, fields: Mapping[str, str]) -> Wish:
    """A wish from the fields of the search; what makes no sense is named, all of it."""
    faults: list[str] = []
    company = visit.person.company or fields.get("company", "").strip()
    if not company:
        faults.append(visit.words("fault_company"))
    lines = [line for number in range(1, LINES_MAX + 1) if (line := _line(visit, fields, number, faults))]
    if not lines and not faults:
        faults.append(visit.words("fault_lines"))
    length = hours_of(visit, fields.get("hours", ""), faults)
    return Wish(
        company=company,
        lines=tuple(lines),
        length=length,
        earliest=_moment(visit, fields.get("earliest", ""), faults),
        latest=_moment(visit, fields.get("latest", ""), faults),
        note=fields.get("note", ""),
        people=read_people(visit, fields, faults),
        preference=_preference(visit, fields, lines[:1], length, faults),
        faults=tuple(faults),
    )


def _preference(
    visit: Visit, fields: Mapping[str, str], first: Sequence[api.Line], length: timedelta, faults: list[str]
) -> Preference:
    """What makes one offer better than another. A start that is wanted is wanted closest."""
    near = _moment(visit, fields.get("near", ""), faults)
    order = fields.get("order", "earliest")
    if order not in ORDERS or (near and order == "earliest"):
        order = "closest" if near else "earliest"
    longest = hours_of(visit, fields["longest"], faults) if fields.get("longest", "").strip() else None
    if longest is not None and longest < length:
        faults.append(visit.words("fault_longest"))
    flexible = longest if longest is not None and longest > length else None
    least = _least(visit, fields.get("least", "").strip(), first[0], faults) if first else 0
    return Preference(order, near if order == "closest" else None, flexible, least, bool(fields.get("why")))


def _least(visit: Visit, text: str, line: api.Line, faults: list[str]) -> int:
    """As few units of a line as will do; 0 if nobody says so."""
    resource = visit.catalogue[line.resource]
    try:
        least = units_of(resource, text) if text else 0
    except ValueError:
        faults.append(visit.words("fault_amount", text=text, name=visit.name(resource)))
        return 0
    return least if least < line.units else 0


def _line(visit: Visit, fields: Mapping[str, str], number: int, faults: list[str]) -> api.Line | None:
    name, text = (fields.get(field(key, number), "").strip() for key in ("resource", "amount"))
    if not name:
        return None
    if name not in visit.catalogue:
        faults.append(visit.words("fault_resource", name=name))
        return None
    resource = visit.catalogue[name]
    try:
        units = units_of(resource, text or figure(resource, resource.units_min or 1))
    except ValueError:
        faults.append(visit.words("fault_amount", text=text, name=visit.name(resource)))
        return None
    line = api.Line(resource=resource.name, units=units)
    colocation = COLOCATIONS.get(fields.get("together", ""), api.COLOCATION_UNSPECIFIED)
    if colocation and resource.kind == api.RESOURCE_KIND_COMPUTE:
        line.shape.colocation = colocation
    return line


def hours_of(visit: Visit, text: str, faults: list[str]) -> timedelta:
    """A length that was typed in hours; what is none is named, and an hour."""
    try:
        hours = Decimal(text.strip())
        if not 0 < hours <= HOURS_MAX or (hours * 60) % 1:
            raise ValueError(text)
    except (InvalidOperation, ValueError):
        faults.append(visit.words("fault_hours", text=text))
        return timedelta(hours=1)
    return timedelta(minutes=int(hours * 60))


def _moment(visit: Visit, text: str, faults: list[str]) -> datetime | None:
    if not text.strip():
        return None
    try:
        return visit.clock.read(text.strip())
    except ValueError:
        faults.append(visit.words("fault_moment", text=text))
        return None


def sent_line(line: api.Line) -> str:
    """A line of an offer as a form sends it back: `h100-train:16:0`."""
    return f"{plain(line.resource)}:{line.units}:{int(line.shape.colocation)}"


def read_sent(visit: Visit, fields: Mapping[str, str]) -> api.CreateReservationRequest:
    """The booking that a form of ours asks for. Raises ValueError if it was tampered with."""
    lines = []
    for number in range(1, LINES_MAX + 1):
        text = fields.get(f"line{number}", "")
        if text:
            name, units, colocation = text.split(":")
            line = api.Line(resource=f"resources/{name}", units=int(units))
            if int(colocation):
                line.shape.colocation = api.Colocation.ValueType(int(colocation))
            lines.append(line)
    faults = list[str]()
    people = read_people(visit, fields, faults)
    if faults:
        raise ValueError(faults)
    reservation = api.Reservation(lines=lines, note=fields.get("note", ""), participants=people)
    reservation.start_time.seconds = int(fields.get("start", ""))
    reservation.end_time.seconds = int(fields.get("end", ""))
    company = visit.person.company or fields.get("company", "")
    hold = int(fields["hold"]) if fields.get("hold") else 0
    return api.CreateReservationRequest(
        parent=f"companies/{company}",
        reservation=reservation,
        # A booking and a hold of one offer are two requests, and each of them has its own effect once.
        request_id=fields.get("hold_request_id" if hold else "request_id", ""),
        hold=Duration(seconds=hold) if hold else None,
    )


def lasting(offer: api.Offer) -> timedelta:
    """How long an offer is from its start to its end."""
    return from_timestamp(offer.end_time) - from_timestamp(offer.start_time)
