"""Drop every table and fold the log again: the same digests must come out (P7)."""

from time import monotonic

import asyncpg
from prometheus_client import CollectorRegistry

from services.eventlog import EventLog
from services.ledger.batch import Checkpoint
from services.ledger.database import SCHEMA, as_owner
from services.ledger.digest import Digest, digests
from services.ledger.journal import Journal
from services.ledger.migrate import drop
from services.ledger.progress import Progress
from services.ledger.projector import Projector
from services.ledger.telemetry import LedgerTelemetry


async def rebuild(log: EventLog, centre: str, writer: asyncpg.Pool) -> tuple[Checkpoint, dict[str, Digest]]:
    """Fold the log anew up to where it ends now; give the checkpoint there and every table's digest.

    A ledger that runs meanwhile finds its tables gone, stops, and follows again from where this leaves off. Raises
    `BrokenLog`, `Unknown`, or `Superseded` if that one was quicker.
    """
    end = await log.last_position()
    async with as_owner(writer) as connection:
        await drop(connection, SCHEMA)
    telemetry = LedgerTelemetry(CollectorRegistry())  # Nobody scrapes this.
    projector = await Projector.open(log, centre, Journal(writer), Progress(monotonic), telemetry)
    await projector.follow(until=end)
    async with writer.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        return await digests(connection)
