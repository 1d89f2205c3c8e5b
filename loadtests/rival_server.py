"""The rival behind gRPC: what a company would call if bookings stood in Postgres alone. No doors, no rules, no tokens.

Reads the connection string from the first line of standard input, so that the password stands in no argument.
"""

import asyncio
import sys
from typing import Any

import asyncpg
import grpc
import uvloop

from loadtests import rival
from loadtests.workload import Demand
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CONNECTIONS = 16
"""Here as fast as 32, and half the waiting."""


async def serve(dsn: str, answer_bytes: int) -> None:
    """Serve until standard input ends, as it does with whoever started us; the port goes to standard output."""
    answer = bytes(answer_bytes)
    server = grpc.aio.server()
    async with asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:

        async def create(data: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            async with pool.acquire() as connection:
                if not await rival.book(connection, demand_of(data)):
                    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "NO_CAPACITY")
            return answer

        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(create)
        service = grpc.method_handlers_generic_handler("aidc.scheduler.v1.Scheduler", {"CreateReservation": handler})
        server.add_generic_rpc_handlers((service,))
        print(server.add_insecure_port("127.0.0.1:0"), flush=True)
        await server.start()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
        await server.stop(None)


def demand_of(data: bytes) -> Demand:
    """The demand in a request's bytes."""
    request = api.CreateReservationRequest.FromString(data)
    wish = request.reservation
    return Demand(
        company=request.parent,
        start=wish.start_time.seconds,
        end=wish.end_time.seconds,
        units=wish.lines[0].units,
    )


if __name__ == "__main__":
    uvloop.run(serve(sys.stdin.buffer.readline().decode().strip(), int(sys.argv[1])))
