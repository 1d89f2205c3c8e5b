"""What each event means in the books: transfers between a company's accounts, in unit-seconds. Pure.

A transfer gives to one account exactly what it takes from another, so every event's postings sum to zero. Each company
has, for each resource, the accounts below; `capacity` is the centre's counter-account, which gives all the others have.
"""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from services.allocation import events
from services.allocation.events import Event
from services.allocation.resources import Allocation
from services.ledger.books import Claim


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


def post(event: Event, claim: Claim | None) -> tuple[Transfer, ...]:
    """The transfers of an event. `claim` is what the reservation that it names held before it, or holds by it."""
    match event:
        case events.QuotaGranted(quota=quota):
            granted = Transfer(quota.company, quota.meter, Account.CAPACITY, Account.GRANTED, quota.unit_seconds)
            return (granted,) if quota.unit_seconds else ()
        case events.ReservationConfirmed():
            return _all(claim, Account.CAPACITY, Account.HELD)
        case events.ReservationCompleted():
            return _all(claim, Account.HELD, Account.USED)
        case events.ReservationCancelled():
            return _all(claim, Account.HELD, Account.RELEASED)
        case events.ReservationReleased(released_at=cut):
            return _used_until(claim, cut)
        case (
            events.AllocationsMoved()
            | events.ReservationActivated()
            | events.ResourceRegistered()
            | events.CompanyRegistered()
        ):
            return ()
        case _:
            assert_never(event)


def _all(claim: Claim | None, source: Account, target: Account) -> tuple[Transfer, ...]:
    """Everything that a claim holds, from one account to another."""
    assert claim is not None, "the books give a claim with every event about a reservation"
    return tuple(
        Transfer(claim.company, allocation.resource, source, target, amount)
        for allocation in claim.allocations
        if (amount := allocation.unit_seconds)
    )


def _used_until(claim: Claim | None, cut: int) -> tuple[Transfer, ...]:
    """What was held before `cut` was used, the rest is given back."""
    assert claim is not None, "the books give a claim with every event about a reservation"
    transfers = []
    for allocation in claim.allocations:
        used = _unit_seconds_until(allocation, cut)
        for target, amount in ((Account.USED, used), (Account.RELEASED, allocation.unit_seconds - used)):
            if amount:
                transfers.append(Transfer(claim.company, allocation.resource, Account.HELD, target, amount))
    return tuple(transfers)


def _unit_seconds_until(allocation: Allocation, cut: int) -> int:
    return allocation.units * sum(end - start for start, end in allocation.until(cut))
