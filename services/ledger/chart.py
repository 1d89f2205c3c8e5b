"""The chart of accounts: where a unit-second, and its price in KRW, can stand. Pure.

Each company has these accounts for each month and resource, once in unit-seconds and once in KRW. `capacity` is the
centre's counter-account: it gives what all the others have, so that together they are always zero. `reserve` is what a
company gave to the reserve of its programme less what it got out of it, in hours alone: those of all companies of a
programme together are its reserve, so one of them may stand below zero and their sum never does.

A booking is a transfer in two phases: pending when it is made (`held`, `booked`), then posted by use (`used`, `idle`,
`penalty`) or voided (`released`, `refunded`, `preempted`). What a month that is closed leaves pending is carried over
to the open one, and what is learnt about it later is posted there as an adjustment: `about` names the month meant.
"""

from enum import StrEnum

from msgspec import Struct


class Account(StrEnum):
    """Where an amount can stand. One that no event posts to yet says so."""

    CAPACITY = "capacity"  # the centre, giving
    GRANTED = "granted"  # quotas, and what they are worth by the rate card
    RESERVE = "reserve"  # what reviews returned to the programme, less what the company was given out of that
    HELD = "held"  # offers held and requests not yet approved: no booking yet
    BOOKED = "booked"  # confirmed or active, not used yet
    USED = "used"  # held until its end
    IDLE = "idle"  # held and not used: nobody came, or nothing ran
    RELEASED = "released"  # given back by the company before it was used
    REFUNDED = "refunded"  # not owed: the centre could not give it, or a late fee whose time somebody booked again
    PENALTY = "penalty"  # KRW for a cancellation too late, or for not coming
    COMPENSATION = "compensation"  # KRW beyond the price: given for what an outage took, given or taken by an operator
    PREEMPTED = "preempted"  # booked, and taken away for somebody more urgent: no event does that yet


PENDING = frozenset({Account.HELD, Account.BOOKED})
CHARGED = frozenset({Account.USED, Account.IDLE, Account.PENALTY})
"""What a company owes for, in KRW."""


class Phase(StrEnum):
    """Which part of a two-phase transfer an entry is."""

    SINGLE = "single"  # in one phase: a grant
    PENDING = "pending"  # a booking, or a hold that became one
    POSTED = "posted"  # used, or charged though it was not
    VOIDED = "voided"  # given back
    REVERSED = "reversed"  # charged before, and not owed any more
    CARRIED = "carried"  # from a closed month to the open one


class Transfer(Struct, frozen=True, gc=False):
    """Unit-seconds and KRW of a company on a resource, from one account to another. Neither is negative, one is more.

    It stands in the books of `period`, a month such as 202603, and is about the month `about`: an earlier one that was
    closed meanwhile, where they differ.
    """

    company: str
    reservation: str
    resource: str
    period: int
    about: int
    from_account: Account
    to_account: Account
    unit_seconds: int
    krw: int


def phase_of(from_account: str, to_account: str, adjusts: bool) -> Phase:
    """The phase of an entry between two accounts. `adjusts`: it is about another month than the one it stands in."""
    source, target = Account(from_account), Account(to_account)
    if source is Account.PENALTY:
        return Phase.REVERSED
    pending = {source, target} & PENDING
    if Account.CAPACITY in (source, target) and pending:
        # Out of the closed month, and into the open one.
        carried = source in PENDING or adjusts
        return Phase.CARRIED if carried else Phase.PENDING
    if target in PENDING:
        return Phase.PENDING
    if source in PENDING:
        return Phase.POSTED if target in CHARGED else Phase.VOIDED
    return Phase.SINGLE
