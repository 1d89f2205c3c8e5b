"""Money and machines: what is funded steps up and down, and nodes arrive and retire on their dates."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from services.allocation import events
from services.allocation.reservations import Reservation
from tests.allocation.machine.model import SmallCentre
from tests.allocation.naive_booking import HOUR, NEVER, Out
from tests.allocation.scenario import fund

STEPS = 4
"""At most so many in one example."""


class Supply(SmallCentre):
    """What there is to be had."""

    @precondition(lambda self: sum(map(len, self.naive.funding.values())) < STEPS)
    @rule(
        name=st.sampled_from(["nodes", "gpus", "seats", "staff"]),
        share=st.sampled_from([0, 1, 2, 3]),
        hours_ahead=st.sampled_from([0, 0, 1, 5, 24]),
        displace=st.booleans(),
    )
    def fund(self, name: str, share: int, hours_ahead: int, displace: bool) -> None:
        """From a time on so much is booked at most; what no longer fits stands, or the newest of it is displaced."""
        self.pass_until(self.scenario.now)
        now, resource = self.scenario.now, self.resource(name)
        start = -(-now // HOUR) * HOUR + hours_ahead * HOUR if hours_ahead else 0
        units = resource.capacity * share // 3
        before = dict(self.scenario.centre.reservations)
        told = self.scenario.decided(fund(name, units, start=start, displace=displace))
        self.naive.funding.setdefault(name, {})[start or now // HOUR * HOUR] = units
        overfull = self.overfull(name)
        lost = told[:-1]
        assert not lost or (displace and overfull)
        self.scenario.tell(told)
        for event in lost:
            was, ends = before[event.reservation_id], isinstance(event, events.ChangeEnded)
            held = (self.naive.beside if ends else self.naive.bookings)[was.id].held
            assert any((name, cell) in held for cell in overfull), "it was not in the way"
            if ends:
                self.naive.drop(was.id)
            else:
                self.take_away(was, event)
        # What an earlier or later step left standing, this one does not take away.
        since = start or now // HOUR * HOUR
        until = min([step for step in self.naive.funding[name] if step > since], default=NEVER)
        assert not displace or not [cell for cell in self.overfull(name) if since <= cell < until]

    def take_away(self, was: Reservation, event: object) -> None:
        """The model follows somebody who lost units that are no longer funded."""
        assert isinstance(event, events.ReservationDisplaced | events.ReservationCurtailed)
        if isinstance(event, events.ReservationCurtailed):
            self.naive.lose(was.id, event.until, "active")
        else:
            begun = was.start <= self.scenario.now
            self.naive.lose(was.id, event.displaced_at if begun else was.start, "displaced")
        self.bound.pop(was.id, None)

    def overfull(self, name: str) -> list[int]:
        """The half-hours to come in which more is held than the last step in force then funds."""
        step = self.naive.counted(name, 0)[1]
        ahead = {cell for each in self.naive.live() for other, cell in each.held if other == name}
        since = -(-self.scenario.now // step) * step
        return [cell for cell in ahead if cell >= since and self.naive.used(name, cell) > self.naive.funded(name, cell)]

    @invariant()
    def nobody_stands_on_what_is_not_there(self) -> None:
        """No live reservation holds a node before it arrives, or after it retires."""
        for reservation in self.scenario.centre.reservations.values():
            if reservation.state.live:
                assert not any(self.holds(reservation, each) for each in self.naive.away)

    def holds(self, reservation: Reservation, out: Out) -> bool:
        """Whether a reservation holds what is away."""
        return any(
            {index // self.resource(each.resource).bins_per_node for index in each.bins}
            & out.nodes.get(each.resource, set())
            and any(out.start < end and start < out.end for start, end in each.spans)
            for each in reservation.allocations
        )
