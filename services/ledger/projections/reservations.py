"""Each reservation as it stands (table `reservations`)."""

from datetime import UTC, datetime
from typing import Any

from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from services.allocation import events
from services.allocation.resources import State
from services.ledger.books import Claim
from services.ledger.facts import Fact


class Standing(Struct):
    """What changes about a reservation. `ends_at` is None where the end that was confirmed still holds."""

    state: State
    allocated_number: int
    changed_number: int
    ends_at: datetime | None = None


class Reservations:
    """New reservations, and changes to earlier ones, folded to one a reservation."""

    def __init__(self) -> None:
        self._confirmed: dict[str, tuple[Claim, str, int]] = {}
        self._standings: dict[str, Standing] = {}

    def add(self, fact: Fact) -> None:
        if fact.claim is None:
            return
        if isinstance(fact.event, events.ReservationConfirmed):
            self._confirmed[fact.reservation] = (fact.claim, fact.event.note, fact.number)
            self._standings[fact.reservation] = Standing(State.CONFIRMED, fact.number, fact.number)
            return
        standing = self._standings.get(fact.reservation)
        if standing is None:
            standing = self._standings[fact.reservation] = Standing(fact.claim.state, 0, 0)
        standing.changed_number = fact.number
        match fact.event:
            case events.AllocationsMoved():
                standing.allocated_number = fact.number
            case events.ReservationActivated():
                standing.state = State.ACTIVE
            case events.ReservationCompleted():
                standing.state = State.COMPLETED
            case events.ReservationCancelled():
                standing.state = State.CANCELLED
            case events.ReservationReleased(released_at=cut):
                standing.state = State.COMPLETED
                standing.ends_at = datetime.fromtimestamp(min(max(cut, fact.claim.start), fact.claim.end), UTC)

    async def write(self, connection: PoolConnectionProxy) -> None:
        if self._confirmed:
            rows = [self._new_row(reservation) for reservation in self._confirmed]
            await connection.copy_records_to_table("reservations", records=rows)
        earlier = sorted(self._standings.keys() - self._confirmed.keys())
        if earlier:
            standings = [self._standings[reservation] for reservation in earlier]
            await connection.execute(
                _CHANGE,
                earlier,
                [standing.state.value for standing in standings],
                [standing.ends_at for standing in standings],
                [standing.allocated_number for standing in standings],
                [standing.changed_number for standing in standings],
            )

    def _new_row(self, reservation: str) -> tuple[Any, ...]:
        claim, note, number = self._confirmed[reservation]
        standing = self._standings[reservation]
        return (
            reservation,
            claim.company,
            standing.state.value,
            datetime.fromtimestamp(claim.start, UTC),
            standing.ends_at or datetime.fromtimestamp(claim.end, UTC),
            note,
            number,
            standing.allocated_number,
            standing.changed_number,
        )


_CHANGE = """
UPDATE reservations
SET state            = change.state,
    ends_at          = coalesce(change.ends_at, reservations.ends_at),
    allocated_number = coalesce(nullif(change.allocated_number, 0), reservations.allocated_number),
    changed_number   = change.changed_number
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[])
     AS change (reservation, state, ends_at, allocated_number, changed_number)
WHERE reservations.reservation = change.reservation
"""
