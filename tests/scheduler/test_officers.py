"""Support officers act for the companies that an operator assigned to them, while that lasts, and for nobody else."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.eventlog.page import decode_page
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.identity import Identity, Role, mint_token
from services.runtime.reception import ON_BEHALF_OF, SWEEP_SECONDS
from tests.allocation.scenario import DAY
from tests.scheduler.serving import ALPHA, BETA, OPERATOR, SERVICE, Desk, Refused, demand, request_id, serving
from tests.scheduler.test_grpc_tenants import ADMINISTERING, EXPECTED, WHOSE, assigning, outcome, request_of

HAN = Identity("han", Role.COMPANY, "ALPHA", "han")
"""Officer Han, acting for ALPHA."""
DENIED, INVALID = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The fixture centre, where Han may act for ALPHA for a month."""
    async with serving(tmp_path / "keys") as served:
        await served.call("AssignOfficer", assigning("companies/ALPHA", "han", 90), OPERATOR)
        yield served


async def refusal(desk: Desk, method: str, request: Any, identity: Identity | None) -> Refused:
    """Why it is refused."""
    with pytest.raises(Refused) as refused:
        await desk.ask(method, request, identity)
    return refused.value


async def test_an_officer_books_changes_and_cancels_for_the_company(desk: Desk) -> None:
    """All of it is the company's, under its rules; the log names the officer and the company of each."""
    made = await desk.call("CreateReservation", demand(1), HAN)
    assert made.name.startswith("companies/ALPHA/")
    cancel = api.CancelReservationRequest(name=made.name, request_id=request_id(2))
    await desk.call("CancelReservation", cancel, HAN)
    assert (await desk.call("GetReservation", api.GetReservationRequest(name=made.name), ALPHA)).state == 4
    actors = [entry.actor for page in desk.log.pages[-2:] for entry in decode_page(page).entries]
    assert actors == ["officers/han/companies/ALPHA"] * 2


@pytest.mark.parametrize("method", EXPECTED)
@pytest.mark.parametrize("whose", WHOSE)
async def test_an_officer_may_and_sees_what_the_company_does(desk: Desk, method: str, whose: str) -> None:
    """P8: cell by cell the row of the company, for its own, another's and a missing one."""
    request = await request_of(desk, method, WHOSE[whose])
    assert await outcome(desk, method, request, HAN) == EXPECTED[method]["company", whose]


@pytest.mark.parametrize("company", ["BETA", "GHOST"])
async def test_another_company_is_refused_before_anything_is_read(desk: Desk, company: str) -> None:
    """P8: whether it is there or not, and whatever is asked about it, the officer hears the same."""
    acting = replace(HAN, company=company)
    for method, request in (
        ("CreateReservation", demand(1, company=company)),
        ("ListReservations", api.ListReservationsRequest(parent=f"companies/{company}")),
        ("WatchReservations", api.WatchReservationsRequest(parent=f"companies/{company}")),
    ):
        refused = await refusal(desk, method, request, acting)
        assert (refused.code, refused.reason) == (DENIED, "NOT_YOUR_COMPANY")
        assert refused.message == f"Officer han may not act for {company} now. An operator can assign it to you."


async def test_an_assignment_ends_by_its_date_and_at_once_when_it_is_taken_back(desk: Desk) -> None:
    """What was booked stands; from then on nothing more is, though the token is good for hours."""
    made = await desk.call("CreateReservation", demand(1), HAN)
    desk.clock.seconds += 31 * DAY
    assert (await refusal(desk, "CreateReservation", demand(2), HAN)).reason == "NOT_YOUR_COMPANY"
    again = assigning("companies/ALPHA", "han", 91, days=60)
    told = await desk.call("AssignOfficer", again, OPERATOR)
    assert [(each.officer, each.end_time.seconds) for each in told.officers] == [
        ("officers/han", again.officer.end_time.seconds)
    ]
    get = api.GetReservationRequest(name=made.name)
    assert (await desk.call("GetReservation", get, HAN)).name == made.name
    dismiss = api.DismissOfficerRequest(parent="companies/ALPHA", officer="officers/han", request_id=request_id(92))
    assert not (await desk.call("DismissOfficer", dismiss, OPERATOR)).officers
    assert (await refusal(desk, "GetReservation", get, HAN)).reason == "NOT_YOUR_COMPANY"
    await desk.call("GetReservation", get, ALPHA)


async def test_a_watch_ends_with_the_assignment(desk: Desk) -> None:
    """P8: what is dismissed hears no more, although nobody hung up."""
    stream = desk.channel.unary_stream(f"/{SERVICE.full_name}/WatchReservations")(
        api.WatchReservationsRequest(parent="companies/ALPHA").SerializeToString(),
        metadata=desk.bearer(HAN),
        timeout=10,
    )
    await stream.read()
    dismiss = api.DismissOfficerRequest(parent="companies/ALPHA", officer="officers/han", request_id=request_id(92))
    await desk.call("DismissOfficer", dismiss, OPERATOR)
    async with asyncio.timeout(40 * SWEEP_SECONDS):
        assert await stream.code() is DENIED


async def test_the_company_sees_who_may_act_for_it(desk: Desk) -> None:
    """And another company does not."""
    told = await desk.call("GetConduct", api.GetConductRequest(parent="companies/ALPHA"), ALPHA)
    assert [each.officer for each in told.officers] == ["officers/han"]
    assert not (await desk.call("GetConduct", api.GetConductRequest(parent="companies/BETA"), BETA)).officers


