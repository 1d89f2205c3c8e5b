"""JetStream's health: what a real nats-server's monitoring says, and honesty when it says nothing."""

import pytest

from services.eventlog.jetstream import JetStreamLog
from services.metrics.jetstream import Monitor, MonitorError, read_health
from tests.metrics.synthetic import small_log


async def test_health_is_that_of_the_centres_own_streams(nats_url: str, nats_monitor: str) -> None:
    """Bytes, messages and readers of the centre's log, and of no other centre whose name begins the same."""
    pages = small_log("healthy")
    log = await JetStreamLog.connect(nats_url, "healthy")
    other = await JetStreamLog.connect(nats_url, "healthy-too")
    for record in pages:
        await log.append(record.data, after=record.position - 1)
    following = log.follow(0)
    await anext(following)
    monitor = Monitor(nats_monitor, "healthy", started_at=0)
    await monitor.ask(at=5)
    assert monitor.seen
    stream = monitor.seen.streams.pop("AIDC-healthy")
    assert monitor.seen.streams == {}
    assert (stream.messages, stream.consumers, stream.lag_messages) == (len(pages), 1, 0)
    assert (stream.waiting_pulls, stream.redelivered) == (1, 0)
    assert sum(len(record.data) for record in pages) < stream.bytes < stream.bytes_max
    assert monitor.seen.connections >= 2
    assert (monitor.freshness.working, monitor.freshness.age_seconds(7)) == (True, 2)
    await following.aclose()
    await other.close()
    await log.close()


async def test_silence_is_told_and_the_last_answer_kept() -> None:
    """Monitoring that does not answer is named, counts as failed, and what was seen grows old."""
    monitor = Monitor("http://127.0.0.1:9", "x", started_at=0)
    monitor.freshness.worked(1)
    with pytest.raises(MonitorError, match=r"http://127\.0\.0\.1:9"):
        await monitor.ask(at=11)
    assert (monitor.freshness.working, monitor.freshness.age_seconds(11)) == (False, 10)


@pytest.mark.parametrize(("stream_bytes_max", "limit"), [(-1, 1_000), (600, 600)])
def test_a_stream_without_a_limit_has_the_servers(stream_bytes_max: int, limit: int) -> None:
    """The limit is the one that will be met first; the reader that lags most decides the lag."""
    jsz = {
        "config": {"max_storage": 1_000},
        "api": {"errors": 2},
        "account_details": [
            {
                "stream_detail": [
                    {
                        "name": "AIDC-x",
                        "config": {"max_bytes": stream_bytes_max},
                        "state": {"bytes": 500, "messages": 9, "consumer_count": 2},
                        "consumer_detail": [
                            {"num_pending": 4, "num_waiting": 1, "num_redelivered": 0},
                            {"num_pending": 7, "num_waiting": 2, "num_redelivered": 3},
                        ],
                    }
                ]
            }
        ],
    }
    health = read_health(jsz, {"connections": 3, "slow_consumers": 1}, "x")
    assert health.streams["AIDC-x"] == (500, limit, 9, 2, 7, 3, 3)
    assert (health.connections, health.slow_consumers, health.api_errors) == (3, 1, 2)


def test_an_answer_of_another_form_is_no_health() -> None:
    """A page that is not nats-server's raises instead of being read as zeros."""
    with pytest.raises(LookupError):
        read_health({}, {}, "x")
