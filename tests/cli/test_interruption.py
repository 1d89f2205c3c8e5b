"""Ctrl-C and SIGTERM end every command alike: at once, with a status that tells, and with the terminal as it was."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest

from services.cli import main
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import FakeCentre
from tests.cli.samples import BOOK, LINES, REQUEST_ID, granted, reservation

SECONDS_MAX = 30
IN_BACKGROUND = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
"""What a shell does to a command that it starts in the background."""
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `aidc` in the background of a shell; whatever still runs at the end of a test is killed."""
    started = []

    def begin(*arguments: str, **streams: Any) -> subprocess.Popen[str]:
        command = [*IN_BACKGROUND, sys.executable, "-m", "services.cli.main", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        started.append(subprocess.Popen(command, text=True, **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def asked(centre: FakeCentre) -> Iterator[Event]:
    """A centre that answers no booking while the test lasts; set once it was asked for one."""
    asked, over = Event(), Event()

    def no_answer(request: Any) -> Any:
        asked.set()
        over.wait(SECONDS_MAX)
        return granted(request)

    centre.answers["CreateReservation"] = centre.answers["BookStream"] = no_answer
    yield asked
    over.set()


@pytest.fixture
def watched(centre: FakeCentre) -> Iterator[None]:
    """A centre in which one thing happens, and then nothing while the test lasts."""
    over = Event()

    def changes(_: object) -> Iterator[api.WatchReservationsResponse]:
        yield api.WatchReservationsResponse(position=42, reservation=reservation(LINES))
        over.wait(SECONDS_MAX)

    centre.answers["WatchReservations"] = changes
    yield
    over.set()


@SIGNALS
def test_a_watch_ends_by_either_signal(watched: None, start: Start, number: signal.Signals) -> None:
    """Also one that a shell started in the background, which then ignores Ctrl-C unless it says otherwise."""
    watching = start("watch", "--json")
    assert watching.stdout is not None
    assert '"position": 42' in watching.stdout.readline()
    watching.send_signal(number)
    _, said = watching.communicate(timeout=SECONDS_MAX)
    assert (watching.returncode, said) == (0, "")


@SIGNALS
def test_the_screen_of_top_is_left_as_it_was(centre: FakeCentre, start: Start, number: signal.Signals) -> None:
    """The other screen is left, and the cursor is there again."""
    centre.answers["ListReservations"] = lambda _: api.ListReservationsResponse(position=9)
    centre.answers["ListOutages"] = lambda _: api.ListOutagesResponse()
    terminal, end = pty.openpty()
    looking = start("top", stdout=end, env={**os.environ, "TERM": "xterm"})
    os.close(end)
    shown = read_until(terminal, b"position 9")
    assert b"\x1b[?1049h" in shown
    looking.send_signal(number)
    left = read_until(terminal, b"\x1b[?1049l")
    os.close(terminal)
    looking.communicate(timeout=SECONDS_MAX)
    assert looking.returncode == 0
    assert b"\x1b[?25h" in shown + left


@SIGNALS
def test_a_booking_that_is_cut_short_is_unknown(asked: Event, start: Start, number: signal.Signals) -> None:
    """It may have been granted, so its status is 3, and it says under which request id to ask again."""
    booking = start(*BOOK, "--request-id", REQUEST_ID)
    assert asked.wait(SECONDS_MAX)
    booking.send_signal(number)
    _, said = booking.communicate(timeout=SECONDS_MAX)
    assert booking.returncode == 3
    assert f"--request-id {REQUEST_ID}" in said


def test_many_bookings_that_are_cut_short_are_told_one_by_one(asked: Event, start: Start) -> None:
    """At once, though the pipe that demands come from is still open; those without an answer are unknown."""
    wish = '{"lines": ["M01"], "start": "2026-03-16 09:00", "duration": "4h"}\n'
    booking = start("book-many", "-", "--json", stdin=subprocess.PIPE)
    assert booking.stdin is not None
    assert booking.stdout is not None
    booking.stdin.write(wish)
    booking.stdin.flush()
    assert asked.wait(SECONDS_MAX)
    booking.send_signal(signal.SIGINT)
    assert '"outcome": "unknown"' in booking.stdout.readline()
    assert booking.wait(SECONDS_MAX) == 3


def test_signals_are_as_before_when_a_command_is_done(centre: FakeCentre) -> None:
    """Whoever calls a command as a function keeps their own ways."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert main.run(["token"]) == 0
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_full_disk_behind_the_output_is_said_in_one_line(centre: FakeCentre, start: Start) -> None:
    """What cannot be written ends with status 1 and no traceback."""
    with open("/dev/full", "w") as full:
        listing = start("resources", stdout=full)
        _, said = listing.communicate(timeout=SECONDS_MAX)
    assert (listing.returncode, said) == (1, "aidc: cannot go on: No space left on device\n")


def read_until(terminal: int, wanted: bytes) -> bytes:
    """What a terminal was sent up to and with something."""
    shown = b""
    while wanted not in shown:
        shown += os.read(terminal, 65_536)
    return shown
