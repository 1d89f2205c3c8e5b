"""How many examples a property gets: its own number at every commit, thirty times as many at night."""

from hypothesis import HealthCheck, settings

COMMIT = 100
"""Hypothesis' own default, and so the yardstick of a profile."""


def examples(count: int, steps: int = 50) -> settings:
    """Settings for about so many examples, in proportion to the profile that is loaded."""
    return settings(
        max_examples=max(1, count * settings.default.max_examples // COMMIT),
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
