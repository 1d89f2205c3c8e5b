"""The log as the server holds it: exact bytes, read with a plain NATS client and none of our own code."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

from tests.system.harness import Centre

SECONDS_MAX = 10.0
"""How long the server may take to send the next page that it has."""


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


async def read_log(centre: Centre, after: Sequence[RawPage] = ()) -> list[RawPage]:
    """Every page, in order of position: those read before, and what follows them. The log must miss none."""
    stream, known = f"AIDC-{centre.name}", len(after)
    client = await nats.connect(centre.nats.url)
    try:
        context = client.jetstream()
        info = await context.stream_info(stream)
        assert (info.state.first_seq, info.state.messages) == (1, info.state.last_seq), f"holes: {info.state}"
        start = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=known + 1)
        [subject] = info.config.subjects or []
        coming = await context.subscribe(subject, stream=stream, config=start, ordered_consumer=True)
        pages = list(after)
        while len(pages) < info.state.last_seq:
            message = await coming.next_msg(SECONDS_MAX)
            assert message.metadata.sequence.stream == len(pages) + 1
            pages.append(RawPage(len(pages) + 1, message.data))
        return pages
    finally:
        await client.close()
