"""Records of a company in a browser: what would follow is shown first, and then just that is recorded."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation.values import months
from services.board.conduct.arrears import months_later
from services.board.conduct.records import RECORDS
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, enclosing, forms
from tests.system.small_catalogue import COMPANIES, DAY, MONDAY, YEAR_END

pytestmark = pytest.mark.asyncio(loop_scope="session")
DEBTOR, MINER, MOVER, LEARNER = "CMP-71", "CMP-72", "CMP-73", "CMP-74"
HEARD = COMPANIES[3]
"""A company of the small catalogue, whose own eyes see what is recorded."""
BILL = {"month": "2026-01", "krw": "1,200,000", "due": "2026-02-15T18:00", "reference": "2026-01-71"}
SEOUL = ZoneInfo("Asia/Seoul")


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def strict(board: Browsing) -> None:
    """Terms by which bills, misuse and a poor use of grants have consequences, and companies of our own."""
    call, scheduler = board.centre.call, board.centre.scheduler
    terms = await call(scheduler.GetTerms, api.GetTermsRequest(), "operator")
    terms.ClearField("effective_time")
    terms.arrears.add(months=1, surcharge_percent=5)
    terms.arrears.add(months=6, suspends=True)
    terms.misuse_revokes = True
    terms.reclaim.rows.add(at_percent=40, below_percent=1, remove_percent=1)
    terms.reclaim.exemption.FromSeconds(7 * DAY)
    await call(scheduler.PublishTerms, api.PublishTermsRequest(terms=terms, request_id=new_id()), "operator")
    for name in (DEBTOR, MINER, MOVER, LEARNER):
        await call(scheduler.RegisterCompany, registered(name), "operator")
    hours = api.Quota(company=f"companies/{LEARNER}", meter="equipment", unit_seconds=100 * 3600)
    hours.start_time.seconds, hours.end_time.seconds = MONDAY - DAY, YEAR_END
    await call(scheduler.GrantQuota, api.GrantQuotaRequest(quota=hours, request_id=new_id()), "operator")


def new_id() -> str:
    """A request id."""
    return str(uuid.uuid4())


def registered(name: str) -> api.RegisterCompanyRequest:
    """A company that only operators look at."""
    company = api.Company(
        name=f"companies/{name}",
        display_name=name,
        agreement_start_time=Timestamp(seconds=MONDAY - DAY),
        agreement_end_time=Timestamp(seconds=YEAR_END),
        horizon=Duration(seconds=60 * DAY),
        reservation_max=Duration(seconds=7 * DAY),
    )
    return api.RegisterCompanyRequest(company=company, request_id=new_id())


async def shown(board: Browsing, record: str, fields: Mapping[str, str], **headers: str) -> str:
    """What a record would bring, as the operator is told."""
    query = "&".join(f"{key}={value}" for key, value in {"asked": "1", **fields}.items())
    return await board.page(f"/conduct/{record}?{query}", "operator", **headers)


async def recorded(board: Browsing, record: str, fields: Mapping[str, str]) -> str:
    """A record that was seen and sent; gives the company's page after it."""
    [form] = forms(await shown(board, record, fields), f"/conduct/{record}")
    async with board.browser("operator") as browser:
        answers = [await browser.post(f"/conduct/{record}", data=form) for _ in range(2)]
        assert [each.status_code for each in answers] == [303, 303]
        return (await browser.get(answers[0].headers["location"])).text


