"""How lengths of time are said."""

import pytest

from services.allocation.wording import spelled


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (187_200, "2 days 4 hours"),
        (3_600, "1 hour"),
        (90_060, "1 day 1 hour 1 minute"),
        (2_700, "45 minutes"),
        (9, "0 minutes"),
    ],
)
def test_lengths_are_said_in_days_hours_and_minutes(seconds: int, said: str) -> None:
    """Nobody is told to come again in 28,836 minutes."""
    assert spelled(seconds) == said
