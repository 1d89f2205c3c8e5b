"""A reader takes nothing that was altered, removed, moved or cut off, and nothing that it does not understand."""

import asyncio

import msgspec
import pytest

from services.allocation.events import ReservationActivated
from services.eventlog import BrokenLog
from services.eventlog.chain import ChainReader, demand_head, read_pages
from services.eventlog.memory import MemoryLog
from services.eventlog.page import GENESIS, Head, Page, Record, page_hash
from tests.eventlog.pages import CENTRE, chain, page


def read(pages: list[bytes], *, head: Head | None = None, centre: str = CENTRE) -> Head:
    """Take pages from the beginning, or after a head; give the head reached."""
    reader = ChainReader(head or Head(), centre)
    for position, data in enumerate(pages, reader.head.position + 1):
        reader.take(Record(position=position, data=data))
    return reader.head


def test_an_unbroken_chain_is_taken() -> None:
    """Pages in their places are taken, and the head is the last one's position and hash."""
    pages = chain(4)
    assert read(pages) == Head(position=4, hash=page_hash(pages[3]))


def test_a_reader_goes_on_from_a_head() -> None:
    """A reader that starts at a known head needs only what follows."""
    pages = chain(5)
    assert read(pages[3:], head=Head(position=3, hash=page_hash(pages[2]))) == read(pages)


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_noticed(bit: int) -> None:
    """Whichever bit of whichever page is flipped, a reader stops there or ends at another head than the known one."""
    pages = chain(4)
    known = read(pages)
    for number, data in enumerate(pages):
        for place in range(len(data)):
            spoilt = bytearray(data)
            spoilt[place] ^= 1 << bit
            assert not _passes([*pages[:number], bytes(spoilt), *pages[number + 1 :]], known)


def test_a_missing_page_is_noticed() -> None:
    """A gap in the positions stops the reader, whichever page is missing."""
    reader = ChainReader(Head(), CENTRE)
    first, _, third = chain(3)
    reader.take(Record(position=1, data=first))
    with pytest.raises(BrokenLog, match="position 3 cannot be trusted: position 2 was due"):
        reader.take(Record(position=3, data=third))


def test_a_page_taken_out_is_noticed_even_when_positions_close_up() -> None:
    """Removing a page and renumbering the rest breaks the chain of hashes."""
    first, _, third = chain(3)
    with pytest.raises(BrokenLog, match="position 2 cannot be trusted: it follows a page with hash"):
        read([first, third])


def test_swapped_pages_are_noticed() -> None:
    """Two pages in each other's places break the chain."""
    first, second, third, fourth = chain(4)
    with pytest.raises(BrokenLog, match="position 2"):
        read([first, third, second, fourth])


def test_another_centres_page_is_refused() -> None:
    """A log that belongs to another centre is not taken for ours."""
    with pytest.raises(BrokenLog, match="belongs to centre 'elsewhere'"):
        read(chain(1, centre="elsewhere"))


def test_an_epoch_never_comes_back() -> None:
    """A page of an epoch that is over stops the reader."""
    newer = page(epoch=2)
    older = page(page_hash(newer), ReservationActivated(reservation_id="r-1"), epoch=1)
    with pytest.raises(BrokenLog, match="epoch 1 is over since 2"):
        read([newer, older])


def test_an_unknown_event_is_not_skipped() -> None:
    """An event that this release does not know stops the reader, which names the position and the remedy."""
    known = page(GENESIS, ReservationActivated(reservation_id="r-1"))
    unknown = known.replace(b"reservation_activated", b"reservation_teleported")
    with pytest.raises(BrokenLog, match=r"position 1 .*reservation_teleported.*run the release that wrote it"):
        read([unknown])


def test_another_format_is_not_guessed() -> None:
    """A page of another format stops the reader."""
    with pytest.raises(BrokenLog, match="its format is 2, this release reads 1"):
        read([chain(1)[0].replace(b'"format":1', b'"format":2')])


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"\xff\xfe", b'{"format":1}', chain(1)[0][:-1]])
def test_what_is_no_page_is_refused(data: bytes) -> None:
    """Bytes that are no page, or half of one, stop the reader."""
    with pytest.raises(BrokenLog, match="position 1"):
        read([data])


def test_a_refused_page_leaves_the_reader_where_it_was() -> None:
    """After a refusal the head is still the last page that was taken."""
    pages = chain(3)
    reader = ChainReader(Head(), CENTRE)
    reader.take(Record(position=1, data=pages[0]))
    with pytest.raises(BrokenLog):
        reader.take(Record(position=2, data=pages[2]))
    assert reader.head == Head(position=1, hash=page_hash(pages[0]))


async def test_a_log_cut_short_is_noticed_by_who_knows_its_head() -> None:
    """Pages missing from the end show when the head is looked for."""
    pages = chain(4)
    with pytest.raises(BrokenLog, match="ends before position 4"):
        await demand_head(MemoryLog(pages[:3]), read(pages))


async def test_another_log_of_the_same_length_is_noticed() -> None:
    """A log whose page at the known head has another hash is not ours."""
    others = chain(4, centre="elsewhere")
    with pytest.raises(BrokenLog, match="position 4 cannot be trusted: its hash is"):
        await demand_head(MemoryLog(others), read(chain(4)))


async def test_pages_are_read_and_vouched_for() -> None:
    """Reading gives each record with its page, from a known head on."""
    pages = chain(5)
    head = Head(position=2, hash=page_hash(pages[1]))
    batches = read_pages(MemoryLog(pages), head, CENTRE)
    async with asyncio.timeout(5):
        batch = await anext(batches)
    assert [record.position for record, _ in batch] == [3, 4, 5]
    assert all(isinstance(content, Page) and content.centre == CENTRE for _, content in batch)


async def test_reading_stops_at_a_spoilt_page() -> None:
    """An altered page in the middle stops the reading with its position."""
    pages = chain(5)
    decoded = msgspec.json.decode(pages[2], type=Page)
    pages[2] = msgspec.json.encode(msgspec.structs.replace(decoded, time=decoded.time + 1))
    with pytest.raises(BrokenLog, match="position 4"):
        await anext(read_pages(MemoryLog(pages), Head(), CENTRE))


def _passes(pages: list[bytes], known: Head) -> bool:
    try:
        return read(pages) == known
    except BrokenLog:
        return False
