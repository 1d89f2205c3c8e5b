"""A real centre for the board's tests, started once: its scheduler and ledger, and the board's pages over them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.board.browsing import Browsing, browsing
from tests.system.harness import Clients, running_centre

SPEED = 1
"""Time passes as it does here: what a page says is still true when the test reads it."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A running centre with the small catalogue. Tests share it: each books something of its own."""
    folder: Path = tmp_path_factory.mktemp("board")
    async with running_centre(folder, speed=SPEED) as clients:
        yield clients


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def board(centre: Clients) -> AsyncIterator[Browsing]:
    """The pages over that centre, and browsers that are signed in."""
    async with browsing(centre) as found:
        yield found
