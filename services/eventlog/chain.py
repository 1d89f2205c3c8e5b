"""Reading the log with suspicion: every page in its place, chained to the one before it, and understood."""

from collections.abc import AsyncGenerator

import msgspec

from services.eventlog import BrokenLog, EventLog
from services.eventlog.page import FORMAT, Head, Page, Record, decode_page

REMEDY = "nothing was applied from it; compare with a backup of the log, or run the release that wrote it"


class ChainReader:
    """Takes records one by one and vouches for them; `head` is the last one that it took."""

    def __init__(self, head: Head, centre: str, epoch: int = 0) -> None:
        self.head = head
        self.epoch = epoch
        self._centre = centre

    def take(self, record: Record) -> Page:
        """The page of the next record. Raises `BrokenLog` if it is not the next, or not to be understood."""
        if record.position != self.head.position + 1:
            raise _broken(record, f"position {self.head.position + 1} was due")
        page = _decode(record)
        if page.previous != self.head.hash:
            raise _broken(record, f"it follows a page with hash {page.previous}, the one before has {self.head.hash}")
        if page.centre != self._centre:
            raise _broken(record, f"it belongs to centre {page.centre!r}, not {self._centre!r}")
        if page.epoch < self.epoch:
            raise _broken(record, f"its epoch {page.epoch} is over since {self.epoch} began")
        self.epoch = page.epoch
        self.head = Head(position=record.position, hash=record.hash)
        return page


async def read_pages(log: EventLog, head: Head, centre: str) -> AsyncGenerator[list[tuple[Record, Page]], None]:
    """Every page after `head`, vouched for, in batches; then as they arrive. First the log must still hold `head`.

    Raises `BrokenLog` when it does not, or when any page after it cannot be trusted.
    """
    chain = ChainReader(head, centre, await demand_head(log, head))
    async for records in log.follow(head.position):
        yield [(record, chain.take(record)) for record in records]


async def demand_head(log: EventLog, head: Head) -> int:
    """Give the epoch at `head`, 0 before the first page. Raises `BrokenLog` unless the log holds the very page there.

    Raises `Unknown` if the log cannot be asked.
    """
    if head.position == 0:
        return 0
    record = await log.read(head.position)
    if record is None:
        raise BrokenLog(
            f"the log ends before position {head.position}, which this reader has taken:"
            " pages were lost, or another log is in its place; restore a backup of the log"
        )
    if record.hash != head.hash:
        raise _broken(record, f"its hash is {record.hash}, this reader took one with {head.hash}")
    return _decode(record).epoch


def _decode(record: Record) -> Page:
    try:
        page = decode_page(record.data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _broken(record, str(error)) from error
    if page.format != FORMAT:
        raise _broken(record, f"its format is {page.format}, this release reads {FORMAT}")
    return page


def _broken(record: Record, reason: str) -> BrokenLog:
    return BrokenLog(f"the page at position {record.position} cannot be trusted: {reason}; {REMEDY}")
