"""What is counted without a lock reads exactly as the library's own counters do."""

import prometheus_client
from prometheus_client import CollectorRegistry, generate_latest

from services.runtime import tally

BOUNDS = (0.01, 0.1, 1.0)
SECONDS = (0.001, 0.01, 0.02, 0.1, 0.5, 1.0, 1.5, 60.0)


def test_prometheus_reads_what_the_library_would_write() -> None:
    """Names, labels, buckets with their bounds, counts and sums: the same text, byte for byte."""
    prometheus_client.disable_created_metrics()
    library, ours = CollectorRegistry(), CollectorRegistry()
    asked = prometheus_client.Counter("asked_total", "Asked.", ("who", "how"), registry=library)
    took = prometheus_client.Histogram("took_seconds", "Took.", ("what",), buckets=BOUNDS, registry=library)
    for counter, histogram in (
        (asked, took),
        (
            tally.Counter("asked_total", "Asked.", ("who", "how"), ours),
            tally.Histogram("took_seconds", "Took.", ("what",), BOUNDS, ours),
        ),
    ):
        for who in ("a", "b", 'c"'):
            counter.labels(who, "well").inc()
        counter.labels("a", "well").inc()
        for seconds in SECONDS:
            histogram.labels("x").observe(seconds)
        histogram.labels("y")
    assert generate_latest(ours) == generate_latest(library)


def test_labels_are_looked_up_once() -> None:
    """The count under some labels is one, whoever asks for it."""
    counter = tally.Counter("asked_total", "Asked.", ("who",), CollectorRegistry())
    assert counter.labels("a") is counter.labels("a")
    assert counter.labels("a") is not counter.labels("b")
