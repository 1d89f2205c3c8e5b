"""`aidc load` against a running centre: it measures what callers would feel, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.harness import Clients, eventually, frozen, kill, running_centre
from tests.system.small_catalogue import COMPANY

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

STALL_SECONDS = 1.0
LIVE = {api.Reservation.STATE_HELD, api.Reservation.STATE_PENDING, api.Reservation.STATE_CONFIRMED}
COUNTS = ("granted", "refused", "unknown")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A centre with the small catalogue, in which time passes as it does here."""
    async with running_centre(tmp_path_factory.mktemp("load"), speed=1) as clients:
        yield clients


async def load(clients: Clients, *options: str) -> Process:
    """The command, running as the company against a centre that was started elsewhere."""
    centre = clients.centre
    own = {"AIDC_SCHEDULER": centre.scheduler.grpc, "AIDC_TOKEN": centre.tokens[COMPANY]}
    command = (sys.executable, "-m", "services.cli.main", "load", "core:1", *options)
    here = {name: value for name, value in os.environ.items() if not name.startswith("AIDC_")}
    return await asyncio.create_subprocess_exec(*command, env=here | own, stdout=PIPE, stderr=PIPE)


async def ended(process: Process) -> tuple[int | None, dict[str, Any]]:
    """Its exit status, and what it told."""
    told, said = await process.communicate()
    assert told, said.decode()
    return process.returncode, json.loads(told)


async def reservations(clients: Clients) -> list[api.Reservation]:
    """All that the company ever booked."""
    request = api.ListReservationsRequest(parent=f"companies/{COMPANY}", page_size=1000)
    request.states.extend(state for state in api.Reservation.State.values() if state)
    listed = await clients.call(clients.scheduler.ListReservations, request, COMPANY)
    assert not listed.next_page_token
    return list(listed.reservations)


async def live(clients: Clients) -> list[str]:
    """What the company still has."""
    return [each.name for each in await reservations(clients) if each.state in LIVE]


async def has_booked(clients: Clients, more_than: int) -> None:
    """Wait until the test is under way."""

    async def under_way() -> bool:
        return len(await reservations(clients)) > more_than

    await eventually(under_way, "the load test books")


async def test_it_asks_what_it_says_and_leaves_nothing(clients: Clients) -> None:
    """As often as was asked for, each answer counted once, and all that was booked given back."""
    options = ("--rate", "40", "--seconds", "3", "--bookings", "5", "--yes", "--json")
    status, told = await ended(await load(clients, *options))
    assert status == 0
    assert told["offered"] == 120
    assert sum(told[count] for count in COUNTS) == told["offered"]
    for action in told["actions"].values():
        assert sum(action[count] for count in COUNTS) == action["offered"] > 0
    assert set(told["latency_ms"]) == {"p50", "p90", "p99", "max"}
    assert (told["left"], told["unknown"], told["interrupted"]) == ([], 0, False)
    assert await live(clients) == []
    made = [each for each in await reservations(clients) if each.note == "load test"]
    assert len(made) == told["given_back"] == sum(told["actions"][action]["granted"] for action in ("hold", "book"))


async def test_refusals_are_counted_by_their_reasons(clients: Clients) -> None:
    """A day on which nothing can be booked is told as such."""
    options = ("--rate", "20", "--seconds", "1", "--from", "+90d", "--yes", "--json")
    status, told = await ended(await load(clients, *options))
    assert status == 0
    assert told["actions"]["book"]["refused"] > 0
    assert told["reasons"]["BEYOND_HORIZON"] > 0
    assert told["given_back"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_one_gives_back_what_it_has(clients: Clients, number: signal.Signals) -> None:
    """Also what was on its way; the status says that it was interrupted, and it tells what it saw till then."""
    before = len(await reservations(clients))
    process = await load(clients, "--rate", "50", "--seconds", "60", "--yes", "--json")
    await has_booked(clients, before + 5)
    process.send_signal(number)
    status, told = await ended(process)
    assert (status, told["interrupted"], told["left"]) == (130, True, [])
    assert 0 < told["offered"] < 50 * 60
    assert await live(clients) == []


async def test_a_stall_is_not_hidden(clients: Clients) -> None:
    """Whoever would have asked while nobody answered has waited as well: latency counts from the moment meant."""
    before = len(await reservations(clients))
    process = await load(clients, "--rate", "40", "--seconds", "4", "--yes", "--json")
    await has_booked(clients, before + 1)
    with frozen(clients.centre.scheduler.pid):
        await asyncio.sleep(STALL_SECONDS)  # It is the fault itself.
    status, told = await ended(process)
    assert status == 0
    assert told["latency_ms"]["max"] > STALL_SECONDS * 800
    assert told["latency_ms"]["p90"] > STALL_SECONDS * 200
    assert await live(clients) == []


async def test_what_nobody_is_sure_of_is_given_back_too(clients: Clients) -> None:
    """A scheduler that is killed answers some requests never; what they booked is found and given back all the same."""
    before = len(await reservations(clients))
    async with clients.centre.supervised():
        process = await load(clients, "--rate", "40", "--seconds", "6", "--yes", "--json")
        await has_booked(clients, before + 5)
        kill(clients.centre.scheduler)
        status, told = await ended(process)
    assert (status, told["left"]) == (0, [])
    assert told["unknown"] > 0
    assert await live(clients) == []


async def test_nobody_loads_a_centre_by_mistake(clients: Clients) -> None:
    """One that was not started here wants --yes, and rate, length and bookings have limits."""
    before = len(await reservations(clients))
    for options, says in (
        ((), "add --yes"),
        (("--yes", "--rate", "201"), "200"),
        (("--yes", "--seconds", "301"), "300"),
        (("--yes", "--bookings", "501"), "500"),
    ):
        process = await load(clients, *options)
        _, said = await process.communicate()
        assert process.returncode == 1
        assert says in said.decode()
    assert len(await reservations(clients)) == before
