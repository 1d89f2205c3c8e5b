"""The rules once more, told simply: half-hours in sets, counted one by one. It shares no code with what it checks.

What is told here is what becomes of bookings; `naive_rules` says what may be booked, and `naive_calendar` what is free.
"""

from collections import Counter
from collections.abc import Iterable

from services.allocation.reservations import Line
from tests.allocation.naive_booking import DAY, HOUR, Booking
from tests.allocation.naive_rules import NaiveRules


class Naive(NaiveRules):
    """What is booked, what the rules say about one more wish, and what votes, time and outages make of it."""

    def start(self, booking: Booking, lines: Iterable[Line], now: int, hold: int) -> None:
        """Let a booking begin its life: held, pending or confirmed."""
        if hold:
            booking.state, booking.expires = "held", min(now + hold, booking.start)
        else:
            self.settle(booking, lines, now)

    def settle(self, booking: Booking, lines: Iterable[Line], now: int) -> None:
        """Let a booking be pending or confirmed."""
        booking.state = "confirmed"
        if approvers := self.approvers(booking.company, lines):
            hours = max(each.approval_hours for each in approvers)
            booking.state, booking.expires = "pending", min(now + hours * HOUR, booking.start)

    def vote(self, booking: Booking, lines: Iterable[Line], voter: str, approves: bool) -> None:
        """Count a vote."""
        booking.votes[voter] = approves
        strictest = max(self.approvers(booking.company, lines), key=lambda each: each.approval_quorum)
        agreed = sum(booking.votes.values())
        if agreed >= strictest.approval_quorum:
            booking.state = "confirmed"
        elif len(booking.votes) - agreed > strictest.approval_voters - strictest.approval_quorum:
            booking.state = "denied"

    def release(self, name: str, now: int, cell: int) -> int:
        """End an active booking at the next full cell; gives its end."""
        booking = self.bookings[name]
        cut = min(booking.end, max(booking.start, -(-now // cell) * cell))
        booking.held = Counter({key: units for key, units in booking.held.items() if key[1] < cut})
        booking.paid = Counter({key: units for key, units in booking.paid.items() if key[1] < cut})
        booking.state, booking.end = "completed", cut
        return cut

    def binding(self, booking: Booking) -> bool:
        """Whether it is booked, or was before it was handed over and had to be asked for anew."""
        return booking.state in ("confirmed", "active") or (booking.state == "pending" and booking.was_booked)

    def awaited(self, booking: Booking) -> bool:
        """Whether somebody must come to a booking, and nobody has said that they did."""
        return not booking.checked_in and any(self.resources[name].no_show_grace_minutes for name in booking.own)

    def strike_for_lateness(self, name: str, now: int) -> None:
        """A strike for giving a booking back too late, unless it has brought one before."""
        if name not in self.late:
            self.late.add(name)
            self.strike(self.bookings[name].company, now)

    def strike(self, company: str, now: int) -> None:
        """One more strike, and the suspension that the terms make of it."""
        times = self.strikes.setdefault(company, [])
        times.append(now)
        for rule in self.terms.strike_rules:
            for last in times:
                recent = [each for each in times if last - rule.window_days * DAY <= each <= last]
                if len(recent) >= rule.strikes:
                    until = last + rule.suspension_days * DAY
                    self.suspended[company] = max(self.suspended.get(company, 0), until)

    def lose(self, name: str, cut: int, state: str) -> None:
        """An outage takes everything from a time on; what is left of the half-hour before it is paid to the second."""
        booking = self.bookings[name]
        booking.held = Counter({key: units for key, units in booking.held.items() if key[1] < cut})
        booking.paid = Counter({key: units for key, units in booking.paid.items() if key[1] < cut})
        booking.state, booking.cut = state, cut
        booking.end = cut if cut > booking.start else booking.end

    def tick(self, now: int) -> None:
        """Let time pass."""
        for name in [name for name, asked in self.asked.items() if asked.expires <= now]:
            self.drop(name)
        for booking in self.bookings.values():
            if booking.state == "held" and booking.expires <= now:
                booking.state = "expired"
            if booking.state == "pending" and booking.expires <= now:
                booking.state = "denied"
        for name, booking in self.bookings.items():
            if booking.offered_until <= now:
                booking.offered_to = ""
            graces = [self.resources[name].no_show_grace_minutes * 60 for name in booking.own]
            grace = min((each for each in graces if each), default=0)
            due = booking.state == "active" and grace and not booking.checked_in
            if due and now >= booking.activated_at + grace and booking.activated_at < now:
                self.release(name, now, self.cell(booking))
                booking.state = "no_show"
                self.strike(booking.company, now)
            if booking.state == "confirmed" and booking.start <= now:
                booking.state, booking.activated_at = "active", now
            if booking.state == "active" and booking.end <= now:
                booking.state = "completed"
