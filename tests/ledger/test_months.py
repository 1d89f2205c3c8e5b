"""The books of a month: what it comes to, what is learnt about it later, and what changed since a draft."""

import grpc
import pytest

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.reporting.books_api import BooksApi
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    chained,
    closed,
    company,
    completed,
    confirmed,
    entry,
    equipment,
    extend,
    grant,
    held,
    hours,
    pool,
    tariff,
)
from tests.ledger.test_statements import AUDITOR, COMPANY, OPERATOR, OTHER, call, refusal, timestamp

MARCH_ENDS = 29 * 24 + 15  # Hours from Monday midnight UTC to midnight of 1 April in Seoul.
MINE = "companies/CMP-0001"


@pytest.fixture
async def told(ledger: Ledger) -> Ledger:
    """A month of one company: used, cancelled in time and too late, and a booking that runs into April."""
    over = held([0], hours(MARCH_ENDS - 2, MARCH_ENDS + 3))
    extend(
        ledger.log,
        (
            entry(pool(), equipment("M01", fee=600_000, free_cancel_hours=24), company(), company("CMP-0002")),
            entry(tariff(h100=3000, M01=600_000), grant(hours=100), grant(meter="equipment", hours=40)),
        ),
        (entry(confirmed("used", held(range(4), hours(10, 13))), at=MONDAY, actor=MINE),),
        (entry(confirmed("late", held([0], hours(100, 104), resource="M01")), at=MONDAY, actor=MINE),),
        (entry(confirmed("over", over), at=MONDAY, actor=MINE),),
        (entry(activated("used"), at=MONDAY + 10 * HOUR, actor="system"),),
        (entry(completed("used"), at=MONDAY + 13 * HOUR, actor="system"),),
        (entry(cancelled("late", "no driver"), at=MONDAY + 99 * HOUR, actor=MINE),),
        (entry(activated("over"), at=MONDAY + (MARCH_ENDS - 2) * HOUR, actor="system"),),
        (entry(closed("2026-03"), at=MONDAY + MARCH_ENDS * HOUR, actor="operators/lee"),),
        (entry(completed("over"), at=MONDAY + (MARCH_ENDS + 3) * HOUR, actor="system"),),
    )
    await ledger.fold()
    return ledger


@pytest.fixture
def api(told: Ledger) -> BooksApi:
    return BooksApi(told.readers, told.progress)


def of_month(month: str = "2026-03", name: str = MINE, **view: object) -> wire.GetStatementRequest:
    return wire.GetStatementRequest(name=name, month=month, **view)


async def test_a_month_says_what_it_comes_to(api: BooksApi) -> None:
    """Granted, reserved, used and charged, by resource; what is owed is the sum of its entries."""
    march = await api.get_statement(call(), of_month())
    rig, gpu, all_equipment = march.rows
    assert (gpu.granted_unit_seconds, gpu.budget_krw) == (100 * HOUR, 300_000)
    assert (gpu.used_unit_seconds, gpu.pending_unit_seconds, gpu.charged_krw) == (12 * HOUR, 0, 36_000)
    assert (rig.released_unit_seconds, rig.penalty_krw, rig.charged_krw) == (4 * HOUR, 600_000, 600_000)
    assert (all_equipment.resource, all_equipment.granted_unit_seconds) == ("equipment", 40 * HOUR)
    assert all_equipment.penalty_krw == 600_000
    assert (march.charged_krw, march.pending_krw, march.adjustments_krw) == (636_000, 0, 0)
    assert march.closed


async def test_what_is_learnt_later_is_an_adjustment_of_the_open_month(api: BooksApi) -> None:
    """April has the hours of March that were used after March was closed, and says which month they are about."""
    april = await api.get_statement(call(), of_month("2026-04"))
    assert [(line.phase, line.adjusts, line.krw) for line in april.lines] == [
        ("pending", "", 9000),
        ("carried", "2026-03", 6000),
        ("posted", "2026-03", 6000),
        ("posted", "", 9000),
    ]
    assert (april.charged_krw, april.adjustments_krw) == (15_000, 6000)
    assert not april.closed
    carried = april.lines[1]
    assert (carried.event, carried.position) == ("period_closed", 9)


async def test_lines_add_up_to_the_closing(ledger: Ledger) -> None:
    """For every company and month of a busy history, in unit-seconds and in KRW; each line has its event."""
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    api, seen = BooksApi(ledger.readers, ledger.progress), 0
    for company_ in COMPANIES:
        for month in ("2026-03", "2026-04", "2026-05"):
            found = await api.get_statement(call(AUDITOR), of_month(month, f"companies/{company_}"))
            sums: dict[tuple[str, str], tuple[int, int]] = {}
            for line in found.lines:
                seen += 1
                assert line.event
                assert line.position
                for account, sign in ((line.from_account, -1), (line.to_account, 1)):
                    seconds, krw = sums.get((line.resource, account), (0, 0))
                    sums[line.resource, account] = (seconds + sign * line.unit_seconds, krw + sign * line.krw)
            closing = {(each.resource, each.account): (each.unit_seconds, each.krw) for each in found.closing}
            assert {key: pair for key, pair in sums.items() if any(pair)} == closing
    assert seen > 100


