"""Requests become commands; whatever makes no sense is named field by field, and nothing is an accident."""

from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec.structs import replace

from services.allocation.reservations import Colocation, Line
from services.allocation.resources import Kind
from services.allocation.values.tariff import Peak
from services.allocation.values.terms import IdleRule, ReclaimRow, ReclaimRule, StrikeRule, Terms
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import Problem
from services.scheduler import records
from services.scheduler.wire import catalogue, companies, replies, requests, tariffs
from services.scheduler.wire.fields import Fields
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TARIFF, TUESDAY
from tests.allocation.scenario import HOUR

ID = "0b7a3a52-2f8e-4d0c-9d3e-0123456789ab"
NOON = TUESDAY + 12 * HOUR


def demand(**changes: Any) -> api.CreateReservationRequest:
    """A sound request for two lines, changed by the test."""
    request = api.CreateReservationRequest(parent="companies/ALPHA", request_id=ID)
    request.reservation.lines.add(resource="resources/cpu", units=2)
    request.reservation.lines.add(resource="resources/a100", units=8000).shape.units_per_node = 4000
    request.reservation.lines[1].shape.colocation = api.COLOCATION_RACK
    request.reservation.start_time.seconds = NOON
    request.reservation.end_time.seconds = NOON + HOUR
    for path, value in changes.items():
        *parents, last = path.split("__")
        message: Any = request
        for parent in parents:
            message = message[int(parent)] if parent.isdigit() else getattr(message, parent)
        if value is None:
            message.ClearField(last)
        elif isinstance(value, Message):
            getattr(message, last).CopyFrom(value)
        else:
            setattr(message, last, value)
    return request


def faults(problem: Problem) -> set[str]:
    """The fields that a problem names."""
    assert problem.code is grpc.StatusCode.INVALID_ARGUMENT
    return {violation.field for violation in problem.details[0].field_violations}  # type: ignore[attr-defined]


def test_a_demand_becomes_a_command() -> None:
    """Every field of a sound request arrives in the command."""
    command = requests.create_reservation(demand(reservation__note="hello"), "ALPHA", "r1")
    assert (command.company, command.reservation_id, command.note) == ("ALPHA", "r1", "hello")
    assert (command.start, command.end) == (NOON, NOON + HOUR)
    assert [(each.resource, each.units, each.units_per_node, each.colocation) for each in command.lines] == [
        ("cpu", 2, 0, Colocation.ANYWHERE),
        ("a100", 8000, 4000, Colocation.RACK),
    ]


def test_a_duration_is_an_end() -> None:
    """A duration instead of an end gives the same command."""
    request = demand(reservation__end_time=None)
    request.reservation.duration.seconds = HOUR
    assert requests.create_reservation(request, "ALPHA", "r1") == requests.create_reservation(demand(), "ALPHA", "r1")


def both() -> api.CreateReservationRequest:
    """An end and a duration."""
    request = demand()
    request.reservation.duration.seconds = HOUR
    return request


def lasting(seconds: int, nanos: int = 0) -> api.CreateReservationRequest:
    """A duration of any length."""
    request = demand(reservation__end_time=None)
    request.reservation.duration.seconds, request.reservation.duration.nanos = seconds, nanos
    return request


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (demand(request_id=""), "request_id"),
        (demand(request_id="7"), "request_id"),
        (demand(request_id="00000000-0000-0000-0000-000000000000"), "request_id"),
        (demand(request_id=ID + "0"), "request_id"),
        (demand(request_id="{" + ID + "}"), "request_id"),
        (demand(reservation__start_time=None), "reservation.start_time"),
        (demand(reservation__end_time=None), "reservation.end_time"),
        (both(), "reservation.end_time"),
        (lasting(0), "reservation.duration"),
        (lasting(-HOUR), "reservation.duration"),
        (lasting(1, 1), "reservation.duration"),
        (demand(reservation__end_time=Timestamp(seconds=NOON)), "reservation.end_time"),
        (demand(reservation__end_time=Timestamp(seconds=NOON - HOUR)), "reservation.end_time"),
        (demand(reservation__start_time=Timestamp(seconds=-1)), "reservation.start_time"),
        (demand(reservation__start_time=Timestamp(seconds=NOON, nanos=1)), "reservation.start_time"),
        (demand(reservation__end_time=Timestamp(seconds=253_402_300_800)), "reservation.end_time"),
        (demand(reservation__note="x" * 501), "reservation.note"),
        (demand(reservation__lines__0__units=0), "reservation.lines[0].units"),
        (demand(reservation__lines__0__units=-1), "reservation.lines[0].units"),
        (demand(reservation__lines__1__shape__units_per_node=-1), "reservation.lines[1].shape.units_per_node"),
        (demand(reservation__lines__0__resource=""), "reservation.lines[0].resource"),
        (demand(reservation__lines__0__resource="cpu"), "reservation.lines[0].resource"),
        (demand(reservation__lines__0__resource="resources/"), "reservation.lines[0].resource"),
        (demand(reservation__lines__0__resource="resources/a/b"), "reservation.lines[0].resource"),
        (demand(reservation__lines__0__resource="resources/сpu"), "reservation.lines[0].resource"),
        (demand(reservation__lines__0__resource="resources/" + "x" * 64), "reservation.lines[0].resource"),
        (demand(reservation__lines__0__resource="resources/'; DROP"), "reservation.lines[0].resource"),
    ],
)
def test_a_senseless_field_is_named(request_: api.CreateReservationRequest, field: str) -> None:
    """Each fault is told with its path, and alone when it is alone."""
    with pytest.raises(Problem) as problem:
        requests.create_reservation(request_, "ALPHA", "r1")
    assert faults(problem.value) == {field}


