"""Book two GPUs for two hours, as a company, over gRPC: `python examples/python/book.py data CMP-0014`.

Needs `grpcio`, `protobuf` and `googleapis-common-protos`, and stubs made from `protos/` (here: services/generated).
"""

import json
import sys
import time
import uuid
from pathlib import Path

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.status_pb2 import Status

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.generated.aidc.scheduler.v1 import scheduler_pb2_grpc as rpc

DEADLINE_SECONDS = 10
ATTEMPTS_MAX = 5
PAUSE_SECONDS = 1
UNKNOWN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INTERNAL)


def main(data: str = "data", company: str = "CMP-0014") -> int:
    file = Path(data) / "endpoints.json"
    if not file.exists():
        sys.exit(f"No centre runs on {data}: make run")
    endpoints = json.loads(file.read_text())
    if company not in endpoints["tokens"]:
        sys.exit(f"{file} has no token for {company}.")
    token = (("authorization", f"Bearer {endpoints['tokens'][company]}"),)
    with grpc.insecure_channel(endpoints["scheduler"]) as channel:
        scheduler = rpc.SchedulerStub(channel)
        lines = [api.Line(resource="resources/a100-dev", units=2000)]  # milli-GPU: two whole GPUs
        found = scheduler.SearchOffers(
            api.SearchOffersRequest(parent=f"companies/{company}", lines=lines, duration=Duration(seconds=7200)),
            metadata=token,
            timeout=DEADLINE_SECONDS,
        )
        if not found.offers:
            print("No offer:", "; ".join(violation.description for violation in found.violations))
            return 2
        offer = found.offers[0]
        request = api.CreateReservationRequest(
            parent=f"companies/{company}",
            reservation=api.Reservation(lines=lines, start_time=offer.start_time, end_time=offer.end_time),
            request_id=str(uuid.uuid4()),  # one for this wish; the same one for every repetition of it
        )
        reservation = book(scheduler, request, token)
    print(f"{reservation.name} is durable at position {reservation.position}:")
    for allocation in reservation.allocations:
        print(f"  {allocation.resource}: {', '.join(allocation.unit_names)}")
    return 0


def book(scheduler: rpc.SchedulerStub, request: api.CreateReservationRequest, token: tuple) -> api.Reservation:
    """A definite answer, asking again with the same request id as long as the outcome is unknown."""
    for attempt in range(ATTEMPTS_MAX):
        try:
            return scheduler.CreateReservation(request, metadata=token, timeout=DEADLINE_SECONDS)
        except grpc.RpcError as error:
            if error.code() not in UNKNOWN or attempt == ATTEMPTS_MAX - 1:
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError("unreachable")


def explain(error: grpc.RpcError) -> int:
    """Every rule that said no, and what would be granted instead."""
    print(f"{error.code().name}: {error.details()}")
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                refusal = api.Refusal()
                if detail.Unpack(refusal):
                    for violation in refusal.violations:
                        print(f"  {violation.reason}: {violation.description}")
                    for offer in refusal.alternatives:
                        print(f"  instead: {offer.start_time.ToJsonString()} to {offer.end_time.ToJsonString()}")
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:3]))
    except grpc.RpcError as error:
        sys.exit(explain(error))
