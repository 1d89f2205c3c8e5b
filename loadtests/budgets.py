"""The budgets: floors that the centre must keep, under the keys that `results/latest.json` is read by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One figure and its limit."""

    key: str
    what: str
    limit: float
    at_least: bool

    def met(self, figure: float) -> bool:
        """Whether a figure keeps the budget."""
        return figure >= self.limit if self.at_least else figure <= self.limit

    @property
    def words(self) -> str:
        """The limit, for people."""
        return f"{'≥' if self.at_least else '≤'} {self.limit:,g}"


BUDGETS = (
    Budget(
        key="echo_ratio",
        what="durable CreateReservation over gRPC against a bare echo: rate",
        limit=0.6,
        at_least=True,
    ),
    Budget(key="echo_p99_ratio", what="the same, p99 at half load over the echo's", limit=3, at_least=False),
    Budget(
        key="postgres_ratio",
        what="against exclusion-constraint booking in Postgres behind bare gRPC: rate",
        limit=4,
        at_least=True,
    ),
    Budget(
        key="stream_bookings_per_second",
        what="durable bookings, 100 a message: in 16 batches at once, or on 48 streams: rate",
        limit=20_000,
        at_least=True,
    ),
    Budget(
        key="flatness_ratio",
        what="bookings in memory, bytes to bytes: rate with 100,000 live reservations over rate in an empty centre",
        limit=0.9,
        at_least=True,
    ),
    Budget(
        key="decision_us", what="one decision in the core, 200 nodes of 8 GPUs, 70 % full", limit=30, at_least=False
    ),
    Budget(key="earliest_ms", what="earliest start over 90 days, nearly full or fragmented", limit=3, at_least=False),
    Budget(
        key="mixed_search_p99_ms",
        what="search for a rig with all that it needs and 8 GPUs, 90 days of the real catalogue: p99",
        limit=20,
        at_least=False,
    ),
    Budget(key="restart_s", what="restart with 1,000,000 events to the first answer", limit=2, at_least=False),
    Budget(key="replay_events_per_second", what="replay in a reader, from JetStream", limit=200_000, at_least=True),
    Budget(
        key="ledger_events_per_second",
        what="a log from JetStream into an empty Postgres, with all books",
        limit=30_000,
        at_least=True,
    ),
    Budget(
        key="visible_p99_ms",
        what="publish to visible at 1,000 bookings/s, in the ledger or the metrics, whichever is later: p99",
        limit=250,
        at_least=False,
    ),
    Budget(
        key="bytes_per_reservation",
        what="growth of the scheduler's resident memory, at rest, for each of 100,000 live reservations",
        limit=2_048,
        at_least=False,
    ),
    Budget(key="metrics_series", what="series of a centre with 1,000 companies", limit=20_000, at_least=False),
    Budget(key="scrape_ms", what="one scrape of them over HTTP, median", limit=200, at_least=False),
)
