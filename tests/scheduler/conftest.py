"""What the scheduler's tests have in common: a centre to call."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scheduler.serving import Desk, serving


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """The fixture centre behind its doors."""
    async with serving(tmp_path / "keys") as served:
        yield served
