"""Reading what may take its time, such as a pipe or a terminal, beside an event loop, which can end meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from threading import Semaphore, Thread
from typing import TypeVar

AHEAD_MAX = 1
"""How many items are read before they are asked for."""

Item = TypeVar("Item")


async def aside(items: Iterator[Item]) -> AsyncGenerator[Item, None]:
    """The items of an iterator that may block. Raises what it raises.

    The thread that reads them is nobody's to wait for: Ctrl-C ends a command at once though nobody types another line,
    where the loop's own threads would be waited for.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Queue[Item | Exception | None] = asyncio.Queue()
    room = Semaphore(AHEAD_MAX)

    def hand_over(item: Item | Exception | None) -> None:
        room.acquire()
        loop.call_soon_threadsafe(found.put_nowait, item)

    def read() -> None:
        with suppress(RuntimeError):  # The loop has ended, and nobody wants more.
            try:
                for item in items:
                    hand_over(item)
                hand_over(None)
            except OSError as problem:
                hand_over(problem)

    Thread(target=read, name="reading", daemon=True).start()
    while (item := await found.get()) is not None:
        if isinstance(item, Exception):
            raise item
        yield item
        room.release()
