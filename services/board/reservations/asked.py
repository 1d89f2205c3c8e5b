"""A change that waits for approval: what the reservation would become, who must agree, and how to take it back."""

from uuid import uuid4

from services.board.frame import parts
from services.board.frame.sending import enclosed
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.board.paper.times import from_timestamp
from services.board.reservations.voting import approval_told
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CHANGE = "/change"


def as_asked(item: api.Reservation) -> api.Reservation:
    """A reservation as it would be if the change that waits were granted; as it is where none waits."""
    if not item.HasField("asked_change"):
        return item
    asked, then = item.asked_change, api.Reservation()
    then.CopyFrom(item)
    for field in ("lines", "allocations", "asked_change"):
        then.ClearField(field)
    then.lines.extend(asked.lines)
    then.allocations.extend(asked.allocations)
    then.start_time.CopyFrom(asked.start_time)
    then.end_time.CopyFrom(asked.end_time)
    then.note = asked.note
    if not item.HasField("cost_change_krw") and asked.HasField("cost_change_krw"):
        then.cost.krw += asked.cost_change_krw
    return then


def standing(visit: Visit, item: api.Reservation) -> list[Markup] | None:
    """When and what it shall become, by when somebody must agree, and what was said so far."""
    if not item.HasField("asked_change"):
        return None
    asked, clock = item.asked_change, visit.clock
    told = [el("div", clock.span(from_timestamp(asked.start_time), from_timestamp(asked.end_time)))]
    if list(asked.lines) != list(item.lines):
        told.append(el("div", parts.lines(visit, asked.lines)))
    if asked.cost_change_krw:
        more = "change_costs_more" if asked.cost_change_krw > 0 else "change_costs_less"
        told.append(el("div", visit.words(more, krw=f"{abs(asked.cost_change_krw):,}")))
    return told + approval_told(visit, asked.approval, from_timestamp(asked.expire_time))


def take_back(visit: Visit, item: api.Reservation) -> Markup | None:
    """A button that asks for what there is, and so for nothing else any more."""
    if not item.HasField("asked_change") or not visit.person.acts_for(item.name):
        return None
    request = api.UpdateReservationRequest(etag=item.etag, request_id=str(uuid4()))
    request.reservation.name = item.name
    request.reservation.start_time.CopyFrom(item.start_time)
    request.reservation.end_time.CopyFrom(item.end_time)
    request.update_mask.paths.extend(["start_time", "end_time"])
    return enclosed(visit, CHANGE, request, el("button", visit.words("change_take_back"), class_="bad"))
