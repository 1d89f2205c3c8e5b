"""The books against whole histories that the rules have granted: to the won, after every single event."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.commands import CancelReservation, PostCorrection, PublishTariff, ReleaseReservation
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation, State
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.outage import OutageKind, Scope
from services.allocation.values.tariff import Price, Tariff
from services.ledger.books import Books
from services.ledger.chart import Account, Transfer
from services.ledger.posting import post
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, Scenario, book, change, line, outage
from tests.ledger.naive_fees import NaiveFees

CORES = replace(fixture.CPU, id="cores", nodes=fixture.CPU.nodes[:1], bin_capacity=6)
SEATS = replace(fixture.CLOCK_ROUND, id="seats", nodes=fixture.seats("seats", 2), free_cancel_hours=6)
COMPANIES = (fixture.company("EARLY", attributes={"free_cancel_hours": "24"}), fixture.company("FREE"))
FREE_HOURS = {("EARLY", "cores"): 24, ("FREE", "cores"): 0, ("EARLY", "seats"): 6, ("FREE", "seats"): 6}

WHOSE, WHAT = ("EARLY", "FREE"), ("cores", "seats")
ACTS = {"book": 9, "change": 4, "cancel": 3, "release": 2, "pass": 2, "fail": 1, "correct": 1}
"""What is asked for, and how often: of a crowd that books much, much is given back and booked again."""


def acts(seed: int, count: int) -> Iterator[tuple[Any, ...]]:
    """So many wishes. A shorter history begins like a longer one, so that a failure can be made short."""
    chance = random.Random(seed)
    for kind in chance.choices(tuple(ACTS), tuple(ACTS.values()), k=count):
        whose, what = chance.choice(WHOSE), chance.choice(WHAT)
        units, hour, length = chance.randint(1, 6), chance.randint(1, 30), chance.randint(1, 8)
        which, how = chance.randrange(100), chance.randrange(10)
        yield {
            "book": ("book", whose, what, units, hour, length),
            "change": ("change", which, hour, length, units, how),
            "cancel": ("cancel", which, how),
            "release": ("release", which, how),
            "pass": ("pass", how // 2),
            "fail": ("fail", what, hour, length),
            "correct": ("correct", whose, chance.randint(-9_000, 9_000)),
        }[kind]


class History:
    """A centre that is asked for one thing after the other, and grants what its rules let it."""

    def __init__(self, late_return: int) -> None:
        self.scenario = Scenario.of(CORES, SEATS, *COMPANIES, now=NOW)
        card = Tariff(
            id="krw",
            valid_from=NOW,
            prices=(Price(resource="cores", krw=4_000), Price(resource="seats", krw=4_000)),
            compute_late_percent=50,
            equipment_late_percent=50,
            late_return_percent=late_return,
            displacement_percent=10,
        )
        self.scenario.given(PublishTariff(tariff=card))
        self.count = 0

    def act(self, act: tuple[Any, ...]) -> None:
        """Ask for one thing; a no changes nothing."""
        with suppress(Rejected):
            getattr(self, f"_{act[0]}")(*act[1:])

    def _book(self, company: str, resource: str, units: int, hour: int, length: int) -> None:
        amount = units if resource == "cores" else 1
        self.scenario.books(book(company, line(resource, amount), start=self._hour(hour), hours=length))

    def _change(self, number: int, hour: int, length: int, units: int, chance: int) -> None:
        found = self._one(number)
        if found is None:
            return
        resource = found.lines[0].resource
        wish: dict[str, Any] = {"excused": chance == 0}
        if chance % 2:
            wish |= {"start": self._hour(hour), "end": self._hour(hour) + length * HOUR}
        elif chance % 4:
            wish |= {"end": found.start + length * HOUR}
        if resource == "cores" and chance % 3 != 1:
            wish |= {"lines": (line(resource, units),)}
        self.scenario.grants(change(found, **wish))

    def _cancel(self, number: int, chance: int) -> None:
        if found := self._one(number):
            wish = CancelReservation(reservation_id=found.id, company=found.company, excused=chance == 0)
            self.scenario.grants(wish)

    def _release(self, number: int, chance: int) -> None:
        active = [each for each in self.scenario.centre.reservations.values() if each.state is State.ACTIVE]
        for found in active[number % len(active) :][:1] if active else ():
            wish = ReleaseReservation(reservation_id=found.id, company=found.company, excused=chance == 0)
            self.scenario.grants(wish)

    def _pass(self, hours: int) -> None:
        self.scenario.reaches(self.scenario.now + hours * HOUR)

    def _fail(self, resource: str, hour: int, length: int) -> None:
        self.count += 1
        start = self._hour(hour)
        kind, scope = OutageKind.FAILURE, Scope(resource=resource)
        self.scenario.declares(outage(f"o{self.count}", scope, kind=kind, start=start, end=start + length * HOUR))

    def _correct(self, company: str, krw: int) -> None:
        self.count += 1
        given = Correction(id=f"c{self.count}", company=company, krw=krw, kind=CorrectionKind.ERROR, reason="counted")
        self.scenario.grants(PostCorrection(correction=given))

    def _hour(self, hour: int) -> int:
        return (self.scenario.now // HOUR + hour) * HOUR

    def _one(self, number: int) -> Reservation | None:
        live = [each for each in self.scenario.centre.reservations.values() if each.state.live]
        return live[number % len(live)] if live else None


class Ledgers:
    """The books and the naive model, fed with the same events."""

    def __init__(self, late_return: int) -> None:
        self.books, self.naive, self.number = Books(), NaiveFees(FREE_HOURS, late_return), 0
        self.standing: Counter[tuple[str, int, str, Account]] = Counter()
        self.fees: Counter[tuple[str, str, int]] = Counter()

    def take(self, history: list[tuple[int, int, Any]]) -> None:
        """Every event, and what must be true after each."""
        for at, position, facts in history:
            for event in facts:
                self.number += 1
                step = self.books.take(event, self.number, at, position)
                for transfer in post(event, step, self.books, at):
                    self._move(transfer)
                self.naive.take(event, at)
                self._check()

    def _move(self, transfer: Transfer) -> None:
        place = (transfer.company, transfer.period, transfer.resource)
        self.standing[*place, transfer.from_account] -= transfer.krw
        self.standing[*place, transfer.to_account] += transfer.krw
        fee = (transfer.reservation, transfer.resource, transfer.about)
        if transfer.to_account is Account.PENALTY:
            self.fees[fee] += transfer.krw
        if transfer.from_account is Account.PENALTY:
            self.fees[fee] -= transfer.krw
            assert self.fees[fee] >= 0, "more was returned than had been charged"

    def _check(self) -> None:
        sums: Counter[tuple[str, int, str]] = Counter()
        penalty: Counter[str] = Counter()
        for (company, period, resource, account), krw in self.standing.items():
            sums[company, period, resource] += krw
            if resource != "corrections":
                assert krw <= 0 if account is Account.CAPACITY else krw >= 0
            if account is Account.PENALTY:
                penalty[company] += krw
        assert not any(sums.values())
        for company in ("EARLY", "FREE"):
            assert penalty[company] == self.naive.charged[company] - self.naive.returned[company]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 60), st.sampled_from([0, 50, 100]))
def test_every_fee_is_charged_once_and_returned_at_most_once(seed: int, count: int, late_return: int) -> None:
    """Whatever was booked, changed, cancelled, lost and corrected: every event's postings sum to zero, no account but
    the centre's is below it, and what is owed for lateness is what a count of hours and units says.
    """
    history, ledgers = History(late_return), Ledgers(late_return)
    for act in acts(seed, count):
        history.act(act)
    ledgers.take(history.scenario.history)
