"""What was published stays readable: golden samples by their bytes, and the schema by what changed."""

import copy
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.allocation.events import Event
from services.eventlog.page import decode_page, encode_page
from services.eventlog.schema import breaking_changes, current, problems
from tests.eventlog.pages import FORMS, SAMPLES

GOLDEN = Path(__file__).with_name("golden")
TAGS = [str(kind.__struct_config__.tag) for kind in typing.get_args(Event)]


@pytest.mark.parametrize("tag", TAGS)
def test_a_published_page_reads_and_writes_to_the_same_bytes(tag: str) -> None:
    """The golden sample of every event is understood, and written again it is the same, byte for byte."""
    data = (GOLDEN / f"{tag}.json").read_bytes()
    page = decode_page(data)
    assert [str(event.__struct_config__.tag) for entry in page.entries for event in entry.events] == [tag]
    assert encode_page(page) == data


@pytest.mark.parametrize("sample", SAMPLES, ids=TAGS)
def test_a_golden_sample_means_what_it_meant(sample: Event) -> None:
    """The golden sample of every event still carries the values it was written with."""
    data = (GOLDEN / f"{sample.__struct_config__.tag}.json").read_bytes()
    assert decode_page(data).entries[0].events == (sample,)


@pytest.mark.parametrize("form", FORMS)
def test_a_later_form_of_an_event_stays_readable(form: str) -> None:
    """What was added to an event since its first sample has a sample of its own, and means what it meant."""
    data = (GOLDEN / f"{form}.json").read_bytes()
    page = decode_page(data)
    assert page.entries[0].events == (FORMS[form],)
    assert encode_page(page) == data


def test_the_committed_schema_is_fresh_and_breaks_nothing() -> None:
    """`schema.json` is the code's own, and everything published can still be read."""
    assert problems() == []


def _drop_event(schema: dict[str, Any]) -> None:
    _events(schema)["anyOf"].pop(0)
    del _events(schema)["discriminator"]["mapping"]["resource_registered"]


def _rename_tag(schema: dict[str, Any]) -> None:
    mapping = _events(schema)["discriminator"]["mapping"]
    mapping["reservation_granted"] = mapping.pop("reservation_confirmed")


def _drop_field(schema: dict[str, Any]) -> None:
    del schema["$defs"]["ReservationCancelled"]["properties"]["reason"]


def _change_type(schema: dict[str, Any]) -> None:
    schema["$defs"]["Line"]["properties"]["units"] = {"type": "string"}


def _change_element_type(schema: dict[str, Any]) -> None:
    schema["$defs"]["Allocation"]["properties"]["bins"]["items"] = {"type": "string"}


def _change_span(schema: dict[str, Any]) -> None:
    schema["$defs"]["Allocation"]["properties"]["spans"]["items"]["prefixItems"].append({"type": "integer"})


def _require_field(schema: dict[str, Any]) -> None:
    schema["$defs"]["Entry"]["properties"]["reason"] = {"type": "string"}
    schema["$defs"]["Entry"]["required"].append("reason")


def _change_default(schema: dict[str, Any]) -> None:
    schema["$defs"]["Company"]["properties"]["horizon_days"]["default"] = 60


def _drop_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["Unit"]["enum"].remove("seat")


def _drop_field_of_optional(schema: dict[str, Any]) -> None:
    del schema["$defs"]["OpeningHours"]["properties"]["opens"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_drop_event, "event 'resource_registered' was removed or renamed"),
        (_rename_tag, "event 'reservation_confirmed' was removed or renamed"),
        (_drop_field, "reservation_cancelled.reason: removed or renamed"),
        (_change_type, "reservation_confirmed.lines[].units: type changed from integer to string"),
        (_change_element_type, "reservation_confirmed.allocations[].bins[]: type changed from integer to string"),
        (_change_span, "reservation_confirmed.allocations[].spans[]"),
        (_require_field, "page.entries[].reason: older pages do not have it, and it is required"),
        (_change_default, "company_registered.company.horizon_days: default changed"),
        (_drop_value, "resource_registered.resource.unit: value 'seat' was removed or renamed"),
        (_drop_field_of_optional, "resource_registered.resource.hours.opens: removed or renamed"),
    ],
)
def test_a_breaking_change_is_named(change: Callable[[dict[str, Any]], None], named: str) -> None:
    """Whatever would make an old page unreadable, or mean something else, is found and said."""
    changed = copy.deepcopy(current())
    change(changed)
    found = breaking_changes(current(), changed)
    assert any(named in problem for problem in found), found


def _add_event(schema: dict[str, Any]) -> None:
    schema["$defs"]["NoShow"] = {
        "type": "object",
        "properties": {"type": {"enum": ["no_show"]}},
        "required": ["type"],
    }
    _events(schema)["anyOf"].append({"$ref": "#/$defs/NoShow"})
    _events(schema)["discriminator"]["mapping"]["no_show"] = "#/$defs/NoShow"


def _add_field(schema: dict[str, Any]) -> None:
    schema["$defs"]["Line"]["properties"]["gpu_model"] = {"type": "string", "default": ""}


def _add_value(schema: dict[str, Any]) -> None:
    schema["$defs"]["Unit"]["enum"].append("rack")


def _allow_null(schema: dict[str, Any]) -> None:
    schema["$defs"]["Line"]["properties"]["resource"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _rename_type(schema: dict[str, Any]) -> None:
    schema["$defs"]["Interval"] = schema["$defs"].pop("Quota")
    schema["$defs"]["QuotaGranted"]["properties"]["quota"]["$ref"] = "#/$defs/Interval"


@pytest.mark.parametrize("change", [_add_event, _add_field, _add_value, _allow_null, _rename_type])
def test_an_addition_breaks_nothing(change: Callable[[dict[str, Any]], None]) -> None:
    """New events, new fields with a default and new names in the code leave every old page readable."""
    changed = copy.deepcopy(current())
    change(changed)
    assert breaking_changes(current(), changed) == []


def _events(schema: dict[str, Any]) -> dict[str, Any]:
    return typing.cast("dict[str, Any]", schema["$defs"]["Entry"]["properties"]["events"]["items"])
