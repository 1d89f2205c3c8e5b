"""What a load test asks for: a mix of actions, and demands spread over some days."""

import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from services.cli.times import to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

HOLD = timedelta(minutes=2)
HOUR = timedelta(hours=1)
NOTE = "load test"


class Action(StrEnum):
    """What is asked of the centre."""

    SEARCH = "search"
    HOLD = "hold"
    BOOK = "book"
    CHANGE = "change"
    CANCEL = "cancel"


WEIGHTS = {Action.SEARCH: 4, Action.HOLD: 1, Action.BOOK: 3, Action.CHANGE: 1, Action.CANCEL: 1}
"""How often each is asked for, of ten."""


class Wishes:
    """Requests of one company, the same ones for the same seed but for their ids."""

    def __init__(
        self, parent: str, lines: Sequence[api.Line], length: timedelta, first: datetime, days: int, seed: int
    ) -> None:
        self._parent = parent
        self._lines = lines
        self._length = length
        self._first = first
        self._hours = days * 24
        self._chance = random.Random(seed)  # noqa: S311 - which hour is asked for is no secret

    def action(self) -> Action:
        """What to ask next."""
        (chosen,) = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        return chosen

    def search(self) -> api.SearchOffersRequest:
        """When this could be had, from some hour on."""
        return api.SearchOffersRequest(
            parent=self._parent,
            lines=self._lines,
            duration=to_duration(self._length),
            earliest_start_time=to_timestamp(self._hour()),
        )

    def booking(self, *, hold: bool) -> api.CreateReservationRequest:
        """It, at some hour; held only, or booked."""
        return api.CreateReservationRequest(
            parent=self._parent,
            reservation=api.Reservation(
                lines=self._lines,
                start_time=to_timestamp(self._hour()),
                duration=to_duration(self._length),
                note=NOTE,
            ),
            hold=to_duration(HOLD) if hold else None,
            request_id=str(uuid.uuid4()),
        )

    def change(self, name: str) -> api.UpdateReservationRequest:
        """What is booked, moved to another hour."""
        request = api.UpdateReservationRequest(request_id=str(uuid.uuid4()))
        request.reservation.name = name
        request.reservation.start_time.CopyFrom(to_timestamp(self._hour()))
        request.reservation.duration.CopyFrom(to_duration(self._length))
        request.update_mask.paths.extend(["start_time", "duration"])
        return request

    def _hour(self) -> datetime:
        return self._first + self._chance.randrange(self._hours) * HOUR


def cancellation(name: str) -> api.CancelReservationRequest:
    """What is booked, given back."""
    return api.CancelReservationRequest(name=name, request_id=str(uuid.uuid4()), reason=NOTE)
