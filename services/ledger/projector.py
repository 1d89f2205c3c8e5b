"""The projector: follow the log into the journal, page after page, for ever.

While one batch is being committed the next one fills, so a single page waits for nobody and a flood travels in large
transactions.
"""

import asyncio
from contextlib import aclosing

from services.eventlog import EventLog
from services.eventlog.chain import ChainReader, demand_head
from services.eventlog.page import Page, Record
from services.ledger.batch import Batch, Checkpoint
from services.ledger.books import Books
from services.ledger.journal import Journal
from services.ledger.progress import Progress
from services.ledger.telemetry import LedgerTelemetry


class Projector:
    """Takes one centre's log into the journal, from a checkpoint on. `checkpoint` is where the tables stand."""

    def __init__(
        self,
        log: EventLog,
        centre: str,
        journal: Journal,
        progress: Progress,
        telemetry: LedgerTelemetry,
        opened: tuple[Checkpoint, Books],
        epoch: int,
    ) -> None:
        self._log = log
        self._centre = centre
        self._journal = journal
        self._progress = progress
        self._telemetry = telemetry
        self.checkpoint, self._books = opened
        self._epoch = epoch

    @classmethod
    async def open(
        cls, log: EventLog, centre: str, journal: Journal, progress: Progress, telemetry: LedgerTelemetry
    ) -> "Projector":
        """Open the journal, and check that the log holds the very page of its checkpoint.

        Raises `BrokenLog` when it does not, `Unknown` or one of `database.OUTAGES` when the log or Postgres are away.
        """
        opened = await journal.open()
        epoch = await demand_head(log, opened[0].head)
        await progress.reached(opened[0])
        return cls(log, centre, journal, progress, telemetry, opened, epoch)

    async def follow(self, until: int | None = None) -> None:
        """Go on until the tables stand at a position, and no further; without one, for ever. It can be called again.

        Raises `BrokenLog` when the log cannot be trusted, `Superseded` when another ledger writes, and `Unknown` when
        the log is closed.
        """
        intake = _Intake(self.checkpoint, self._books)
        reading = asyncio.create_task(self._read(intake, until), name="ledger reader")
        try:
            while until is None or self._progress.position < until:
                await self._write(await intake.take())
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, intake: "_Intake", until: int | None) -> None:
        try:
            chain = ChainReader(self.checkpoint.head, self._centre, self._epoch)
            async with aclosing(self._log.follow(self.checkpoint.position)) as batches:
                async for records in batches:
                    self._progress.saw(records[-1].position)
                    for record in records:
                        if until is not None and record.position > until:
                            return
                        await intake.put(record, chain.take(record))
                        self._epoch = chain.epoch
        except Exception as error:  # The writer raises it, after the pages before it.
            await intake.fail(error)

    async def _write(self, batch: Batch) -> None:
        await self._journal.post(batch)
        self._telemetry.applied(batch.events)
        self.checkpoint = batch.after
        await self._progress.reached(batch.after)


class _Intake:
    """The batch that fills, between the one who reads and the one who writes."""

    def __init__(self, checkpoint: Checkpoint, books: Books) -> None:
        self._books = books
        self._batch = Batch(checkpoint, books)
        self._failure: Exception | None = None
        self._changed = asyncio.Condition()

    async def put(self, record: Record, page: Page) -> None:
        """Add a page, when there is room for it."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._batch.full)
            await self._batch.add(record, page)
            self._changed.notify_all()
        await asyncio.sleep(0)  # Folding takes time; let the writer and the callers have theirs.

    async def fail(self, error: Exception) -> None:
        """Nothing comes after this."""
        async with self._changed:
            self._failure = error
            self._changed.notify_all()

    async def take(self) -> Batch:
        """The pages at hand, at least one. Raises what the reader failed with, once all before it is taken."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._batch.pages or self._failure)
            if self._failure and not self._batch.pages:
                raise self._failure
            batch = self._batch
            batch.close()
            self._batch = Batch(batch.after, self._books)
            self._changed.notify_all()
        return batch
