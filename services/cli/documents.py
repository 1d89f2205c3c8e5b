"""Messages as plain values for `--json`: field names of the API, RFC 3339 times, 64-bit integers as numbers."""

import json
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.outcome import Refused


def document(message: Message) -> dict[str, Any]:
    """Every field of a message; a message field that is not set is left out."""
    plain: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        plain[field.name] = field_value(field, getattr(message, field.name))
    return plain


def field_value(field: Any, value: Any) -> Any:
    """One field, repeated or single."""
    if not field.is_repeated:
        return single_value(field, value)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(sorted(value.items()))
    return [single_value(field, item) for item in value]


def single_value(field: Any, value: Any) -> Any:
    """One value; an enum by its name."""
    if isinstance(value, Timestamp | Duration):
        return value.ToJsonString()
    if isinstance(value, Message):
        return document(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    return value


def refusal_document(refused: Refused) -> dict[str, Any]:
    """A no for programs: the codes, the rules behind them, and what would be granted."""
    return {
        "message": refused.message,
        "reasons": list(dict.fromkeys(violation.reason for violation in refused.violations)),
        "violations": [document(violation) for violation in refused.violations],
        "alternatives": [document(offer) for offer in refused.alternatives],
        "smallest_changes": [document(change) for change in refused.smallest_changes],
    }


def print_json(value: Any) -> None:
    """One value on stdout, indented."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def print_json_line(value: Any) -> None:
    """One value on one line of stdout, at once: for streams."""
    print(json.dumps(value, ensure_ascii=False), flush=True)
