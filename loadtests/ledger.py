"""The ledger: how fast it takes a log into a fresh Postgres, with every one of its books.

The log is JetStream's, read through the chain as always. The commits are those of a ledger that has fallen behind:
full batches, one after the other, the next one filling meanwhile. Signing checkpoints and answering are left out.
"""

import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from loadtests import past
from loadtests.history import Advance, History
from loadtests.past import Replay
from loadtests.yardsticks import Beside, measure
from services.eventlog.jetstream import JetStreamLog
from services.ledger.database import connect_writer
from services.ledger.journal import Journal
from services.ledger.progress import Progress
from services.ledger.projector import Projector
from services.ledger.telemetry import LedgerTelemetry
from services.runtime import garbage
from services.runtime.embedded import NatsServer, Postgres

EVENTS = 100_000


async def fold(folder: Path, seed: int, advance: Advance) -> tuple[Replay, Beside]:
    """Write a log of 100,000 events, then take it into a Postgres that was empty before; and what it stands beside."""
    async with NatsServer(folder / "nats") as nats, Postgres(folder / "postgres") as postgres:
        history = await past.build(nats, seed, advance, EVENTS)
        log = await JetStreamLog.connect(nats.url, past.CENTRE, monitor_url=nats.monitor_url, create=False)
        try:
            folded = await follow(log, postgres.dsn, history)
            return folded, await measure(postgres.dsn, history.events)
        finally:
            await log.close()


async def follow(log: JetStreamLog, dsn: str, history: History) -> Replay:
    """Take a log into an empty database, as a ledger that has fallen behind does."""
    writer = await connect_writer(dsn)
    progress, telemetry = Progress(time.monotonic), LedgerTelemetry(CollectorRegistry())
    try:
        # Making the tables is no part of it.
        projector = await Projector.open(log, past.CENTRE, Journal(writer), progress, telemetry)
        with garbage.tuned():
            began, cpu_began = time.perf_counter(), time.process_time()
            await projector.follow(until=history.head.position)
            took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        events = await writer.fetchval("SELECT number FROM checkpoint")
    finally:
        writer.terminate()
    assert events == history.events
    return Replay(events=events, seconds=took, cpu_seconds=cpu)
