"""Each reservation as it stands (table `reservations`)."""

from typing import Any

from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct
from msgspec.json import encode

from services.allocation.reservations import Reservation, State
from services.ledger.claims import Claim
from services.ledger.facts import Fact
from services.ledger.moments import second


class Reservations:
    """New reservations, and changes to earlier ones, folded to one a reservation."""

    def __init__(self) -> None:
        self._confirmed: dict[str, int] = {}
        self._firsts: dict[str, str] = {}  # of parts, the reservation that was booked; whoever takes them over later
        self._taken_over: dict[str, int] = {}  # by whose event the booking is another company's now
        self._standings: dict[str, tuple[Claim, int]] = {}

    def add(self, fact: Fact) -> None:
        if fact.step is None:
            return
        before, after = fact.step.before, fact.step.after
        if before is None:
            self._confirmed[fact.reservation] = fact.number
            if after.reservation.origin is not None:
                self._firsts[fact.reservation] = after.reservation.origin.first
        elif before.reservation.company != after.reservation.company:
            rows = self._confirmed if fact.reservation in self._confirmed else self._taken_over
            rows[fact.reservation] = fact.number
        self._standings[fact.reservation] = (fact.step.after, fact.number)

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._confirmed:
            rows = [(*self._row(name), self._firsts.get(name, ""), number) for name, number in self._confirmed.items()]
            await connection.copy_records_to_table("reservations", records=rows, columns=(*COLUMNS, *AT_FIRST))
        earlier = sorted(self._standings.keys() - self._confirmed.keys())
        if earlier:
            await connection.execute(_CHANGE, encode([self._change(name) for name in earlier]).decode())

    def _change(self, name: str) -> "_Change":
        claim, changed_number = self._standings[name]
        reservation = claim.reservation
        return _Change(
            reservation=name,
            company=reservation.company,
            state=reservation.state,
            starts_at=reservation.start,
            ends_at=reservation.end,
            note=reservation.note,
            allocated_number=claim.number,
            changed_number=changed_number,
            people=_people(reservation),
            confirmed_number=self._taken_over.get(name),
        )

    def _row(self, name: str) -> tuple[Any, ...]:
        claim, changed_number = self._standings[name]
        reservation = claim.reservation
        return (
            name,
            reservation.company,
            reservation.state,
            second(reservation.start),
            second(reservation.end),
            reservation.note,
            claim.number,
            changed_number,
            _people(reservation),
        )


def _people(reservation: Reservation) -> int:
    """How many came, where that is counted."""
    return reservation.participants.present if reservation.participants is not None else 0


COLUMNS = (
    *("reservation", "company", "state", "starts_at", "ends_at", "note"),
    *("allocated_number", "changed_number", "people"),
)
AT_FIRST = ("first_reservation", "confirmed_number")
"""What only its first event says, and of the second whoever takes it over."""


class _Change(Struct, frozen=True, kw_only=True, gc=False):
    """A row as it will be; times in seconds."""

    reservation: str
    company: str
    state: State
    starts_at: int
    ends_at: int
    note: str
    allocated_number: int
    changed_number: int
    people: int
    confirmed_number: int | None


# One document and not an array a column: asyncpg looks at every element of an array in Python, which takes longer than
# Postgres does with all of it.
_CHANGE = """
UPDATE reservations
SET company          = change.company,
    state            = change.state,
    starts_at        = to_timestamp(change.starts_at),
    ends_at          = to_timestamp(change.ends_at),
    note             = change.note,
    allocated_number = change.allocated_number,
    changed_number   = change.changed_number,
    people           = change.people,
    confirmed_number = coalesce(change.confirmed_number, reservations.confirmed_number)
FROM json_to_recordset($1::json)
     AS change (reservation text, company text, state text, starts_at bigint, ends_at bigint, note text,
                allocated_number bigint, changed_number bigint, people integer, confirmed_number bigint)
WHERE reservations.reservation = change.reservation
"""
