"""Who may ask what about whom: every method, for every role, about its own, another's and a missing company.

The rows follow from the service's descriptor: a method without a row fails.
"""

from typing import Any

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import (
    ALPHA,
    AUDITOR,
    BETA,
    NOON,
    OPERATOR,
    SERVICE,
    Desk,
    Refused,
    demand,
    request_id,
)
from tests.scheduler.test_grpc import calendar, search

WHO = {"company": ALPHA, "operator": OPERATOR, "auditor": AUDITOR, "nobody": None}
WHOSE = {"own": "ALPHA", "other": "BETA", "missing": "GHOST"}

OK, DENIED, MISSING = "OK", grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND
NOBODY = grpc.StatusCode.UNAUTHENTICATED

PUBLIC = {("company", whose): OK for whose in WHOSE} | {
    (who, whose): OK for who in ("operator", "auditor") for whose in WHOSE
}
BOOKING = {
    ("company", "own"): OK,
    ("company", "other"): DENIED,
    ("company", "missing"): DENIED,
    ("operator", "own"): OK,
    ("operator", "other"): OK,
    ("operator", "missing"): MISSING,
    **{("auditor", whose): DENIED for whose in WHOSE},
}
NAMED = {
    ("company", "own"): OK,
    ("company", "other"): MISSING,
    ("company", "missing"): MISSING,
    ("operator", "own"): OK,
    ("operator", "other"): OK,
    ("operator", "missing"): MISSING,
}
READING = {**NAMED, ("auditor", "own"): OK, ("auditor", "other"): OK, ("auditor", "missing"): MISSING}
CHANGING = {**NAMED, **{("auditor", whose): DENIED for whose in WHOSE}}
DECIDING = {
    **{(who, whose): DENIED for who in ("company", "auditor") for whose in WHOSE},
    ("operator", "own"): OK,
    ("operator", "other"): OK,
    ("operator", "missing"): MISSING,
}
TAKING = {  # ALPHA is offered what BETA has, and BETA what ALPHA has.
    **CHANGING,
    ("company", "own"): grpc.StatusCode.FAILED_PRECONDITION,
    ("company", "other"): OK,
}
FOLLOWING = {
    ("company", "own"): OK,
    ("company", "other"): DENIED,
    ("company", "missing"): DENIED,
    **{(who, whose): OK for who in ("operator", "auditor") for whose in WHOSE},
}
ADMINISTERING = {
    **{(who, whose): DENIED for who in ("company", "auditor") for whose in WHOSE},
    **{("operator", whose): OK for whose in WHOSE},
}

OVERSEEING = {
    **{("company", whose): DENIED for whose in WHOSE},
    **{(who, whose): OK for who in ("operator", "auditor") for whose in WHOSE},
}

