"""A scheduler and a ledger that answer as a test tells them, over real gRPC on loopback."""

# ruff: noqa: N802 - gRPC names its methods

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.ledger.v1.ledger_pb2_grpc import LedgerServicer, add_LedgerServicer_to_server
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.generated.aidc.scheduler.v1.scheduler_pb2_grpc import (
    SchedulerServicer,
    add_SchedulerServicer_to_server,
)

RESOURCES = [
    api.Resource(
        name="resources/M01",
        display_name="Driving simulator",
        kind=api.RESOURCE_KIND_EQUIPMENT,
        unit=api.RESOURCE_UNIT_SEAT,
        capacity_units=1,
        units_min=1,
        time_zone="Asia/Seoul",
        in_service=True,
        companions=[api.Companion(resource="resources/a100-dev", units=8000)],
    ),
    api.Resource(
        name="resources/a100-dev",
        kind=api.RESOURCE_KIND_COMPUTE,
        unit=api.RESOURCE_UNIT_MILLI_GPU,
        capacity_units=240_000,
        units_min=125,
        time_zone="Asia/Seoul",
        in_service=True,
    ),
]


class Answered(Exception):
    """An error to answer with: a code, a text and details."""

    def __init__(self, code: grpc.StatusCode, text: str, *details: Message) -> None:
        super().__init__(text)
        self.code, self.text, self.details = code, text, details


