"""Funding: there may be money and power for fewer units than are installed, and nodes that are not there yet."""

from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import RegisterResource, SetFunding
from services.allocation.companies import EQUIPMENT_METER
from services.allocation.disruption.funding_decisions import DISPLACED_MAX, plan
from services.allocation.prices.flows import flows
from services.allocation.prices.periods import Periods
from services.allocation.rejections import Reason
from services.allocation.reservations import State
from tests.allocation import fixture
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, fund, grids_of, line

NOON = TUESDAY + 12 * HOUR


def test_no_more_is_booked_than_is_funded_and_the_refusal_says_why_and_until_when() -> None:
    """From a date on fewer units are funded, and from another on more again; before and after all can be had."""
    scenario = fixture.fresh().given(
        fund("h100", 16, start=TUESDAY, reason="lease"), fund("h100", 32, start=TUESDAY + 2 * DAY)
    )
    scenario.books(book("ALPHA", line("h100", 32), start=NOON - DAY, hours=1))
    refusal = scenario.refusal(book("ALPHA", line("h100", 24), start=NOON, hours=1))
    assert refusal.reason is Reason.NOT_FUNDED
    for told in ("16 of 32 GPUs", "2026-03-03 00:00 KST until 2026-03-05 00:00 KST", "lease", "16 of them are left"):
        assert told in str(refusal)
    scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=1))
    assert scenario.refuses(book("ALPHA", line("h100", 8), start=NOON, hours=1)) == [Reason.NOT_FUNDED]
    scenario.books(book("ALPHA", line("h100", 32), start=NOON + 2 * DAY, hours=1))


def test_before_the_first_step_nobody_speaks_of_money() -> None:
    """A full pool is full for want of units alone, before the time from which money is counted, and partly there."""
    scenario = fixture.fresh().given(fund("h100", 32, start=NOON + 2 * HOUR))
    scenario.books(book("ALPHA", line("h100", 32), start=NOON, hours=1))
    assert scenario.refuses(book("ALPHA", line("h100", 8), start=NOON, hours=1)) == [Reason.NO_CAPACITY]
    assert scenario.refuses(book("ALPHA", line("h100", 8), start=NOON, hours=4)) == [Reason.NO_CAPACITY]


def test_offers_know_what_is_funded() -> None:
    """A search finds the first time at which there is money, and nothing before."""
    scenario = fixture.fresh().given(fund("cpu", 0), fund("cpu", 224, start=TUESDAY + 3 * HOUR))
    assert scenario.offers("ALPHA", line("cpu", 8), hours=1).intervals[0][0] == TUESDAY + 3 * HOUR


def test_setting_it_tells_who_no_longer_fits_the_newest_first_and_leaves_them_standing() -> None:
    """Without displacement nobody loses anything; nobody new gets in either."""
    scenario = fixture.fresh()
    booked = []
    for number in range(4):
        scenario.now = NOW + number
        booked.append(scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=2)))
    wish = fund("h100", 16, start=TUESDAY)
    _, found = plan(scenario.centre, wish, scenario.now)
    assert found.reservations == (booked[3], booked[2])
    scenario.given(wish)
    assert all(scenario.current(each).state is State.CONFIRMED for each in booked)
    assert scenario.refuses(book("ALPHA", line("h100", 8), start=NOON, hours=1)) == [
        Reason.NOT_FUNDED,
        Reason.NO_CAPACITY,
    ]


def test_who_no_longer_fits_is_displaced_if_that_is_asked_for() -> None:
    """The newest claims lose their units, what runs ends with the funding, and all that was not used is given back."""
    scenario = fixture.fresh()
    running = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=10))
    scenario.reaches(NOON)
    kept = scenario.books(book("ALPHA", line("h100", 8), start=NOON + 4 * HOUR, hours=2))
    scenario.now += 1
    lost = scenario.books(book("ALPHA", line("h100", 8), start=NOON + 4 * HOUR, hours=2))
    scenario.given(fund("h100", 16, start=NOON + 3 * HOUR, displace=True))
    assert scenario.current(lost).state is State.DISPLACED
    [flow] = flows(lost, scenario.current(lost), Periods())
    assert (flow.used, flow.released) == (0, 8 * 2 * HOUR)
    scenario.given(fund("h100", 0, start=NOON + 5 * HOUR, displace=True))
    assert scenario.current(kept).state is State.DISPLACED
    cut = scenario.current(running)
    assert (cut.state, cut.end) == (State.ACTIVE, NOON + 5 * HOUR)
    assert scenario.fates(f"h100@{NOON + 5 * HOUR}") == {kept.id: "displaced", running.id: "curtailed"}


