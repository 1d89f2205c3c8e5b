"""Requests to change a reservation, or to offer it, as commands; and what a change would come to, as clients see it."""

from collections.abc import Set as AbstractSet

from services.allocation import commands
from services.allocation.centre import Centre
from services.allocation.events import Events, ReservationEvent
from services.allocation.life import follow
from services.allocation.reservations import Reservation
from services.allocation.values.transfer import OFFER_SECONDS_DEFAULT, OFFER_SECONDS_MAX
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.masks import ALL, paths_of
from services.scheduler.wire.requests import class_of, lines_of

MUTABLE = frozenset({"lines", "start_time", "end_time", "duration", "note", "participants"})
COMPANY = "company"
ETAG_CHARACTERS_MAX = 64


def update_reservation(
    request: api.UpdateReservationRequest, company: str, reservation_id: str
) -> commands.ChangeReservation | commands.OfferTransfer:
    """A change, or an offer to another company. Raises `Problem` with every invalid field and path."""
    fields, wish = Fields(), request.reservation
    fields.request_id(request.request_id)
    if request.etag and wish.etag and request.etag != wish.etag:
        fields.fault("etag", "differs from reservation.etag; send one of them")
    if COMPANY in request.update_mask.paths:
        return _offer(fields, request, company, reservation_id)
    if request.HasField("offer_for"):
        fields.fault("offer_for", "goes with the path company, which is not in update_mask")
    paths = _paths(fields, request)
    start = fields.time("reservation.start_time", wish, "start_time") if "start_time" in paths else None
    command = commands.ChangeReservation(
        reservation_id=reservation_id,
        company=company,
        etag=fields.text("etag", request.etag or wish.etag, ETAG_CHARACTERS_MAX),
        start=start,
        end=fields.time("reservation.end_time", wish, "end_time") if "end_time" in paths else None,
        duration=_duration(fields, wish) if "duration" in paths else None,
        lines=lines_of(fields, "reservation.lines", wish.lines) if "lines" in paths else None,
        note=fields.text("reservation.note", wish.note) if "note" in paths else None,
        excused=request.excused,
        participants=class_of(fields, "reservation.participants", wish) if "participants" in paths else None,
    )
    fields.demand_valid()
    return command


def _offer(
    fields: Fields, request: api.UpdateReservationRequest, company: str, reservation_id: str
) -> commands.OfferTransfer:
    """That another company may take it over; nothing else of it changes with that."""
    if set(request.update_mask.paths) != {COMPANY}:
        fields.fault("update_mask", "names company, which is changed alone: what is offered is what there is")
    (to,) = fields.name("reservation.company", request.reservation.company, "companies")
    seconds = fields.seconds("offer_for", request.offer_for) if request.HasField("offer_for") else OFFER_SECONDS_DEFAULT
    if not 0 < seconds <= OFFER_SECONDS_MAX:
        fields.fault("offer_for", f"must be 1 to {OFFER_SECONDS_MAX} seconds")
    if request.excused:
        fields.fault("excused", "is for what is given back; nothing is, when a reservation is handed over")
    etag = fields.text("etag", request.etag or request.reservation.etag, ETAG_CHARACTERS_MAX)
    fields.demand_valid()
    return commands.OfferTransfer(reservation_id=reservation_id, company=company, to=to, seconds=seconds, etag=etag)


def _paths(fields: Fields, request: api.UpdateReservationRequest) -> AbstractSet[str]:
    """The fields that the mask names, or means."""
    wish = request.reservation
    paths = paths_of(fields, request.update_mask, wish, MUTABLE, "reservation")
    if ALL in request.update_mask.paths:
        # The interval can be said in one of two ways.
        paths.discard("end_time" if wish.HasField("duration") else "duration")
        if not wish.HasField("participants"):
            paths.discard("participants")  # A class stays one.
    if {"end_time", "duration"} <= paths:
        fields.fault("reservation.end_time", "either end_time or duration can be changed, not both")
    return paths


def _duration(fields: Fields, wish: api.Reservation) -> int:
    if not wish.HasField("duration"):
        fields.fault("reservation.duration", "is required")
        return 0
    duration = fields.seconds("reservation.duration", wish.duration)
    if duration == 0:
        fields.fault("reservation.duration", "must be longer than nothing")
    return duration


def preview(centre: Centre, before: Reservation, decided: Events) -> Reservation:
    """A reservation as it would be; nothing decided is one that was changed before, and stays as it is."""
    for event in decided:
        if isinstance(event, ReservationEvent) and event.reservation_id == before.id:
            before = follow(before, event, centre.now, before.position)
    return before
