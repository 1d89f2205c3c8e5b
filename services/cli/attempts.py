"""How one request is tried again while nobody answers: for how long, how often, and what it ends in."""

import random
import time

import grpc

from services.cli.answers import Answer

DEADLINE_SECONDS = 15.0
ATTEMPT_SECONDS = 5.0
PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 1.0
SILENT_SECONDS_MAX = 1.0
"""Whoever waits longer wants to know why."""


class Attempts:
    """The attempts at one request, within a deadline from now."""

    def __init__(self, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._began = time.monotonic()
        self._give_up = self._began + deadline_seconds
        self._pause = PAUSE_SECONDS
        self._told = False

    @property
    def timeout(self) -> float:
        """Seconds for the next attempt."""
        return max(0.0, min(self._give_up - time.monotonic(), ATTEMPT_SECONDS))

    def news(self) -> str:
        """What to tell whoever waits, once; empty before that, and after."""
        now = time.monotonic()
        if self._told or now - self._began < SILENT_SECONDS_MAX:
            return ""
        self._told = True
        return f"No answer yet; asking again for up to {max(1, round(self._give_up - now))} s."

    def pause_after(self, error: grpc.RpcError) -> float:
        """Seconds to wait before the next attempt. Raises what the request ended in when there is none."""
        answer = Answer(error)
        # Chance keeps callers from marching in step.
        pause = max(self._pause * random.uniform(0.5, 1.0), answer.retry_after_seconds)  # noqa: S311
        if not answer.transient or time.monotonic() + pause >= self._give_up:
            raise answer.outcome() from error
        self._pause = min(self._pause * 2, PAUSE_SECONDS_MAX)
        return pause
