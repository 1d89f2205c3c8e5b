"""One durable append, settled: the page is in the log, or another's is, or the process must stop not knowing.

When the log does not answer, the same bytes are never decided again: the log is looked at, at the very place where the
page belongs, and the same bytes are sent again only while nothing is there. The expected position makes that harmless
however late an earlier attempt arrives.
"""

import asyncio

import structlog

from services.eventlog import EventLog, Fenced, Unknown

APPEND_SECONDS_MAX = 60.0
RETRY_SECONDS_MIN = 0.02
RETRY_SECONDS_MAX = 1.0

logger = structlog.get_logger(__name__)


async def append_page(log: EventLog, data: bytes, after: int, *, seconds_max: float = APPEND_SECONDS_MAX) -> int:
    """Make a page durable at `after + 1`, however often the log must be asked, and give that position.

    Raises `Fenced` when another writer's page is there, and `Unknown` when the log has been away for `seconds_max`
    seconds: the process must then exit, for the page may yet become durable. Cancelling leaves the same doubt.
    """
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + seconds_max
    pause = RETRY_SECONDS_MIN
    while True:
        try:
            return await log.append(data, after)
        except Unknown as doubt:
            logger.warning("append_unknown", position=after + 1, reason=str(doubt))
        if await _is_there(log, data, after):
            return after + 1
        if clock() + pause > give_up_at:
            raise Unknown(f"page {after + 1}: the log has not answered for {seconds_max:.0f} s")
        await asyncio.sleep(pause)
        pause = min(pause * 2, RETRY_SECONDS_MAX)


async def _is_there(log: EventLog, data: bytes, after: int) -> bool:
    """Whether the log holds this page; False also when it does not say. Raises `Fenced` if it holds another."""
    try:
        found = await log.read(after + 1)
    except Unknown:
        return False
    if found is None:
        return False
    if found.data != data:
        raise Fenced(f"position {after + 1} holds another writer's page")
    logger.info("append_settled", position=found.position)
    return True