class FakeCentre(SchedulerServicer, LedgerServicer):
    """Keeps the requests that it gets. `answers` gives, for a method, what to answer to a request."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.tokens: list[str] = []
        self.on_behalf_of: list[str] = []
        self.brief: list[bool] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.time = datetime(2026, 3, 3, 20, 30, tzinfo=UTC)

    def ListResources(self, request: Any, context: Any) -> Any:
        return api.ListResourcesResponse(resources=RESOURCES, position=7, time=self.time)

    def CreateReservation(self, request: Any, context: Any) -> Any:
        return self._answer("CreateReservation", request, context)

    def BookStream(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        for message in requests:
            self.brief.append(message.brief)
            results = [self._answer("BookStream", request, context) for request in message.requests]
            yield api.BookStreamResponse(results=results)

    def WatchReservations(self, request: Any, context: Any) -> Iterator[Any]:
        yield from self._answer("WatchReservations", request, context)

    def AssignOfficer(self, request: Any, context: Any) -> Any:
        return self._answer("AssignOfficer", request, context)

    def RecordArrears(self, request: Any, context: Any) -> Any:
        return self._answer("RecordArrears", request, context)

    def ClearArrears(self, request: Any, context: Any) -> Any:
        return self._answer("ClearArrears", request, context)

    def RecordMisuse(self, request: Any, context: Any) -> Any:
        return self._answer("RecordMisuse", request, context)

    def LiftMisuse(self, request: Any, context: Any) -> Any:
        return self._answer("LiftMisuse", request, context)

    def ExemptFromReview(self, request: Any, context: Any) -> Any:
        return self._answer("ExemptFromReview", request, context)

    def DismissOfficer(self, request: Any, context: Any) -> Any:
        return self._answer("DismissOfficer", request, context)

    def SplitReservation(self, request: Any, context: Any) -> Any:
        return self._answer("SplitReservation", request, context)

    def AcceptTransfer(self, request: Any, context: Any) -> Any:
        return self._answer("AcceptTransfer", request, context)

    def DeclineTransfer(self, request: Any, context: Any) -> Any:
        return self._answer("DeclineTransfer", request, context)

    def ApproveReservation(self, request: Any, context: Any) -> Any:
        return self._answer("ApproveReservation", request, context)

    def DenyReservation(self, request: Any, context: Any) -> Any:
        return self._answer("DenyReservation", request, context)

    def ConfirmReservation(self, request: Any, context: Any) -> Any:
        return self._answer("ConfirmReservation", request, context)

    def UpdateReservation(self, request: Any, context: Any) -> Any:
        return self._answer("UpdateReservation", request, context)

    def CancelReservation(self, request: Any, context: Any) -> Any:
        return self._answer("CancelReservation", request, context)

    def GetReservation(self, request: Any, context: Any) -> Any:
        return self._answer("GetReservation", request, context)

    def ListReservations(self, request: Any, context: Any) -> Any:
        return self._answer("ListReservations", request, context)

    def ListQuotas(self, request: Any, context: Any) -> Any:
        return self._answer("ListQuotas", request, context)

    def ListReserves(self, request: Any, context: Any) -> Any:
        return self._answer("ListReserves", request, context)

    def SearchOffers(self, request: Any, context: Any) -> Any:
        return self._answer("SearchOffers", request, context)

    def PublishTariff(self, request: Any, context: Any) -> Any:
        return self._answer("PublishTariff", request, context)

    def ListTariffs(self, request: Any, context: Any) -> Any:
        return self._answer("ListTariffs", request, context)

    def ClosePeriod(self, request: Any, context: Any) -> Any:
        return self._answer("ClosePeriod", request, context)

    def PostCorrection(self, request: Any, context: Any) -> Any:
        return self._answer("PostCorrection", request, context)

    def CheckIn(self, request: Any, context: Any) -> Any:
        return self._answer("CheckIn", request, context)

    def ReleaseReservation(self, request: Any, context: Any) -> Any:
        return self._answer("ReleaseReservation", request, context)

    def ListOfficers(self, request: Any, context: Any) -> Any:
        return self._answer("ListOfficers", request, context)

    def GetConduct(self, request: Any, context: Any) -> Any:
        return self._answer("GetConduct", request, context)

    def GrantQualification(self, request: Any, context: Any) -> Any:
        return self._answer("GrantQualification", request, context)

    def RevokeQualification(self, request: Any, context: Any) -> Any:
        return self._answer("RevokeQualification", request, context)

    def ForgiveStrike(self, request: Any, context: Any) -> Any:
        return self._answer("ForgiveStrike", request, context)

    def GetTerms(self, request: Any, context: Any) -> Any:
        return self._answer("GetTerms", request, context)

    def PublishTerms(self, request: Any, context: Any) -> Any:
        return self._answer("PublishTerms", request, context)

    def DeclareOutage(self, request: Any, context: Any) -> Any:
        return self._answer("DeclareOutage", request, context)

    def SetFunding(self, request: Any, context: Any) -> Any:
        return self._answer("SetFunding", request, context)

    def GetResource(self, request: Any, context: Any) -> Any:
        return self._answer("GetResource", request, context)

    def LiftOutage(self, request: Any, context: Any) -> Any:
        return self._answer("LiftOutage", request, context)

    def GetOutage(self, request: Any, context: Any) -> Any:
        return self._answer("GetOutage", request, context)

    def ListOutages(self, request: Any, context: Any) -> Any:
        return self._answer("ListOutages", request, context)

    def CreateSeries(self, request: Any, context: Any) -> Any:
        return self._answer("CreateSeries", request, context)

    def GetSeries(self, request: Any, context: Any) -> Any:
        return self._answer("GetSeries", request, context)

    def ListSeries(self, request: Any, context: Any) -> Any:
        return self._answer("ListSeries", request, context)

    def UpdateSeries(self, request: Any, context: Any) -> Any:
        return self._answer("UpdateSeries", request, context)

    def CancelSeries(self, request: Any, context: Any) -> Any:
        return self._answer("CancelSeries", request, context)

    def ExportCalendar(self, request: Any, context: Any) -> Any:
        return self._answer("ExportCalendar", request, context)

    def GetHistory(self, request: Any, context: Any) -> Any:
        if "GetHistory" in self.answers:
            return self._answer("GetHistory", request, context)
        return ledger_api.History(name=request.name, entries=[ledger_api.HistoryEntry(description="It was granted.")])

    def ExportTable(self, request: Any, context: Any) -> Iterator[Any]:
        yield from self._answer("ExportTable", request, context)

    def GetYearReport(self, request: Any, context: Any) -> Any:
        return self._answer("GetYearReport", request, context)

    def ListEquipmentUse(self, request: Any, context: Any) -> Any:
        return self._answer("ListEquipmentUse", request, context)

    def GetChanges(self, request: Any, context: Any) -> Any:
        return self._answer("GetChanges", request, context)

    def GetCheckpoint(self, request: Any, context: Any) -> Any:
        return self._answer("GetCheckpoint", request, context)

    def GetProof(self, request: Any, context: Any) -> Any:
        return self._answer("GetProof", request, context)

    def ExportEvents(self, request: Any, context: Any) -> Iterator[Any]:
        yield from self._answer("ExportEvents", request, context)

    def GetStatement(self, request: Any, context: Any) -> Any:
        return self._answer("GetStatement", request, context)

    def _answer(self, method: str, request: Any, context: Any) -> Any:
        self.requests.append(request)
        metadata = dict(context.invocation_metadata())
        self.tokens.append(metadata["authorization"])
        self.on_behalf_of.append(metadata.get("aidc-on-behalf-of", ""))
        try:
            return self.answers[method](request)
        except Answered as error:
            details = []
            for detail in error.details:
                packed = Packed()
                packed.Pack(detail)
                details.append(packed)
            status = Status(code=error.code.value[0], message=error.text, details=details)
            return context.abort_with_status(rpc_status.to_status(status))


@contextmanager
def serve(centre: FakeCentre) -> Iterator[str]:
    """Serve it; give its address."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    add_SchedulerServicer_to_server(centre, server)
    add_LedgerServicer_to_server(centre, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
