"""P11: one tenant's flood is turned away at the door, and its neighbour does not notice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.generated.aidc.scheduler.v1.scheduler_pb2_grpc import SchedulerStub
from services.runtime.admission import Limits
from tests.system.harness import CALL_SECONDS, Clients, eventually, frozen, running_centre
from tests.system.small_catalogue import COMPANY, RIVAL
from tests.system.workload import booking

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARE = Limits().tenant_in_flight_max
FLOOD = 2 * SHARE
CALLS_PER_CONNECTION = 64
NEIGHBOURS = 20
OK = "OK"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A centre that is flooded."""
    async with running_centre(tmp_path_factory.mktemp("flood")) as clients:
        yield clients


async def outcome(clients: Clients, stub: SchedulerStub, company: str) -> str:
    """The status that one booking ends in."""
    try:
        await clients.call(stub.CreateReservation, booking(company, "core", 1, day=30), company, CALL_SECONDS)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return OK


async def connections(clients: Clients, stack: AsyncExitStack, number: int) -> list[SchedulerStub]:
    """Stubs on connections of their own: the server takes only so many calls on one."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    stubs = []
    for _ in range(number):
        channel = grpc.aio.insecure_channel(clients.centre.scheduler.grpc, options=options)
        stubs.append(SchedulerStub(await stack.enter_async_context(channel)))  # type: ignore[no-untyped-call]
        await channel.channel_ready()
    return stubs


async def test_flood_is_shed_and_its_neighbour_served(clients: Clients) -> None:
    """While the log stands still one tenant piles up calls: past its share each is refused, and only its own."""
    async with AsyncExitStack() as stack:
        *flooding, quiet = await connections(clients, stack, FLOOD // CALLS_PER_CONNECTION + 1)
        with frozen(clients.centre.nats.process.pid):
            flood = [
                asyncio.create_task(outcome(clients, flooding[number % len(flooding)], COMPANY))
                for number in range(FLOOD)
            ]
            await eventually(lambda: sum(task.done() for task in flood) == FLOOD - SHARE, "the excess is shed")
            neighbour = [asyncio.create_task(outcome(clients, quiet, RIVAL)) for _ in range(NEIGHBOURS)]
            await asyncio.wait(neighbour, timeout=0)
        told, others = Counter(await asyncio.gather(*flood)), Counter(await asyncio.gather(*neighbour))
    assert told == {"RESOURCE_EXHAUSTED": FLOOD - SHARE, OK: SHARE}
    assert others == {OK: NEIGHBOURS}


async def test_watches_are_shared_out(clients: Clients) -> None:
    """A tenant that opens one watch after the other is refused past its share, and its neighbour can still watch."""
    streams = [_watch(clients, COMPANY) for _ in range(Limits().tenant_streams_max)]
    for stream in streams:
        await stream.read()  # The bookmark that says that the watch has begun.
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _watch(clients, COMPANY).read()
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    neighbour = _watch(clients, RIVAL)
    assert (await neighbour.read()).position
    for stream in (*streams, neighbour):
        stream.cancel()


def _watch(clients: Clients, company: str) -> Any:
    request = api.WatchReservationsRequest(parent=f"companies/{company}")
    return clients.scheduler.WatchReservations(request, metadata=clients.bearer(company))
