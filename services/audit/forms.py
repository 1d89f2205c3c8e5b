"""The form of exports and receipts: JSON that can be written in one way only, so that no byte of it goes unnoticed.

An export has a line for each of these: `export` once, then `page` (all of the log) or `leaf` and `redacted` (one
company's part), then `checkpoint` once. A receipt is one line.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from services.audit.faults import Fault

VERSION = 1
WHOLE_CENTRE = "companies/-"
LINE_BYTES_MAX = 8 * 1024 * 1024


class _Line(Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """One line."""


class Opening(_Line, frozen=True, kw_only=True, tag="export"):
    """What follows: `companies/-` for the whole centre, or one company's part."""

    version: int
    scope: str


class PageLine(_Line, frozen=True, kw_only=True, tag="page"):
    """A page at its position; `page` is its text, to the byte."""

    position: int
    page: str


class LeafLine(_Line, frozen=True, kw_only=True, tag="leaf"):
    """One event, with all that goes into its leaf and the hash of that. `time` is microseconds since 1970 UTC."""

    position: int
    entry: int
    index: int
    time: int
    request: str
    event: str
    hash: str


class RedactedLine(_Line, frozen=True, kw_only=True, tag="redacted"):
    """The leaf hashes of events that belong to others, in hexadecimal, 64 digits each."""

    hashes: str


class Closing(_Line, frozen=True, kw_only=True, tag="checkpoint"):
    """The signed checkpoint that all lines before it add up to."""

    note: str


class Receipt(_Line, frozen=True, kw_only=True, tag="receipt"):
    """That a reservation was confirmed: its event, the way from there to a root, and the signature under that."""

    version: int
    reservation: str
    leaf: LeafLine
    place: int
    hashes: tuple[str, ...]
    note: str


Line = Opening | PageLine | LeafLine | RedactedLine | Closing
_decode_line = msgspec.json.Decoder(Line).decode
_decode_receipt = msgspec.json.Decoder(Receipt).decode


def write(line: Line | Receipt) -> bytes:
    """The one way to write a line."""
    return msgspec.json.encode(line) + b"\n"


def read_line(data: bytes, what: str) -> Line:
    """Read a line of an export. Raises `Fault`."""
    line: Line = _read(_decode_line, data, what)
    return line


def read_receipt(data: bytes) -> Receipt:
    """Read a receipt. Raises `Fault`."""
    receipt: Receipt = _read(_decode_receipt, data, "the receipt")
    return receipt


def _read(decode: Callable[[bytes], Any], data: bytes, what: str) -> Any:
    try:
        line = decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Fault(f"{what} cannot be read: {error}") from error
    if write(line) != data:
        raise Fault(f"{what} was altered: it is not written as exports are")
    return line


def unhex(text: str, what: str) -> bytes:
    """Bytes from hexadecimal in small letters. Raises `Fault`."""
    try:
        content = bytes.fromhex(text)
    except ValueError as error:
        raise Fault(f"{what} is not hexadecimal") from error
    if content.hex() != text:
        raise Fault(f"{what} is not hexadecimal in small letters")
    return content