def test_more_than_one_page_goes_on_by_tick() -> None:
    """What one decision cannot displace, ticks do; a restart in between changes nothing."""
    seats = replace(fixture.CLOCK_ROUND, id="seats", nodes=fixture.seats("seats", DISPLACED_MAX + 50))
    quota = fixture.quota("ALPHA", EQUIPMENT_METER, 3, 10_000)
    scenario = Scenario.of(seats, fixture.ALPHA, quota, now=NOW)
    for _ in range(DISPLACED_MAX + 50):
        scenario.given(book("ALPHA", line("seats"), start=NOON, hours=1))
    scenario.given(fund("seats", 10, start=TUESDAY, displace=True))
    assert scenario.centre.outages.overfull == {"seats"}
    restored = scenario.restored()
    assert image.digest(restored) == image.digest(scenario.centre)
    assert restored.outages.overfull == {"seats"}
    scenario.reaches(NOW + 1)
    assert scenario.centre.outages.overfull == set()
    live = [each for each in scenario.centre.reservations.values() if each.state.live]
    assert len(live) == 10


def test_funding_survives_restarts_and_weeks() -> None:
    """Steps are in the snapshot, and the calendar that moves on still knows them."""
    scenario = fixture.fresh().given(fund("h100", 8, start=TUESDAY), fund("h100", 16, start=TUESDAY + DAY))
    for centre in (scenario.replayed(), scenario.restored()):
        assert centre.pools["h100"].fundings == scenario.centre.pools["h100"].fundings
    scenario.reaches(NOW + 50 * DAY).books(book("ALPHA", line("cpu"), start=MONDAY + 60 * DAY, hours=1))
    assert [each.units for each in scenario.centre.pools["h100"].fundings] == [16]
    wish = book("ALPHA", line("h100", 24), start=MONDAY + 60 * DAY, hours=1)
    assert scenario.refuses(wish) == [Reason.NOT_FUNDED]


def test_nodes_arrive_and_retire_on_their_dates_and_are_bookable_ahead() -> None:
    """Before its arrival and after its end a node is not there; what lies between can be booked today."""
    old, new = fixture.CPU.nodes
    nodes = (replace(old, valid_until=TUESDAY + 2 * DAY), replace(new, valid_from=TUESDAY))
    scenario = fixture.fresh().given(RegisterResource(resource=replace(fixture.CPU, id="next", nodes=nodes)))
    assert scenario.refuses(book("ALPHA", line("next", 224), start=NOON - DAY, hours=1)) == [Reason.NO_CAPACITY]
    early = scenario.books(book("ALPHA", line("next", 112), start=NOON - DAY, hours=1))
    assert early.allocations[0].bins == (0,)
    scenario.books(book("ALPHA", line("next", 224), start=NOON, hours=1))
    late = scenario.books(book("ALPHA", line("next", 112), start=TUESDAY + 2 * DAY, hours=1))
    assert late.allocations[0].bins == (1,)
    assert scenario.refuses(book("ALPHA", line("next", 224), start=TUESDAY + 2 * DAY, hours=1)) == [Reason.NO_CAPACITY]
    assert grids_of(scenario.restored(), NOW) == grids_of(scenario.centre, NOW)
    wrong = replace(fixture.CPU, id="wrong", nodes=(replace(old, valid_from=TUESDAY, valid_until=TUESDAY),))
    assert scenario.refuses(RegisterResource(resource=wrong)) == [Reason.INVALID_RESOURCE]


def test_funding_that_makes_no_sense_is_refused() -> None:
    """Of nothing, of more than there is, in between hours, in the past."""
    scenario = fixture.fresh()
    assert scenario.refuses(fund("nothing", 1)) == [Reason.RESOURCE_NOT_FOUND]
    wrongs: tuple[SetFunding, ...] = (
        fund("cpu", 225),
        fund("cpu", -1),
        fund("cpu", 1, start=NOON + 60),
        fund("cpu", 1, start=NOW - DAY),
    )
    for wish in wrongs:
        assert scenario.refuses(wish) == [Reason.INVALID_FUNDING]
