"""What a leaf of the tree is: one event, with its place in the log and who asked for it, from the page's exact bytes.

    request = length of actor ‖ actor ‖ length of request id ‖ request id ‖ length of request digest ‖ request digest
    leaf    = position ‖ entry ‖ index ‖ time ‖ SHA-256(request) ‖ event
    hash    = SHA-256(0x00 ‖ leaf)

Numbers are big-endian: position and time (microseconds since 1970 UTC) have 8 bytes, lengths, entry and index have 4.
Texts are UTF-8. `entry` is the entry's place in the page and `index` the event's, both from 0; `event` is the event's
bytes as they stand in the page. Leaves stand in log order, so that leaf k, from 0, is event number k + 1.

An entry may concern several companies (one booking moves another's, time passes for all at once), and a leaf is what
one of them may see: so a leaf is an event and not an entry, and of who asked for it holds a hash.
"""

import struct
from hashlib import sha256

import msgspec
from msgspec import Struct

from services.ledger.proving.merkle import hash_leaf

_place = struct.Struct(">QIIQ32s").pack
_length = struct.Struct(">I").pack


class RawEntry(Struct, frozen=True, gc=False):
    """An entry whose events are left as they stand in the page."""

    time: int
    actor: str
    events: list[msgspec.Raw]
    request_id: str = ""
    request_digest: str = ""


class RawPage(Struct, frozen=True, gc=False):
    """A page, of which only what goes into leaves is read."""

    entries: list[RawEntry]


class Leaf(Struct, frozen=True, gc=False):
    """One leaf: its parts, and its hash in the tree. `request` is the SHA-256 of who asked, and under which id."""

    position: int
    entry: int
    index: int
    time: int
    request: bytes
    event: bytes
    hash: bytes


_decode = msgspec.json.Decoder(RawPage).decode


def leaves_of(position: int, data: bytes) -> list[Leaf]:
    """The leaves of a page, in order; `data` is its exact bytes. Raises `msgspec.MsgspecError` if it is no page."""
    leaves: list[Leaf] = []
    for place, entry in enumerate(_decode(data).entries):
        request, time = _request_hash(entry), entry.time
        for raw in entry.events:
            event, index = bytes(raw), len(leaves)
            hash_ = hash_leaf(_place(position, place, index, time, request) + event)
            leaves.append(Leaf(position, place, index, time, request, event, hash_))
    return leaves


def _request_hash(entry: RawEntry) -> bytes:
    actor, request, digest = entry.actor.encode(), entry.request_id.encode(), entry.request_digest.encode()
    lengths = _length(len(actor)), _length(len(request)), _length(len(digest))
    return sha256(b"".join((lengths[0], actor, lengths[1], request, lengths[2], digest))).digest()
