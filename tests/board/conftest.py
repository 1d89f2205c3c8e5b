"""A real centre for the board's tests, started once: its scheduler and ledger, and the board's pages over them."""

import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, browsing
from tests.system.harness import Clients, running_centre
from tests.system.small_catalogue import DAY, HOUR

SLOT_SECONDS = 900
SPEED = 1
"""Time passes as it does here: what a page says is still true when the test reads it."""


def own_resources() -> Sequence[api.Resource]:
    """Equipment beside the small catalogue: a laboratory that asks for a check-in, a hall, and a winch to train for."""
    laboratory = _equipment("LAB", SLOT_SECONDS)
    laboratory.no_show_grace.seconds = SLOT_SECONDS
    hall = _equipment("HALL", SLOT_SECONDS, seats=60)
    winch = _equipment("WINCH", HOUR)
    winch.training_required = True
    winch.free_cancel.seconds = 30 * DAY  # Whatever is cancelled here is cancelled late.
    return laboratory, hall, winch


def _equipment(name: str, slot_seconds: int, seats: int = 1) -> api.Resource:
    return api.Resource(
        name=f"resources/{name}",
        kind=api.RESOURCE_KIND_EQUIPMENT,
        unit=api.RESOURCE_UNIT_SEAT,
        nodes=[api.Node(id=f"{name}-{number}") for number in range(seats)],
        bins_per_node=1,
        bin_capacity=1,
        units_min=1,
        units_step=1,
        slot=Duration(seconds=slot_seconds),
        time_zone="Asia/Seoul",
        data_zone="open",
        in_service=True,
        horizon=Duration(seconds=60 * DAY),
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A running centre with the small catalogue. Tests share it: each books something of its own."""
    folder: Path = tmp_path_factory.mktemp("board")
    async with running_centre(folder, speed=SPEED) as clients:
        for each in own_resources():
            request = api.RegisterResourceRequest(resource=each, request_id=str(uuid.uuid4()))
            await clients.call(clients.scheduler.RegisterResource, request, "operator")
        yield clients


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def board(centre: Clients) -> AsyncIterator[Browsing]:
    """The pages over that centre, and browsers that are signed in."""
    async with browsing(centre) as found:
        yield found
