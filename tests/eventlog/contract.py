"""The promises of every log and snapshot store, stated once. A test class for each implementation inherits them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.eventlog import BrokenLog, EventLog, Fenced, SnapshotStore, Unknown
from services.eventlog.append import append_page
from services.eventlog.page import PAGE_BYTES_MAX, Record, page_hash
from tests.eventlog.pages import chain

PATIENCE_SECONDS = 20


async def taken(records: AsyncIterator[list[Record]], count: int) -> list[Record]:
    """The next records of a reader, so many, in time."""
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < count:
            found += await anext(records)
    return found


async def filled(log: EventLog, pages: list[bytes]) -> None:
    """Append these pages, from the beginning."""
    for after, data in enumerate(pages):
        await log.append(data, after)


class LogContract:
    """What `EventLog` promises. The fixtures `log` and `other` are two handles on one empty log."""

    async def test_an_empty_log_has_no_last_page(self, log: EventLog) -> None:
        """Before the first append the last position is 0 and nothing can be read."""
        assert await log.last_position() == 0
        assert await log.read(1) is None

    async def test_positions_count_from_one(self, log: EventLog) -> None:
        """Every append gets the next position, and its page is read back byte for byte, by anyone."""
        pages = chain(3)
        assert [await log.append(data, after) for after, data in enumerate(pages)] == [1, 2, 3]
        assert await log.last_position() == 3
        assert [await log.read(position) for position in (1, 2, 3)] == [
            Record(position=position, data=data) for position, data in enumerate(pages, 1)
        ]

    async def test_a_taken_position_fences(self, log: EventLog, other: EventLog) -> None:
        """A page for a position that holds another writer's page is refused, and changes nothing."""
        await other.append(b"theirs", 0)
        with pytest.raises(Fenced):
            await log.append(b"ours", 0)
        assert await log.last_position() == 1

    async def test_the_same_page_again_is_done_already(self, log: EventLog) -> None:
        """Sending a page again, as after a lost acknowledgement, gives its position and stores nothing twice."""
        await filled(log, chain(2))
        assert await log.append(chain(2)[1], 1) == 2
        assert await log.last_position() == 2

    async def test_one_of_many_writers_wins(self, log: EventLog, other: EventLog) -> None:
        """Of writers who race for a position exactly one gets it, and all the others are fenced."""
        race = (append_page((log, other)[number % 2], f"writer {number}".encode(), 0) for number in range(10))
        outcomes = await asyncio.gather(*race, return_exceptions=True)
        assert outcomes.count(1) == 1
        assert sum(isinstance(outcome, Fenced) for outcome in outcomes) == 9
        assert await log.last_position() == 1

    async def test_a_writer_ahead_of_the_log_is_told_that_it_broke(self, log: EventLog) -> None:
        """A writer that knows of more pages than there are does not wait for ever: pages were lost."""
        await filled(log, chain(2))
        with pytest.raises(BrokenLog, match="ends at position 2"):
            await log.append(b"page", 5)

    async def test_a_reader_ahead_of_the_log_is_told_that_it_broke(self, log: EventLog) -> None:
        """A reader that has taken more pages than there are does not wait for ever either."""
        await filled(log, chain(2))
        with pytest.raises(BrokenLog, match="ends at position 2"):
            await taken(log.follow(5), 1)

    async def test_a_reader_gets_every_page_and_then_those_to_come(self, log: EventLog, other: EventLog) -> None:
        """Following gives what is there, in order and without gaps, and then each page as it arrives."""
        pages = chain(600)
        await filled(other, pages[:590])
        records = log.follow(0)
        found = await taken(records, 590)
        for after in range(590, 600):
            await other.append(pages[after], after)
            found += await taken(records, 1)
        assert [(record.position, record.data) for record in found] == list(enumerate(pages, 1))

    async def test_a_reader_may_start_anywhere(self, log: EventLog) -> None:
        """Following after a position begins with the next one."""
        await filled(log, chain(5))
        assert [record.position for record in await taken(log.follow(3), 2)] == [4, 5]

    async def test_readers_do_not_disturb_each_other(self, log: EventLog, other: EventLog) -> None:
        """Several readers of one log each get all of it."""
        readers = [log.follow(0), log.follow(0), other.follow(0)]
        found = [asyncio.create_task(taken(reader, 20)) for reader in readers]
        await filled(log, chain(20))
        assert [len(await records) for records in found] == [20, 20, 20]

    async def test_the_largest_pages_pass(self, log: EventLog) -> None:
        """Pages of the largest size are appended, read and followed like any other."""
        pages = [bytes([number]) * PAGE_BYTES_MAX for number in range(16)]
        await filled(log, pages)
        assert (await log.read(3)) == Record(position=3, data=pages[2])
        assert [record.data for record in await taken(log.follow(0), 16)] == pages

    async def test_a_closed_log_says_that_it_does_not_know(self, log: EventLog) -> None:
        """After closing, every question ends in `Unknown`, and readers do not hang."""
        await log.close()
        with pytest.raises(Unknown):
            await log.append(b"page", 0)
        with pytest.raises(Unknown):
            await log.read(1)
        with pytest.raises(Unknown):
            await taken(log.follow(0), 1)


async def in_pieces(state: bytes, size: int = 1_000_000) -> AsyncIterator[bytes]:
    """A state as whoever saves it brings it."""
    for first in range(0, len(state), size):
        yield state[first : first + size]


class SnapshotContract:
    """What `SnapshotStore` promises. The fixtures `store` and `other_store` are two handles on one empty store."""

    async def test_there_is_none_at_first(self, store: SnapshotStore) -> None:
        """An empty store has no snapshot."""
        assert await store.load() is None

    async def test_the_newest_is_loaded(self, store: SnapshotStore, other_store: SnapshotStore) -> None:
        """Whoever loads gets what was saved last, whole."""
        for position in range(1, 6):
            await store.save(position, page_hash(b"%d" % position), in_pieces(b"state %d" % position))
            assert await other_store.load() == (position, page_hash(b"%d" % position), b"state %d" % position)

    async def test_the_last_saved_counts_not_the_furthest(self, store: SnapshotStore) -> None:
        """After a log was restored from a backup, its earlier positions replace a later snapshot."""
        await store.save(9, page_hash(b"9"), in_pieces(b"of a lost log"))
        await store.save(5, page_hash(b"5"), in_pieces(b"of the restored log"))
        assert await store.load() == (5, page_hash(b"5"), b"of the restored log")

    async def test_an_empty_state_is_a_state(self, store: SnapshotStore) -> None:
        """A state of no bytes is not the same as no snapshot."""
        await store.save(1, page_hash(b"1"), in_pieces(b""))
        assert await store.load() == (1, page_hash(b"1"), b"")