async def test_the_centres_month_is_the_sum_of_all(ledger: Ledger) -> None:
    """Its rows and totals are those of the companies together; no company may ask for it."""
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    api = BooksApi(ledger.readers, ledger.progress)
    for view in ({}, {"known_at": 20}, {"as_of": timestamp(MONDAY + HOUR // 2)}):
        centre = await api.get_statement(call(OPERATOR), of_month(name="companies/-", **view))
        own = [await api.get_statement(call(OPERATOR), of_month(name=each.company, **view)) for each in centre.totals]
        assert [each.charged_krw for each in centre.totals] == [each.charged_krw for each in own]
        assert centre.charged_krw == sum(each.charged_krw for each in own)
        assert centre.pending_krw == sum(each.pending_krw for each in own)
        for row in centre.rows:
            parts = [part for each in own for part in each.rows if part.resource == row.resource]
            assert row.reserved_unit_seconds == sum(part.reserved_unit_seconds for part in parts)
    problem = await refusal(api.get_statement(call(), of_month(name="companies/-")))
    assert problem.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_draft_can_be_compared_with_what_came_of_it(api: BooksApi) -> None:
    """What changed since a position, account by account, with the entries that changed it and nothing else."""
    request = wire.GetChangesRequest(name=MINE, month="2026-03", base_known_at=5)
    found = await api.get_changes(call(), request)
    assert (found.base_position, found.position) == (5, 10)
    changed = {(each.resource, each.account): each.krw_after - each.krw_before for each in found.accounts}
    assert changed == {
        ("M01", "booked"): -600_000,
        ("M01", "penalty"): 600_000,
        ("M01", "released"): 0,
        ("h100", "booked"): -42_000,
        ("h100", "capacity"): 6000,
        ("h100", "used"): 36_000,
    }
    assert [line.event for line in found.lines] == [
        *("reservation_completed", "reservation_cancelled", "reservation_cancelled", "period_closed"),
    ]
    later = wire.GetChangesRequest(name=MINE, base_known_at=10)
    assert not (await api.get_changes(call(), later)).accounts


@pytest.mark.parametrize(("first", "last"), [(1, 60), (7, 31), (25, 28), (40, 40), (59, 60)])
async def test_changes_lead_from_one_view_to_the_other(ledger: Ledger, first: int, last: int) -> None:
    """The balances at one position, plus the lines, are the balances at the other: through any history."""
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    api, name = BooksApi(ledger.readers, ledger.progress), f"companies/{COMPANIES[0]}"

    async def standing(position: int) -> dict[tuple[str, str], int]:
        answer = await api.get_balance(call(AUDITOR), wire.GetBalanceRequest(name=name, known_at=position))
        return {(each.resource, each.account): each.unit_seconds for each in answer.accounts}

    found = await api.get_changes(call(AUDITOR), wire.GetChangesRequest(name=name, base_known_at=first, known_at=last))
    sums = await standing(first)
    for line in found.lines:
        for account, sign in ((line.from_account, -1), (line.to_account, 1)):
            sums[line.resource, account] = sums.get((line.resource, account), 0) + sign * line.unit_seconds
    assert {key: amount for key, amount in sums.items() if amount} == await standing(last)


async def test_transfers_come_by_the_page(ledger: Ledger) -> None:
    """All pages together are all transfers, once each and in log order; a filter leaves out the others."""
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    api = BooksApi(ledger.readers, ledger.progress)

    async def listed(name: str, size: int, **chosen: str) -> list[tuple[int, int]]:
        found, token = [], ""
        while True:
            request = wire.ListTransfersRequest(name=name, page_size=size, page_token=token, **chosen)
            page = await api.list_transfers(call(AUDITOR), request)
            assert len(page.transfers) <= size
            found += [(each.event_number, each.line) for each in page.transfers]
            token = page.next_page_token
            if not token:
                return found

    assert await listed("companies/-", 37) == await ledger.rows("SELECT number, line FROM transfers ORDER BY 1, 2")
    of_one = (
        "SELECT number, line FROM transfers WHERE company = $1 AND period = 202604 AND resource = 'h100' ORDER BY 1"
    )
    chosen = {"month": "2026-04", "resource": "h100"}
    assert await listed(f"companies/{COMPANIES[1]}", 3, **chosen) == await ledger.rows(of_one, COMPANIES[1])


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("get_statement", of_month("2026-3")),
        ("get_statement", wire.GetStatementRequest(name="companies/-")),
        ("get_balance", wire.GetBalanceRequest(name=MINE, month="march")),
        ("get_changes", wire.GetChangesRequest(name=MINE)),
        ("get_changes", wire.GetChangesRequest(name="companies/-", base_known_at=1)),
        ("get_changes", wire.GetChangesRequest(name=MINE, base_known_at=5, known_at=4)),
        ("get_changes", wire.GetChangesRequest(name=MINE, base_as_of=timestamp(MONDAY), known_at=4)),
        ("list_transfers", wire.ListTransfersRequest(name=MINE, page_size=-1)),
        ("list_transfers", wire.ListTransfersRequest(name=MINE, page_token="nonsense")),
        ("list_transfers", wire.ListTransfersRequest(name=MINE, page_token="LTEuMA==")),
        ("list_transfers", wire.ListTransfersRequest(name=MINE, reservation="r1")),
    ],
)
async def test_a_question_that_makes_no_sense_is_explained(api: BooksApi, method: str, request_: object) -> None:
    """Months, views and tokens that are none are refused with the field that is wrong."""
    problem = await refusal(getattr(api, method)(call(OPERATOR), request_))
    assert problem.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_anothers_books_are_no_books(api: BooksApi) -> None:
    """P8: changes and transfers of another company answer as if there were none."""
    for answer in (
        api.get_changes(call(OTHER), wire.GetChangesRequest(name=MINE, base_known_at=1)),
        api.list_transfers(call(OTHER), wire.ListTransfersRequest(name=MINE)),
        api.get_statement(call(OTHER), of_month()),
    ):
        assert (await refusal(answer)).code is grpc.StatusCode.NOT_FOUND
    everybodys = api.list_transfers(call(COMPANY), wire.ListTransfersRequest(name="companies/-"))
    assert (await refusal(everybodys)).code is grpc.StatusCode.PERMISSION_DENIED
