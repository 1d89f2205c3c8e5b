"""P8, by comparison: two worlds that differ only in what is another company's business look the same from outside."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire import requests
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR
from tests.scheduler.serving import (
    ALPHA,
    BETA,
    OPERATOR,
    SERVICE,
    Desk,
    Refused,
    demand,
    request_id,
    serving,
)
from tests.scheduler.test_grpc import calendar, search
from tests.scheduler.test_grpc_tenants import changing_series, handing_over, series, splitting, updating

NINE = TUESDAY + 9 * HOUR


def numbered() -> Iterator[str]:
    """Reservation ids in order, so that two worlds have the same ones."""
    return (f"r{number:04}" for number in count(1))


async def live(desk: Desk, other: str, note: str, number: int) -> list[bytes]:
    """One world: somebody else is busy, and ALPHA looks at everything that it may. Gives all that ALPHA was told."""
    identity, company = {"BETA": (BETA, "BETA"), "GAMMA": (OPERATOR, "GAMMA")}[other]
    told = []
    before = await desk.watch(api.WatchReservationsRequest(parent="companies/ALPHA"), ALPHA)
    told.append(before[0].SerializeToString())
    await desk.call("CreateReservation", demand(number, ("cpu", 200), company=company, note=note, hours=2), identity)
    made = await desk.call("CreateReservation", demand(number + 1, ("T1", 1), company="GAMMA", note=note), OPERATOR)
    mine = await desk.call("CreateReservation", demand(1, ("M01", 1), start=NINE, hours=4))
    theirs = await desk.call(
        "CreateReservation", demand(number + 2, ("a100", 8000), company=company, note=note), identity
    )
    await desk.call("UpdateReservation", handing_over(made.name, "BETA", number + 5), OPERATOR)
    cancel = api.CancelReservationRequest(name=theirs.name, request_id=request_id(number + 3), reason=note or "storm")
    await desk.call("CancelReservation", cancel, identity)
    scope = api.OutageScope(resource="resources/cpu")
    outage = api.Outage(name="outages/works", kind=api.Outage.KIND_FAILURE, scopes=[scope], reason="power")
    declared = api.DeclareOutageRequest(outage=outage, request_id=request_id(number + 4))
    assert (await desk.call("DeclareOutage", declared, OPERATOR)).affected_count == 1
    told += [await everything(desk, mine.name, made.name)]
    return told


async def everything(desk: Desk, mine: str, theirs: str) -> bytes:
    """Every answer that ALPHA can get, the refusals and their details included."""
    asked: list[tuple[str, Any]] = [
        ("ListResources", api.ListResourcesRequest()),
        *(("GetResource", api.GetResourceRequest(name=f"resources/{name}")) for name in ("cpu", "T1", "M01")),
        *(("GetCalendar", calendar(name)) for name in ("cpu", "T1", "M01", "a100", "OP", "h100")),
        *(("SearchOffers", search(name)) for name in ("cpu", "T1", "M01", "a100")),
        ("SearchOffers", search("cpu", units=200)),
        ("CreateReservation", demand(11, ("cpu", 100), validate_only=True)),
        ("CreateReservation", demand(11, ("cpu", 100))),
        ("CreateReservation", demand(12, ("T2", 1))),
        ("CreateReservation", demand(13, ("a100", 48_000), start=NINE, hours=3)),
        ("BatchCreateReservations", batch(demand(14, ("cpu", 100)), demand(15, ("T1", 1)))),
        ("ListTariffs", api.ListTariffsRequest()),
        ("CreateSeries", series("ALPHA", 21)),
        ("ListSeries", api.ListSeriesRequest(parent="companies/ALPHA")),
        ("ListSeries", api.ListSeriesRequest(parent="companies/GAMMA")),
        ("GetSeries", api.GetSeriesRequest(name="companies/GAMMA/series/none")),
        ("UpdateSeries", changing_series("companies/GAMMA/series/none", 23)),
        ("CancelSeries", api.CancelSeriesRequest(name="companies/GAMMA/series/none", request_id=request_id(22))),
        ("ExportCalendar", api.ExportCalendarRequest(name="companies/ALPHA")),
        ("ExportCalendar", api.ExportCalendarRequest(name="resources/cpu")),
        ("GetTerms", api.GetTermsRequest()),
        ("ListOfficers", api.ListOfficersRequest(parent="companies/ALPHA")),
        ("ListOfficers", api.ListOfficersRequest(parent="companies/BETA")),
        ("GetConduct", api.GetConductRequest(parent="companies/ALPHA")),
        ("GetConduct", api.GetConductRequest(parent="companies/GAMMA")),
        ("CheckIn", api.CheckInRequest(name=theirs, request_id=request_id(19))),
        ("ListOutages", api.ListOutagesRequest()),
        ("GetOutage", api.GetOutageRequest(name="outages/works")),
        ("BookStream", stream(demand(17, ("cpu", 100)), demand(18, ("T1", 1)))),
        ("GetReservation", api.GetReservationRequest(name=mine)),
        ("GetReservation", api.GetReservationRequest(name=theirs)),
        ("CreateReservation", demand(17, ("cpu", 1), hold=60)),
        ("SearchOffers", search("cpu", hold=60, number=18)),
        ("ConfirmReservation", api.ConfirmReservationRequest(name=theirs, request_id=request_id(19))),
        ("AcceptTransfer", api.AcceptTransferRequest(name=theirs, request_id=request_id(29))),
        ("DeclineTransfer", api.DeclineTransferRequest(name=theirs, request_id=request_id(30))),
        ("SplitReservation", splitting(theirs, at=NINE + HOUR, number=32)),
        ("SplitReservation", splitting(mine, at=NINE + HOUR, number=33, validate_only=True)),
        ("UpdateReservation", handing_over(theirs, "ALPHA", 31)),
        ("ListReservations", api.ListReservationsRequest(parent="companies/ALPHA", offered=True)),
        ("UpdateReservation", updating(mine, 27, end_time=Timestamp(seconds=NINE + 9 * HOUR))),
        ("UpdateReservation", updating(theirs, 28, note="mine")),
        ("CancelReservation", api.CancelReservationRequest(name=theirs, request_id=request_id(16))),
        ("ListReservations", api.ListReservationsRequest(parent="companies/ALPHA")),
        ("ListReservations", api.ListReservationsRequest(parent="companies/BETA")),
        ("ListQuotas", api.ListQuotasRequest(parent="companies/ALPHA")),
        ("ListQuotas", api.ListQuotasRequest(parent="companies/GAMMA")),
        ("WatchReservations", api.WatchReservationsRequest(parent="companies/ALPHA")),
        ("WatchReservations", api.WatchReservationsRequest(parent="companies/GAMMA")),
    ]
    assert {method for method, _ in asked} >= {each.name for each in SERVICE.methods} - {
        *("ApproveReservation", "DenyReservation"),  # Operators only.
        *("ReleaseReservation", "RegisterResource", "RegisterCompany", "GrantQuota", "PublishTariff", "ClosePeriod"),
        *("PublishTerms", "GrantQualification", "RevokeQualification", "ForgiveStrike"),
        *("RecordArrears", "ClearArrears", "RecordMisuse", "LiftMisuse"),
        "ExemptFromReview",
        *("PostCorrection", "AssignOfficer", "DismissOfficer", "ListReserves"),
        *("DeclareOutage", "LiftOutage", "SetFunding"),
    }
    told = []
    for method, request in asked:
        try:
            told.append((await desk.ask(method, request)).SerializeToString(deterministic=True))
        except Refused as refused:
            told.append(refused.status.SerializeToString(deterministic=True))
    return b"\n---\n".join(told)


def batch(*items: api.CreateReservationRequest) -> api.BatchCreateReservationsRequest:
    """Several bookings, each for itself."""
    return api.BatchCreateReservationsRequest(parent="companies/ALPHA", requests=items)


def stream(*items: api.CreateReservationRequest) -> api.BookStreamRequest:
    """The same, streamed."""
    return api.BookStreamRequest(parent="companies/ALPHA", requests=items)


@pytest.mark.parametrize(
    ("other", "note"), [("BETA", "secret merger with CANARY"), ("GAMMA", ""), ("GAMMA", "x" * 400)]
)
async def test_two_worlds_look_the_same(tmp_path: Path, other: str, note: str) -> None:
    """P8: who is busy, why, and under which request ids, shows in no byte of anything that ALPHA is told."""
    worlds = []
    for world, (company, text, number) in enumerate((("BETA", "quiet", 100), (other, note, 500))):
        ids = numbered()
        with patch.object(requests, "new_id", lambda ids=ids: next(ids)):
            async with serving(tmp_path / f"keys{world}") as desk:
                worlds.append(await live(desk, company, text, number))
    assert worlds[0] == worlds[1]
    assert all(b"CANARY" not in told for told in worlds[1])
