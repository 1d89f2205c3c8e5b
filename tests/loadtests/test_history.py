"""The past that restarts are measured on is a real one."""

from loadtests.history import write_history
from services.allocation import image
from services.allocation.centre import Centre
from services.eventlog.chain import ChainReader
from services.eventlog.memory import MemoryLog
from services.eventlog.page import Head, Record
from services.eventlog.snapshots import MemorySnapshots
from services.scheduler.start import apply_page

NOW = 1_772_496_000


async def test_snapshot_and_tail_give_what_the_whole_log_gives():
    """The written log is chained soundly, and its snapshot stands on one of its pages."""
    log, snapshots = MemoryLog(), MemorySnapshots()
    written = await write_history(
        log, snapshots, "past", now=NOW, seed=1, advance=lambda done, total: None, length=4_000, tail=1_000
    )
    saved = await snapshots.load()
    assert saved is not None
    position, hash_, state = saved
    whole = replayed(Centre(), log.pages, Head())
    from_snapshot = replayed(image.centre_of(image.decode(state)), log.pages, Head(position=position, hash=hash_))
    assert written.events >= 4_000
    assert written.head.position == len(log.pages)
    assert image.digest(from_snapshot) == image.digest(whole)


def replayed(centre: Centre, pages: list[bytes], head: Head) -> Centre:
    """A centre after the pages that follow a head."""
    chain = ChainReader(head, "past")
    for number, data in enumerate(pages[head.position :], head.position + 1):
        apply_page(centre, chain.take(Record(position=number, data=data)), number)
    return centre
