"""Update masks: which fields of a message a request is about."""

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.scheduler.wire.fields import Fields

ALL = "*"
PATH_CHARACTERS_SHOWN = 64


def paths_of(fields: Fields, mask: FieldMask, wish: Message, mutable: frozenset[str], what: str) -> set[str]:
    """The fields that a mask names, or means: all that can be changed for `*`, and without a mask all that are set.

    A path that cannot be changed, and a request about nothing, are noted as faults. `what` is for the sentence.
    """
    paths, known = set(mask.paths), wish.DESCRIPTOR.fields_by_name
    can = f"{', '.join(sorted(mutable))} can be"
    for path in sorted(paths - mutable - {ALL}):
        told = "cannot be changed" if path in known else f"is no field of a {what}"
        fields.fault("update_mask", f"{path[:PATH_CHARACTERS_SHOWN]!r} {told}; {can}")
    if ALL in paths:
        return set(mutable)
    found = paths or {descriptor.name for descriptor, _ in wish.ListFields()} & mutable
    if not found:
        fields.fault("update_mask", f"names nothing, and nothing is set; {can}")
    return found
