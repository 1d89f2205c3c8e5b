"""A year of the centre from events alone: the report by sector, programme and region, and the log of equipment."""

import grpc
import pytest

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.reporting.year_api import YearApi
from tests.ledger.busy import busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    chained,
    company,
    completed,
    confirmed,
    entry,
    equipment,
    extend,
    grant,
    held,
    hours,
    operators,
    pool,
    tariff,
)
from tests.ledger.test_statements import AUDITOR, COMPANY, OPERATOR, OTHER, call, refusal, timestamp

MINE = "companies/CMP-0001"


@pytest.fixture
async def api(ledger: Ledger) -> YearApi:
    """Two companies of two regions; one ran a rig with staff and shares of a GPU, and gave another booking back."""
    rig = (held([0], hours(10, 14), resource="M01"), held([0, 1], hours(10, 14), resource="OP"))
    share = held([3], hours(20, 24), resource="a100", amounts=[500])
    extend(
        ledger.log,
        (
            entry(pool("a100", bin_capacity=1000), equipment("M01", fee=600_000), operators("OP")),
            entry(company(region="gwangju", stage="hospital"), company("CMP-0002", region="jeonnam")),
            entry(
                tariff(a100=1200, M01=600_000), grant(meter="a100", hours=100_000), grant(meter="equipment", hours=40)
            ),
        ),
        (entry(confirmed("rig", *rig), confirmed("share", share), at=MONDAY, actor=MINE),),
        (entry(confirmed("gone", held([5], hours(100, 102), resource="a100", amounts=[1000])), at=MONDAY, actor=MINE),),
        (entry(activated("rig"), activated("share"), at=MONDAY + 20 * HOUR, actor="system"),),
        (entry(completed("rig"), completed("share"), at=MONDAY + 24 * HOUR, actor="system"),),
        (entry(cancelled("gone"), at=MONDAY + 25 * HOUR, actor=MINE),),
    )
    await ledger.fold()
    return YearApi(ledger.readers, ledger.progress)


def of_year(year: int = 2026, **fields: object) -> wire.GetYearReportRequest:
    return wire.GetYearReportRequest(name="companies/-", year=year, **fields)


async def test_a_year_is_told_in_hours_and_won(api: YearApi) -> None:
    """Granted, used and given back in hours of whole GPUs, of equipment; companies, bookings, and what is owed."""
    found = await api.get_year_report(call(AUDITOR), of_year())
    total = found.total
    assert (total.companies, total.active_companies, total.bookings) == (2, 1, 3)
    assert (total.gpu_hours_granted, total.gpu_hours_used, total.gpu_hours_released) == (100, 2, 2)
    assert (total.equipment_hours_granted, total.equipment_hours_used, total.staff_hours_used) == (40, 4, 8)
    assert total.charged_krw == 600_000 + 2400
    regions = {group.value: group.figures for group in found.groups if group.dimension == "region"}
    assert regions["gwangju"].equipment_hours_used == 4
    assert (regions["jeonnam"].companies, regions["jeonnam"].bookings) == (1, 0)
    assert not (await api.get_year_report(call(AUDITOR), of_year(2027))).total.bookings


async def test_a_year_can_be_had_as_it_was(api: YearApi) -> None:
    """As known at a position, or as of a time, what came later does not count."""
    for view in ({"known_at": 4}, {"as_of": timestamp(MONDAY + 20 * HOUR)}):
        total = (await api.get_year_report(call(AUDITOR), of_year(**view))).total
        assert (total.bookings, total.equipment_hours_used, total.charged_krw) == (3, 0, 0)


async def test_groups_add_up_to_all(ledger: Ledger) -> None:
    """Each dimension sorts every company once, through any history."""
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    found = await YearApi(ledger.readers, ledger.progress).get_year_report(call(OPERATOR), of_year())
    assert found.total.bookings > 50
    for dimension in ("industry", "programme", "region"):
        figures = [group.figures for group in found.groups if group.dimension == dimension]
        assert sum(each.bookings for each in figures) == found.total.bookings
        assert sum(each.charged_krw for each in figures) == found.total.charged_krw
        assert sum(each.gpu_hours_used for each in figures) == pytest.approx(found.total.gpu_hours_used)


async def test_the_use_log_has_what_events_know(api: YearApi) -> None:
    """When, who, of what kind, for how long, with how much staff and for which fee; a company sees its own."""
    for who, name in ((AUDITOR, "companies/-"), (COMPANY, MINE)):
        request = wire.ListEquipmentUseRequest(name=name, year=2026)
        (use,) = (await api.list_equipment_use(call(who), request)).uses
        assert (use.resource, use.hours, use.staff_hours, use.fee_krw) == ("M01", 4, 8, 600_000)
        assert (use.organisation, use.organisation_type, use.user) == ("Company CMP-0001", "hospital", MINE)
        assert use.start_time.seconds == MONDAY + 10 * HOUR
    assert not (
        await api.list_equipment_use(call(OTHER), wire.ListEquipmentUseRequest(name="companies/CMP-0002", year=2026))
    ).uses


async def test_the_use_log_comes_by_the_page(ledger: Ledger) -> None:
    """All pages together are all uses, once each."""
    bookings = [confirmed(f"r{n}", held([0], hours(n, n + 1), resource="M01")) for n in range(7)]
    lives = [fact for n, booked in enumerate(bookings) for fact in (booked, activated(f"r{n}"), completed(f"r{n}"))]
    extend(ledger.log, (entry(equipment("M01", slot_hours=1), company()),), (entry(*lives),))
    await ledger.fold()
    api, token, found = YearApi(ledger.readers, ledger.progress), "", []
    while True:
        request = wire.ListEquipmentUseRequest(name="companies/-", year=2026, page_size=3, page_token=token)
        page = await api.list_equipment_use(call(AUDITOR), request)
        found += [use.reservation.rpartition("/")[2] for use in page.uses]
        token = page.next_page_token
        if not token:
            break
    assert found == [f"r{n}" for n in range(7)]


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("get_year_report", of_year(1)),
        ("get_year_report", wire.GetYearReportRequest(name=MINE, year=2026)),
        ("list_equipment_use", wire.ListEquipmentUseRequest(name=MINE)),
        ("list_equipment_use", wire.ListEquipmentUseRequest(name=MINE, year=2026, page_size=-1)),
        ("list_equipment_use", wire.ListEquipmentUseRequest(name=MINE, year=2026, page_token="nonsense")),
    ],
)
async def test_a_year_that_makes_no_sense_is_explained(api: YearApi, method: str, request_: object) -> None:
    """Years, names and tokens that are none are refused with the field that is wrong."""
    problem = await refusal(getattr(api, method)(call(OPERATOR), request_))
    assert problem.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_centres_year_is_not_for_companies(api: YearApi) -> None:
    """Nor is another company's use of equipment (P8)."""
    denied = api.get_year_report(call(COMPANY), of_year())
    assert (await refusal(denied)).code is grpc.StatusCode.PERMISSION_DENIED
    foreign = api.list_equipment_use(call(OTHER), wire.ListEquipmentUseRequest(name=MINE, year=2026))
    assert (await refusal(foreign)).code is grpc.StatusCode.NOT_FOUND