EXPECTED: dict[str, dict[tuple[str, str], Any]] = {
    "ListResources": PUBLIC,
    "GetResource": PUBLIC,
    "GetCalendar": PUBLIC,
    "SearchOffers": {**BOOKING, ("operator", "missing"): OK},  # No offer, and the rule that says why.
    "CreateReservation": BOOKING,
    "BatchCreateReservations": {**BOOKING, ("operator", "missing"): OK},  # Each item has its own answer.
    "BookStream": {**BOOKING, ("operator", "missing"): OK},
    "GetReservation": READING,
    "ListReservations": FOLLOWING,
    "ConfirmReservation": CHANGING,
    "UpdateReservation": CHANGING,
    "SplitReservation": CHANGING,
    "AcceptTransfer": TAKING,
    "DeclineTransfer": TAKING,
    "ApproveReservation": DECIDING,
    "DenyReservation": DECIDING,
    "CancelReservation": CHANGING,
    "ReleaseReservation": CHANGING,
    "ListQuotas": FOLLOWING,
    "ListReserves": OVERSEEING,
    "WatchReservations": FOLLOWING,
    "RegisterResource": ADMINISTERING,
    "RegisterCompany": ADMINISTERING,
    "GrantQuota": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "PublishTariff": ADMINISTERING,
    "ListTariffs": PUBLIC,
    "ClosePeriod": ADMINISTERING,
    "CheckIn": CHANGING,
    "CreateSeries": {**BOOKING, ("operator", "missing"): MISSING},
    "GetSeries": READING,
    "ListSeries": FOLLOWING,
    "UpdateSeries": CHANGING,
    "CancelSeries": CHANGING,
    "ExportCalendar": FOLLOWING,
    "PostCorrection": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "PublishTerms": ADMINISTERING,
    "GetTerms": PUBLIC,
    "GrantQualification": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "RevokeQualification": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "ForgiveStrike": {**ADMINISTERING, **{("operator", whose): MISSING for whose in WHOSE}},  # There is no strike.
    "RecordArrears": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "ClearArrears": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "RecordMisuse": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "LiftMisuse": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "ExemptFromReview": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "AssignOfficer": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "DismissOfficer": {**ADMINISTERING, ("operator", "missing"): MISSING},
    "ListOfficers": FOLLOWING,
    "GetConduct": FOLLOWING,
    "DeclareOutage": ADMINISTERING,
    "LiftOutage": ADMINISTERING,
    "GetOutage": PUBLIC,
    "ListOutages": PUBLIC,
    "SetFunding": ADMINISTERING,
}


def test_every_method_has_its_row() -> None:
    """A new method must say who may ask it about whom."""
    assert EXPECTED.keys() == {method.name for method in SERVICE.methods}


async def booked(desk: Desk, company: str, active: bool, hold: int = 0, resource: str = "cpu", hours: int = 1) -> str:
    """The name of a reservation of a company, or one that is missing."""
    if company == "GHOST":
        return "companies/GHOST/reservations/none"
    identity = {"ALPHA": ALPHA, "BETA": BETA}[company]
    made = await desk.call(
        "CreateReservation", demand(1, (resource, 1), company=company, hold=hold, hours=hours), identity
    )
    if active:
        desk.clock.seconds = NOON
        desk.writer.tick()
    return str(made.name)


async def offered(desk: Desk, company: str) -> str:
    """The name of a reservation that a company offers to the other one."""
    name = await booked(desk, company, active=False)
    if company != "GHOST":
        identity, to = {"ALPHA": (ALPHA, "BETA"), "BETA": (BETA, "ALPHA")}[company]
        await desk.call("UpdateReservation", handing_over(name, to), identity)
    return name


def handing_over(name: str, to: str, number: int = 5, **fields: Any) -> api.UpdateReservationRequest:
    """An offer of a reservation to a company."""
    request = api.UpdateReservationRequest(request_id=request_id(number), **fields)
    request.reservation.name, request.reservation.company = name, f"companies/{to}"
    request.update_mask.paths.append("company")
    return request


def splitting(name: str, *lines: api.Line, at: int = 0, number: int = 6, **fields: Any) -> api.SplitReservationRequest:
    """That a reservation be split, at a time or by some lines."""
    request = api.SplitReservationRequest(name=name, lines=lines, request_id=request_id(number), **fields)
    if at:
        request.at_time.seconds = at
    return request


