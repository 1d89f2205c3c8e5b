"""Each reservation as it stands (table `reservations`)."""

from datetime import UTC, datetime
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from services.ledger.claims import Claim
from services.ledger.facts import Fact


class Reservations:
    """New reservations, and changes to earlier ones, folded to one a reservation."""

    def __init__(self) -> None:
        self._confirmed: dict[str, int] = {}
        self._taken_over: dict[str, int] = {}  # by whose event the booking is another company's now
        self._standings: dict[str, tuple[Claim, int]] = {}

    def add(self, fact: Fact) -> None:
        if fact.step is None:
            return
        before, after = fact.step.before, fact.step.after
        if before is None:
            self._confirmed[fact.reservation] = fact.number
        elif before.reservation.company != after.reservation.company:
            rows = self._confirmed if fact.reservation in self._confirmed else self._taken_over
            rows[fact.reservation] = fact.number
        self._standings[fact.reservation] = (fact.step.after, fact.number)

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._confirmed:
            rows = [(*self._row(name), number) for name, number in self._confirmed.items()]
            await connection.copy_records_to_table("reservations", records=rows, columns=(*COLUMNS, "confirmed_number"))
        earlier = sorted(self._standings.keys() - self._confirmed.keys())
        if earlier:
            rows = [(*self._row(name), self._taken_over.get(name)) for name in earlier]
            await connection.execute(_CHANGE, *zip(*rows, strict=True))

    def _row(self, name: str) -> tuple[Any, ...]:
        claim, changed_number = self._standings[name]
        reservation = claim.reservation
        return (
            name,
            reservation.company,
            reservation.state.value,
            datetime.fromtimestamp(reservation.start, UTC),
            datetime.fromtimestamp(reservation.end, UTC),
            reservation.note,
            claim.number,
            changed_number,
            reservation.participants.present if reservation.participants is not None else 0,
        )


COLUMNS = (
    *("reservation", "company", "state", "starts_at", "ends_at", "note"),
    *("allocated_number", "changed_number", "people"),
)

_CHANGE = """
UPDATE reservations
SET company          = change.company,
    state            = change.state,
    starts_at        = change.starts_at,
    ends_at          = change.ends_at,
    note             = change.note,
    allocated_number = change.allocated_number,
    changed_number   = change.changed_number,
    people           = change.people,
    confirmed_number = coalesce(change.confirmed_number, reservations.confirmed_number)
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bigint[],
            $8::bigint[], $9::integer[], $10::bigint[])
     AS change (reservation, company, state, starts_at, ends_at, note, allocated_number, changed_number, people,
                confirmed_number)
WHERE reservations.reservation = change.reservation
"""
