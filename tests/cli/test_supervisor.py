"""The supervisor: what dies is started again, what keeps dying is given up, and nothing is left behind."""

import asyncio
import errno
from collections.abc import Mapping

import pytest

from services.cli.together import together, until
from services.cli.up import supervisor as module
from services.cli.up.supervisor import GaveUp, Part, Supervisor, restart_delay, status_text
from services.runtime.embedded import StartError


class FakePart:
    """A part that dies when told to, and writes down what happens to it."""

    def __init__(self, name: str, diary: list[str], start_fails: int = 0) -> None:
        self.name, self.diary, self.start_fails = name, diary, start_fails
        self.disk_full = 0
        self.died: asyncio.Future[int] | None = None
        self.started = asyncio.Event()

    async def start(self) -> None:
        if self.disk_full:
            self.disk_full -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        self.died = asyncio.get_running_loop().create_future()
        if self.start_fails:
            self.start_fails -= 1
            self.died.set_result(1)
            raise StartError(f"{self.name} does not start")
        self.diary.append(f"{self.name} started")
        self.started.set()

    async def stop(self) -> None:
        self.diary.append(f"{self.name} stopped")

    async def exited(self) -> int:
        assert self.died is not None
        return await self.died

    def die(self, status: int = -9) -> None:
        """End, as a fault would."""
        assert self.died is not None
        self.started.clear()
        self.died.set_result(status)


@pytest.fixture
def diary() -> list[str]:
    """What happened, in order."""
    return []


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a delay."""
    monkeypatch.setattr(module, "RESTART_DELAY_SECONDS", 0.0)


def supervise(diary: list[str], *stages: Mapping[str, Part]) -> Supervisor:
    """A supervisor that reports into the diary."""
    return Supervisor(stages, diary.append)


async def test_stages_start_in_order_and_stop_the_other_way_round(diary: list[str]) -> None:
    """Services need their servers when they start, and when they end."""
    server, service = FakePart("server", diary), FakePart("service", diary)
    supervisor = supervise(diary, {"server": server}, {"service": service})
    await supervisor.start()
    await supervisor.stop()
    assert diary == ["server started", "service started", "service stopped", "server stopped"]


async def test_what_dies_is_started_again(diary: list[str]) -> None:
    """And whoever watches is told."""
    part = FakePart("service", diary)
    supervisor = supervise(diary, {"service": part})
    await supervisor.start()
    keeping = asyncio.create_task(supervisor.keep_alive())
    await asyncio.sleep(0)
    part.die()
    await part.started.wait()
    keeping.cancel()
    assert diary[1:3] == ["service ended with signal 9; starting it again", "service started"]


async def test_a_failed_start_counts_as_a_death(diary: list[str]) -> None:
    """It is tried again, and told."""
    part = FakePart("service", diary)
    supervisor = supervise(diary, {"service": part})
    await supervisor.start()
    part.start_fails = 2
    keeping = asyncio.create_task(supervisor.keep_alive())
    part.die()
    await part.started.wait()
    keeping.cancel()
    assert diary.count("service does not start") == 2


async def test_a_full_disk_is_told_and_tried_again(diary: list[str]) -> None:
    """A part for which there is no room is no end of the others: it comes back when there is."""
    part = FakePart("service", diary)
    supervisor = supervise(diary, {"service": part})
    await supervisor.start()
    part.disk_full = 3
    keeping = asyncio.create_task(supervisor.keep_alive())
    part.die()
    await part.started.wait()
    keeping.cancel()
    assert diary.count("service cannot be started: No space left on device") == 3


async def test_what_keeps_dying_is_given_up(diary: list[str]) -> None:
    """Loudly, rather than for ever."""
    part = FakePart("service", diary)
    supervisor = supervise(diary, {"service": part})
    await supervisor.start()
    part.start_fails = 100
    part.die(3)
    with pytest.raises(GaveUp, match=f"service ended {module.QUICK_DEATHS_MAX} times in a row, last with status 1"):
        await supervisor.keep_alive()


async def test_a_part_that_does_not_start_ends_the_start_of_the_others(diary: list[str]) -> None:
    """The reason is what the caller sees, and everything can still be stopped."""
    good, bad = FakePart("good", diary), FakePart("bad", diary, start_fails=1)
    supervisor = supervise(diary, {"good": good, "bad": bad})
    with pytest.raises(StartError, match="bad does not start"):
        await supervisor.start()
    await supervisor.stop()
    assert "good stopped" in diary


async def test_what_stands_beside_is_no_end_of_the_others(diary: list[str]) -> None:
    """A watcher that does not start, or keeps dying, is told and done without; what is watched goes on."""
    part, absent, dying = FakePart("part", diary), FakePart("absent", diary, start_fails=1), FakePart("dying", diary)
    alone = asyncio.Event()

    def report(message: str) -> None:
        diary.append(message)
        if message.startswith("dying ended") and message.endswith("going on without it"):
            alone.set()

    supervisor = Supervisor([{"part": part}], report, {"absent": absent, "dying": dying})
    await supervisor.start()
    assert diary == ["part started", "absent does not start\nGoing on without absent.", "dying started"]
    dying.start_fails = 100
    keeping = asyncio.create_task(supervisor.keep_alive())
    dying.die()
    await alone.wait()
    part.die()
    await part.started.wait()
    assert not keeping.done()
    keeping.cancel()
    await supervisor.stop()
    assert diary[-1] == "part stopped"


async def test_the_first_failure_ends_what_runs_together() -> None:
    """Nothing goes on in the background."""
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def failing() -> None:
        await asyncio.sleep(0)
        raise GaveUp("enough")

    with pytest.raises(GaveUp):
        await together(forever(), failing())
    assert ended.is_set()


async def test_work_ends_when_it_is_stopped() -> None:
    """And is given the time to clean up."""
    cleaned = asyncio.Event()
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            stopped.set()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    await until(stopped.wait(), work())
    assert cleaned.is_set()


def test_delays_grow_to_a_limit() -> None:
    """Twice as long each time, never for long."""
    assert all(restart_delay(deaths) <= module.RESTART_DELAY_SECONDS_MAX for deaths in range(1, 100))
    assert (status_text(1), status_text(-9)) == ("status 1", "signal 9")
