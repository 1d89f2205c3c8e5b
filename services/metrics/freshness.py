"""When a reading last worked: what a scrape says about anything that is not read at the scrape itself."""


class Freshness:
    """Whether the last try worked, and how old what is shown may be. Times are monotonic seconds."""

    def __init__(self, started_at: float) -> None:
        self.working = False
        self._worked_at = started_at

    def worked(self, at: float) -> None:
        """What is shown is true at this time."""
        self.working = True
        self._worked_at = at

    def failed(self) -> None:
        """Nothing new was learnt."""
        self.working = False

    def age_seconds(self, now: float) -> float:
        """Seconds since it last worked, or since the start if it never did."""
        return now - self._worked_at
