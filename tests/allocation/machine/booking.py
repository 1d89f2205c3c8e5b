"""Booking, holding, confirming, voting and giving back: granted and refused is what the naive rules say."""

from copy import deepcopy

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace

from services.allocation.commands import (
    ApproveReservation,
    CancelReservation,
    CheckIn,
    ConfirmReservation,
    DenyReservation,
    ReleaseReservation,
)
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Line, Reservation, State
from tests.allocation import naive_changing, naive_retiming
from tests.allocation.machine.model import SmallCentre
from tests.allocation.machine.small_centre import POLICY, TERMS, VOTERS
from tests.allocation.machine.wishes import Wish, bookers, class_of, crowds, sized, wishes
from tests.allocation.naive_booking import GIVEN_BACK
from tests.allocation.scenario import DAY, HOUR, at, book


class Booking(SmallCentre):
    """What companies, voters and operators ask for."""

    @rule(asked=st.lists(st.tuples(bookers, wishes), min_size=1, max_size=6))
    def book(self, asked: list[tuple[str, Wish]]) -> None:
        """A booking is granted exactly when no rule is broken, and else refused for exactly the broken ones."""
        for company, wish in asked:
            self.book_one(company, wish)

    @rule(
        name=st.sampled_from(["nodes", "nodes", "seats", "gpus"]),
        day=st.integers(0, 3),
        pieces=st.lists(st.tuples(st.integers(8, 18), st.integers(1, 5)), min_size=4, max_size=12),
        gone=st.lists(st.integers(0, 50), max_size=4),
    )
    def crowd(self, name: str, day: int, pieces: list[tuple[int, int]], gone: list[int]) -> None:
        """Many short bookings of one resource, with holes between: room must be made by moving."""
        for hour, hours in pieces:
            start = at("2026-03-03 00:00") + day * DAY + hour * HOUR
            self.book_one("RICH", ((Line(resource=name, units=sized(name, 1)),), start, hours * HOUR))
            if gone and len(gone) > hour % 5:
                self.cancel(gone[hour % len(gone)])

    @rule(asked=st.lists(st.tuples(bookers, wishes), min_size=1, max_size=6), seconds=st.sampled_from([60, 600, 900]))
    def hold(self, asked: list[tuple[str, Wish]], seconds: int) -> None:
        """An offer is held exactly when it would be booked, begins later than now, and few are held already."""
        for company, wish in asked:
            self.book_one(company, wish, seconds)

    @rule(asked=st.lists(st.tuples(bookers, wishes, crowds), min_size=1, max_size=4), hold=st.sampled_from([0, 0, 900]))
    def teach(self, asked: list[tuple[str, Wish, int]], hold: int) -> None:
        """A class is booked, or held, exactly when it could be booked without its people and there is room for them."""
        for company, wish, people in asked:
            self.book_one(company, wish, hold, people=people)

    @rule(number=st.integers(0, 1000))
    def confirm(self, number: int) -> None:
        """What is held can be confirmed until it expires, and nothing else."""
        held = [name for name, each in self.naive.bookings.items() if each.state == "held"]
        names = held or list(self.naive.bookings)
        if not names:
            return
        name = names[number % len(names)]
        booking = self.naive.bookings[name]
        wish = ConfirmReservation(reservation_id=name, company=booking.company)
        if booking.state == "held" and self.scenario.now < booking.expires:
            self.scenario.grants(wish)
            self.naive.settle(booking, self.lines[name], self.scenario.now)
        else:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]

    @rule(
        number=st.integers(0, 1000),
        voter=st.sampled_from(VOTERS),
        approves=st.sampled_from([True, True, False]),
        later=st.sampled_from([None, None, None, (0, 0), (1, 1), (-1, -1), (0, -1), (24, 24), (5, 9)]),
    )
    def vote(self, number: int, voter: str, approves: bool, later: tuple[int, int] | None) -> None:
        """What is pending can be voted on, once by everybody, until it is decided or its deadline has come."""
        pending = [name for name, each in self.naive.bookings.items() if each.state == "pending"]
        names = pending or list(self.naive.bookings)
        if not names:
            return
        name = names[number % len(names)]
        if self.naive.waits(name):
            return  # That vote would be on a change of it.
        booking = self.naive.bookings[name]
        if approves:
            time = (booking.start + later[0] * HOUR, booking.end + later[1] * HOUR) if later else None
            wish = ApproveReservation(reservation_id=name, company=booking.company, voter=voter, time=time)
        else:
            wish = DenyReservation(reservation_id=name, company=booking.company, voter=voter)
        if booking.state != "pending" or booking.expires <= self.scenario.now:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
        elif voter in booking.votes:
            assert self.scenario.refuses(wish) == [Reason.ALREADY_VOTED]
        elif approves and not self.agreed(name, wish):
            return
        else:
            if not approves:
                self.scenario.grants(wish)
            self.naive.vote(self.naive.bookings[name], self.lines[name], voter, approves)

    def agreed(self, name: str, wish: ApproveReservation) -> bool:
        """A yes is counted exactly when no rule is broken by the time that it agrees to; the last moves the booking."""
        booking, lines, override = self.naive.bookings[name], self.lines[name], self.override_of(name)
        desired = (booking.start, booking.end)
        time = wish.time or booking.agreed or desired
        expected = naive_retiming.reasons(self.naive, name, lines, time, self.scenario.now, override)
        if any(booking.votes.values()) and wish.time not in (None, booking.agreed or desired):
            expected = {Reason.WRONG_STATE}
        try:
            after = self.scenario.grants(wish)
        except Rejected as refusal:
            self.agree(refusal, expected)
            return False
        assert expected == set()
        assert isinstance(after, Reservation)
        booking.agreed = None if time == desired else time
        if after.state is State.CONFIRMED:
            assert after.desired == (None if time == desired else desired)
            self.naive.bookings[name] = naive_retiming.retimed(self.naive, booking, lines, time)
        return True

    def override_of(self, name: str) -> tuple[str, ...]:
        """The rules that an operator let a booking break."""
        override = self.scenario.centre.reservations[name].override
        return override.reasons if override else ()

    @rule(company=bookers, wish=wishes)
    def insist(self, company: str, wish: Wish) -> None:
        """An operator who overrides every rule of policy that leaves the hours alone is refused for the others only."""
        self.book_one(company, wish, override=POLICY)

    def book_one(
        self, company: str, wish: Wish, hold: int = 0, override: tuple[str, ...] = (), people: int = 0
    ) -> None:
        """One booking, or one offer to hold for some seconds, or what an operator lets break some rules; or a class."""
        wanted, start, length = wish
        end, why = start + length, {"override": override, "because": "a test"} if override else {}
        self.count += 1
        command = book(company, *wanted, start=start, end=end, reservation_id=f"b{self.count}", hold=hold, **why)
        command = replace(command, participants=class_of(people))
        broken = self.naive.reasons(company, wanted, start, end, self.scenario.now)
        expected = (broken - set(override)) | self.naive.crowded(wanted, people)
        if hold:
            expected |= self.naive.holding(company, start, self.scenario.now)
        try:
            reservation = self.scenario.books(command)
        except Rejected as refusal:
            self.agree(refusal, expected)
            return
        assert expected == set()
        assert set(reservation.override.reasons if reservation.override else ()) == broken
        self.begin(reservation, wanted, hold, people)
        self.marked(reservation)

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000))
    def cancel(self, number: int) -> None:
        """What is held, pending or confirmed and has not begun can be cancelled, and nothing else."""
        names = [name for name, each in self.naive.bookings.items() if each.state not in GIVEN_BACK]
        if not names:
            return
        name = names[-1 - number % len(names)]
        booking = self.naive.bookings[name]
        wish = CancelReservation(reservation_id=name, company=booking.company)
        if booking.state in ("held", "pending", "confirmed") and booking.start > self.scenario.now:
            self.scenario.grants(wish)
            self.give_back(name)
        else:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000))
    def release(self, number: int) -> None:
        """What is active can be released, up to the next cell of its coarsest calendar."""
        active = [name for name, each in self.naive.bookings.items() if each.state == "active"]
        name = (active or list(self.naive.bookings))[number % len(active or self.naive.bookings)]
        booking = self.naive.bookings[name]
        wish = ReleaseReservation(reservation_id=name, company=booking.company)
        if booking.state != "active":
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
            return
        before, now = deepcopy(booking), self.scenario.now
        released = self.scenario.grants(wish)
        assert isinstance(released, Reservation)
        assert released.end == self.naive.release(name, now, self.naive.cell(booking))
        if naive_changing.gives_back_late(self.naive, before, booking, now):
            self.naive.strike_for_lateness(name, now)

    @precondition(lambda self: self.naive.bookings)
    @rule(number=st.integers(0, 1000), present=st.sampled_from([0, 0, 1, 2, 5]))
    def check_in(self, number: int, present: int) -> None:
        """Somebody comes, once, from a little before the start until the end; of a class more and more of them."""
        live = [name for name, each in self.naive.bookings.items() if each.state in ("confirmed", "active")]
        name = (live or list(self.naive.bookings))[number % len(live or self.naive.bookings)]
        booking = self.naive.bookings[name]
        wish = CheckIn(reservation_id=name, company=booking.company, present=present if booking.people else 0)
        if not live or (booking.checked_in and not booking.people):
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
        elif self.scenario.now < booking.start - TERMS.check_in_early_minutes * 60:
            assert self.scenario.refuses(wish) == [Reason.TOO_EARLY]
        elif booking.people and booking.present == booking.people:
            assert self.scenario.refuses(wish) == [Reason.WRONG_STATE]
        elif booking.people and present and not booking.present < present <= booking.people:
            assert self.scenario.refuses(wish) == [Reason.INVALID_PARTICIPANTS]
        else:
            after = self.scenario.grants(wish)
            assert isinstance(after, Reservation)
            booking.checked_in, booking.present = True, wish.present or booking.people
            assert (after.participants.present if after.participants else 0) == booking.present
