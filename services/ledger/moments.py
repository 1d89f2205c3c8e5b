"""Times of the log as Postgres is told them. Pure."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECONDS_KEPT_MAX = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(microseconds: int) -> datetime:
    """A time of the log, microseconds since 1970 UTC, without the rounding of a float."""
    return _EPOCH + timedelta(microseconds=microseconds)


@lru_cache(SECONDS_KEPT_MAX)
def second(seconds: int) -> datetime:
    """A time of the calendar, seconds since 1970 UTC. Bookings begin and end at the same times, so many are kept."""
    return _EPOCH + timedelta(seconds=seconds)
