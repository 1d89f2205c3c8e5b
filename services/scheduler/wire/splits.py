"""A request to split a reservation, as a command."""

from collections.abc import Iterable

from services.allocation import commands
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import ETAG_CHARACTERS_MAX, Fields
from services.scheduler.wire.requests import lines_of

SAID = frozenset({"resource", "units"})
"""What a line says that leaves: the rest of it stays as it is."""


def split_reservation(
    request: api.SplitReservationRequest, company: str, reservation_id: str, part_id: str
) -> commands.SplitReservation:
    """By time or by units. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    by_time = request.HasField("at_time")
    if by_time == bool(request.lines):
        fields.fault("at_time", "either at_time or lines is required, not both")
    _demand_plain(fields, request.lines)
    command = commands.SplitReservation(
        reservation_id=reservation_id,
        company=company,
        part_id=part_id,
        at=fields.seconds("at_time", request.at_time) if by_time else None,
        lines=lines_of(fields, "lines", request.lines) if request.lines else (),
        etag=fields.text("etag", request.etag, ETAG_CHARACTERS_MAX),
    )
    fields.demand_valid()
    return command


def _demand_plain(fields: Fields, lines: Iterable[api.Line]) -> None:
    for number, line in enumerate(lines):
        for field in sorted({each.name for each, _ in line.ListFields()} - SAID):
            fields.fault(f"lines[{number}].{field}", "stays as it is: leave it out, and say how many units leave")
