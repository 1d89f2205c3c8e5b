"""What somebody wants to be different about a reservation, read from an address or from a request that was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.board.doors.catalogue import figure, units_of
from services.board.frame.visit import Visit
from services.board.paper.times import from_timestamp, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


@dataclass(frozen=True)
class Alteration:
    """A wish: `fields` as they are written, `paths` what of it differs, `faults` what about it could not be read."""

    fields: Mapping[str, str]
    wish: api.Reservation
    paths: tuple[str, ...]
    faults: tuple[str, ...]

    def request(self, item: api.Reservation) -> api.UpdateReservationRequest:
        """The request for it, for the reservation as it was shown."""
        request = api.UpdateReservationRequest(reservation=self.wish, etag=item.etag)
        request.reservation.name = item.name
        request.update_mask.paths.extend(self.paths)
        return request


def read_alteration(visit: Visit, item: api.Reservation, fields: Mapping[str, str]) -> Alteration:
    """A wish from the fields of the form. Another start alone moves the whole."""
    wish, paths, faults = api.Reservation(), list[str](), list[str]()
    start, end = from_timestamp(item.start_time), from_timestamp(item.end_time)
    new_start = _moment(visit, fields.get("start", ""), start, faults)
    new_end = _moment(visit, fields.get("end", ""), end, faults)
    if new_start != start:
        wish.start_time.CopyFrom(to_timestamp(new_start))
        paths.append("start_time")
        new_end = new_end if new_end != end else new_start + (end - start)
    if new_end != end:
        wish.end_time.CopyFrom(to_timestamp(new_end))
        paths.append("end_time")
    lines = [changed_line(visit, line, fields.get(f"amount{at}", ""), faults) for at, line in enumerate(item.lines, 1)]
    if lines != list(item.lines):
        wish.lines.extend(lines)
        paths.append("lines")
    if fields.get("note", item.note) != item.note:
        wish.note = fields["note"]
        paths.append("note")
    return Alteration(fields, wish, tuple(paths), tuple(faults))


def sent_alteration(visit: Visit, item: api.Reservation, request: api.UpdateReservationRequest) -> Alteration:
    """The wish of a request that was refused, for the reservation as it stands now."""
    wish, clock, fields = request.reservation, visit.clock, dict[str, str]()
    paths = set(request.update_mask.paths)
    if "start_time" in paths:
        fields["start"] = clock.typed(from_timestamp(wish.start_time))
    if "end_time" in paths:
        fields["end"] = clock.typed(from_timestamp(wish.end_time))
    if "note" in paths:
        fields["note"] = wish.note
    for at, line in enumerate(wish.lines, 1):
        fields[f"amount{at}"] = figure(visit.catalogue[line.resource], line.units).replace(",", "")
    return read_alteration(visit, item, fields)


def _moment(visit: Visit, text: str, otherwise: datetime, faults: list[str]) -> datetime:
    """A moment that was typed; one that is as it was shown keeps its seconds."""
    text = text.strip()
    if not text or text == visit.clock.typed(otherwise):
        return otherwise
    try:
        return visit.clock.read(text)
    except ValueError:
        faults.append(visit.words("fault_moment", text=text))
        return otherwise


def changed_line(visit: Visit, line: api.Line, text: str, faults: list[str]) -> api.Line:
    """A line with another amount; one that is as it was shown stays as it is."""
    resource = visit.catalogue[line.resource]
    if not text.strip():
        return line
    try:
        units = units_of(resource, text)
    except ValueError:
        faults.append(visit.words("fault_amount", text=text, name=visit.name(resource)))
        return line
    changed = api.Line()
    changed.CopyFrom(line)
    changed.units = units
    return changed
