"""Any message of the right type gets a definite answer: never UNKNOWN, never INTERNAL, no event for a refusal."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from services.allocation import image
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity
from tests.allocation.examples import examples
from tests.allocation.scenario import check_no_double_booking
from tests.scheduler.serving import ALPHA, NOON, OPERATOR, SERVICE, Desk, Refused, demand, request_id, serving
from tests.scheduler.test_grpc import calendar, search
from tests.scheduler.test_grpc_tenants import administration, changing_series, series, updating

NEVER = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED}
MANY = {"BatchCreateReservations", "BookStream"}
WRITES = {method.name for method in SERVICE.methods if "request_id" in method.input_type.fields_by_name}

words = st.sampled_from(
    [
        *("", "companies/ALPHA", "companies/BETA", "companies/-", "resources/cpu", "resources/M01", "resources/a100"),
        *("companies/ALPHA/reservations/r1", request_id(1), request_id(2), "Asia/Seoul", "UTC", "open", "restricted"),
        *("equipment", "resources/h100", "resources/T1", "resources/new", "companies/NEW", "2026-03-05", "x" * 64),
        *("../..", "\u202e", "\x00", "'; DROP", "%s", "resources/équipe", '"1"', "bm9uc2Vuc2U="),
    ]
)
numbers = st.sampled_from(
    [0, 1, -1, 2, 8, 60, 125, 540, 1000, 1080, 3600, 8000, 86_400, NOON, NOON + 3600, 2**31 - 1, -(2**31), 2**40, 2**62]
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


def sound(method: str) -> Message:
    """A request of a method that would be granted, or at least understood."""
    match method:
        case "CreateReservation":
            return demand(3, ("cpu", 1), ("a100", 1000))
        case "BatchCreateReservations":
            return api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=[demand(4), demand(5)])
        case "BookStream":
            return api.BookStreamRequest(parent="companies/ALPHA", requests=[demand(6), demand(7)])
        case "SearchOffers":
            return search("cpu")
        case "GetCalendar":
            return calendar("cpu")
        case (
            "RegisterResource"
            | "RegisterCompany"
            | "GrantQuota"
            | "PublishTariff"
            | "ClosePeriod"
            | "PostCorrection"
            | "PublishTerms"
            | "GrantQualification"
            | "ForgiveStrike"
            | "RecordArrears"
            | "RecordMisuse"
            | "DeclareOutage"
            | "SetFunding"
        ):
            request: Message = administration(method, "companies/BETA")
            return request
        case "GetResource":
            return api.GetResourceRequest(name="resources/cpu")
        case "ListReservations" | "WatchReservations":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(parent="companies/ALPHA")
        case "CreateSeries":
            return series("ALPHA", 9)
        case "UpdateSeries":
            return changing_series("companies/ALPHA/series/s1", 9)
        case "GetSeries" | "CancelSeries":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="companies/ALPHA/series/s1")
        case "ListSeries":
            return api.ListSeriesRequest(parent="companies/ALPHA")
        case "ExportCalendar":
            return api.ExportCalendarRequest(name="resources/cpu")
        case "RevokeQualification":
            return api.RevokeQualificationRequest(parent="companies/BETA", resource="resources/L01")
        case "ClearArrears":
            return api.ClearArrearsRequest(parent="companies/BETA", month="2026-01")
        case "LiftMisuse":
            return api.LiftMisuseRequest(parent="companies/BETA")
        case "ExemptFromReview":
            return api.ExemptFromReviewRequest(parent="companies/BETA", reason="it moves house")
        case "DismissOfficer":
            return api.DismissOfficerRequest(parent="companies/BETA", officer="officers/han")
        case "ListOfficers":
            return api.ListOfficersRequest(parent="companies/ALPHA")
        case "GetConduct":
            return api.GetConductRequest(parent="companies/ALPHA")
        case "GetOutage" | "LiftOutage":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="outages/works")
        case "UpdateReservation":
            return updating("companies/ALPHA/reservations/r1", 9, note="another")
        case "DenyReservation":
            return api.DenyReservationRequest(name="companies/ALPHA/reservations/r1", comment="No.")
        case "AcceptTransfer" | "DeclineTransfer":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="companies/BETA/reservations/r1")
        case "GetReservation" | "CheckIn" | "ApproveReservation" | "ConfirmReservation":
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)(name="companies/ALPHA/reservations/r1")
        case "CancelReservation" | "ReleaseReservation":
            kind = GetMessageClass(SERVICE.methods_by_name[method].input_type)
            return kind(name="companies/ALPHA/reservations/r1")
        case _:
            return GetMessageClass(SERVICE.methods_by_name[method].input_type)()


@st.composite
def nearly_sound(draw: st.DrawFn, method: str) -> Message:
    """A sound request in which one value, somewhere, is another."""
    request: Any = sound(method)
    number = draw(st.integers(10, 10**6))
    for name in ("resource", "company"):
        if method == f"Register{name.title()}":
            getattr(request, name).name += str(number)
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = request_id(number)
    spoil(draw, request)
    return request  # type: ignore[no-any-return]


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


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, Message]:
    """A method, and a request that is mostly sound, or made up throughout."""
    method = draw(st.sampled_from([each.name for each in SERVICE.methods]))
    if draw(st.integers(0, 4)) == 0:
        return method, draw(messages(SERVICE.methods_by_name[method].input_type))
    return method, draw(nearly_sound(method))


def test_any_message_gets_a_definite_answer(tmp_path: Path) -> None:
    """Whatever is asked, a yes is one page at most, a no is explained and leaves the state as it was."""
    with asyncio.Runner() as runner:
        context = serving(tmp_path / "keys")
        desk = runner.run(context.__aenter__())
        try:
            fuzz(runner, desk)
        finally:
            runner.run(context.__aexit__(None, None, None))


def fuzz(runner: asyncio.Runner, desk: Desk) -> None:
    """Ask this and that, of one centre."""

    @given(calls(), st.booleans())
    @examples(300)
    def ask(call: tuple[str, Message], operator: bool) -> None:
        method, request = call
        runner.run(ask_one(desk, method, request, operator))

    ask()
    check_no_double_booking(desk.writer.centre)


async def ask_one(desk: Desk, method: str, request: Message, operator: bool) -> None:
    """One call, and what must be true after it."""
    before, pages = image.digest(desk.writer.centre), len(desk.log.pages)
    refused = await refusal_of(desk, method, request, OPERATOR if operator or "Register" in method else ALPHA)
    if refused is None:
        assert len(desk.log.pages) <= pages + (method in WRITES or method in MANY)
        return
    assert refused.code not in NEVER, f"{method}: {refused}"
    assert refused.reason or refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (image.digest(desk.writer.centre), len(desk.log.pages)) == (before, pages)


async def refusal_of(desk: Desk, method: str, request: Message | bytes, identity: Identity) -> Refused | None:
    """How a call was refused, if it was."""
    try:
        await desk.ask(method, request, identity)
    except Refused as refused:
        return refused
    return None


@pytest.mark.parametrize("method", sorted(each.name for each in SERVICE.methods))
def test_any_bytes_get_a_definite_answer(tmp_path: Path, method: str) -> None:
    """Bytes that are no message are an invalid argument; bytes that happen to be one are like any other."""
    with asyncio.Runner() as runner:
        context = serving(tmp_path / "keys")
        desk = runner.run(context.__aenter__())

        @given(st.binary(max_size=60))
        @examples(15)
        def send(data: bytes) -> None:
            refused = runner.run(refusal_of(desk, method, data, OPERATOR))
            assert refused is None or refused.code not in NEVER, refused

        try:
            send()
        finally:
            runner.run(context.__aexit__(None, None, None))
