"""What a round of load gives: outcomes, rate and latencies. Values that travel between processes as JSON."""

from collections.abc import Sequence

from msgspec import Struct

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
GRANTED = "granted"


class Round(Struct, kw_only=True):
    """One round against one target. Latencies are in milliseconds; `lag_ms` is how late the generator itself was."""

    target: str
    seconds: float
    outcomes: dict[str, int]
    latency_ms: dict[str, float]
    offered_per_second: float = 0.0  # 0: a closed loop offers what it gets
    lag_ms: dict[str, float] = {}
    cpu_us: dict[str, float] = {}  # processor time by process, for each answer

    @property
    def granted_per_second(self) -> float:
        """Bookings (or echoes) a second."""
        return self.outcomes.get(GRANTED, 0) / self.seconds

    @property
    def granted_share(self) -> float:
        """Which part of the answers was a yes."""
        return self.outcomes.get(GRANTED, 0) / max(1, sum(self.outcomes.values()))


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """The percentiles of some durations in seconds, and the largest, in milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    found = {name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in PERCENTILES.items()}
    return {name: round(value * 1000, 3) for name, value in {**found, "max": ordered[-1]}.items()}
