"""P9: where a page is altered, missing or unreadable nobody guesses: readers stop there, and nobody leads."""

import asyncio
import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import grpc
import grpc.aio
import pytest
import pytest_asyncio

from services.cli.up.service import Service
from services.eventlog.jetstream import JetStreamLog
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.ledger.v1.ledger_pb2_grpc import LedgerStub
from services.runtime.embedded import StartError
from tests.system.harness import Clients, eventually, running_centre
from tests.system.raw_log import RawPage, read_log
from tests.system.workload import Outcome, busy, error_reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPOILT = 30
"""The position of the page that is spoilt; there are more behind it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A sound centre with some history, whose log is copied and spoilt."""
    async with running_centre(tmp_path_factory.mktemp("untrusted")) as clients:
        async with busy(clients, seed="history") as crowd:
            await eventually(lambda: crowd.count(Outcome.GRANTED) >= SPOILT, "there is some history")
        yield clients


def altered(pages: Sequence[bytes]) -> list[bytes]:
    """One page says something else than when the page after it was written."""
    page = pages[SPOILT - 1]
    return [*pages[: SPOILT - 1], page.replace(b'"actor":"', b'"actor":"not-', 1), *pages[SPOILT:]]


def missing(pages: Sequence[bytes]) -> list[bytes]:
    """One page is gone, and those behind it moved up."""
    return [*pages[: SPOILT - 1], *pages[SPOILT:]]


def unreadable(pages: Sequence[bytes]) -> list[bytes]:
    """One page is no page at all."""
    return [*pages[: SPOILT - 1], b"not a page", *pages[SPOILT:]]


# An altered page betrays itself by the hash that the next one names.
@pytest.mark.parametrize(("spoil", "trusted"), [(altered, SPOILT), (missing, SPOILT - 1), (unreadable, SPOILT - 1)])
async def test_everybody_stops_at_a_spoilt_page(
    clients: Clients, tmp_path: Path, spoil: Callable[[Sequence[bytes]], list[bytes]], trusted: int
) -> None:
    """P9: ledger, metrics and scheduler each name the position that they do not trust, and none goes past it."""
    centre, name = clients.centre, f"spoilt-{spoil.__name__}"
    await write_log(clients, name, spoil(renamed(await read_log(centre), name)))
    settings = {**centre.settings(), "AIDC_CENTRE": name}
    dsn = await centre.postgres.create_database(name)
    ledger = Service("ledger", tmp_path / "ledger", lambda: {**settings, "AIDC_POSTGRES_DSN": dsn}, grpc="127.0.0.1:0")
    metrics = Service("metrics", tmp_path / "metrics", lambda: settings)
    scheduler = Service("scheduler", tmp_path / "scheduler", lambda: settings, grpc="127.0.0.1:0")
    ended = await asyncio.gather(ledger.start(), metrics.start(), scheduler.start(), return_exceptions=True)
    try:
        assert ended[0] is None
        await eventually(lambda: _halted_at(clients, ledger, trusted), f"the ledger halts after {trusted}")
        for failure in ended[1:]:
            assert isinstance(failure, StartError)
            assert "status 1" in str(failure)
            assert f"position {trusted + 1} cannot be trusted" in str(failure)
    finally:
        await ledger.stop()


async def _halted_at(clients: Clients, ledger: Service, position: int) -> bool:
    """Whether the ledger refuses to answer, says up to where it trusts the log, and is not healthy."""
    stub = LedgerStub(clients.channel(ledger.grpc))  # type: ignore[no-untyped-call]  # generated
    try:
        await clients.call(stub.GetBalance, ledger_api.GetBalanceRequest(name="companies/-"), "auditor")
    except grpc.aio.AioRpcError as error:
        said = error_reason(error) == "HALTED" and f"stopped at position {position} " in str(error.details())
        return said and await asyncio.to_thread(_unhealthy, ledger.http)
    return False


def _unhealthy(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{address}/healthz", timeout=5)
    except urllib.error.HTTPError as answer:
        return answer.code == 503
    return False


def renamed(pages: Sequence[RawPage], centre: str) -> list[bytes]:
    """The same history as another centre's, soundly chained."""
    copies, previous = [], "0" * 64
    for raw in pages:
        copies.append(json.dumps({**raw.page, "centre": centre, "previous": previous}, separators=(",", ":")).encode())
        previous = hashlib.sha256(copies[-1]).hexdigest()
    return copies


async def write_log(clients: Clients, centre: str, pages: Sequence[bytes]) -> None:
    """Write pages as they are."""
    log = await JetStreamLog.connect(clients.centre.nats.url, centre)
    for position, page in enumerate(pages):
        await log.append(page, after=position)
    await log.close()
