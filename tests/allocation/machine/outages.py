"""Taking units out and giving them back: whoever stands there is moved, cut short or displaced, and nobody else."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.allocation.commands import DeclareOutage, LiftOutage
from services.allocation.rejections import Reason
from services.allocation.values.outage import OutageKind, Scope
from tests.allocation.fixture import NOW
from tests.allocation.machine.model import SmallCentre
from tests.allocation.machine.small_centre import GPUS, NODES, RESOURCES, SEATS
from tests.allocation.machine.wishes import OUTAGES, scopes
from tests.allocation.naive_booking import NEVER, Out
from tests.allocation.scenario import DAY, HOUR, outage


class Outages(SmallCentre):
    """What breaks, and what is mended."""

    @precondition(lambda self: len(self.naive.outages) < OUTAGES)
    @rule(
        kind=st.sampled_from(list(OutageKind)),
        scope=st.one_of(*(scopes(each) for each in RESOURCES)),
        more=st.one_of(*(scopes(each) for each in (NODES, GPUS, SEATS))),
        hours_ahead=st.sampled_from([0, 0, 0, 2, 5, 26]),
        hours=st.sampled_from([1, 4, 30, None]),
    )
    def declare(self, kind: OutageKind, scope: Scope, more: Scope, hours_ahead: int, hours: int | None) -> None:
        """Whoever stands on what goes out is moved, cut short or displaced, each by its rule, and nobody else."""
        name, now = f"o{len(self.naive.outages)}", self.scenario.now
        start = -(-now // HOUR) * HOUR + hours_ahead * HOUR if hours_ahead else 0
        end = (start or now // HOUR * HOUR) + hours * HOUR if hours else 0
        if 0 < end <= now:
            return
        self.take_out(outage(name, scope, more, kind=kind, start=start, end=end))

    @precondition(lambda self: len(self.naive.outages) < OUTAGES)
    @rule(
        number=st.integers(0, 1000),
        kind=st.sampled_from([OutageKind.FAILURE, OutageKind.FAILURE, OutageKind.MAINTENANCE]),
        run=st.sampled_from([0, 60, 1500, 3600, 4000]),
        ahead=st.sampled_from([0, 0, 0, 1, 2]),
        hours=st.sampled_from([3, 30, None]),
    )
    def strike(self, number: int, kind: OutageKind, run: int, ahead: int, hours: int | None) -> None:
        """What somebody stands on breaks, or is to be mended: before that booking begins, or while it runs."""
        live = [each for each in self.scenario.centre.reservations.values() if each.state.live and each.allocations]
        if not live:
            return
        booking = live[-1 - number % len(live)]
        each = booking.allocations[number % len(booking.allocations)]
        resource = self.resource(each.resource)
        node = resource.nodes[each.bins[0] // resource.bins_per_node].id
        if run and self.scenario.now < booking.start + run < NOW + 12 * DAY:
            self.pass_until(booking.start + run)
        start = -(-max(self.scenario.now + 1, booking.start) // HOUR) * HOUR + (ahead - 1) * HOUR if ahead else 0
        if 0 < start <= self.scenario.now:
            return
        end = -(-max(self.scenario.now, start) // HOUR) * HOUR + hours * HOUR if hours else 0
        scope = Scope(resource=resource.id, nodes=(node,))
        self.take_out(outage(f"o{len(self.naive.outages)}", scope, kind=kind, start=start, end=end))

    def take_out(self, wish: DeclareOutage) -> None:
        """Declare an outage, here and in the model. What begins just then has begun, for both."""
        self.pass_until(self.scenario.now)
        before = dict(self.scenario.centre.reservations)
        made = self.scenario.declares(wish)
        nodes = {taken.resource: set(taken.nodes) for taken in made.taken}
        self.naive.outages[made.id] = Out(made.kind.value, made.start, made.end or NEVER, nodes)
        assert made.start == (wish.outage.start or self.scenario.now // 60 * 60)
        self.settle(before)

    @precondition(lambda self: self.naive.outages)
    @rule(number=st.integers(0, OUTAGES))
    def lift(self, number: int) -> None:
        """What is not over can be lifted, and its units are back at once."""
        name = list(self.naive.outages)[number % len(self.naive.outages)]
        out = self.naive.outages[name]
        if self.scenario.centre.outages.by_id[name].lifted_at or out.end <= self.scenario.now:
            assert self.scenario.refuses(LiftOutage(outage_id=name)) == [Reason.WRONG_STATE]
            return
        out.end = max(out.start, self.scenario.lifts(name).until)
