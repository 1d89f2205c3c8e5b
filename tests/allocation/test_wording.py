"""How lengths of time and amounts are said."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import CreateReservation
from services.allocation.companies import Company, Quota
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.reservations import Colocation
from services.allocation.resources import Unit
from services.allocation.wording import counted, figure, spelled, unit_hours
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, Scenario, book, line


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


@pytest.mark.parametrize(
    ("units", "unit", "said"),
    [
        (2_500, Unit.MILLI_GPU, "2.5 GPUs"),
        (1_000, Unit.MILLI_GPU, "1 GPU"),
        (125, Unit.MILLI_GPU, "0.125 GPUs"),
        (0, Unit.MILLI_GPU, "0 GPUs"),
        (1_200_000, Unit.MILLI_GPU, "1,200 GPUs"),
        (1, Unit.NODE, "1 node"),
        (16, Unit.GPU, "16 GPUs"),
        (3_072, Unit.CORE, "3,072 cores"),
        (2, None, "2 units"),
    ],
)
def test_amounts_are_said_in_whole_things(units: int, unit: Unit | None, said: str) -> None:
    """Nobody counts in thousandths of a GPU."""
    assert counted(units, unit) == said
    assert said.startswith(figure(units, unit))


def test_unit_hours_are_those_of_whole_gpus() -> None:
    """Two thousand milli-GPUs for an hour are two."""
    assert unit_hours(2_000 * 3600, Unit.MILLI_GPU) == unit_hours(2 * 3600, Unit.GPU) == "2.0"


def shares() -> Scenario:
    """ALPHA with a quota of shares of GPUs: 2.5 at once, 3 GPU-hours."""
    alpha = Company(id="ALPHA", display_name="Alpha", agreement_start=0, agreement_end=NOW + 300 * DAY)
    limited = Quota(
        company="ALPHA",
        meter="a100",
        start=NOW,
        end=NOW + 20 * DAY,
        unit_seconds=3_000 * 3600,
        concurrent_units_max=2_500,
    )
    return Scenario.of(replace(fixture.A100, quota_required=True), alpha, limited, now=NOW)


def told(scenario: Scenario, wish: CreateReservation) -> dict[Reason, Violation]:
    """Every rule that refuses a wish, by its reason."""
    with pytest.raises(Rejected) as refused:
        scenario.books(wish)
    return {violation.reason: violation for violation in refused.value.violations}


def test_refusals_speak_of_whole_gpus_and_count_in_units() -> None:
    """Sentences say 2.5 GPUs where the figures beside them say 2,500 milli-GPUs."""
    found = told(shares(), book("ALPHA", line("a100", 4_000), start=NOW, hours=1))
    assert found[Reason.CONCURRENCY_EXCEEDED].description.startswith("At most 2.5 GPUs of a100 may be held at once; 0 ")
    assert (found[Reason.CONCURRENCY_EXCEEDED].limit, found[Reason.CONCURRENCY_EXCEEDED].asked) == (2_500, 4_000)
    assert "has 3.0 unit-hours left of 3.0; 4.0 were asked" in found[Reason.QUOTA_EXCEEDED].description


def test_what_is_full_or_without_shape_is_said_in_gpus() -> None:
    """What is free, and what a node has, are GPUs as well."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("a100", 46_000), start=NOW, hours=1))
    full = told(scenario, book("ALPHA", line("a100", 3_000), start=NOW, hours=1))[Reason.NO_CAPACITY]
    assert full.description == "2 GPUs of a100 are free throughout the interval; 3 were asked for."
    assert (full.limit, full.asked) == (2_000, 3_000)
    for shape, sentence in (
        (line("a100", 9_000, each=9_000), "a node of a100 has 8 GPUs, not 9"),
        (line("a100", 9_000, near=Colocation.NODE), "9 GPUs do not stand on one node"),
    ):
        misshapen = told(scenario, book("ALPHA", shape, start=NOW, hours=1))[Reason.INVALID_UNITS]
        assert sentence in misshapen.description
