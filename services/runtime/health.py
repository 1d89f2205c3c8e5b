"""Whether a service serves, and why not: for gRPC's health protocol and for /healthz, from one place."""

from collections.abc import Sequence

import grpc

# grpcio-health-checking ships no types.
from grpc_health.v1.health import SERVICE_NAME, aio  # type: ignore[import-untyped]
from grpc_health.v1.health_pb2 import (  # type: ignore[import-untyped]
    HealthCheckRequest,
    HealthCheckResponse,
)

STARTING = "starting"
DRAINING = "draining"


class Health:
    """The health of a process and of each gRPC service in it. Not serving until `serving` is called.

    Health is asked without a token and answered under any load: it stands outside the doors.
    """

    def __init__(self, services: Sequence[str] = ()) -> None:
        self._names = ("", *services)
        self._servicer = aio.HealthServicer()
        self.reason = STARTING

    @property
    def is_serving(self) -> bool:
        return not self.reason

    async def serving(self) -> None:
        """Say that every service serves."""
        await self._set("", HealthCheckResponse.SERVING)

    async def not_serving(self, reason: str) -> None:
        """Say that no service serves for now, and why."""
        await self._set(reason, HealthCheckResponse.NOT_SERVING)

    async def drain(self) -> None:
        """Say, for good, that the process goes away."""
        await self.not_serving(DRAINING)
        await self._servicer.enter_graceful_shutdown()

    async def grpc_handler(self) -> grpc.GenericRpcHandler:
        """The standard health service, answering NOT_SERVING until told otherwise."""
        await self.not_serving(self.reason)
        answer = HealthCheckResponse.SerializeToString
        return grpc.method_handlers_generic_handler(
            SERVICE_NAME,
            {
                "Check": grpc.unary_unary_rpc_method_handler(
                    self._servicer.Check, HealthCheckRequest.FromString, answer
                ),
                "Watch": grpc.unary_stream_rpc_method_handler(
                    self._servicer.Watch, HealthCheckRequest.FromString, answer
                ),
            },
        )

    async def _set(self, reason: str, status: int) -> None:
        if self.reason == DRAINING:
            return
        self.reason = reason
        for name in self._names:
            await self._servicer.set(name, status)