async def request_of(desk: Desk, method: str, company: str) -> Any:
    """A sound request of each method, about a company."""
    parent = f"companies/{company}"
    match method:
        case "ListResources":
            return api.ListResourcesRequest()
        case "GetResource":
            return api.GetResourceRequest(name="resources/cpu")
        case "GetCalendar":
            return calendar("cpu")
        case "SearchOffers":
            return search("cpu", company=company)
        case "CreateReservation":
            return demand(5, company=company)
        case "BatchCreateReservations":
            return api.BatchCreateReservationsRequest(parent=parent, requests=[demand(5, company=company)])
        case "BookStream":
            return api.BookStreamRequest(parent=parent, requests=[demand(5, company=company)])
        case "GetReservation":
            return api.GetReservationRequest(name=await booked(desk, company, active=False))
        case "ListReservations":
            return api.ListReservationsRequest(parent=parent)
        case "ConfirmReservation":
            name = await booked(desk, company, active=False, hold=60)
            return api.ConfirmReservationRequest(name=name, request_id=request_id(6))
        case "UpdateReservation":
            return updating(await booked(desk, company, active=False), 6, note="another")
        case "SplitReservation":
            name = await booked(desk, company, active=False, hours=2)
            return splitting(name, at=NOON + HOUR)
        case "AcceptTransfer" | "DeclineTransfer":
            name = await offered(desk, company)
            return getattr(api, f"{method}Request")(name=name, request_id=request_id(6))
        case "ApproveReservation":
            name = await booked(desk, company, active=False, resource="B24")
            return api.ApproveReservationRequest(name=name, request_id=request_id(6), reference="IRB-1")
        case "DenyReservation":
            name = await booked(desk, company, active=False, resource="B24")
            return api.DenyReservationRequest(name=name, request_id=request_id(6), comment="No.")
        case "CancelReservation":
            name = await booked(desk, company, active=False)
            return api.CancelReservationRequest(name=name, request_id=request_id(6), reason="storm")
        case "ReleaseReservation":
            name = await booked(desk, company, active=True)
            return api.ReleaseReservationRequest(name=name, request_id=request_id(6), reason="storm")
        case "CreateSeries":
            return series(company)
        case "GetSeries":
            return api.GetSeriesRequest(name=await booked_series(desk, company))
        case "ListSeries":
            return api.ListSeriesRequest(parent=parent)
        case "UpdateSeries":
            return changing_series(await booked_series(desk, company), 6)
        case "CancelSeries":
            name = await booked_series(desk, company)
            return api.CancelSeriesRequest(name=name, request_id=request_id(6), reason="storm")
        case "ExportCalendar":
            return api.ExportCalendarRequest(name=parent)
        case "CheckIn":
            return api.CheckInRequest(name=await booked(desk, company, active=True), request_id=request_id(6))
        case "RevokeQualification":
            if company != "GHOST":
                await desk.call("GrantQualification", training(parent, 9), OPERATOR)
            return api.RevokeQualificationRequest(parent=parent, resource="resources/L01", request_id=request_id(7))
        case "ClearArrears":
            if company != "GHOST":
                await desk.call("RecordArrears", owing(parent, 9), OPERATOR)
            return api.ClearArrearsRequest(parent=parent, month="2026-01", request_id=request_id(7))
        case "LiftMisuse":
            if company != "GHOST":
                await desk.call("RecordMisuse", misusing(parent, 9), OPERATOR)
            return api.LiftMisuseRequest(parent=parent, request_id=request_id(7))
        case "ExemptFromReview":
            reviewing = administration("PublishTerms", parent)
            reviewing.request_id = request_id(9)
            reviewing.terms.reclaim.rows.add(at_percent=40, below_percent=10, remove_percent=25)
            await desk.call("PublishTerms", reviewing, OPERATOR)
            return api.ExemptFromReviewRequest(parent=parent, reason="it moves house", request_id=request_id(7))
        case "DismissOfficer":
            if company != "GHOST":
                await desk.call("AssignOfficer", assigning(parent, "han", 9), OPERATOR)
            return api.DismissOfficerRequest(parent=parent, officer="officers/han", request_id=request_id(7))
        case "GetConduct":
            return api.GetConductRequest(parent=parent)
        case "ListOfficers":
            return api.ListOfficersRequest(parent=parent)
        case "ListQuotas":
            return api.ListQuotasRequest(parent=parent)
        case "WatchReservations":
            return api.WatchReservationsRequest(parent=parent)
        case "GetOutage" | "LiftOutage":
            await desk.call("DeclareOutage", administration("DeclareOutage", parent), OPERATOR)
            if method == "GetOutage":
                return api.GetOutageRequest(name="outages/works")
            return api.LiftOutageRequest(name="outages/works", request_id=request_id(8))
        case _:
            return administration(method, parent)


