"""Start-up: the newest snapshot, the tail of the log behind it, and an epoch page. Then the writer leads."""

import asyncio

import structlog

from services.allocation import decide, image
from services.allocation.centre import Centre
from services.eventlog import BrokenLog, EventLog, SnapshotStore
from services.eventlog.chain import ChainReader, demand_head
from services.eventlog.page import Head, Page, decode_page
from services.runtime.form import form_of
from services.scheduler.clock import MICROSECONDS, Clock
from services.scheduler.group_commit import GroupCommit
from services.scheduler.writer import Writer, remember

_log = structlog.get_logger()


async def lead(*, log: EventLog, snapshots: SnapshotStore, centre_id: str, name: str, clock: Clock) -> Writer:
    """A writer that leads the centre. Raises `BrokenLog`, `Fenced` or `Unknown`."""
    head, centre = await _from_snapshot(snapshots)
    # A snapshot that does not fit the log is a fault, never a guess.
    chain = ChainReader(head, centre_id, await demand_head(log, head))
    events = await _replay(log, chain, centre)
    _log.info(
        "log_replayed",
        from_position=head.position,
        to_position=chain.head.position,
        events=events,
        rules=form_of(decide),
    )
    pages = GroupCommit(log=log, name=name, centre_id=centre_id, epoch=chain.epoch + 1, head=chain.head)
    writer = Writer(centre=centre, pages=pages, clock=clock)
    await writer.lead(since=await _last_time(log, chain.head))
    return writer


async def _last_time(log: EventLog, head: Head) -> int:
    """The time of the log's last page, in microseconds: it may be an epoch in which nothing was decided."""
    last = await log.read(head.position) if head.position else None
    return decode_page(last.data).time if last else 0


async def _from_snapshot(snapshots: SnapshotStore) -> tuple[Head, Centre]:
    """The newest snapshot's state and place, or nothing at all."""
    found = await snapshots.load()
    if found is None:
        return Head(), Centre()
    position, hash_, state = found
    try:
        centre = image.centre_of(await asyncio.to_thread(image.decode, state))
    except ValueError as error:
        _log.warning("snapshot_unreadable", position=position, reason=str(error))
        return Head(), Centre()
    return Head(position=position, hash=hash_), centre


async def _replay(log: EventLog, chain: ChainReader, centre: Centre) -> int:
    """Apply every page up to the log's end as it is now. Gives the number of events."""
    last = await log.last_position()
    if last < chain.head.position:
        raise BrokenLog(f"the log ends at {last}, before position {chain.head.position} of the snapshot")
    events = 0
    if last == chain.head.position:
        return events
    async for records in log.follow(chain.head.position):
        # All of a batch is vouched for by the page behind it before any of it is applied.
        for record, page in [(record, chain.take(record)) for record in records]:
            events += apply_page(centre, page, record.position)
        if chain.head.position >= last:
            break
    return events


def apply_page(centre: Centre, page: Page, position: int) -> int:
    """Make the entries of a page true. Gives the number of events."""
    events = 0
    for entry in page.entries:
        subjects = centre.apply(entry.events, entry.time // MICROSECONDS, position)
        remember(centre, entry.actor, entry.request_id, entry.request_digest, entry.time, position, subjects[-1])
        events += len(subjects)
    centre.position = position
    return events
