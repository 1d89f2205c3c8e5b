"""What clients send, as commands. Every field that makes no sense is named at once, with what would make sense."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b

from google.protobuf.message import Message
from msgspec.structs import replace

from services.allocation import commands
from services.allocation.booking.holding import HOLD_SECONDS_MAX
from services.allocation.rejections import Reason
from services.allocation.reservations import Colocation, Condition, Line, Override
from services.allocation.values.people import Participants
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import ETAG_CHARACTERS_MAX, Fields, ids_in

PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
RESOURCE = ("resources",)
ID_BYTES, IDS_DRAWN = 8, 256
"""The system is asked for the randomness of so many ids at once: each time costs as much as reading a line does."""
PLAIN_FIELDS = 2
"""A line of nothing but a resource and units of it, as most are. They are often alike, so that bookings share them:"""
PLAIN_KEPT_MAX = 4_096
"""so many are kept."""
REASONS = frozenset(reason.value for reason in Reason)
COLOCATIONS = {
    api.COLOCATION_UNSPECIFIED: Colocation.ANYWHERE,
    api.COLOCATION_NODE: Colocation.NODE,
    api.COLOCATION_RACK: Colocation.RACK,
    api.COLOCATION_FABRIC_GROUP: Colocation.FABRIC_GROUP,
}


CONDITIONS = {
    api.CONDITION_UNSPECIFIED: Condition.UNSAID,
    api.CONDITION_GOOD: Condition.GOOD,
    api.CONDITION_WORN: Condition.WORN,
    api.CONDITION_DAMAGED: Condition.DAMAGED,
}


def _ids() -> Iterator[str]:
    while True:
        drawn = os.urandom(ID_BYTES * IDS_DRAWN).hex()
        for first in range(0, len(drawn), 2 * ID_BYTES):
            yield drawn[first : first + 2 * ID_BYTES]


new_id: Callable[[], str] = _ids().__next__
"""A reservation id: 16 hexadecimal digits that tell nothing."""


def digest_of(request: Message) -> str:
    """The same for two requests that ask for the same thing."""
    request.DiscardUnknownFields()
    # With its name: a cancel and a release look alike otherwise.
    content = request.DESCRIPTOR.full_name.encode() + b"\n" + request.SerializeToString(deterministic=True)
    return blake2b(content, digest_size=16).hexdigest()


def lines_of(fields: Fields, field: str, lines: Iterable[api.Line]) -> tuple[Line, ...]:
    """The lines of a demand."""
    found: tuple[Line, ...] = ()
    for number, line in enumerate(lines):
        ids, units = ids_in(line.resource, RESOURCE), line.units
        if ids is not None and units > 0 and len(line.ListFields()) == PLAIN_FIELDS:
            more = plain_line(ids[0], units)
        else:
            more = (_line(fields, f"{field}[{number}]", line),)
        found = found + more if found else more
    if not found:
        fields.fault(field, "must name at least one resource")
    return found


@lru_cache(PLAIN_KEPT_MAX)
def plain_line(resource: str, units: int) -> tuple[Line, ...]:
    """A demand of one line, of units of a resource and nothing else."""
    return (Line(resource=resource, units=units),)


def _line(fields: Fields, where: str, line: api.Line) -> Line:
    """A line with a shape, an operator or a time of its own, or one with mistakes."""
    (resource,) = fields.name(f"{where}.resource", line.resource, *RESOURCE)
    if line.units < 1:
        fields.fault(f"{where}.units", "must be at least 1")
    wish = Line(resource=resource, units=line.units, with_operator=line.with_operator)
    if line.HasField("shape"):
        wish = _shaped(fields, where, wish, line.shape)
    if line.HasField("starts_after") or line.HasField("ends_before"):
        wish = replace(
            wish,
            starts_after=fields.seconds(f"{where}.starts_after", line.starts_after),
            ends_before=fields.seconds(f"{where}.ends_before", line.ends_before),
        )
    return wish


def _shaped(fields: Fields, where: str, line: Line, shape: api.Shape) -> Line:
    if shape.units_per_node < 0:
        fields.fault(f"{where}.shape.units_per_node", "must not be negative")
    return replace(line, units_per_node=shape.units_per_node, colocation=COLOCATIONS[shape.colocation])


def create_reservation(
    request: api.CreateReservationRequest, company: str, reservation_id: str
) -> commands.CreateReservation:
    """The demand of a CreateReservation call. Raises `Problem` with every invalid field."""
    fields = Fields()
    command = read_demand(fields, request, company, reservation_id)
    fields.demand_valid()
    return command


def read_demand(
    fields: Fields, request: api.CreateReservationRequest, company: str, reservation_id: str
) -> commands.CreateReservation:
    """A demand as far as it can be read; what is wrong with it is in the fields."""
    fields.request_id(request.request_id)
    wish = request.reservation
    lines = lines_of(fields, "reservation.lines", wish.lines)
    start = fields.time("reservation.start_time", wish, "start_time")
    end = _end(fields, wish, start)
    note = fields.text("reservation.note", wish.note)
    return commands.CreateReservation(
        reservation_id=reservation_id,
        company=company,
        start=start,
        end=end,
        lines=lines,
        note=note,
        hold_seconds=hold_of(fields, request),
        override=override_of(fields, request),
        participants=participants_of(fields, "reservation.participants", wish),
    )


def participants_of(
    fields: Fields, field: str, wish: api.Reservation | api.Series | api.SearchOffersRequest
) -> Participants | None:
    """The people of a class; None for a wish that is for none."""
    if not wish.HasField("participants"):
        return None
    given = wish.participants
    ids = ids_of(fields, f"{field}.ids", given.ids)
    if given.count < 1:
        fields.fault(f"{field}.count", "must be at least 1; leave participants out for no class")
    return Participants(count=given.count, ids=ids)


def class_of(fields: Fields, field: str, wish: api.Reservation | api.Series) -> Participants | None:
    """The people of a class that shall be another one; none at all is a fault, for a class stays one."""
    if not wish.HasField("participants"):
        fields.fault(field, "is required: how many take part, and if they have ids, one for each")
    return participants_of(fields, field, wish)


def ids_of(fields: Fields, field: str, ids: Iterable[str]) -> tuple[str, ...]:
    """Pseudonyms, which say nothing about anybody."""
    found = tuple(ids)
    for number, each in enumerate(found):
        if not PSEUDONYM.fullmatch(each):
            fields.fault(f"{field}[{number}]", "must be a pseudonym of 1 to 32 letters, digits and hyphens")
    return found


def override_of(fields: Fields, request: api.CreateReservationRequest) -> Override | None:
    """What an operator lets a booking break, and why; None for nothing."""
    because = fields.text("justification", request.justification)
    if not request.override_reasons and not because:
        return None
    for number, reason in enumerate(request.override_reasons):
        if reason not in REASONS:
            fields.fault(f"override_reasons[{number}]", "is not one of the reasons that docs/api.md lists")
    return Override(reasons=tuple(dict.fromkeys(request.override_reasons)), because=because)


def hold_of(fields: Fields, request: api.CreateReservationRequest | api.SearchOffersRequest) -> int:
    """For how many seconds an offer is to be held; 0 for not at all."""
    if not request.HasField("hold"):
        return 0
    seconds = fields.seconds("hold", request.hold)
    if not 0 < seconds <= HOLD_SECONDS_MAX:
        fields.fault("hold", f"must be 1 to {HOLD_SECONDS_MAX} seconds; leave it out to book at once")
    return seconds


def _end(fields: Fields, wish: api.Reservation, start: int) -> int:
    lasts = wish.HasField("duration")
    if wish.HasField("end_time") == lasts:
        fields.fault("reservation.end_time", "either end_time or duration is required, not both")
        return 0
    if lasts:
        duration = fields.seconds("reservation.duration", wish.duration)
        if duration == 0:
            fields.fault("reservation.duration", "must be longer than nothing")
        return start + duration
    end = fields.seconds("reservation.end_time", wish.end_time)
    if end <= start:
        fields.fault("reservation.end_time", "must lie after start_time")
    return end


def reservation_name(text: str, field: str = "name") -> tuple[str, str]:
    """Company and reservation of a name. Raises `Problem`."""
    fields = Fields()
    company, reservation = fields.name(field, text, "companies", "reservations")
    fields.demand_valid()
    return company, reservation


Change = commands.ConfirmReservation | commands.CancelReservation | commands.ReleaseReservation | commands.CheckIn
ChangeRequest = (
    api.ConfirmReservationRequest | api.CancelReservationRequest | api.ReleaseReservationRequest | api.CheckInRequest
)


def change(request: ChangeRequest, company: str, reservation_id: str) -> Change:
    """What is asked of one reservation. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    etag = fields.text("etag", request.etag, ETAG_CHARACTERS_MAX)
    if isinstance(request, api.ConfirmReservationRequest):
        fields.demand_valid()
        return commands.ConfirmReservation(reservation_id=reservation_id, company=company, etag=etag)
    if isinstance(request, api.CheckInRequest):
        ids = ids_of(fields, "ids", request.ids)
        if request.present < 0 or (request.present and ids):
            fields.fault("present", "must not be negative, and goes without ids")
        fields.demand_valid()
        return commands.CheckIn(
            reservation_id=reservation_id, company=company, etag=etag, present=request.present, ids=ids
        )
    reason = fields.text("reason", request.reason)
    if isinstance(request, api.CancelReservationRequest):
        fields.demand_valid()
        return commands.CancelReservation(
            reservation_id=reservation_id, company=company, etag=etag, reason=reason, excused=request.excused
        )
    hand_over = fields.text("hand_over", request.hand_over)
    fields.demand_valid()
    return commands.ReleaseReservation(
        reservation_id=reservation_id,
        company=company,
        etag=etag,
        reason=reason,
        condition=CONDITIONS[request.condition],
        hand_over=hand_over,
        excused=request.excused,
    )