async def test_a_bill_is_recorded_with_what_follows_and_cleared(board: Browsing) -> None:
    """Each consequence has its sum and its day before anything is recorded; paid, the bill is gone from the page."""
    page = await shown(board, "arrears", {"company": DEBTOR, **BILL})
    assert "KRW 60,000 more (5 %)" in page
    assert "Sat 15 Aug 18:00" in page
    assert "books nothing new" in page
    assert "No overdue bill" in await board.page(f"/company?company={DEBTOR}", "operator")
    after = await recorded(board, "arrears", {"company": DEBTOR, **BILL})
    assert "The overdue bill is recorded." in after
    assert "KRW 1,200,000" in after
    assert f"/conduct/paid?company={DEBTOR}&amp;month=2026-01" in after
    assert "may book again" not in after
    cleared = await recorded(board, "paid", {"company": DEBTOR, "month": "2026-01", "reason": "paid today"})
    assert "The bill is cleared." in cleared
    assert "KRW 1,200,000" not in cleared


async def test_what_makes_no_bill_is_said_in_words(board: Browsing) -> None:
    """An amount, a time and a month that are none are each named, and there is no button to send them."""
    odd = await shown(board, "arrears", {"company": DEBTOR, **BILL, "krw": "lots", "due": "someday"})
    assert "“lots” is no amount of KRW." in odd
    assert "someday" in odd
    early = await shown(board, "arrears", {"company": DEBTOR, **BILL, "due": "2026-01-15T18:00"})
    assert "INVALID_ARREARS" in early
    nobody = await shown(board, "arrears", {"company": "CMP-999", **BILL})
    assert "There is no such company." in nobody
    none = await shown(board, "paid", {"company": DEBTOR, "month": "2025-07"})
    assert "There is no such record." in none
    for page in (odd, early, nobody, none):
        assert not forms(page, "/conduct/arrears") + forms(page, "/conduct/paid")


async def test_a_company_reads_what_it_owes_and_what_comes_next(board: Browsing) -> None:
    """Its own page tells the bill and the next consequence in its language, without the operators' forms."""
    await recorded(board, "arrears", {"company": HEARD, **BILL})
    page = await board.page("/company", HEARD, **{"accept-language": "ko"})
    assert "미납 청구" in page
    assert "1,200,000원" in page
    assert "가산금 60,000원 (5%)" in page
    assert "/conduct/" not in page
    await recorded(board, "paid", {"company": HEARD, "month": "2026-01"})


async def test_a_misuse_names_what_it_would_take_and_is_lifted(board: Browsing) -> None:
    """The reservations that go are listed before; then nothing can be booked; lifted, it can, and they stay gone."""
    made = await board.book(MINER, by="operator")
    page = await shown(board, "misuse", {"company": MINER, "reason": "mining", "reference": "AUD-4"})
    assert "Reservations that would be taken back: 1." in page
    assert made.name.rsplit("/", 1)[1] in page
    after = await recorded(board, "misuse", {"company": MINER, "reason": "mining", "reference": "AUD-4"})
    assert "Misuse: mining (AUD-4)." in after
    again = await shown(board, "misuse", {"company": MINER, "reason": "more"})
    assert "ALREADY_EXISTS" in again
    refused = await board.page(f"/book?company={MINER}&resource=core&hours=2", "operator")
    assert "REVOKED" in refused
    lifted = await recorded(board, "lift", {"company": MINER, "reason": "they explained it"})
    assert "Lifted. The company may book again." in lifted
    assert "Misuse: mining" not in lifted


async def test_a_reason_may_be_as_long_as_the_scheduler_takes(board: Browsing) -> None:
    """In Korean too: the form lets it be typed, its address carries it, and it is recorded whole."""
    told = {"company": MINER, "reason": "채" * 500, "reference": "감" * 200}
    assert 'maxlength="500"' in await board.page(f"/conduct/misuse?company={MINER}", "operator")
    assert told["reason"] in await recorded(board, "misuse", told)
    await recorded(board, "lift", {"company": MINER, "reason": told["reason"]})
    async with board.browser() as stranger:
        answer = await stranger.get("/conduct/misuse", params={"asked": "1", **told})
        assert answer.status_code == 303
        assert (await stranger.get(answer.headers["location"])).status_code == 200


