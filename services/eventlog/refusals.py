"""What the stream of refusals carries: demands that were not granted, and why. Nothing is decided by it.

A message holds the refusals of about a second. Its form is additive, as that of events is: a new field has a default.
"""

import msgspec
from msgspec import Struct

from services.eventlog.page import Record

FORMAT = 1


class RefusedLine(Struct, frozen=True, gc=False, kw_only=True):
    """One line of a demand: so many units of a resource, for so many seconds, and the reason that stood in its way."""

    resource: str
    units: int
    seconds: int
    reason: str


class Refused(Struct, frozen=True, gc=False, kw_only=True):
    """A demand that was refused, at a time in seconds. `demand` is the same for the same wish of the same company."""

    time: int
    company: str
    demand: str
    lines: tuple[RefusedLine, ...]


class Refusals(Struct, frozen=True, gc=False, kw_only=True):
    """The refusals of about a second, and how many more there were since the message before that are not told."""

    format: int = FORMAT
    refused: tuple[Refused, ...]
    untold: int = 0


encode_refusals = msgspec.json.Encoder().encode
decode_refusals = msgspec.json.Decoder(Refusals).decode


def read_refusals(message: Record) -> Refusals:
    """What a message tells. Raises MsgspecError or UnicodeDecodeError if it is none."""
    return decode_refusals(message.data)