def series(company: str, number: int = 5) -> api.CreateSeriesRequest:
    """Three days of an hour of cores at noon in Seoul."""
    request = api.CreateSeriesRequest(parent=f"companies/{company}", request_id=request_id(number))
    request.series.lines.add(resource="resources/cpu", units=1)
    request.series.first, request.series.time_zone = "2026-03-03T12:00", "Asia/Seoul"
    request.series.duration.seconds = HOUR
    request.series.recurrence.append("RRULE:FREQ=DAILY;COUNT=3")
    return request


def changing_series(name: str, number: int) -> api.UpdateSeriesRequest:
    """A series gets another note."""
    return api.UpdateSeriesRequest(series=api.Series(name=name, note="another"), request_id=request_id(number))


async def booked_series(desk: Desk, company: str) -> str:
    """The name of a series of a company, or one that is missing."""
    if company == "GHOST":
        return "companies/GHOST/series/none"
    made = await desk.call("CreateSeries", series(company), {"ALPHA": ALPHA, "BETA": BETA}[company])
    return str(made.name)


def training(parent: str, number: int) -> api.GrantQualificationRequest:
    """A company is trained for L01."""
    request = api.GrantQualificationRequest(parent=parent, request_id=request_id(number))
    request.qualification.resource = "resources/L01"
    request.qualification.start_time.seconds, request.qualification.end_time.seconds = NOW, NOW + 30 * DAY
    return request


def owing(parent: str, number: int) -> api.RecordArrearsRequest:
    """A company has not paid its bill of January."""
    request = api.RecordArrearsRequest(parent=parent, request_id=request_id(number))
    request.arrear.month, request.arrear.krw, request.arrear.due_time.seconds = "2026-01", 50_000, NOW - DAY
    return request


def misusing(parent: str, number: int) -> api.RecordMisuseRequest:
    """A company used what it had for something else."""
    misuse = api.Misuse(reason="mining", reference="AUD-4")
    return api.RecordMisuseRequest(parent=parent, misuse=misuse, request_id=request_id(number))


def assigning(parent: str, officer: str, number: int, days: int = 30) -> api.AssignOfficerRequest:
    """An officer acts for a company for some days from now."""
    request = api.AssignOfficerRequest(parent=parent, request_id=request_id(number))
    request.officer.officer = f"officers/{officer}"
    request.officer.start_time.seconds, request.officer.end_time.seconds = NOW, NOW + days * DAY
    return request


def updating(name: str, number: int, **fields: Any) -> api.UpdateReservationRequest:
    """A change of what is set."""
    return api.UpdateReservationRequest(reservation=api.Reservation(name=name, **fields), request_id=request_id(number))


