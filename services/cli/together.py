"""Several things at once, with one end: nothing goes on in the background after a failure."""

import asyncio
from collections.abc import Awaitable, Sequence


async def together(*parts: Awaitable[object]) -> None:
    """Wait for all; the first failure ends the others and is raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        await end(tasks)


async def until(stopped: Awaitable[object], work: Awaitable[object]) -> None:
    """Work until it ends, fails or is stopped."""
    tasks = [asyncio.ensure_future(stopped), asyncio.ensure_future(work)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(tasks)


async def end(tasks: Sequence[asyncio.Future[object]]) -> None:
    """Cancel what still runs, and wait until it has ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
