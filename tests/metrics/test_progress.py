"""Lag is honest: 0 only while the figures are known to miss nothing."""

from services.metrics.progress import SIGHTINGS_MAX, Progress


def test_lag_is_zero_while_everything_seen_is_applied() -> None:
    """Pages and seconds of lag are 0 once the last page seen is in the figures."""
    progress = Progress(started_at=0)
    progress.end_seen(5, at=1)
    progress.advanced(5)
    assert (progress.lag_pages, progress.lag_seconds(now=9)) == (0, 0.0)


def test_lag_counts_from_the_first_page_that_is_missing() -> None:
    """The seconds count from when a missing page was first seen, not from the newest."""
    progress = Progress(started_at=0)
    progress.end_seen(5, at=1)
    progress.end_seen(9, at=4)
    assert (progress.lag_pages, progress.lag_seconds(now=6)) == (9, 5)
    progress.advanced(5)
    assert (progress.lag_pages, progress.lag_seconds(now=6)) == (4, 2)


def test_lag_grows_while_the_log_is_away() -> None:
    """When the log cannot be asked, the figures may be old: the lag says for how long."""
    progress = Progress(started_at=0)
    progress.end_seen(3, at=1)
    progress.advanced(3)
    progress.end_unknown()
    assert progress.lag_seconds(now=61) == 60
    assert progress.asked.age_seconds(now=61) == 60
    progress.end_seen(3, at=62)
    assert progress.lag_seconds(now=62) == 0


def test_caught_up_stays_true_once_it_was() -> None:
    """Readiness begins with the first whole view of the log and does not flicker with every new page."""
    progress = Progress(started_at=0)
    progress.advanced(2)
    assert not progress.caught_up.is_set()
    progress.end_seen(4, at=1)
    progress.advanced(3)
    assert not progress.caught_up.is_set()
    progress.advanced(4)
    progress.end_seen(8, at=2)
    assert progress.caught_up.is_set()


def test_empty_log_is_caught_up_with_at_once() -> None:
    """A new centre's figures are complete before its first page."""
    progress = Progress(started_at=0)
    progress.end_seen(0, at=1)
    assert progress.caught_up.is_set()


def test_sightings_are_bounded() -> None:
    """However long the fold is stuck, the lag still counts from the oldest sighting."""
    progress = Progress(started_at=0)
    for second in range(2 * SIGHTINGS_MAX):
        progress.end_seen(second + 1, at=second)
    assert progress.lag_seconds(now=2 * SIGHTINGS_MAX) == 2 * SIGHTINGS_MAX
