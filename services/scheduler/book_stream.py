"""BookStream: demands are decided as they come, while those before them become durable, and answered in order.

What is decided and not yet answered is bounded: when it is as much as may be, nothing more is read, and gRPC holds the
client back. However the stream ends, everything that was taken is answered first, unless the log is lost.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

import grpc
from google.rpc.code_pb2 import Code  # type: ignore[import-untyped]  # It ships no types.

from services.allocation.rejections import Rejected
from services.allocation.tables.answer import Subject
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.problems import invalid
from services.scheduler.access import actor_of, company_of, log_unavailable
from services.scheduler.ask import Ask
from services.scheduler.batch import ITEMS_MAX, count, plain_asks, read_item, result_of
from services.scheduler.group_commit import LogBehind
from services.scheduler.telemetry import Telemetry
from services.scheduler.wire.cost_replies import telling
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.replies import Plain, Telling
from services.scheduler.writer import Writer

ITEMS_WAITING_MAX = 1_000
"""Items of one stream that are decided and not yet answered."""
RESULTS_MAX = 200
"""Results that are gathered into one answer; a message of the client adds at most its own."""

Faults = dict[str, str]


class Taken(NamedTuple):
    """The items of one message, decided: the answers to be told once the position is durable."""

    request_ids: list[str]
    answers: list[Subject | Rejected | Faults]
    position: int
    tell: Telling


class Window:
    """What is decided and not yet answered, in order."""

    def __init__(self) -> None:
        self._taken: deque[Taken] = deque()
        self._items = 0
        self._closed = False
        self._arrived, self._left = asyncio.Event(), asyncio.Event()

    async def room(self, items: int) -> None:
        """Wait until so many more may be decided."""
        while self._items and self._items + items > ITEMS_WAITING_MAX:
            self._left.clear()
            await self._left.wait()

    def put(self, taken: Taken) -> None:
        """Add what was decided."""
        self._taken.append(taken)
        self._items += len(taken.answers)
        self._arrived.set()

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._arrived.set()

    async def first(self) -> Taken | None:
        """What is to be answered next; None when all is answered and nothing more comes."""
        while not self._taken and not self._closed:
            self._arrived.clear()
            await self._arrived.wait()
        return self._taken[0] if self._taken else None

    def take(self, position: int) -> list[Taken]:
        """Take out what is durable now that this position is, as far as one answer goes."""
        found: list[Taken] = []
        results = 0
        while self._taken and self._taken[0].position <= position and results < RESULTS_MAX:
            found.append(self._taken.popleft())
            results += len(found[-1].answers)
        self._items -= results
        self._left.set()
        return found


class BookStream:
    """Books what is streamed in, through the one writer."""

    def __init__(self, writer: Writer, telemetry: Telemetry) -> None:
        self._writer = writer
        self._centre = writer.centre
        self._telemetry = telemetry

    async def serve(
        self, call: Call, messages: AsyncIterator[api.BookStreamRequest]
    ) -> AsyncGenerator[api.BookStreamResponse, None]:
        """Answer every item of every message, in order. Raises `Problem`."""
        window = Window()
        taking = asyncio.create_task(self._take_all(call, messages, window))
        try:
            while (first := await window.first()) is not None:
                yield self._answer(window.take(await self._durable(first.position)))
            await taking  # It says why, if the stream had to end.
        finally:
            taking.cancel()

    async def _take_all(self, call: Call, messages: AsyncIterator[api.BookStreamRequest], window: Window) -> None:
        """Decide message after message, as far as the window and the tenant's share allow."""
        try:
            async for message in messages:
                if not 1 <= len(message.requests) <= ITEMS_MAX:
                    raise invalid({"requests": f"must be 1 to {ITEMS_MAX}; there are {len(message.requests)}"})
                company = company_of(call, message.parent)
                await window.room(len(message.requests))
                await call.afford(len(message.requests))
                window.put(await self._decide(message, company, actor_of(call)))
        except LogBehind as error:
            raise log_unavailable(error) from None
        finally:
            window.close()

    async def _decide(self, message: api.BookStreamRequest, company: str, actor: str) -> Taken:
        """Decide the items that make sense. Raises `LogBehind`, and `Problem` where the structure of one is broken."""
        plain = plain_asks(message.requests, message.parent, company, actor)
        read = [
            ask or self._read(request, message.parent, company, actor)
            for ask, request in zip(plain, message.requests, strict=True)
        ]
        asks = [item for item in read if isinstance(item, Ask)]
        decided, position = await self._writer.decide_each(asks)
        count(self._centre, self._telemetry, company, asks, decided)
        answers = iter(decided)
        return Taken(
            request_ids=[request.request_id for request in message.requests],
            answers=[next(answers) if isinstance(item, Ask) else item for item in read],
            position=position,
            tell=telling(message),
        )

    @staticmethod
    def _read(request: api.CreateReservationRequest, parent: str, company: str, actor: str) -> Ask | Faults:
        """One item as a command, or everything that is wrong with it."""
        fields = Fields()
        ask = read_item(fields, request, parent, company, actor)
        return fields.faults or ask

    async def _durable(self, position: int) -> int:
        """Wait for a position, and give the last one that is durable then. Raises `Problem`."""
        try:
            await self._writer.pages.durable(position)
        except LogBehind as error:
            raise log_unavailable(error) from None
        return self._writer.pages.head.position

    def _answer(self, taken: list[Taken]) -> api.BookStreamResponse:
        results = [
            _faulty(request_id, answer)
            if isinstance(answer, dict)
            else result_of(self._centre, request_id, answer, each.tell)
            for each in taken
            for request_id, answer in zip(each.request_ids, each.answers, strict=True)
        ]
        return api.BookStreamResponse(results=results, position=self._writer.pages.head.position)


def _faulty(request_id: str, faults: Faults) -> Plain:
    """The answer to an item that makes no sense: nothing was decided."""
    problem = invalid(faults)
    violations = [
        api.Violation(reason=problem.reason, description=f"{field} {fault}.", subject=field)
        for field, fault in faults.items()
    ]
    problem_told = api.BatchProblem(
        code=Code.Value(grpc.StatusCode.INVALID_ARGUMENT.name),
        reason=problem.reason,
        message=problem.message,
        refusal=api.Refusal(violations=violations),
    )
    return {"request_id": request_id, "problem": problem_told}
