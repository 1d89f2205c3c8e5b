"""Changing a series of what was approved, over the wire: each occurrence waits, and everybody concerned can see it."""

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk
from tests.scheduler.test_grpc_approvals import KIM, LEE, approval
from tests.scheduler.test_grpc_asking import get
from tests.scheduler.test_grpc_tenants import series
from tests.scheduler.test_series_changes import changing

ASKED, KEPT = api.Occurrence.EFFECT_ASKED, api.Occurrence.EFFECT_KEPT


async def approved(desk: Desk) -> api.Series:
    """Three hours of a bench, to each of which two have agreed."""
    wish = series("ALPHA")
    wish.series.lines[0].resource, wish.series.lines[0].units = "resources/B24", 4
    made: api.Series = await desk.call("CreateSeries", wish)
    for number, each in enumerate(made.occurrences):
        await agree(desk, each.reservation, 100 + number)
    return made


async def agree(desk: Desk, name: str, number: int) -> api.Reservation:
    """Two say yes."""
    await desk.call("ApproveReservation", approval(name, number), KIM)
    after: api.Reservation = await desk.call("ApproveReservation", approval(name, number + 50), LEE)
    return after


async def listed(desk: Desk) -> list[str]:
    """What waits for those who decide."""
    request = api.ListReservationsRequest(parent="companies/-", to_approve=True)
    found = await desk.call("ListReservations", request, OPERATOR)
    return [each.name for each in found.reservations]


async def test_each_occurrence_waits_and_is_decided_on_alone(desk: Desk) -> None:
    """Shown before it is asked; listed for those who decide; what two agree to moves, and the others stand."""
    made = await approved(desk)
    wish = changing(made.name, 30, first="2026-03-03T14:00", validate_only=True)
    shown = await desk.call("UpdateSeries", wish)
    assert [each.effect for each in shown.occurrences] == [ASKED] * 3
    assert await listed(desk) == []
    wish.validate_only = False
    after = await desk.call("UpdateSeries", wish)
    names = [each.reservation for each in after.occurrences]
    assert names == [each.reservation for each in made.occurrences]
    assert sorted(await listed(desk)) == sorted(names)
    waiting = await get(desk, names[1])
    assert (waiting.start_time.seconds, waiting.asked_change.start_time.seconds) == (
        NOON + DAY,
        NOON + DAY + 2 * HOUR,
    )
    moved = await agree(desk, names[1], 200)
    assert (moved.start_time.seconds, moved.HasField("asked_change")) == (NOON + DAY + 2 * HOUR, False)
    assert sorted(await listed(desk)) == sorted([names[0], names[2]])
    assert await desk.call("UpdateSeries", wish) == after  # P4


async def test_this_and_the_following_ask_and_a_second_time_nothing_changes(desk: Desk) -> None:
    """What comes before stays without a question; the same wish again finds what waits, and asks for nothing new."""
    made = await approved(desk)
    longer = changing(made.name, 30, since=NOON + DAY, duration=2 * HOUR)
    after = await desk.call("UpdateSeries", longer)
    assert [each.effect for each in after.occurrences] == [api.Occurrence.EFFECT_UNSPECIFIED, ASKED, ASKED]
    again = await desk.call("UpdateSeries", changing(made.name, 31, since=NOON + DAY, duration=2 * HOUR))
    assert [each.effect for each in again.occurrences] == [api.Occurrence.EFFECT_UNSPECIFIED, KEPT, KEPT]
    assert len(await listed(desk)) == 2


async def test_nobody_else_finds_what_was_asked_of_a_series(desk: Desk) -> None:
    """P8: another company has none of it to decide on or to read."""
    made = await approved(desk)
    await desk.call("UpdateSeries", changing(made.name, 30, first="2026-03-03T14:00"))
    for who, company, count in ((ALPHA, "ALPHA", 3), (BETA, "BETA", 0)):
        request = api.ListReservationsRequest(parent=f"companies/{company}", to_approve=True)
        assert len((await desk.call("ListReservations", request, who)).reservations) == count
