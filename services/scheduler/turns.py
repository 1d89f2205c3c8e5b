"""Turns: long work on the event loop is done in short turns, with everybody else's work in between.

One turn is had at a time, by one tenant after the other, and as long as it took nobody has another: whoever looks
around takes at most half of the processor, and whoever reads or books waits for one turn at most.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeVar

import grpc

from services.allocation.offering.steps import Steps
from services.runtime.problems import Problem

TURN_SECONDS = 0.001
"""A turn ends with the step in which it gets so long."""
LONG_MAX = 8
"""Pieces of long work of one tenant at once; what takes one turn only is not counted."""
RETRY_SECONDS = 0.5

Answer = TypeVar("Answer")


class Turns:
    """Who has the turn, and who waits for one. `now` gives the centre's time in seconds, `clock` monotonic seconds."""

    def __init__(
        self,
        now: Callable[[], int],
        clock: Callable[[], float] = time.perf_counter,
        turn_seconds: float | None = None,
    ) -> None:
        self._now, self._clock = now, clock
        self._turn_seconds = TURN_SECONDS if turn_seconds is None else turn_seconds
        self._taken = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._long: Counter[str] = Counter()

    async def take(self, tenant: str, steps: Steps[Answer]) -> Answer:
        """Do a tenant's work, and give its answer: no one else has done anything since its last step.

        Raises `Problem` where it is long, and the tenant has enough of that under way.
        """
        await self._turn(tenant)
        ended, answer = self._work(steps, None)
        if ended:
            return answer
        if self._long[tenant] >= LONG_MAX:
            raise _too_many()
        self._long[tenant] += 1
        try:
            while True:
                await self._turn(tenant)
                ended, answer = self._work(steps, self._now())
                if ended:
                    return answer
        finally:
            self._long[tenant] -= 1
            if not self._long[tenant]:
                del self._long[tenant]

    def _work(self, steps: Steps[Answer], passed: int | None) -> tuple[bool, Answer]:
        """One turn: whether the work is done with it, and its answer."""
        began = self._clock()
        try:
            steps.send(passed)
            while self._clock() - began < self._turn_seconds:
                next(steps)
        except StopIteration as end:
            return True, end.value
        finally:
            self._rest(self._clock() - began)
        return False, None  # type: ignore[return-value]  # There is no answer yet.

    async def _turn(self, tenant: str) -> None:
        """Wait until it is this tenant's turn; nobody waits while there is no other."""
        if not self._taken:
            self._taken = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._rest(0)  # It was given the turn, and does not take it.
            raise

    def _rest(self, seconds: float) -> None:
        """Let everybody else work: as long as this turn took, or for one round of the loop after a short one."""
        loop = asyncio.get_running_loop()
        if seconds < self._turn_seconds / 2:
            loop.call_soon(self._pass_on)
        else:
            loop.call_later(seconds, self._pass_on)

    def _pass_on(self) -> None:
        """Give the turn to whoever waits, each tenant one after the other."""
        while self._waiting:
            tenant = next(iter(self._waiting))
            row = self._waiting.pop(tenant)
            mine = row.popleft()
            if row:
                self._waiting[tenant] = row  # Behind all others.
            if not mine.done():
                mine.set_result(None)
                return
        self._taken = False


def _too_many() -> Problem:
    return Problem(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_SEARCHES",
        f"{LONG_MAX} long searches of yours are under way. Wait for one of them, or ask for less: fewer variants, "
        "or a shorter time.",
        retry_after_seconds=RETRY_SECONDS,
    )
