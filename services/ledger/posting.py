"""What each event means in the books: transfers between a company's accounts, in unit-seconds. Pure.

A transfer gives to one account exactly what it takes from another, so every event's postings sum to zero. Each company
has, for each resource, the accounts below; `capacity` is the centre's counter-account, which gives all the others have.
"""

from enum import StrEnum

from msgspec import Struct

from services.allocation import events
from services.allocation.events import Event
from services.allocation.life import flows
from services.ledger.books import Step


class Account(StrEnum):
    """Where a unit-second can stand."""

    CAPACITY = "capacity"  # the centre, giving
    GRANTED = "granted"  # what quotas allow, all periods together
    HELD = "held"  # confirmed or active
    USED = "used"  # held until its end
    RELEASED = "released"  # held once, and given back unused


class Transfer(Struct, frozen=True):
    """So many unit-seconds of a company on a resource, from one account to another. Never zero, never negative."""

    company: str
    resource: str
    from_account: Account
    to_account: Account
    unit_seconds: int


FLOWS = (
    ("reserved", Account.CAPACITY, Account.HELD),
    ("used", Account.HELD, Account.USED),
    ("released", Account.HELD, Account.RELEASED),
)


def post(event: Event, step: Step | None) -> tuple[Transfer, ...]:
    """The transfers of an event. `step` is what it makes of the reservation that it names, if it names one."""
    if step is not None:
        return _of_step(step)
    match event:
        case events.QuotaGranted(quota=quota):
            granted = Transfer(quota.company, quota.meter, Account.CAPACITY, Account.GRANTED, quota.unit_seconds)
            return (granted,) if quota.unit_seconds else ()
        case _:
            return ()  # Registrations move nothing.


def _of_step(step: Step) -> tuple[Transfer, ...]:
    """What moves between two states of a reservation."""
    before = step.before.reservation if step.before else None
    company = step.after.reservation.company
    return tuple(
        Transfer(company, flow.resource, source, target, amount)
        for flow in flows(before, step.after.reservation)
        for what, source, target in FLOWS
        if (amount := getattr(flow, what))
    )
