"""What load is offered to: anything that books a demand and says how that went."""

from typing import Protocol

import grpc

from loadtests.jobs import Lane
from loadtests.measures import GRANTED
from loadtests.workload import Demand, request_of

METHOD = "/aidc.scheduler.v1.Scheduler/CreateReservation"
CALL_SECONDS_MAX = 8.0

Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


class Target(Protocol):
    """Books demands in lanes; a lane is one company on one connection."""

    lanes: int

    def company(self, lane: int) -> str:
        """Who asks in a lane."""
        ...

    async def book(self, lane: int, demand: Demand) -> str:
        """Ask once; `granted`, or in a word why not."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class GrpcTarget:
    """The scheduler, an echo or the rival: the same method, request bytes and metadata. Answers are left as bytes."""

    def __init__(self, address: str, lanes: tuple[Lane, ...]) -> None:
        self.lanes = len(lanes)
        self._companies = [lane.company for lane in lanes]
        # A connection for each company, as in life; without a pool of its own a channel would share one.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.aio.insecure_channel(address, options=options) for _ in lanes]
        self._methods: list[Call] = [channel.unary_unary(METHOD) for channel in self._channels]
        self._metadata = [(("authorization", f"Bearer {lane.token}"),) for lane in lanes]

    def company(self, lane: int) -> str:
        return self._companies[lane]

    async def ask(self, lane: int, demand: Demand) -> bytes:
        """Ask once; the answer as it came. Raises `grpc.aio.AioRpcError`."""
        request = request_of(demand).SerializeToString()
        return await self._methods[lane](request, timeout=CALL_SECONDS_MAX, metadata=self._metadata[lane])

    async def book(self, lane: int, demand: Demand) -> str:
        try:
            await self.ask(lane, demand)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name}: {error.details()}"[:80]
        return GRANTED

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()
