"""`aidc load` against a centre that answers as told: nothing that may have been booked is forgotten."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from services.cli import main
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import Answered, FakeCentre, serve
from tests.cli.samples import TOKEN

LOAD = ["load", "a100-dev:1gpu", "--rate", "60", "--seconds", "2", "--bookings", "6", "--yes", "--json"]


class Keeping(FakeCentre):
    """A centre that keeps what it books; of every third booking it first says that it does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, str] = {}
        self.most = 0
        self.stubborn = False
        self._lock = threading.Lock()
        self._asked: dict[str, int] = {}
        self.answers = {
            "CreateReservation": self.create,
            "CancelReservation": self.cancel,
            "UpdateReservation": lambda request: request.reservation,
            "GetReservation": lambda request: api.Reservation(name=request.name, state=api.Reservation.STATE_CONFIRMED),
            "SearchOffers": lambda _: api.SearchOffersResponse(),
        }

    def create(self, request: Any) -> api.Reservation:
        """Book it, once; whether the answer arrives is another matter."""
        with self._lock:
            name = self.kept.setdefault(request.request_id, f"companies/CMP-0004/reservations/{len(self._asked):016x}")
            self.most = max(self.most, len(self.kept))
            times = self._asked[request.request_id] = self._asked.get(request.request_id, 0) + 1
        if times == 1 and len(self._asked) % 3 == 0:
            raise Answered(grpc.StatusCode.UNAVAILABLE, "the answer was lost")
        return api.Reservation(name=name, state=api.Reservation.STATE_CONFIRMED)

    def cancel(self, request: Any) -> api.Reservation:
        """Give it back, unless this centre gives nothing back."""
        if self.stubborn:
            raise Answered(grpc.StatusCode.UNAVAILABLE, "not now")
        with self._lock:
            (gone,) = [each for each, name in self.kept.items() if name == request.name]
            del self.kept[gone]
        answer = api.Reservation(name=request.name, state=api.Reservation.STATE_CANCELLED)
        answer.cancellation_quote.due_krw = 1_000
        return answer


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeping]:
    """A centre to ask, found by the environment."""
    fake = Keeping()
    with serve(fake) as address:
        monkeypatch.setenv("AIDC_SCHEDULER", address)
        monkeypatch.setenv("AIDC_LEDGER", address)
        monkeypatch.setenv("AIDC_TOKEN", TOKEN)
        yield fake


def test_what_was_booked_without_an_answer_is_given_back(centre: Keeping, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is asked about once more and cancelled, there are never more than allowed, and the fees are added up."""
    assert main.run(LOAD) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["unknown"] > 0
    assert centre.kept == {}
    assert 0 < centre.most <= 6
    assert told["fees_krw"] == 1_000 * told["given_back"] > 0
    assert told["reasons"] == {"UNAVAILABLE": told["unknown"]}


def test_what_cannot_be_given_back_is_named(
    centre: Keeping, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit status is 1, and whoever looks after it is told each by its name."""
    monkeypatch.setattr("services.cli.async_client.AsyncClient.call.__defaults__", ("", 0.5))
    centre.stubborn = True
    assert main.run(LOAD) == 1
    told = json.loads(capsys.readouterr().out)
    assert sorted(told["left"]) == sorted(centre.kept.values()) != []
