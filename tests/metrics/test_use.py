"""Use as it is now, and as the log records it: held against at work, and unknown kept apart from idle."""

from services.allocation import events
from services.allocation.reservations import Allocation, Line
from services.eventlog.page import decode_page
from services.metrics.counts import Measured
from services.metrics.usage import Usage
from services.metrics.use import FRESH_SECONDS, IDLE_SECONDS, PoolUse, UseNow
from tests.metrics.synthetic import START, catalogue, chained, measured, report

HOUR = 3_600
NODE = "pool-000-000"
ALL_WORK = (1000,) * 8
ALL_IDLE = (0,) * 8


class Watch:
    """A centre of one pool, and its nodes' reports, under a clock that the test moves."""

    def __init__(self, *decided: events.Event) -> None:
        self.now = 100.0
        self.usage = Usage()
        for record in chained([event] for event in (*catalogue(2, 1), *decided)):
            self.usage.apply(record.position, decode_page(record.data))
        self.use = UseNow(self.usage, lambda: self.now)

    def hear(self, *rates: int, start: int = START, node: str = NODE) -> None:
        """A report of a node."""
        self.use.take(report(node, *rates, start=start))

    @property
    def pool(self) -> PoolUse:
        """What is known of the one pool."""
        return self.use.figures()["pool-000"]


def standing(*bins: int, start: int = START - HOUR) -> tuple[events.Event, ...]:
    """A reservation of some GPUs that has begun."""
    allocation = Allocation(
        resource="pool-000", units=len(bins), spans=((start, start + 9 * HOUR),), bins=bins, amounts=(1,) * len(bins)
    )
    confirmed = events.ReservationConfirmed(
        reservation_id="r",
        company="CMP-0000",
        start=start,
        end=start + 9 * HOUR,
        lines=(Line(resource="pool-000", units=len(bins)),),
        allocations=(allocation,),
    )
    return confirmed, events.ReservationActivated(reservation_id="r")


def test_only_what_was_reported_is_known() -> None:
    """A pool of thirty nodes of which one reports has eight known units, at its own rates."""
    watch = Watch()
    watch.hear(1000, 500, 0, 0, 0, 0, 0, 0)
    assert (watch.pool.measured, watch.pool.used) == (8, 1.5)


def test_a_silent_node_is_not_known_any_more() -> None:
    """Neither a report that arrived long ago counts, nor one that was old when it arrived."""
    watch = Watch()
    watch.hear(*ALL_WORK)
    watch.now += FRESH_SECONDS + 1
    assert watch.use.figures() == {}
    watch.hear(*ALL_WORK, start=START + HOUR, node="pool-000-001")
    watch.hear(*ALL_WORK, start=START + 15)
    assert watch.pool.measured == 8


def test_held_and_left_alone_is_idle_after_a_while() -> None:
    """Units of a reservation that do nothing for a quarter of an hour are idle, and no longer once one works."""
    watch = Watch(*standing(0, 1))
    watch.hear(*ALL_IDLE)
    assert watch.pool.idle_held == 0
    watch.hear(*ALL_IDLE, start=START + IDLE_SECONDS)
    assert watch.pool.idle_held == 2
    watch.hear(900, 0, 0, 0, 0, 0, 0, 0, start=START + IDLE_SECONDS + 15)
    assert watch.pool.idle_held == 1


def test_a_reservation_that_has_just_begun_is_not_idle_yet() -> None:
    """What lay idle before anybody held it is nobody's fault."""
    watch = Watch(*standing(0, 1, start=START + IDLE_SECONDS))
    watch.hear(*ALL_IDLE)
    watch.hear(*ALL_IDLE, start=START + IDLE_SECONDS + 60)
    assert watch.pool.idle_held == 0


def test_work_that_nobody_booked_is_stray() -> None:
    """A busy unit outside every reservation is shown, and one that is held is not."""
    watch = Watch(*standing(0))
    watch.hear(1000, 500, 0, 0, 0, 0, 0, 0)
    assert watch.pool.stray == 0.5
    assert watch.pool.used == 1.5


def test_an_older_report_changes_nothing() -> None:
    """Reports that arrive out of order, or twice, do not bring the past back."""
    watch = Watch()
    watch.hear(*ALL_WORK, start=START + 60)
    watch.hear(*ALL_IDLE, start=START)
    assert watch.pool.used == 8


def test_a_node_that_nobody_registered_is_left_out() -> None:
    """Whoever reports under another name has no figure."""
    watch = Watch()
    watch.hear(*ALL_WORK, node="elsewhere")
    assert watch.use.figures() == {}


def test_records_in_the_log_are_counted_by_company_and_pool() -> None:
    """Measured, at work and idle add up record by record, and so do starts by whether anything was used soon."""
    records = [measured("r", "CMP-0000", "pool-000", number) for number in (3, 4, 6)]
    usage = Watch(*records).usage
    assert usage.measured == {
        ("CMP-0000", "pool-000"): Measured(seconds=3 * 16 * HOUR, busy=13, idle=13, at=usage.position)
    }
    assert usage.pools["pool-000"].taken_up == {True: 1, False: 2}
