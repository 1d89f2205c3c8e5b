"""A call that is inside: who makes it, until when it may stay, and how it is shown out."""

import asyncio
import time
from typing import Any, NamedTuple

import grpc

from services.runtime.admission import Tenant
from services.runtime.identity import Identity
from services.runtime.problems import Problem

Context = grpc.aio.ServicerContext[Any, Any]


class Call(NamedTuple):
    """Who calls what, and until when: `deadline` is in seconds of `time.monotonic()`, the event loop's clock."""

    identity: Identity
    method: str
    deadline: float
    tenant: Tenant | None = None
    trace: str = ""
    """The id of the caller's trace (W3C Trace Context), where it sent one."""

    def spend(self, calls: int) -> None:
        """Charge the tenant for so many calls more, when one call does the work of many. Raises `Problem`."""
        if self.tenant is not None:
            self.tenant.spend(calls)

    async def afford(self, calls: int) -> None:
        """The same, waiting until the tenant has enough: a stream is slowed down instead of turned away."""
        if self.tenant is None:
            return
        # The bucket fills with time, and nothing else.
        while wait := self.tenant.wait_for(calls, time.monotonic()):  # noqa: ASYNC110
            await asyncio.sleep(wait)


class Visit:
    """One call, while it is inside. `incoming` tells whether its client streams messages in."""

    __slots__ = (
        "call",
        "incoming",
        "problem",
        "reader",
        "reading_since",
        "stream",
        "task",
        "tenant",
        "token",
        "verdict",
        "writing_since",
    )

    def __init__(self, call: Call, tenant: Tenant, token: str, *, stream: bool, incoming: bool) -> None:
        self.call = call
        self.tenant = tenant
        self.token = token
        self.stream = stream
        self.incoming = incoming
        self.task = asyncio.current_task()
        self.problem: Problem | None = None
        self.verdict: Problem | None = None
        self.reader: asyncio.Task[Any] | None = None
        self.reading_since: float | None = None
        self.writing_since: float | None = None

    def end(self, problem: Problem) -> None:
        """Make the call end in this problem at once, unless it is ending already.

        An answer that is being written goes out first: gRPC could not tell the problem in the middle of it.
        """
        if self.problem is None:
            self.problem = problem
            if self.writing_since is None:
                self._tear()

    def tear_out(self, problem: Problem) -> None:
        """The same, in the middle of an answer that nobody reads."""
        self.problem = self.problem or problem
        self.writing_since = None
        self._tear()

    def _tear(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def wind_up(self, problem: Problem) -> None:
        """Make the call end in this problem; what was streamed in before is still answered."""
        if not self.incoming:
            self.end(problem)
        elif self.verdict is None:
            self.verdict = problem
            if self.reader is not None:
                self.reader.cancel()
