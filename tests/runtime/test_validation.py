"""Structure: every fault of a request is found, named by its path, and nothing else is called a fault."""

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as pb
from services.runtime.validation import violations

ALLOWED = [
    *("", "plain", "모빌리티 실증센터", "naïve – “quoted”", "😀", "a\u00a0b", "'; DROP TABLE x; --", "%s {} \\n"),
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 a family",
    "\U0001f469\U0001f3fd\u200d\U0001f52c a scientist, with the tone of her skin",
    "\u2764\ufe0f\u200d\U0001f525 a heart as a picture, on fire",
    "\U0001f3f3\ufe0f\u200d\U0001f308 a flag",
]
REFUSED = [
    "nul\0",
    "line\nbreak",
    "tab\t",
    "bidi\u202e",
    "isolate\u2066",
    "zero\u200bwidth",
    "joiner\u200d",
    "in\u200dside",
    "\u200d\U0001f52c",
    "\U0001f469\u200d",
    "\U0001f469\u200d\u200d\U0001f52c",
    "a\ufe0f\u200d\U0001f52c",
    "\U0001f469\u200b\U0001f52c",
    "\U0001f469\u200dx",
    "\U0001f469\u200d\U0001f52c\u202e",
    "\u2028",
    "\x7f",
    "\ufeff",
]


@pytest.mark.parametrize("text", ALLOWED)
def test_text_that_people_write_is_allowed(text: str):
    """Any language, punctuation and emoji pass, those as well that a joiner makes of several."""
    assert violations(pb.CancelReservationRequest(reason=text)) == {}


@pytest.mark.parametrize("text", REFUSED)
def test_invisible_and_control_characters_are_refused(text: str):
    """Characters that nobody sees, or that break lines or directions, are named by their code."""
    [(field, description)] = violations(pb.CancelReservationRequest(reason=text)).items()
    assert field == "reason"
    assert "U+" in description


def test_text_has_a_length():
    """1,000 characters pass, 1,001 do not."""
    assert violations(pb.CancelReservationRequest(reason="한" * 1_000)) == {}
    assert "1001" in violations(pb.CancelReservationRequest(reason="한" * 1_001))["reason"]


@pytest.mark.parametrize(
    ("seconds", "nanos", "path"),
    [
        (-62_135_596_801, 0, "start_time.seconds"),
        (253_402_300_800, 0, "start_time.seconds"),
        (-(2**63), 0, "start_time.seconds"),
        (0, -1, "start_time.nanos"),
        (0, 1_000_000_000, "start_time.nanos"),
    ],
)
def test_times_outside_the_calendar_are_refused(seconds: int, nanos: int, path: str):
    """Year 0, year 10000 and odd nanoseconds are faults."""
    request = pb.GetCalendarRequest()
    request.start_time.seconds, request.start_time.nanos = seconds, nanos
    assert list(violations(request)) == [path]


def test_the_ends_of_the_calendar_are_allowed():
    """The first and the last moment of google.protobuf.Timestamp pass."""
    request = pb.GetCalendarRequest()
    request.start_time.seconds = -62_135_596_800
    request.end_time.seconds, request.end_time.nanos = 253_402_300_799, 999_999_999
    assert violations(request) == {}


@pytest.mark.parametrize(
    ("seconds", "nanos", "fault"),
    [
        (3_600, 0, None),
        (-1, -500_000_000, None),
        (1, -1, "nanos"),
        (-1, 1, "nanos"),
        (0, 1_000_000_000, "nanos"),
        (315_576_000_001, 0, "seconds"),
    ],
)
def test_durations_are_in_range_and_of_one_sign(seconds: int, nanos: int, fault: str | None):
    """A duration is at most 10,000 years, and both its parts have one sign."""
    request = pb.SearchOffersRequest()
    request.duration.seconds, request.duration.nanos = seconds, nanos
    assert list(violations(request)) == ([f"duration.{fault}"] if fault else [])


def test_enum_numbers_must_be_known():
    """A number that the enum does not have is a fault, also within a list; zero is the handler's business."""
    request = pb.ListReservationsRequest(states=[1, 0, 99])
    assert list(violations(request)) == ["states[2]"]
    assert list(violations(pb.ListResourcesRequest(kind=-1))) == ["kind"]  # type: ignore[arg-type]  # On purpose.


def test_faults_in_lists_and_maps_are_found_by_place():
    """Every element of a list and every key and value of a map is looked at."""
    resource = pb.Resource(attributes={"room": "a\0", "bad\0key": "fine"}, closed_days=["2026-01-01", "x\n"])
    resource.nodes.add(id="n1")
    resource.nodes.add(id="n\0")
    assert set(violations(pb.RegisterResourceRequest(resource=resource))) == {
        "resource.attributes.key",
        "resource.attributes[room]",
        "resource.closed_days[1]",
        "resource.nodes[1].id",
    }


def test_lists_have_a_length():
    """More than 2,000 elements are refused as one fault, without looking at each."""
    request = pb.CreateReservationRequest()
    for _ in range(2_001):
        request.reservation.lines.add(resource="\0")
    assert violations(request) == {"reservation.lines": "has 2001 elements; 2000 is the most"}


def test_unknown_fields_are_ignored():
    """A field from a newer client is no fault."""
    assert violations(pb.GetResourceRequest.FromString(b"\x0a\x01a\xfa\x7f\x01\x00")) == {}
