"""Plain demands: units of resources for a time, and nothing else. In batches and streams nearly all are.

One is read in a pass over the fields that it has. Its structure needs no other check: each text in it is a name or a
UUID, and each number in its range. Whatever is not plain goes the way that everything else goes.
"""

from collections.abc import Sequence
from typing import Any

from services.allocation.reservations import Line
from services.allocation.units.demand import LINES_MAX
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import SECONDS_MAX, ids_in, is_uuid
from services.scheduler.wire.requests import RESOURCE, plain_line

_REQUEST = api.CreateReservationRequest.DESCRIPTOR.fields_by_name
_WISH = api.Reservation.DESCRIPTOR.fields_by_name
_LINE = api.Line.DESCRIPTOR.fields_by_name
# In the order of their numbers, as a message lists the fields that it has.
_PARENT = _REQUEST["parent"]
_OF_REQUEST = [_REQUEST["reservation"], _REQUEST["request_id"]]
_OF_WISH = [_WISH["lines"], _WISH["start_time"], _WISH["end_time"]]
_OF_LINE = [_LINE["resource"], _LINE["units"]]

Plain = tuple[str, tuple[Line, ...], int, int]
"""The request id, the lines, and start and end in seconds."""


def plain_demand(request: api.CreateReservationRequest, parent: str) -> Plain | None:
    """What is asked for, if it is plain; None for anything else. It may repeat the parent of the whole."""
    fields = request.ListFields()
    if len(fields) > len(_OF_REQUEST) and fields[0] == (_PARENT, parent):
        fields = fields[1:]
    if [field for field, _ in fields] != _OF_REQUEST:
        return None
    request_id: str = fields[1][1]
    wish = fields[0][1].ListFields()
    if not is_uuid(request_id) or [field for field, _ in wish] != _OF_WISH:
        return None
    (_, lines), (_, start), (_, end) = wish
    first, last = start.seconds, end.seconds
    if not 0 <= first < last <= SECONDS_MAX or start.nanos or end.nanos:
        return None
    wanted = _plain_lines(lines)
    return (request_id, wanted, first, last) if wanted is not None else None


def _plain_lines(lines: Sequence[Any]) -> tuple[Line, ...] | None:
    if len(lines) > LINES_MAX:
        return None
    wanted: tuple[Line, ...] = ()
    for line in lines:
        fields = line.ListFields()
        if [field for field, _ in fields] != _OF_LINE:
            return None
        ids, units = ids_in(fields[0][1], RESOURCE), fields[1][1]
        if ids is None or units <= 0:
            return None
        more = plain_line(ids[0], units)
        wanted = wanted + more if wanted else more
    return wanted
