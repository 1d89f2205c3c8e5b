"""The log as the server holds it: exact bytes, read with a plain NATS client and none of our own code."""

import asyncio
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nats

from tests.system.harness import Centre

AT_ONCE = 64


@dataclass(frozen=True)
class RawPage:
    """One message of the stream."""

    position: int
    data: bytes

    @cached_property
    def page(self) -> dict[str, Any]:
        """What it says."""
        page: dict[str, Any] = json.loads(self.data)
        return page


async def read_log(centre: Centre) -> list[RawPage]:
    """Every page, in order of position. The stream must begin at 1 and miss none."""
    stream = f"AIDC-{centre.name}"
    client = await nats.connect(centre.nats.url)
    try:
        context = client.jetstream()
        state = (await context.stream_info(stream)).state
        assert (state.first_seq, state.messages) == (1, state.last_seq), f"the stream has holes: {state}"
        room = asyncio.Semaphore(AT_ONCE)

        async def read(position: int) -> RawPage:
            async with room:
                message = await context.get_msg(stream, position)
                assert message.seq == position
                return RawPage(position, message.data or b"")

        return await asyncio.gather(*(read(position) for position in range(1, state.last_seq + 1)))
    finally:
        await client.close()
