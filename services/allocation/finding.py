"""Finding what a command names, and saying no to what is not there, or in no state for it."""

from typing import Protocol

from services.allocation.centre import Centre
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.reservations import Reservation


class Naming(Protocol):
    """A command about one reservation. An empty `etag` matches any version."""

    @property
    def reservation_id(self) -> str:
        """Its id."""
        ...

    @property
    def company(self) -> str:
        """Its company's id."""
        ...

    @property
    def etag(self) -> str:
        """The version that the asker has read."""
        ...


def find(centre: Centre, command: Naming) -> Reservation:
    """The reservation that a command names. Another company's answers exactly like a missing one."""
    reservation = centre.reservations.get(command.reservation_id)
    if reservation is None or reservation.company != command.company:
        raise missing(command)
    if command.etag and command.etag != reservation.etag:
        raise refuse(
            Reason.STALE_ETAG,
            "The reservation has changed since it was read. Read it again, and decide again.",
            reservation.id,
        )
    return reservation


def missing(command: Naming) -> Rejected:
    """The refusal of what is not there, or not there for whoever asks."""
    name = f"companies/{command.company}/reservations/{command.reservation_id}"
    return refuse(Reason.RESERVATION_NOT_FOUND, f"There is no reservation {name}.", name)


def no_company(name: str) -> Rejected:
    """The refusal of a company that is not registered."""
    return refuse(Reason.COMPANY_NOT_FOUND, f"There is no company {name!r}.", name)


def no_resource(name: str) -> Rejected:
    """The refusal of a resource that is not registered."""
    return refuse(Reason.RESOURCE_NOT_FOUND, f"There is no resource {name!r}.", name)


def wrong_state(reservation: Reservation, verb: str, hint: str) -> Rejected:
    """The refusal of a change that a reservation's state does not allow."""
    return refuse(
        Reason.WRONG_STATE,
        f"A reservation can only be {verb}; this one is {reservation.state}. {hint}",
        reservation.id,
    )
