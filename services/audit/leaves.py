"""The leaves of the tree, from a page's exact bytes or from the parts of one leaf.

A leaf is position, entry, index, time, the SHA-256 of who asked, and the event's exact bytes, as
`services/ledger/proving/leaves.py` says. It is written down here a second time on purpose.
"""

from collections.abc import Iterator
from hashlib import sha256

import msgspec

from services.audit.faults import Fault
from services.audit.tree import hash_leaf

FORMAT = 1
PLACE_MAX, TIME_MAX = 2**32, 2**64


class Entry(msgspec.Struct):
    """One decision."""

    time: int
    actor: str
    events: list[msgspec.Raw]
    request_id: str = ""
    request_digest: str = ""


class Page(msgspec.Struct):
    """What a reader must know of a page."""

    format: int
    centre: str
    writer: str
    epoch: int
    time: int
    previous: str
    entries: list[Entry]


def read_page(data: bytes, position: int) -> Page:
    """A page from its exact bytes. Raises `Fault`."""
    try:
        page = msgspec.json.decode(data, type=Page)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Fault(f"the page cannot be read: {error}", position) from error
    if page.format != FORMAT:
        raise Fault(f"the page has format {page.format}, this verifier reads {FORMAT}", position)
    return page


def page_leaves(page: Page, position: int) -> Iterator[bytes]:
    """The hash of each event's leaf, in order."""
    index = 0
    for place, entry in enumerate(page.entries):
        request = request_hash(entry)
        for event in entry.events:
            yield leaf_hash(position, place, index, entry.time, request, bytes(event))
            index += 1


def leaf_hash(position: int, entry: int, index: int, time: int, request: bytes, event: bytes) -> bytes:
    """The hash of a leaf from its parts. Raises `Fault` if they are no parts of a leaf."""
    in_range = 0 <= position < TIME_MAX and 0 <= entry < PLACE_MAX and 0 <= index < PLACE_MAX and 0 <= time < TIME_MAX
    if not in_range or len(request) != sha256().digest_size:
        raise Fault("an event stands at an impossible place")
    numbers = ((position, 8), (entry, 4), (index, 4), (time, 8))
    return hash_leaf(b"".join(number.to_bytes(width, "big") for number, width in numbers) + request + event)


def request_hash(entry: Entry) -> bytes:
    """The SHA-256 of who asked, and under which request id."""
    texts = [text.encode() for text in (entry.actor, entry.request_id, entry.request_digest)]
    return sha256(b"".join(len(text).to_bytes(4, "big") + text for text in texts)).digest()
