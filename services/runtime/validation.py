"""What no request may carry, whatever it means: unprintable text, numbers that name nothing, times out of range.

The checks of a message type are worked out once, from its descriptor; a sound request then costs a few
microseconds. Absence, units, ids and everything else that depends on meaning is the handlers' business.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

TEXT_CHARACTERS_MAX = 1_000
ELEMENTS_MAX = 2_000

# Year 1 to year 9999, as google.protobuf.Timestamp demands, and 10,000 years, as Duration does.
TIMESTAMP_SECONDS_MIN, TIMESTAMP_SECONDS_MAX = -62_135_596_800, 253_402_300_799
DURATION_SECONDS_MAX = 315_576_000_000
NANOS_MAX = 999_999_999

# Control, format (bidi, zero-width), surrogate, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PICTURES = "[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
# A zero-width joiner makes one emoji of two, as in a family or a scientist, and hides nothing there. Before it
# may stand the selector that asks for a picture. Between anything else it is as invisible as the others.
_EMOJI_JOINER = re.compile(f"(?:(?<={_PICTURES})|(?<={_PICTURES}\ufe0f))\u200d(?={_PICTURES})")

# What is wrong with a value: (where below it, description) pairs. Almost always none.
Violations = list[tuple[str, str]]
Check = Callable[[Any], Violations]

_SOUND: Violations = []
_checks: dict[str, Check] = {}
_checks_by_type: dict[tuple[type[Message], str], Check] = {}


def violations(message: Message, apart: str = "") -> Mapping[str, str]:
    """Every structural fault of a message: path of the field (`reservation.lines[0].resource`) to description.

    Of the repeated field `apart` only the number of elements is looked at: whoever reads them looks at each.
    """
    check = _checks_by_type.get((type(message), apart))
    if check is None:
        descriptor = message.DESCRIPTOR
        check = _message_check(descriptor) if not apart else _check_of_fields(descriptor, apart)
        _checks_by_type[type(message), apart] = check
    return {path.removeprefix("."): description for path, description in check(message)}


def _message_check(descriptor: Any) -> Check:
    """The check of a message type: its fields that can be at fault, each with its check."""
    if descriptor.full_name not in _checks:
        _check_of_fields(descriptor)
    return _checks[descriptor.full_name]


def _check_of_fields(descriptor: Any, apart: str = "") -> Check:
    plan: dict[FieldDescriptor, Check] = {}
    planned = plan.get

    def check_message(message: Any) -> Violations:
        found = _SOUND
        for field, value in message.ListFields():
            check = planned(field)
            if check is not None and (faults := check(value)):
                found = found + [(f".{field.name}{path}", description) for path, description in faults]
        return found

    if not apart:
        # Known before its fields are looked at, for a message may contain its own kind.
        _checks[descriptor.full_name] = check_message
    for field in descriptor.fields:
        check = _check_of(field) if field.name != apart else _list_check(None)
        if check is not None:
            plan[field] = check
    return check_message


def _check_of(field: Any) -> Check | None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map_check(*(_value_check(field.message_type.fields_by_name[part]) for part in ("key", "value")))
    check = _value_check(field)
    return _list_check(check) if field.is_repeated else check


def _value_check(field: Any) -> Check | None:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return _check_text
        case FieldDescriptor.TYPE_ENUM:
            return _enum_check(frozenset(field.enum_type.values_by_number))
        case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
            return _check_float
        case FieldDescriptor.TYPE_MESSAGE | FieldDescriptor.TYPE_GROUP:
            return _WELL_KNOWN.get(field.message_type.full_name) or _message_check(field.message_type)
        case _:
            return None


def _check_text(text: str) -> Violations:
    if len(text) > TEXT_CHARACTERS_MAX:
        return [("", f"has {len(text)} characters; {TEXT_CHARACTERS_MAX} is the most")]
    if text.isprintable():
        return _SOUND
    joiners = {found.start() for found in _EMOJI_JOINER.finditer(text)}
    for place, character in enumerate(text):
        if unicodedata.category(character) in _UNPRINTABLE and place not in joiners:
            return [("", f"has an invisible or control character, U+{ord(character):04X}, at {place}")]
    return _SOUND


def _check_float(number: float) -> Violations:
    return _SOUND if math.isfinite(number) else [("", "is not a finite number")]


def _check_timestamp(timestamp: Any) -> Violations:
    if not TIMESTAMP_SECONDS_MIN <= timestamp.seconds <= TIMESTAMP_SECONDS_MAX:
        return [(".seconds", "is outside the years 1 to 9999")]
    if not 0 <= timestamp.nanos <= NANOS_MAX:
        return [(".nanos", f"is not between 0 and {NANOS_MAX}")]
    return _SOUND


def _check_duration(duration: Any) -> Violations:
    seconds, nanos = duration.seconds, duration.nanos
    if not -DURATION_SECONDS_MAX <= seconds <= DURATION_SECONDS_MAX:
        return [(".seconds", "is more than 10,000 years")]
    if not -NANOS_MAX <= nanos <= NANOS_MAX or seconds * nanos < 0:
        return [(".nanos", "is not a fraction of a second with the sign of the seconds")]
    return _SOUND


_WELL_KNOWN: Mapping[str, Check] = {
    "google.protobuf.Timestamp": _check_timestamp,
    "google.protobuf.Duration": _check_duration,
}


def _enum_check(numbers: frozenset[int]) -> Check:
    def check(number: int) -> Violations:
        return _SOUND if number in numbers else [("", f"has no value {number}")]

    return check


def _list_check(check: Check | None) -> Check:
    def check_list(values: Any) -> Violations:
        if len(values) > ELEMENTS_MAX:
            return [("", f"has {len(values)} elements; {ELEMENTS_MAX} is the most")]
        found = _SOUND
        if check is not None:
            for place, value in enumerate(values):
                if faults := check(value):
                    found = found + [(f"[{place}]{path}", description) for path, description in faults]
        return found

    return check_list


def _map_check(check_key: Check | None, check_value: Check | None) -> Check:
    def faults_of(entries: Any) -> Iterator[tuple[str, str]]:
        for key in entries:
            # A faulty key is not repeated in the path, which people will read.
            if faults := check_key(key) if check_key is not None else _SOUND:
                yield from ((".key", description) for _, description in faults)
            elif check_value is not None:
                yield from ((f"[{key}]{path}", description) for path, description in check_value(entries[key]))

    def check_map(entries: Any) -> Violations:
        if len(entries) > ELEMENTS_MAX:
            return [("", f"has {len(entries)} entries; {ELEMENTS_MAX} is the most")]
        return list(faults_of(entries))

    return check_map
