"""Holds the ledger's tables against the scheduler's word: at one position, both must hold the same (P6).

The scheduler says from time to time what its live reservations hold. The tables still tell what was held at that
position, so they are asked once they have reached it. A difference is an alarm and nothing else: which of the two is
wrong only the log can tell, and `aidc ledger rebuild` asks it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, time

import asyncpg
import structlog

from services.allocation.standing import Standing
from services.eventlog import BrokenLog, Unknown, Witness
from services.ledger.database import GONE, OUTAGES
from services.ledger.progress import Progress
from services.ledger.reading import snapshot
from services.ledger.telemetry import LedgerTelemetry

SECONDS_BETWEEN = 5.0
SHARE = 50
"""One part in so many of a Postgres backend may go into it: after a long comparison it pauses longer."""
REACH_SECONDS_MAX = 60.0

PASSING: tuple[type[Exception], ...] = (Unknown, BrokenLog, *OUTAGES, *GONE)
"""What is reported elsewhere; the next comparison tries again."""

_log = structlog.get_logger()


class Agreement:
    """Compares for as long as the process lives. `connect` opens the place where the scheduler says what stands."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Witness]],
        readers: asyncpg.Pool,
        progress: Progress,
        telemetry: LedgerTelemetry,
    ) -> None:
        self._connect = connect
        self._readers = readers
        self._progress = progress
        self._telemetry = telemetry
        self._witness: Witness | None = None

    async def run(self) -> None:
        """Compare whenever the scheduler has said something, for ever; outages are waited out."""
        await self._progress.opened.wait()
        while True:
            began = monotonic()
            try:
                await self.compare()
            except PASSING as error:
                _log.debug("states_not_compared", reason=str(error))
            await asyncio.sleep(max(SECONDS_BETWEEN, SHARE * (monotonic() - began)))

    async def compare(self) -> bool | None:
        """Whether both hold the same at the scheduler's newest word; None if it has said nothing that can be compared.

        Raises one of `PASSING`.
        """
        self._witness = self._witness or await self._connect()
        said = await self._witness.hear()
        if said is None or not await self._progress.wait_for(said.position, REACH_SECONDS_MAX):
            return None
        found = await standing_at(self._readers, said.position)
        self._telemetry.compared(time(), said.position, agree=found == said)
        if found != said:
            _log.error("states_differ", scheduler=said, ledger=found, remedy="aidc ledger rebuild tells which is wrong")
        return found == said


async def standing_at(readers: asyncpg.Pool, position: int) -> Standing:
    """What the tables say was held at a position that they have reached."""
    async with snapshot(readers) as connection:
        page = await connection.fetchrow("SELECT hash, number FROM pages WHERE position = $1", position)
        assert page is not None, "the caller has waited for it"
        row = await connection.fetchrow(_HELD, page["number"])
        assert row is not None
        return Standing(position=position, hash=page["hash"], lines=row["lines"], sum=row["sum"])


# The lines are those of services/allocation/standing.py, from what the tables say instead of the reservations. Whose a
# reservation was that somebody took over since, the first acceptance after that says.
_HELD = """
SELECT count(*) AS lines, coalesce(sum(('x' || left(hash, 16))::bit(64)::bigint::numeric), 0)::text AS sum
FROM (
    SELECT encode(sha256(convert_to(concat_ws(' ',
        CASE WHEN confirmed_number <= $1 THEN reservations.company ELSE (
            SELECT journal.company
            FROM journal
            WHERE journal.reservation = reservations.reservation AND journal.reservation <> '' AND number > $1
              AND type = 'transfer_accepted'
            ORDER BY number
            LIMIT 1
        ) END,
        reservation, resource,
        allocations.place - resources.place, allocations.bins, amount,
        extract(epoch FROM allocations.starts_at)::bigint, extract(epoch FROM allocations.ends_at)::bigint),
        'UTF8')), 'hex') AS hash
    FROM allocations
    JOIN reservations USING (reservation)
    JOIN resources USING (resource)
    WHERE held @> $1::bigint
) AS held
"""
