"""A company that books a great deal through one stream, in the very way that `aidc book-many` does."""

import random
import uuid
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.connection import Connection
from services.cli.streaming import Streaming
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.harness import Clients
from tests.system.small_catalogue import COMPANY, HOUR
from tests.system.workload import Asked, Outcome


class Patron:
    """Speaks for a company to the scheduler, wherever that is served at the moment."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.connection = Connection(scheduler="", ledger="", token=clients.centre.tokens[COMPANY])

    @property
    def scheduler(self) -> Any:
        """Stubs of the scheduler that runs now."""
        return self._clients.scheduler


class Streamed:
    """So many demands on one stream, and what became of each."""

    def __init__(self, clients: Clients, count: int, seed: str) -> None:
        chance = random.Random(seed)
        first = clients.centre.time.now() // HOUR + 100
        self.asked = [Asked(COMPANY, "CreateReservation", _demand(chance, first)) for _ in range(count)]
        self.answered = 0
        self._streaming = Streaming(Patron(clients), f"companies/{COMPANY}")  # type: ignore[arg-type]  # as good as one

    async def book(self) -> None:
        """Book them all. Raises when nobody answers for too long."""
        async for result in self._streaming.book(self._requests()):
            asked = self.asked[self.answered]
            assert result.request_id == asked.request_id
            granted = result.HasField("reservation")
            asked.outcome = Outcome.GRANTED if granted else Outcome.REFUSED
            asked.answers += [result.reservation] if granted else []
            asked.reasons += [violation.reason for violation in result.problem.refusal.violations]
            self.answered += 1

    async def _requests(self) -> AsyncIterator[api.CreateReservationRequest]:
        for each in self.asked:
            yield each.request


def _demand(chance: random.Random, first: int) -> api.CreateReservationRequest:
    start = (first + chance.randrange(300)) * HOUR
    return api.CreateReservationRequest(
        parent=f"companies/{COMPANY}",
        reservation=api.Reservation(
            lines=[api.Line(resource="resources/core", units=chance.randint(1, 64))],
            start_time=Timestamp(seconds=start),
            end_time=Timestamp(seconds=start + chance.randint(1, 8) * HOUR),
        ),
        request_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    )
