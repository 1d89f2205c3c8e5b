"""Fixtures of the ledger's tests."""

from collections.abc import AsyncIterator

import pytest

from services.eventlog.memory import MemoryLog
from services.ledger.database import connect_readers, connect_writer
from tests.ledger.folding import Ledger


@pytest.fixture
async def ledger(postgres_dsn: str) -> AsyncIterator[Ledger]:
    """A ledger over an empty log and an empty database."""
    writer, readers = await connect_writer(postgres_dsn), await connect_readers(postgres_dsn)
    yield Ledger(MemoryLog(), writer, readers, postgres_dsn)
    writer.terminate()
    readers.terminate()
