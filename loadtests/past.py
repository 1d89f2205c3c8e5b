"""Stages on a log with a past: how fast a scheduler is back, and how fast a reader takes it all in."""

import asyncio
import gc
import time
from pathlib import Path

import grpc
from msgspec import Struct

from loadtests.history import EVENTS, Advance, History, write_history
from loadtests.site import Keys, Scheduler
from services.eventlog.chain import read_pages
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.page import Head
from services.eventlog.snapshots import JetStreamSnapshots
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.metrics.usage import Usage
from services.runtime import garbage
from services.runtime.embedded import NatsServer

CENTRE = "history"
READ = "/aidc.scheduler.v1.Scheduler/GetReservation"
STARTS = 3
CALL_SECONDS_MAX = 30.0


async def build(nats: NatsServer, seed: int, advance: Advance, length: int = EVENTS) -> History:
    """Write a log of so many events."""
    log = await JetStreamLog.connect(nats.url, CENTRE, monitor_url=nats.monitor_url)
    # The builder keeps nearly everything that it makes; looking for garbage would take a third of the time.
    gc.disable()
    try:
        snapshots = JetStreamSnapshots(log.connection, CENTRE)
        now = int(time.time())
        return await write_history(log, snapshots, CENTRE, now=now, seed=seed, advance=advance, length=length)
    finally:
        gc.enable()
        await log.close()


async def restart_s(folder: Path, nats: NatsServer, history: History) -> list[float]:
    """Seconds from the start of a scheduler's process to its first answer, several times.

    It is killed each time, so that it never saves a fresher snapshot: every start replays as much as one may have to.
    """
    keys = Keys(folder / "keys")
    found = []
    for number in range(STARTS):
        scheduler = Scheduler(folder / f"scheduler-{number}", nats, keys, CENTRE)
        began = time.perf_counter()
        await scheduler.start()
        try:
            await _read(scheduler.address, keys.operator(), history)
            found.append(time.perf_counter() - began)
        finally:
            scheduler.kill()
    return found


async def _read(address: str, token: str, history: History) -> None:
    """Ask for the last reservation of the past."""
    name = f"companies/{history.company}/reservations/{history.reservation}"
    async with grpc.aio.insecure_channel(address) as channel:
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(READ)
        request = api.GetReservationRequest(name=name).SerializeToString()
        metadata = (("authorization", f"Bearer {token}"),)
        answer = await method(request, timeout=CALL_SECONDS_MAX, metadata=metadata)
    assert api.Reservation.FromString(answer).name == name


class Replay(Struct, kw_only=True):
    """How long a reader took; where other work shares the machine, processor time says what is its own."""

    events: int
    seconds: float
    cpu_seconds: float

    @property
    def events_per_second(self) -> float:
        """Events for each second that passed."""
        return self.events / self.seconds


async def replay(nats: NatsServer, history: History, advance: Advance) -> Replay:
    """Read the whole log as the metrics service does: verified, decoded and folded into figures."""
    log = await JetStreamLog.connect(nats.url, CENTRE, monitor_url=nats.monitor_url, create=False)
    usage = Usage()
    try:
        with garbage.tuned():
            began, cpu_began = time.perf_counter(), time.process_time()
            async for batch in read_pages(log, Head(), CENTRE):
                for record, page in batch:
                    usage.apply(record.position, page)
                await asyncio.sleep(0)
                advance(usage.position, history.head.position)
                if usage.position >= history.head.position:
                    break
            took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    finally:
        await log.close()
    events = sum(usage.applied.values())
    assert events >= history.events
    return Replay(events=events, seconds=took, cpu_seconds=cpu)
