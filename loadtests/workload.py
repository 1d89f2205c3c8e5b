"""The demand that every booking system is measured with: a few GPUs of one pool for a few hours, some day ahead.

The pool is as large as a national centre's (200 nodes of 8 GPUs). Demands are spread over half a year and over eight
companies, so that nearly all are granted and none is shed; the reports say how many were.
"""

import os
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

POOL = "bench-gpu"
NODES, GPUS_PER_NODE = 200, 8
UNITS = NODES * GPUS_PER_NODE
NODES_PER_RACK, NODES_PER_FABRIC_GROUP = 4, 20
COMPANIES = tuple(f"BENCH-{number}" for number in range(1, 9))
"""So many that the doors' limit for one tenant is far away."""
CROWD = tuple(f"CROWD-{number:02d}" for number in range(1, 49))
"""So many that it is as far away in batches, whose every item counts as a call."""

HOUR_SECONDS, DAY_SECONDS = 3600, 86_400
DAYS_AHEAD = 175
UNITS_MAX = 4
HOURS_MAX = 4


class Demand(NamedTuple):
    """So many GPUs of the pool from a full hour on; times in seconds."""

    company: str
    start: int
    end: int
    units: int


def demands(seed: int, now: int, company: str) -> Iterator[Demand]:
    """Demands of one company, without end, the same for the same seed."""
    chance = random.Random(seed)
    first = now // HOUR_SECONDS + 2
    while True:
        start = (first + chance.randrange(DAYS_AHEAD * 24)) * HOUR_SECONDS
        hours = chance.randint(1, HOURS_MAX)
        yield Demand(company, start, start + hours * HOUR_SECONDS, chance.randint(1, UNITS_MAX))


def request_of(demand: Demand) -> api.CreateReservationRequest:
    """The demand as a CreateReservation request, under a new request id."""
    reservation = api.Reservation(
        lines=[api.Line(resource=f"resources/{POOL}", units=demand.units)],
        start_time=Timestamp(seconds=demand.start),
        end_time=Timestamp(seconds=demand.end),
    )
    return api.CreateReservationRequest(
        parent=f"companies/{demand.company}", reservation=reservation, request_id=new_request_id()
    )


def new_request_id() -> str:
    """A random UUID, at a tenth of the price of `uuid.uuid4`, which every measured request would pay."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def pool() -> api.Resource:
    """The pool as the API registers it."""
    return api.Resource(
        name=f"resources/{POOL}",
        display_name="GPUs for load tests",
        kind=api.RESOURCE_KIND_COMPUTE,
        unit=api.RESOURCE_UNIT_GPU,
        nodes=[
            api.Node(
                id=f"{POOL}-{number:03d}",
                rack=f"R{number // NODES_PER_RACK:02d}",
                fabric_group=f"F{number // NODES_PER_FABRIC_GROUP:02d}",
            )
            for number in range(NODES)
        ],
        bins_per_node=GPUS_PER_NODE,
        bin_capacity=1,
        units_min=1,
        units_step=1,
        slot=Duration(seconds=HOUR_SECONDS),
        time_zone="Asia/Seoul",
        quota_required=True,
        in_service=True,
    )


def companies(now: int, names: Sequence[str] = COMPANIES) -> list[api.Company]:
    """The companies that ask, with terms that reach as far as the demands."""
    begin, end = agreement(now)
    return [
        api.Company(
            name=f"companies/{company}",
            display_name=company,
            programme="core-growth",
            agreement_start_time=Timestamp(seconds=begin),
            agreement_end_time=Timestamp(seconds=end),
            horizon=Duration(seconds=180 * DAY_SECONDS),
            reservation_max=Duration(seconds=7 * DAY_SECONDS),
        )
        for company in names
    ]


def quotas(now: int, names: Sequence[str] = COMPANIES) -> list[api.Quota]:
    """A quota on the pool for each, with a limit at once, so that every rule has its work."""
    begin, end = agreement(now)
    return [
        api.Quota(
            company=f"companies/{company}",
            meter=f"resources/{POOL}",
            start_time=Timestamp(seconds=begin),
            end_time=Timestamp(seconds=end),
            unit_seconds=UNITS * (end - begin),
            concurrent_units_max=UNITS,
        )
        for company in names
    ]


def agreement(now: int) -> tuple[int, int]:
    """From yesterday for a year, in full hours."""
    begin = now // HOUR_SECONDS * HOUR_SECONDS - DAY_SECONDS
    return begin, begin + 366 * DAY_SECONDS
