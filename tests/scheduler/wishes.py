"""Requests of every sort, each made in a line, for whoever asks for something strange."""

from collections.abc import Callable
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import demand, request_id
from tests.scheduler.test_grpc import quota, search
from tests.scheduler.test_grpc_tenants import administration, handing_over


def changed(request: Message, change: Callable[[Any], object]) -> Message:
    """A request with a change made to it."""
    change(request)
    return request


def timed(field: str, seconds: int = 0, nanos: int = 0) -> api.CreateReservationRequest:
    """A booking with a strange time."""
    request = demand()
    time = getattr(request.reservation, field)
    time.seconds, time.nanos = seconds, nanos
    return request


def noted(text: str) -> api.CreateReservationRequest:
    """A booking with a note."""
    return demand(note=text)


def listing(parent: str = "companies/ALPHA", **fields: Any) -> api.ListReservationsRequest:
    """A list of reservations."""
    return api.ListReservationsRequest(parent=parent, **fields)


def cancelling(name: str, number: int = 5, **fields: Any) -> api.CancelReservationRequest:
    """A cancellation."""
    return api.CancelReservationRequest(name=name, request_id=request_id(number), **fields)


def confirming(name: str, **fields: Any) -> api.ConfirmReservationRequest:
    """A confirmation."""
    return api.ConfirmReservationRequest(name=name, request_id=request_id(7), **fields)


YEAR = Duration(seconds=365 * 86_400)


def accepting(name: str) -> api.AcceptTransferRequest:
    """A company takes over what is offered."""
    return api.AcceptTransferRequest(name=name, request_id=request_id(8))


def declining(name: str, reason: str) -> api.DeclineTransferRequest:
    """It does not."""
    return api.DeclineTransferRequest(name=name, request_id=request_id(8), reason=reason)


def noting(name: str, **fields: Any) -> api.UpdateReservationRequest:
    """Another note, and something beside it."""
    return api.UpdateReservationRequest(
        reservation=api.Reservation(name=name, note="x"), request_id=request_id(8), **fields
    )


def offering_more(name: str) -> api.UpdateReservationRequest:
    """An offer of something that is changed with it."""
    request = handing_over(name, "BETA")
    request.update_mask.paths.append("note")
    return request


def approving(name: str, **fields: Any) -> api.ApproveReservationRequest:
    """A vote for a reservation."""
    return api.ApproveReservationRequest(name=name, request_id=request_id(8), **fields)


def denying(name: str, comment: str) -> api.DenyReservationRequest:
    """A vote against a reservation."""
    return api.DenyReservationRequest(name=name, request_id=request_id(8), comment=comment)


def held(seconds: int, nanos: int = 0) -> api.CreateReservationRequest:
    """An offer to hold for a strange time."""
    request = demand()
    request.hold.seconds, request.hold.nanos = seconds, nanos
    return request


def searching(request_id: str) -> api.SearchOffersRequest:
    """A search that holds what it finds, under a strange id."""
    request = search("cpu", hold=60)
    request.request_id = request_id
    return request


def flexible(
    company: str = "ALPHA", duration: int = HOUR, duration_max: int = 0, desired: int = 0, **fields: Any
) -> api.SearchOffersRequest:
    """A search that lets something vary; times in seconds."""
    request = search("cpu", company=company)
    request.duration.seconds = duration
    request.MergeFrom(api.SearchOffersRequest(**fields))
    if duration_max:
        request.duration_max.seconds = duration_max
    if desired:
        request.desired_start_time.seconds = desired
    return request


def looking() -> api.SearchOffersRequest:
    """A search that holds nothing, and has an id."""
    request = search("cpu")
    request.request_id = request_id(1)
    return request


def releasing(name: str) -> api.ReleaseReservationRequest:
    """A release."""
    return api.ReleaseReservationRequest(name=name, request_id=request_id(6))


def identified(text: str) -> api.CreateReservationRequest:
    """A booking with a request id of any form."""
    request = demand()
    request.request_id = text
    return request


def watching(after: int) -> api.WatchReservationsRequest:
    """A watch from a position on."""
    return api.WatchReservationsRequest(parent="companies/ALPHA", after_position=after)


def batched(*requests: api.CreateReservationRequest, atomic: bool = True) -> api.BatchCreateReservationsRequest:
    """Many bookings in one call."""
    return api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=requests, atomic=atomic)


def granting(**fields: Any) -> api.GrantQuotaRequest:
    """A quota with changed figures."""
    request = quota()
    for name, value in fields.items():
        setattr(request.quota, name, value)
    return request


def company(**fields: Any) -> api.RegisterCompanyRequest:
    """A new company."""
    request = api.RegisterCompanyRequest(request_id=request_id(50))
    request.company.name = fields.pop("name", "companies/NEW")
    request.company.agreement_start_time.seconds = NOW
    request.company.agreement_end_time.seconds = fields.pop("end", NOW + 100 * DAY)
    request.company.reservation_max.seconds = fields.pop("reservation_max", DAY)
    request.company.horizon.seconds = fields.pop("horizon", DAY)
    assert not fields
    return request


def registering(name: str) -> api.RegisterResourceRequest:
    """A resource of another name, made known under this one."""
    request: api.RegisterResourceRequest = administration("RegisterResource", "")
    request.resource.name = f"resources/{name}"
    return request
