"""An open loop: what is asked leaves at moments that are fixed beforehand, whatever comes back.

So a centre that stalls cannot hide it: whoever would have asked meanwhile is counted as waiting. Whatever was booked is
given back at the end, also what nobody is sure of.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from services.cli.async_client import AsyncClient
from services.cli.load.tally import Tally
from services.cli.load.wishes import Action, Wishes, cancellation
from services.cli.outcome import Failed, Refused, Unanswered
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

CALL_SECONDS = 5.0
IN_FLIGHT_MAX = 256
HELD_MAX = 4
"""A company lets five offers be held at once."""
LIVE = frozenset({api.Reservation.STATE_HELD, api.Reservation.STATE_PENDING, api.Reservation.STATE_CONFIRMED})


class Load:
    """A load test. `kept_max` is how many bookings it has at once."""

    def __init__(self, client: AsyncClient, wishes: Wishes, tally: Tally, kept_max: int) -> None:
        self._client = client
        self._wishes = wishes
        self._tally = tally
        self._kept_max = kept_max
        self._coming = 0
        self._held: list[str] = []
        self._booked: list[str] = []
        self._busy: set[str] = set()
        self._unsure: list[api.CreateReservationRequest] = []
        self._on_the_way: set[asyncio.Task[None]] = set()
        self._mistake: BaseException | None = None

    @property
    def kept(self) -> int:
        """How many bookings it has, or may have."""
        return len(self._held) + len(self._booked) + len(self._busy) + len(self._unsure) + self._coming

    async def play(self, rate: float, seconds: float) -> None:
        """Ask `rate` times a second for so many seconds."""
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            intended = began + number / rate
            if (early := intended - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            if len(self._on_the_way) >= IN_FLIGHT_MAX:
                self._tally.not_sent += 1
                continue
            self._tally.lags.append(max(0.0, time.perf_counter() - intended))
            task = asyncio.create_task(self._ask(intended))
            self._on_the_way.add(task)
            task.add_done_callback(self._over)
        await self._answered()

    async def give_back(self) -> None:
        """Wait for what is on its way, learn what nobody is sure of, and cancel whatever is ours."""
        await self._answered()
        await asyncio.gather(*map(self._learn, self._unsure))
        names = [*self._held, *self._booked, *self._busy]
        await asyncio.gather(*map(self._cancel, names))

    async def _answered(self) -> None:
        """Wait for what is on its way; to be interrupted meanwhile cancels none of it."""
        while self._on_the_way:
            await asyncio.wait(self._on_the_way)
        if self._mistake is not None:
            raise self._mistake

    def _over(self, task: asyncio.Task[None]) -> None:
        self._on_the_way.discard(task)
        self._mistake = self._mistake or task.exception()

    def _possible(self, action: Action) -> Action:
        """The action, or another where there is nothing for it to be done with, or no room for more."""
        if action is Action.HOLD and len(self._held) >= HELD_MAX:
            action = Action.CANCEL
        if action in (Action.HOLD, Action.BOOK) and self.kept >= self._kept_max:
            action = Action.CANCEL
        if action is Action.CHANGE and not self._booked:
            action = Action.BOOK if self.kept < self._kept_max else Action.SEARCH
        if action is Action.CANCEL and not (self._booked or self._held):
            action = Action.BOOK if self.kept < self._kept_max else Action.SEARCH
        return action

    async def _ask(self, intended: float) -> None:
        # What is possible is asked and taken in one go: another task may have taken it since this one was made.
        action = self._possible(self._wishes.action())
        self._tally.actions[action].offered += 1
        asking: dict[Action, Callable[[Callable[[], float]], Awaitable[None]]] = {
            Action.SEARCH: self._search,
            Action.HOLD: lambda took: self._create(Action.HOLD, self._held, took),
            Action.BOOK: lambda took: self._create(Action.BOOK, self._booked, took),
            Action.CHANGE: self._change,
            Action.CANCEL: self._give_one_back,
        }
        await asking[action](lambda: time.perf_counter() - intended)

    async def _search(self, took: Callable[[], float]) -> None:
        await self._once(Action.SEARCH, self._client.scheduler.SearchOffers, self._wishes.search(), took)

    async def _create(self, action: Action, into: list[str], took: Callable[[], float]) -> None:
        request = self._wishes.booking(hold=action is Action.HOLD)
        self._coming += 1
        try:
            made, definite = await self._once(action, self._client.scheduler.CreateReservation, request, took)
        finally:
            self._coming -= 1
        if made is not None:
            into.append(made.name)
        elif not definite:
            self._unsure.append(request)

    async def _change(self, took: Callable[[], float]) -> None:
        name = self._booked.pop(0)
        self._busy.add(name)
        await self._once(Action.CHANGE, self._client.scheduler.UpdateReservation, self._wishes.change(name), took)
        self._busy.discard(name)
        self._booked.append(name)

    async def _give_one_back(self, took: Callable[[], float]) -> None:
        name = (self._held if len(self._held) >= HELD_MAX or not self._booked else self._booked).pop(0)
        self._busy.add(name)
        request = cancellation(name)
        gone, _ = await self._once(Action.CANCEL, self._client.scheduler.CancelReservation, request, took)
        if gone is not None:
            self._busy.discard(name)
            self._count_back(gone)

    async def _once(
        self, action: Action, method: Any, request: Any, took: Callable[[], float]
    ) -> tuple[Any | None, bool]:
        """Ask once; the answer if it is a yes, and whether anything definite was said."""
        try:
            answer = await method(request, timeout=CALL_SECONDS, metadata=self._client.connection.metadata())
        except grpc.aio.AioRpcError as error:
            return None, self._tally.failed(action, took(), error)
        self._tally.granted(action, took())
        return answer, True

    async def _learn(self, request: api.CreateReservationRequest) -> None:
        """What became of a booking that nobody is sure of: the same request again tells, and makes no second one."""
        try:
            made = await self._client.call(self._client.scheduler.CreateReservation, request)
        except Refused:
            return
        except (Unanswered, Failed):
            self._tally.left.append(f"request {request.request_id}")
            return
        self._booked.append(made.name)

    async def _cancel(self, name: str) -> None:
        """Give one back for good, unless it is gone already."""
        scheduler = self._client.scheduler
        try:
            self._count_back(await self._client.call(scheduler.CancelReservation, cancellation(name)))
        except Refused:
            found = await self._client.call(scheduler.GetReservation, api.GetReservationRequest(name=name))
            if found.state in LIVE:
                self._tally.left.append(name)
        except (Unanswered, Failed):
            self._tally.left.append(name)

    def _count_back(self, gone: api.Reservation) -> None:
        self._tally.given_back += 1
        self._tally.fees_krw += gone.cancellation_quote.due_krw
