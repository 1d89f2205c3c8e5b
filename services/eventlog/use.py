"""What the stream of use carries: how busy a node was, one message a node and interval. No decision rests on it.

Its form is additive, as that of events is: a new field has a default, and a reader leaves out what it does not know.
"""

import msgspec
from msgspec import Struct

from services.eventlog.beside import Message
from services.eventlog.page import Record

FORMAT = 1


class NodeUse(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How busy one node was between two times, in seconds since 1970. Rates are in thousandths of the time.

    `accelerators` and `memory` have one figure a device, in the order of their slots, and None where the driver cannot
    tell. `source` says who measured: `nvml`, or `recorded` where a trace is played. `processes` counts, device by
    device, those that have it open at the end; empty where nobody counts them.
    """

    node: str
    start: int
    end: int
    source: str
    format: int = FORMAT
    accelerators: tuple[int | None, ...] = ()
    memory: tuple[int | None, ...] = ()
    processor: int | None = None
    host_memory: int | None = None
    processes: tuple[int | None, ...] = ()


encode_use = msgspec.json.Encoder().encode
decode_use = msgspec.json.Decoder(NodeUse).decode


class Forged(msgspec.MsgspecError):
    """A report about another node than the one that sent it."""


def read_use(message: Record) -> NodeUse:
    """The report of a message. Raises MsgspecError or UnicodeDecodeError if it is none, and `Forged`.

    NATS sees to it that a node publishes under its own subject alone; so a report is believed of that node alone.
    """
    report = decode_use(message.data)
    about = message.about if isinstance(message, Message) else ""
    if report.node != about:
        raise Forged(f"{about or 'nobody'} reports about {report.node}")
    return report