async def test_an_exemption_names_its_review(board: Browsing) -> None:
    """The operator sees of which date it is; then it stands on the company's page, and is not granted twice."""
    page = await shown(board, "exemption", {"company": MOVER, "reason": "it moves house"})
    assert "Review of its grants" in page
    assert "Mon 29 Jun" in page
    after = await recorded(board, "exemption", {"company": MOVER, "reason": "it moves house"})
    assert "takes nothing from the company: it moves house" in after
    assert "ALREADY_EXISTS" in await shown(board, "exemption", {"company": MOVER, "reason": "again"})


async def test_a_training_and_a_strike_are_given_and_taken_back(board: Browsing) -> None:
    """Trained people book by themselves; a late cancellation is a strike, told with its reason, and forgiven."""
    until = {"company": LEARNER, "resource": "WINCH", "until": "2026-12-01T18:00"}
    assert "without an operator until then" in await shown(board, "training", until)
    assert "WINCH" in await recorded(board, "training", until)
    made = await board.book(LEARNER, "WINCH", by="operator")
    cancel = api.CancelReservationRequest(name=made.name, request_id=new_id(), reason="too late")
    await board.centre.call(board.centre.scheduler.CancelReservation, cancel, "operator")
    page = await board.page(f"/company?company={LEARNER}", "operator")
    assert "given back late" in page
    name = made.name.rsplit("/", 1)[1]
    told = await shown(board, "forgive", {"company": LEARNER, "reservation": name})
    assert "Strikes left</dt><dd>0" in told
    forgiven = await recorded(board, "forgive", {"company": LEARNER, "reservation": name, "reason": "their train"})
    assert "given back late" not in forgiven
    gone = await recorded(board, "untrained", {"company": LEARNER, "resource": "WINCH"})
    assert "No overdue bill, no strike and no training" in gone


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("holder", [HEARD, "auditor"])
async def test_only_operators_record(board: Browsing, record: str, holder: str) -> None:
    """The same roles as the doors: neither the form nor a request made by hand is for anybody else."""
    seal = forms(await board.page("/", holder), "/sign-out")[0]["seal"]
    async with board.browser(holder) as browser:
        assert (await browser.get(f"/conduct/{record}")).status_code == 403
        made = {"seal": seal, "company": HEARD, **enclosing(RECORDS[record].kind())}
        assert (await browser.post(f"/conduct/{record}", data=made)).status_code == 403


@pytest.mark.parametrize("record", RECORDS)
async def test_a_record_without_the_seal_changes_nothing(board: Browsing, record: str) -> None:
    """A form that this board did not make for this person is refused, and there is no record of another name."""
    async with board.browser("operator") as browser:
        forged = await browser.post(f"/conduct/{record}", data={"company": HEARD, **enclosing(RECORDS[record].kind())})
        assert forged.status_code == 403
        assert (await browser.get("/conduct/rumour")).status_code == 404


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("language", ["en", "ko"])
async def test_an_empty_form_asks_and_tells_in_both_languages(board: Browsing, record: str, language: str) -> None:
    """Whoever comes to a form reads what it does, and nothing is tried before they fill it in."""
    page = await board.page(f"/conduct/{record}?company={HEARD}", "operator", **{"accept-language": language})
    assert f'value="{HEARD}"' in page
    assert not forms(page, f"/conduct/{record}")
    assert ("결과 미리 보기" if language == "ko" else "Show what it would bring") in page


@pytest.mark.parametrize("count", [1, 2, 6, 11, 12, 25])
@pytest.mark.parametrize("day", ["2026-01-31T18:00", "2026-02-15T09:30", "2027-12-31T00:00"])
async def test_a_consequence_has_the_day_that_the_rules_give_it(day: str, count: int) -> None:
    """The board tells the very moment at which the scheduler will act."""
    due = datetime.fromisoformat(day).replace(tzinfo=SEOUL)
    assert months_later(due, count).timestamp() == months.months_later(int(due.timestamp()), count, SEOUL)
