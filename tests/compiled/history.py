"""`python -m tests.compiled.history`: the same weeks of bookings, moves and endings, and what became of them, as JSON.

Two interpreters that run it, one with the rules compiled, must say the same of everything but the form.
"""

import asyncio
import json

from services.allocation import decide, image
from services.allocation.centre import Centre
from services.allocation.standing import Sum
from services.eventlog.memory import MemoryLog
from services.eventlog.page import page_hash
from services.runtime import logs
from services.runtime.form import form_of
from tests.scheduler.desk import ManualClock, leading
from tests.system.test_states_agree import THINGS, busy

DAYS = 20


async def told() -> dict[str, object]:
    """Every page by its hash, what is held by its number, and the whole state by its digest."""
    log, clock = MemoryLog(), ManualClock()
    async with leading(log, *THINGS, clock=clock) as writer:
        granted = await busy(writer, clock, DAYS)
    return {
        "rules": form_of(decide),
        "granted": granted,
        "pages": [page_hash(page) for page in log.pages],
        "bytes": sum(map(len, log.pages)),
        "standing": held(writer.centre),
        "state": image.digest(writer.centre),
    }


def held(centre: Centre) -> str:
    """What live reservations hold, as one number."""
    capacities = {name: pool.resource.bin_capacity for name, pool in centre.pools.items()}
    total = Sum()
    for reservation in centre.reservations.values():
        if reservation.state.live:
            total.add(reservation, capacities)
    return f"{total.lines} lines, {total.total}"


if __name__ == "__main__":
    logs.configure("history", "warning")
    print(json.dumps(asyncio.run(told())))
