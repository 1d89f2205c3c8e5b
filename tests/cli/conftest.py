"""A centre for the commands to ask."""

from collections.abc import Iterator

import pytest

from tests.cli.fake_centre import FakeCentre, serve
from tests.cli.samples import TOKEN


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCentre]:
    """A centre to ask, found by the environment."""
    fake = FakeCentre()
    with serve(fake) as address:
        monkeypatch.setenv("AIDC_SCHEDULER", address)
        monkeypatch.setenv("AIDC_LEDGER", address)
        monkeypatch.setenv("AIDC_TOKEN", TOKEN)
        yield fake
