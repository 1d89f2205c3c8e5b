"""Messages of any type, likely and unlikely: what strangers send to a door."""

from contextlib import suppress
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

HOUR = 3600
NOON = 1_772_506_800
"""Noon of a Tuesday in March 2026 in Seoul, around which tests live."""

words = st.sampled_from(
    [
        *("", "companies/ALPHA", "companies/BETA", "companies/-", "resources/cpu", "resources/M01", "resources/a100"),
        *("companies/ALPHA/reservations/r1", "companies/CMP-0001", "companies/CMP-0001/reservations/r1", "Asia/Seoul"),
        *(f"00000000-0000-4000-8000-{number:012}" for number in (1, 2)),
        *("UTC", "open", "restricted", "2026-03", "2026-13", "9999-12", "companies/\ud55c", "resources/h100-train"),
        *("equipment", "resources/h100", "resources/T1", "resources/new", "companies/NEW", "2026-03-05", "x" * 64),
        *("../..", "\u202e", "\x00", "'; DROP", "%s", "resources/équipe", '"1"', "bm9uc2Vuc2U="),
    ]
)
numbers = st.sampled_from(
    [0, 1, -1, 2, 8, 60, 125, 540, 1000, 1080, 3600, 8000, 86_400, NOON, NOON + HOUR, 2**31 - 1, -(2**31), 2**40, 2**62]
)


def values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    """Values of a field, likely ones and unlikely ones."""
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return st.one_of(words, words, st.text(max_size=20))
        case FieldDescriptor.TYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.TYPE_INT32:
            return numbers.filter(lambda number: -(2**31) <= number < 2**31)
        case FieldDescriptor.TYPE_INT64:
            return numbers
        case FieldDescriptor.TYPE_BYTES:
            return st.binary(max_size=40)
        case FieldDescriptor.TYPE_ENUM:
            return st.sampled_from([*field.enum_type.values_by_number, 99])
        case FieldDescriptor.TYPE_MESSAGE:
            return messages(field.message_type)
        case _:
            raise AssertionError(f"no values for {field.full_name}")


def messages(descriptor: Descriptor) -> st.SearchStrategy[Message]:
    """Messages of a type, every field present or not."""
    if descriptor.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
        kind = GetMessageClass(descriptor)
        return st.builds(kind, seconds=numbers, nanos=st.sampled_from([0, 0, 0, 0, 1, -1, 10**9 - 1, 2**31 - 1]))
    fields = {}
    for field in descriptor.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            fields[field.name] = st.dictionaries(words, words, max_size=2)
        elif field.is_repeated:
            fields[field.name] = st.deferred(lambda field=field: st.lists(values(field), max_size=3))
        else:
            fields[field.name] = st.deferred(lambda field=field: values(field))
    return st.fixed_dictionaries({}, optional=fields).map(lambda found: filled(GetMessageClass(descriptor), found))


def filled(kind: Any, found: dict[str, Any]) -> Message:
    """A message with these fields; of a oneof the last one stays, and text that is no text is left out."""
    message: Message = kind()
    for name, value in found.items():
        try:
            message.MergeFrom(kind(**{name: value}))
        except (UnicodeEncodeError, ValueError, TypeError):
            continue
    return message


def spoil(draw: st.DrawFn, message: Any) -> None:
    """Put another value in one field, here or further down."""
    field = draw(st.sampled_from(list(message.DESCRIPTOR.fields)))
    inner = field.message_type
    if inner is None and not field.is_repeated:
        put(message, field.name, draw(values(field)))
    elif inner is not None and inner.GetOptions().map_entry:
        put(getattr(message, field.name), "x", draw(words))
    elif field.is_repeated and inner is not None and len(getattr(message, field.name)):
        spoil(draw, getattr(message, field.name)[0])
    elif field.is_repeated:
        getattr(message, field.name).extend(draw(st.lists(values(field), max_size=2)))
    elif inner.full_name.startswith("google.protobuf."):
        getattr(message, field.name).CopyFrom(draw(values(field)))
    else:
        spoil(draw, getattr(message, field.name))


def put(target: Any, name: str, value: Any) -> None:
    """Set a field or an entry, unless Python itself refuses the value."""
    with suppress(ValueError, TypeError):
        if isinstance(target, Message):
            setattr(target, name, value)
        else:
            target[name] = value
