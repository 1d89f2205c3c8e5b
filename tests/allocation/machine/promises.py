"""What holds after every step of the machine."""

import numpy as np
from hypothesis.stateful import invariant

from tests.allocation.machine.model import SmallCentre, held_by
from tests.allocation.scenario import drawn


class Promises(SmallCentre):
    """The small centre, watched."""

    @invariant()
    def states_agree(self) -> None:
        """Every reservation stands where the model says, and holds what the model says."""
        for name, booking in self.naive.bookings.items():
            reservation = self.scenario.centre.reservations[name]
            assert (reservation.state.value, reservation.start, reservation.end) == (
                booking.state,
                booking.start,
                booking.end,
            )
            assert held_by(reservation.allocations) == booking.held, (reservation, booking)

    @invariant()
    def records_agree(self) -> None:
        """Strikes and suspensions are those that the model counts."""
        for company in self.naive.companies:
            conduct = self.scenario.centre.records.conduct(company)
            assert [strike.at for strike in conduct.strikes] == self.naive.strikes.get(company, [])
            assert conduct.suspended_until == self.naive.suspended.get(company, 0)

    @invariant()
    def nobody_stands_on_what_is_out(self) -> None:
        """No live reservation holds what is out, by the second, but what began just now and no tick has told of."""
        for reservation in self.scenario.centre.reservations.values():
            untold = reservation.state.waiting and reservation.start <= self.scenario.now
            assert untold or self.obstacle(reservation) is None
            assert (reservation.id in self.scenario.centre.outages.stranded) == (self.obstacle(reservation) is not None)

    @invariant()
    def what_has_begun_stays_where_it_is(self) -> None:
        """From its start on a reservation keeps its very units, whatever is booked or released around it."""
        for reservation in self.scenario.centre.reservations.values():
            if reservation.start <= self.scenario.now and reservation.state.live:
                assert self.bound.setdefault(reservation.id, reservation.allocations) == reservation.allocations

    @invariant()
    def calendars_are_the_sum_of_what_is_kept(self) -> None:
        """Each grid shows exactly the allocations of the reservations that are kept."""
        for pool in self.scenario.centre.pools.values():
            spans = [
                (span, dict(zip(each.bins, each.amounts, strict=True)))
                for reservation in self.scenario.centre.reservations.values()
                for each in reservation.occupied
                if each.resource == pool.resource.id
                for span in each.spans
            ]
            grid = drawn(pool, spans)
            assert np.array_equal(grid, pool.calendar.used)
            assert np.array_equal(grid.sum(axis=1), pool.calendar.total)

    @invariant()
    def quota_is_the_sum_of_what_was_metered(self) -> None:
        """What is booked on every period is the unit-seconds that the model counts."""
        for meter in self.scenario.centre.meters.values():
            for period in meter.periods:
                assert period.booked == self.naive.booked(period.quota)