async def listed(desk: Desk, identity: Identity, parent: str, **fields: Any) -> list[tuple[str, str, bool]]:
    """Who may act for whom, and whether that is so now."""
    request = api.ListOfficersRequest(parent=parent, **fields)
    told = await desk.call("ListOfficers", request, identity)
    return [(each.company, each.officer.officer, each.acting) for each in told.assignments]


async def test_officers_hear_for_whom_they_may_act_companies_of_theirs_and_operators_of_all(desk: Desk) -> None:
    """P8: an officer who acts for nobody yet hears of their own assignments alone, a company of its own officers."""
    for number, company, officer in ((91, "BETA", "han"), (92, "BETA", "yu"), (93, "ALPHA", "yu")):
        await desk.call("AssignOfficer", assigning(f"companies/{company}", officer, number), OPERATOR)
    hans = [("companies/ALPHA", "officers/han", True), ("companies/BETA", "officers/han", True)]
    yus = [("companies/ALPHA", "officers/yu", True), ("companies/BETA", "officers/yu", True)]
    alone = Identity("han", Role.OFFICER, "")
    assert await listed(desk, alone, "companies/-") == hans
    assert await listed(desk, alone, "companies/BETA") == hans[1:]
    assert await listed(desk, alone, "companies/-", officer="officers/yu") == []
    assert await listed(desk, HAN, "companies/ALPHA") == await listed(desk, ALPHA, "companies/ALPHA")
    assert sorted(await listed(desk, ALPHA, "companies/ALPHA")) == [hans[0], yus[0]]
    assert sorted(await listed(desk, OPERATOR, "companies/-")) == sorted([*hans, *yus])
    assert await listed(desk, OPERATOR, "companies/-", officer="officers/yu") == yus
    first = await desk.call("ListOfficers", api.ListOfficersRequest(parent="companies/-", page_size=3), OPERATOR)
    rest = api.ListOfficersRequest(parent="companies/-", page_size=3, page_token=first.next_page_token)
    assert len(first.assignments) + len((await desk.call("ListOfficers", rest, OPERATOR)).assignments) == 4
    desk.clock.seconds += 31 * DAY
    assert await listed(desk, alone, "companies/ALPHA") == [("companies/ALPHA", "officers/han", False)]
    for who, parent in ((ALPHA, "companies/-"), (ALPHA, "companies/BETA")):
        with pytest.raises(Refused):
            await listed(desk, who, parent)


async def raw(desk: Desk, identity: Identity, *companies: str) -> Refused:
    """A call with a token of somebody, and whatever they say on whose behalf."""
    metadata = [("authorization", f"Bearer {mint_token(desk.keys, identity, time.time())}")]
    metadata += [(ON_BEHALF_OF, company) for company in companies]
    request = api.ListReservationsRequest(parent="companies/ALPHA").SerializeToString()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await desk.channel.unary_unary(f"/{SERVICE.full_name}/ListReservations")(request, metadata=metadata, timeout=10)
    return Refused(error.value)


@pytest.mark.parametrize("companies", [[], [""], ["companies/ALPHA"], ["ALPHA/x"], ["-"], ["BETA", "ALPHA"]])
async def test_an_officer_says_for_whom_or_does_nothing(desk: Desk, companies: list[str]) -> None:
    """By themselves they may nothing, not even look; nor for two at once, of whom somebody else may read the other."""
    refused = await raw(desk, Identity("han", Role.OFFICER, ""), *companies)
    assert (refused.code, refused.reason) == (INVALID, "ON_WHOSE_BEHALF")


@pytest.mark.parametrize("identity", [ALPHA, OPERATOR, Identity("auditor", Role.AUDITOR, "")])
async def test_nobody_else_acts_for_another(desk: Desk, identity: Identity) -> None:
    """A company, an operator and an auditor are who they are."""
    assert (await raw(desk, identity, "BETA")).reason == "NOT_AN_OFFICER"


@pytest.mark.parametrize(
    ("officer", "days", "reason"),
    [("han", -1, "INVALID_OFFICER"), ("two words", 1, "INVALID_FIELD"), ("a/b", 1, "INVALID_FIELD")],
)
async def test_an_assignment_that_makes_no_sense_is_refused(desk: Desk, officer: str, days: int, reason: str) -> None:
    """It must end after it starts, and name somebody in a way that no token can twist."""
    before = len(desk.log.pages)
    assert (
        await refusal(desk, "AssignOfficer", assigning("companies/BETA", officer, 3, days), OPERATOR)
    ).reason == reason
    assert len(desk.log.pages) == before


async def test_only_so_many_officers_act_for_one_company(desk: Desk) -> None:
    """The twenty-first is refused, until one is dismissed."""
    for number in range(19):
        await desk.call("AssignOfficer", assigning("companies/ALPHA", f"o{number}", number), OPERATOR)
    assert (await refusal(desk, "AssignOfficer", assigning("companies/ALPHA", "late", 80), OPERATOR)).reason == (
        "INVALID_OFFICER"
    )


def test_only_operators_assign() -> None:
    """Neither a company nor an auditor says who acts for whom."""
    for method in ("AssignOfficer", "DismissOfficer"):
        assert EXPECTED[method]["company", "own"] == ADMINISTERING["company", "own"] == DENIED
