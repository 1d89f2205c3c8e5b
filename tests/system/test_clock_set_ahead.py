"""Somebody sets the clock of the scheduler's machine far ahead: while the scheduler runs, or before it starts."""

import asyncio
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.embedded.child import StartError
from tests.system import small_catalogue
from tests.system.harness import Centre, Clients, eventually
from tests.system.small_catalogue import COMPANY, HOUR
from tests.system.views import scrape
from tests.system.workload import booking, error_reason

SET_ANEW = """
import pathlib, time
told, true_ns = pathlib.Path({path!r}), time.time_ns
time.time_ns = lambda: true_ns() + int(told.read_text()) * 10**9
"""
"""What Python does before anything else: the scheduler's wall clock is ahead by as many seconds as a file says. What
judges tokens and deadlines asks another one, and goes right."""
AHEAD = 24 * HOUR


class Machine(Centre):
    """A centre whose scheduler runs on a machine of its own, with a wall clock that a test sets."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, speed=1)
        self._own = folder / "machine"
        self._own.mkdir()
        self.set_ahead(0)
        (self._own / "sitecustomize.py").write_text(SET_ANEW.format(path=str(self._own / "ahead")))

    def set_ahead(self, seconds: int) -> None:
        """Set the clock."""
        new = self._own / "new"
        new.write_text(str(seconds))
        new.replace(self._own / "ahead")

    def _scheduler_settings(self) -> dict[str, str]:
        here = str(Path(__file__).parents[2])
        return {**self.settings(), "PYTHONPATH": f"{self._own}:{here}"}


@asynccontextmanager
async def machine(folder: Path) -> AsyncIterator[tuple[Machine, Clients]]:
    """Such a centre, with a pool of processors and a company that has it for a day from now on."""
    [pool] = [each for each in small_catalogue.resources() if each.name == "resources/core"]
    [company, *_] = small_catalogue.companies()
    company.agreement_start_time.FromSeconds(int(time.time()) - small_catalogue.DAY)
    company.agreement_end_time.FromSeconds(int(time.time()) + small_catalogue.DAY)
    async with Machine(folder) as centre, Clients(centre) as clients:
        stub = clients.scheduler
        for method, request in (
            (stub.RegisterResource, api.RegisterResourceRequest(resource=pool)),
            (stub.RegisterCompany, api.RegisterCompanyRequest(company=company)),
        ):
            request.request_id = str(uuid.uuid4())
            await clients.call(method, request, "operator")
        yield centre, clients


async def health(centre: Centre) -> str:
    """What /healthz of the scheduler answers."""
    url = f"http://{centre.scheduler.http}/healthz"

    def ask() -> str:
        try:
            return str(json.loads(urllib.request.urlopen(url, timeout=5).read())["status"])
        except urllib.error.HTTPError as refused:
            return f"{refused.code}: {json.loads(refused.read())['reason']}"

    return await asyncio.to_thread(ask)


async def test_a_clock_set_far_ahead_is_not_believed(tmp_path: Path) -> None:
    """Nothing is decided by it and health says so; reads go on, and so does everything once the clock is right."""
    async with machine(tmp_path) as (centre, clients):
        book = clients.scheduler.CreateReservation
        centre.set_ahead(AHEAD)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await clients.call(book, wish(), COMPANY)
        assert (refused.value.code(), error_reason(refused.value)) == (grpc.StatusCode.UNAVAILABLE, "TIME_UNKNOWN")
        assert "set ahead by 86" in str(refused.value.details())

        async def says(text: str) -> bool:
            return await health(centre) == text

        await eventually(lambda: says("503: the clock was set ahead and is not believed"), "health says why")
        assert (await scrape(clients, "scheduler"))["alloc_clock_unbelieved_seconds",] == pytest.approx(AHEAD, abs=5)
        await clients.call(clients.scheduler.ListResources, api.ListResourcesRequest(), COMPANY)
        centre.set_ahead(0)
        await eventually(lambda: says("serving"), "health is well")
        await clients.call(book, wish(), COMPANY)


async def test_a_restart_says_that_the_clock_was_right(tmp_path: Path) -> None:
    """However long the centre rested, a start needs no more: it believes the clock that NATS's does not contradict."""
    async with machine(tmp_path) as (centre, clients):
        centre.set_ahead(200)
        await centre.scheduler.stop()
        await centre.scheduler.start()
        made = await clients.call(clients.scheduler.CreateReservation, wish(), COMPANY)
        assert made.state == api.Reservation.STATE_CONFIRMED
        assert await health(centre) == "serving"


async def test_nobody_starts_by_a_clock_far_ahead_of_the_logs_server(tmp_path: Path) -> None:
    """It ends at once with a line that says what to do, and has written nothing."""
    async with machine(tmp_path) as (centre, clients):
        await centre.scheduler.stop()
        centre.set_ahead(24 * HOUR)
        with pytest.raises(StartError, match=r"8\d\d\d\d s ahead .* set right whichever is wrong"):
            await centre.scheduler.start()
        centre.set_ahead(0)
        await centre.scheduler.start()
        await clients.call(clients.scheduler.CreateReservation, wish(), COMPANY)


def wish() -> api.CreateReservationRequest:
    """Two hours of a core, four hours from now."""
    request = booking(COMPANY, "core", 1, day=0)
    start = (int(time.time()) // HOUR + 4) * HOUR
    request.reservation.start_time.FromSeconds(start)
    request.reservation.end_time.FromSeconds(start + 2 * HOUR)
    return request