def administration(method: str, parent: str) -> Any:
    """What only an operator may ask."""
    match method:
        case "RegisterResource":
            resource = api.Resource(
                name="resources/new",
                kind=api.RESOURCE_KIND_COMPUTE,
                unit=api.RESOURCE_UNIT_CORE,
                nodes=[api.Node(id="n")],
                bins_per_node=1,
                bin_capacity=8,
                units_min=1,
                units_step=1,
                time_zone="UTC",
            )
            resource.slot.seconds = HOUR
            return api.RegisterResourceRequest(resource=resource, request_id=request_id(7))
        case "RegisterCompany":
            request = api.RegisterCompanyRequest(request_id=request_id(7))
            request.company.name = "companies/NEW"
            request.company.agreement_start_time.seconds = NOW
            request.company.agreement_end_time.seconds = NOW + DAY
            request.company.reservation_max.seconds = DAY
            return request
        case "GrantQuota":
            quota = api.GrantQuotaRequest(request_id=request_id(7))
            quota.quota.company, quota.quota.meter, quota.quota.unit_seconds = parent, "resources/a100", 1
            quota.quota.start_time.seconds, quota.quota.end_time.seconds = NOW, NOW + DAY
            return quota
        case "PublishTariff":
            tariff = api.Tariff(name="tariffs/krw-2026", prices=[api.Price(resource="resources/cpu", krw=20)])
            return api.PublishTariffRequest(tariff=tariff, request_id=request_id(7))
        case "PublishTerms":
            return api.PublishTermsRequest(terms=api.Terms(), request_id=request_id(7))
        case "GetTerms":
            return api.GetTermsRequest()
        case "GrantQualification":
            return training(parent, 7)
        case "AssignOfficer":
            return assigning(parent, "han", 7)
        case "PostCorrection":
            made = api.Correction(krw=-5_000, kind=api.Correction.KIND_ERROR, reason="counted twice")
            return api.PostCorrectionRequest(parent=parent, correction=made, request_id=request_id(7))
        case "RecordArrears":
            return owing(parent, 7)
        case "RecordMisuse":
            return misusing(parent, 7)
        case "ForgiveStrike":
            return api.ForgiveStrikeRequest(name=f"{parent}/reservations/none", request_id=request_id(7))
        case "ListTariffs":
            return api.ListTariffsRequest()
        case "ListReserves":
            return api.ListReservesRequest()
        case "DeclareOutage":
            scope = api.OutageScope(resource="resources/cpu", nodes=["cpu-1"])
            outage = api.Outage(name="outages/works", kind=api.Outage.KIND_FAILURE, scopes=[scope])
            return api.DeclareOutageRequest(outage=outage, request_id=request_id(7))
        case "SetFunding":
            funding = api.Funding(resource="resources/cpu", units=112)
            return api.SetFundingRequest(funding=funding, request_id=request_id(7))
        case "ListOutages":
            return api.ListOutagesRequest()
        case "ClosePeriod":
            return api.ClosePeriodRequest(month="2026-02", request_id=request_id(7))
        case _:
            raise AssertionError(f"{method} has no request here")


async def outcome(desk: Desk, method: str, request: Any, identity: Identity | None) -> Any:
    """OK, or the status of the refusal."""
    try:
        await desk.ask(method, request, identity)
    except Refused as refused:
        return refused.code
    return OK


@pytest.mark.parametrize("method", EXPECTED)
@pytest.mark.parametrize("whose", WHOSE)
@pytest.mark.parametrize("who", WHO)
async def test_who_may_ask_about_whom(desk: Desk, method: str, whose: str, who: str) -> None:
    """Each cell of the matrix has the outcome that the table names; nobody without a token gets in."""
    request = await request_of(desk, method, WHOSE[whose])
    expected = NOBODY if who == "nobody" else EXPECTED[method][who, whose]
    assert await outcome(desk, method, request, WHO[who]) == expected


@pytest.mark.parametrize(
    "method",
    [
        *("GetReservation", "ConfirmReservation", "UpdateReservation", "CancelReservation", "ReleaseReservation"),
        *("CheckIn", "AcceptTransfer", "DeclineTransfer", "SplitReservation"),
    ],
)
@pytest.mark.parametrize("validate_only", [False, True])
async def test_a_foreign_reservation_is_a_missing_one(desk: Desk, method: str, validate_only: bool) -> None:
    """P8: the whole answer is the same, but for the name that was asked for."""
    theirs = await booked(desk, "BETA", active=method in ("ReleaseReservation", "CheckIn"))
    missing = "companies/BETA/reservations/" + "0" * len(theirs.rsplit("/", 1)[1])
    kind = getattr(api, f"{method}Request")
    answers = []
    for name in (theirs, missing):
        request = updating(name, 8, note="x") if method == "UpdateReservation" else kind(name=name)
        if method == "SplitReservation":
            request.at_time.seconds = NOON + HOUR // 2
        if method != "GetReservation":
            request.request_id, request.validate_only = request_id(8), validate_only
        with pytest.raises(Refused) as refused:
            await desk.call(method, request)
        answers.append((refused.value.code, refused.value.status.SerializeToString().replace(name.encode(), b"*")))
    assert answers[0] == answers[1]