def test_all_faults_are_named_at_once() -> None:
    """Nobody has to ask five times to hear of five mistakes."""
    with pytest.raises(Problem) as problem:
        requests.create_reservation(api.CreateReservationRequest(), "ALPHA", "r1")
    assert faults(problem.value) == {
        *("request_id", "reservation.lines", "reservation.start_time", "reservation.end_time")
    }


def test_the_digest_is_of_the_meaning() -> None:
    """P4: fields that we do not know, and the order of map entries, make no other request."""
    plain, strange = demand(), demand()
    strange.MergeFromString(b"\xba\x3e\x03abc")
    assert requests.digest_of(plain) == requests.digest_of(strange)
    assert requests.digest_of(plain) != requests.digest_of(demand(reservation__note="x"))
    maps = [{"a": "1", "b": "2"}, {"b": "2", "a": "1"}]
    companies = [api.RegisterCompanyRequest(company=api.Company(attributes=each)) for each in maps]
    assert len({requests.digest_of(each) for each in companies}) == 1


def test_two_methods_never_have_the_same_digest() -> None:
    """P4: a cancel and a release with the same fields are different requests."""
    fields = {"name": "companies/ALPHA/reservations/r1", "request_id": ID}
    assert requests.digest_of(api.CancelReservationRequest(**fields)) != requests.digest_of(
        api.ReleaseReservationRequest(**fields)
    )


@pytest.mark.parametrize("resource", fixture.RESOURCES, ids=lambda each: each.id)
def test_a_resource_survives_the_way_through_the_api(resource: Any) -> None:
    """What is registered is what is told, and what is told can be registered again."""
    reply = catalogue.resource_reply(resource, nodes=True)
    command = catalogue.register_resource(api.RegisterResourceRequest(resource=reply, request_id=ID))
    assert command.resource == resource


def test_a_line_survives_the_way_through_the_api() -> None:
    """Its units, its time within the demand, and whether somebody comes along."""
    line = Line(resource="M04", units=2, starts_after=1800, ends_before=3600, with_operator=True)
    assert requests.lines_of(Fields(), "lines", replies.line_replies([line])) == (line,)


def test_terms_survive_the_way_through_the_api() -> None:
    """With their strikes, what may be overburnt, what is idle, and what is reclaimed."""
    terms = Terms(
        effective=NOW,
        strike_rules=(StrikeRule(strikes=2, window_days=90, suspension_days=30),),
        overburn_percent=125,
        idle=IdleRule(below_percent=20, window_hours=120, warn_hours=24, exempt=("academy",)),
        reclaim=ReclaimRule(
            rows=(ReclaimRow(at_percent=40, below_percent=10, remove_percent=25),),
            grace_days=60,
            notice_days=14,
            exempt=("academy", "ALPHA"),
        ),
    )
    request = api.PublishTermsRequest(terms=records.terms_reply(terms), request_id=ID)
    assert records.publish_terms(request, NOW).terms == terms


def test_a_tariff_survives_the_way_through_the_api() -> None:
    """A rate card that is published is the one that is told, with its discounts and its peak hours."""
    peaks = (
        Peak(weekdays=(0, 6), starts=1320, ends=1800, percent=70),
        Peak(weekdays=(1,), starts=0, ends=1440, percent=150, resources=("h100", "M01")),
    )
    card = replace(TARIFF, valid_from=NOON, peaks=peaks)
    request = api.PublishTariffRequest(tariff=tariffs.tariff_reply(card), request_id=ID)
    assert tariffs.publish_tariff(request).tariff == card
    request.tariff.peaks[1].resources[0] = "machines/h100"
    with pytest.raises(Problem) as problem:
        tariffs.publish_tariff(request)
    assert faults(problem.value) == {"tariff.peaks[1].resources[0]"}


def test_the_kinds_and_units_are_complete() -> None:
    """Every kind and unit of the core has a name in the API."""
    assert set(catalogue.KINDS.values()) == set(Kind)
    assert len(catalogue.UNITS) == len(api.ResourceUnit.keys()) - 1
    assert len(requests.COLOCATIONS) == len(api.Colocation.keys())


def test_an_empty_registration_names_what_is_missing() -> None:
    """A resource without anything is refused with every field that must be said."""
    with pytest.raises(Problem) as problem:
        catalogue.register_resource(api.RegisterResourceRequest())
    assert faults(problem.value) >= {"request_id", "resource.name", "resource.kind", "resource.unit"}


@pytest.mark.parametrize(
    ("quota", "field"),
    [
        (api.Quota(company="ALPHA", meter="equipment"), "quota.company"),
        (api.Quota(company="companies/ALPHA", meter="h100"), "quota.meter"),
        (api.Quota(company="companies/ALPHA", meter="equipment", unit_seconds=-1), "quota.unit_seconds"),
        (api.Quota(company="companies/ALPHA", meter="equipment", concurrent_units_max=-1), "quota.unit_seconds"),
    ],
)
def test_a_senseless_quota_is_named(quota: api.Quota, field: str) -> None:
    """A quota names its company and its meter by their resource names and counts nothing negative."""
    quota.start_time.seconds, quota.end_time.seconds = NOW, NOW + HOUR
    with pytest.raises(Problem) as problem:
        companies.grant_quota(api.GrantQuotaRequest(quota=quota, request_id=ID))
    assert faults(problem.value) == {field}


@pytest.mark.parametrize(
    "name", ["", "companies/A", "companies/A/reservations/", "companies//reservations/r", "x/" * 499]
)
def test_a_name_that_names_nothing_is_refused(name: str) -> None:
    """A reservation's name has a company and an id."""
    with pytest.raises(Problem) as problem:
        requests.reservation_name(name)
    assert faults(problem.value) == {"name"}
