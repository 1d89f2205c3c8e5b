"""The same story told with `aidc`: what each command answers to programs, and the exit status that it ends with."""

import asyncio
import json
import os
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.system.commands import AIDC, Ended, aidc
from tests.system.harness import SECONDS_MAX, Clients, eventually, frozen, kill, running_centre
from tests.system.raw_log import read_log
from tests.system.small_catalogue import COMPANY, RIVAL, resources
from tests.system.views import scrape

pytestmark = pytest.mark.asyncio(loop_scope="module")

DONE, FAILED, REFUSED, UNKNOWN = 0, 1, 2, 3
DAY = "2026-03-22"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A running centre."""
    async with running_centre(tmp_path_factory.mktemp("commands"), speed=60) as clients:
        yield clients


def settings(clients: Clients, holder: str = COMPANY) -> dict[str, str]:
    """How a command finds a centre that somebody else runs."""
    centre = clients.centre
    return {
        "AIDC_SCHEDULER": centre.scheduler.grpc,
        "AIDC_LEDGER": centre.ledger.grpc,
        "AIDC_TOKEN": centre.tokens[holder],
    }


def complaint(ended: Ended) -> str:
    """What a command said besides its answer, but for that it waits: on a slow machine that takes a second."""
    return "".join(line for line in ended.err.splitlines() if not line.startswith("No answer yet; asking again"))


async def book(clients: Clients, resource: str, hour: int, *more: str, holder: str = COMPANY) -> Ended:
    """Book two hours of a resource."""
    when = ("--start", f"{DAY} {hour:02}:00", "--duration", "2h")
    return await aidc("book", resource, *when, "--json", *more, settings=settings(clients, holder))


async def test_booking_is_listed_shown_stated_and_cancelled(clients: Clients) -> None:
    """Status 0: a booking made by command is found by every other command, and given back by one."""
    listed = await aidc("resources", "--json", settings=settings(clients))
    assert {each["name"] for each in listed.json["resources"]} == {each.name for each in resources()}
    booked = await book(clients, "core:4", 9)
    assert (booked.status, booked.json["state"]) == (DONE, "STATE_CONFIRMED")
    name, position = booked.json["name"], booked.json["position"]
    listed, shown, cancelled = await asyncio.gather(
        aidc("list", "--json", settings=settings(clients)),
        aidc("show", name, "--json", settings=settings(clients)),
        aidc("cancel", name, "--dry-run", "--json", settings=settings(clients)),
    )
    assert name in {each["name"] for each in listed.json["reservations"]}
    assert [(each["event"], each["position"]) for each in shown.json["history"]] == [
        ("reservation_confirmed", position)
    ]
    assert cancelled.status == DONE
    cancelled = await aidc("cancel", name, "--json", settings=settings(clients))
    assert (cancelled.status, cancelled.json["state"]) == (DONE, "STATE_CANCELLED")
    shown = await aidc("show", name, "--json", settings=settings(clients))  # The ledger has come as far by now.
    assert shown.json["history"][-1]["event"] == "reservation_cancelled"
    stated = await aidc("statement", "--month", "2026-03", "--json", settings=settings(clients))
    assert [line["event"] for line in stated.json["lines"] if line["reservation"] == name] == [
        "reservation_confirmed",
        "reservation_cancelled",
    ]


async def test_refusal_ends_with_two_and_what_would_work(clients: Clients) -> None:
    """Status 2: reasons and alternatives are on stdout, and one of the alternatives is granted when it is asked for."""
    assert (await book(clients, "RIG", 11)).status == DONE
    refused = await book(clients, "RIG", 11, holder=RIVAL)
    assert refused.status == REFUSED
    assert refused.json["reasons"] == ["NO_CAPACITY"]
    instead = refused.json["alternatives"][0]["start_time"]
    again = await aidc(
        *("book", "RIG", "--start", instead, "--duration", "2h", "--json"), settings=settings(clients, RIVAL)
    )
    assert (again.status, again.json["start_time"]) == (DONE, instead)


async def test_nonsense_ends_with_one_line(clients: Clients) -> None:
    """Status 1: anything else is said in one readable line on stderr."""
    for ended in await asyncio.gather(
        book(clients, "no-such-thing", 9),
        aidc("book", "core", "--start", "whenever", "--duration", "2h", settings=settings(clients)),
        aidc("list", settings={**settings(clients), "AIDC_TOKEN": "forged"}),
    ):
        assert ended.status == FAILED
        assert len(ended.err.splitlines()) == 1
        assert ended.err.startswith("aidc: ")


async def test_watch_follows_and_ends_with_ctrl_c(clients: Clients) -> None:
    """Status 0: changes come as they happen, one object a line, until Ctrl-C."""
    booked = await book(clients, "core:1", 14)
    process = await asyncio.create_subprocess_exec(
        *(*AIDC, "watch", "--after", str(booked.json["position"] - 1), "--json"),
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **settings(clients)},
    )
    assert process.stdout
    async with asyncio.timeout(SECONDS_MAX):
        change = json.loads(await process.stdout.readline())
        assert change["reservation"]["name"] == booked.json["name"]
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == DONE


async def test_unknown_outcome_ends_with_three_and_is_learnt_later(clients: Clients) -> None:
    """Status 3: with no answer from the log nobody knows; the same request id tells, once the log is back."""
    request_id = str(uuid.uuid4())
    with frozen(clients.centre.nats.process.pid):
        unknown = await book(clients, "core:2", 16, "--request-id", request_id)
    assert unknown.status == UNKNOWN
    assert unknown.json["request_id"] == request_id
    learnt = await book(clients, "core:2", 16, "--request-id", request_id)
    assert (learnt.status, learnt.json["state"]) == (DONE, "STATE_CONFIRMED")
    again = await book(clients, "core:2", 16, "--request-id", request_id)
    assert again.json["name"] == learnt.json["name"]


async def test_a_booking_outlives_the_scheduler_that_was_asked_for_it(clients: Clients) -> None:
    """P2, P4: killed with the answer on its lips, it is started again; the command waits for that and is told once.

    The same request id again is the same reservation, and whoever comes next is served at once.
    """
    centre, request_id = clients.centre, str(uuid.uuid4())
    asked = ("grpc_server_started_total", "CreateReservation", "aidc.scheduler.v1.Scheduler", "unary")
    before = (await scrape(clients, "scheduler")).get(asked, 0)

    async def asked_for() -> bool:
        return (await scrape(clients, "scheduler")).get(asked, 0) > before

    async with centre.supervised():
        with frozen(centre.nats.process.pid):  # What is decided now is not durable yet.
            booking = asyncio.create_task(book(clients, "core:2", 13, "--request-id", request_id))
            await eventually(asked_for, "the scheduler is asked")
            kill(centre.scheduler)
        booked, again = await booking, await book(clients, "core:2", 13, "--request-id", request_id)
        fresh = await book(clients, "core:2", 15)
    assert [(each.status, complaint(each)) for each in (booked, again, fresh)] == [(DONE, "")] * 3
    assert booked.json["name"] == again.json["name"] != fresh.json["name"]
    events = Counter(
        (event["type"], event["reservation_id"])
        for raw in await read_log(centre)
        for entry in raw.page["entries"]
        for event in entry["events"]
        if event["type"] == "reservation_confirmed"
    )
    assert [events["reservation_confirmed", each.json["name"].rpartition("/")[2]] for each in (booked, fresh)] == [1, 1]
