"""Live changes as server-sent events: what of the log concerns whoever looks, and a sign of life.

A company is told of its own reservations at once. Of others it learns only that the log has moved on, with the
bookmarks of the watch, so that pages can ask again what is free (P8).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from services.board.doors.answers import Limited, SignedOut, meaning
from services.board.doors.calls import Doors
from services.board.doors.session import Person, signed_in
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

STREAMS_MAX = 200
PERSON_STREAMS_MAX = 6
STREAM_SECONDS_MAX = 1_500.0
"""Less than the scheduler's own limit, so that it is we who end a stream in good order; the browser comes back."""
RETRY_MILLISECONDS = 3_000
TOO_MANY = 429
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}

_log = structlog.get_logger()


class Live:
    """The streams that are open, and the limits on them."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._open: Counter[str] = Counter()
        self._ending = asyncio.Event()

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return self._open.total()

    def end(self) -> None:
        """End every stream: the board goes away."""
        self._ending.set()

    async def follow(self, request: Request) -> Response:
        """A stream of changes from the position that the browser saw last, or from now on."""
        person = signed_in(request)
        if person is None:
            return PlainTextResponse("Sign in first.\n", status_code=401)
        if self.streams >= STREAMS_MAX or self._open[person.token] >= PERSON_STREAMS_MAX:
            return PlainTextResponse(
                "Too many pages are open; close some.\n", status_code=TOO_MANY, headers={"retry-after": "30"}
            )
        after = request.headers.get("last-event-id", "")
        wanted = api.WatchReservationsRequest(
            parent=person.parent,
            after_position=int(after) if after.isascii() and after.isdecimal() and len(after) < 18 else 0,
        )
        return StreamingResponse(self._events(person, wanted), media_type="text/event-stream", headers=HEADERS)

    async def _events(self, person: Person, wanted: api.WatchReservationsRequest) -> AsyncIterator[str]:
        self._open[person.token] += 1
        calls = self._doors.of(person).watch(wanted)
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n"
            async with asyncio.timeout(STREAM_SECONDS_MAX):
                async for event in _until(calls, ending):
                    yield event
        except TimeoutError:
            return
        except grpc.aio.AioRpcError as error:
            yield _farewell(error)
        finally:
            calls.cancel()
            ending.cancel()
            self._open[person.token] -= 1
            self._open += Counter()  # Forgets whoever has none left.


async def _until(calls: Any, ending: asyncio.Future[Any]) -> AsyncIterator[str]:
    """The answers of a watch as events, until it ends or we do."""
    last = 0
    while True:
        reading = asyncio.ensure_future(calls.read())
        try:
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                return
            answer = reading.result()
        finally:
            if not reading.done():
                reading.cancel()
                with suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
                    await reading
        if answer is grpc.aio.EOF:
            return
        moved = answer.HasField("reservation") or answer.position > last > 0
        last = max(last, answer.position)
        # Only that something changed, and where: the page asks for the rest in the person's own name.
        yield f"id: {answer.position}\nevent: {'change' if moved else 'alive'}\ndata: {answer.position}\n\n"


def _farewell(error: grpc.aio.AioRpcError) -> str:
    """What a stream that broke says last: sign in again, start anew, or nothing, and the browser comes back."""
    answer = meaning(error)
    if isinstance(answer, SignedOut):
        return "event: signed-out\ndata: 0\n\n"
    if isinstance(answer, Limited) or error.code() is grpc.StatusCode.OUT_OF_RANGE:
        # The position is no longer kept: an empty id makes the browser forget it.
        return "id\nevent: change\ndata: 0\n\n"
    _log.warning("watch_broke", code=error.code().name)
    return ": the scheduler does not answer\n\n"
