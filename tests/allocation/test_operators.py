"""Operators who are optional: they come along with equipment for whoever asks, and for nobody else."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import RegisterResource
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Line
from services.allocation.resources import Companion
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, line

NINE = TUESDAY + 9 * HOUR
EEG = replace(
    fixture.track("EEG"),
    exclusive_group="",
    changeover_minutes=0,
    nodes=fixture.seats("EEG", 3),
    training_required=True,
    companions=(Companion(resource="OP", units=1, optional=True),),
)
OPERATED = Line(resource="EEG", units=1, with_operator=True)


@pytest.fixture
def centre() -> Scenario:
    """The small centre with a piece that one runs oneself, or has run."""
    return fixture.fresh().given(RegisterResource(resource=EEG))


def test_an_operator_comes_along_for_whoever_asks(centre: Scenario) -> None:
    """For the slots of the equipment, on no meter; and nobody untrained runs it alone."""
    assert centre.refuses(book("ALPHA", line("EEG"), start=NINE, hours=2)) == [Reason.NOT_QUALIFIED]
    held = centre.books(book("ALPHA", OPERATED, start=NINE, hours=2)).allocations
    assert [(each.resource, each.units, each.spans, each.meter, each.companion_of) for each in held] == [
        ("EEG", 1, ((NINE, NINE + 2 * HOUR),), "equipment", ""),
        ("OP", 1, ((NINE, NINE + 2 * HOUR),), "", "EEG"),
    ]


def test_without_asking_nobody_comes(centre: Scenario) -> None:
    """Who is trained books the equipment alone, and the operators stay free for others."""
    trained = replace(EEG, id="EMG", nodes=fixture.seats("EMG", 3), training_required=False)
    centre.given(RegisterResource(resource=trained))
    assert [each.resource for each in centre.books(book("BETA", line("OP", 4), start=NINE, hours=2)).allocations]
    held = centre.books(book("ALPHA", line("EMG"), start=NINE, hours=2)).allocations
    assert [each.resource for each in held] == ["EMG"]


def test_an_operator_who_is_busy_refuses_the_whole(centre: Scenario) -> None:
    """Together or not at all, as with everything that comes along."""
    centre.given(book("BETA", line("OP", 4), start=NINE, hours=1))
    assert centre.refuses(book("ALPHA", OPERATED, start=NINE, hours=2)) == [Reason.NO_CAPACITY]


def test_each_piece_has_its_operator(centre: Scenario) -> None:
    """Three seats take three people."""
    held = centre.books(book("ALPHA", replace(OPERATED, units=3), start=NINE, hours=1)).allocations
    assert {each.resource: each.units for each in held} == {"EEG": 3, "OP": 3}


def test_what_has_no_operator_is_not_booked_with_one(centre: Scenario) -> None:
    """A compute pool and equipment that everybody runs alone are refused, and say why."""
    for name in ("C24", "cpu"):
        wish = book("ALPHA", Line(resource=name, units=1, with_operator=True), start=NINE, hours=1)
        assert centre.refuses(wish) == [Reason.INVALID_LINES]


def test_asking_for_an_operator_who_comes_anyway_changes_nothing(centre: Scenario) -> None:
    """Where operators are required, asking means the same."""
    wish = book("ALPHA", Line(resource="M01", units=1, with_operator=True), start=NINE, hours=4)
    held = centre.books(wish).allocations
    assert {each.resource: each.units for each in held}["OP"] == 2


def test_an_operator_is_let_go_or_called_later(centre: Scenario) -> None:
    """A change adds one; letting one go takes a training."""
    booked = centre.books(book("ALPHA", OPERATED, start=NINE, hours=2))
    with pytest.raises(Rejected) as caught:
        centre.changes(booked, lines=(line("EEG"),))
    assert [each.reason for each in caught.value.violations] == [Reason.NOT_QUALIFIED]
    trained = replace(EEG, id="EMG", nodes=fixture.seats("EMG", 3), training_required=False)
    alone = centre.given(RegisterResource(resource=trained)).books(book("ALPHA", line("EMG"), start=NINE, hours=2))
    after = centre.changes(alone, lines=(replace(OPERATED, resource="EMG"),))
    assert [each.resource for each in after.allocations] == ["EMG", "OP"]


def test_only_operators_are_optional() -> None:
    """Equipment cannot offer accelerators that come for asking: a line of their own does that."""
    wish = replace(EEG, companions=(Companion(resource="a100", units=1000, optional=True),))
    assert fixture.fresh().refuses(RegisterResource(resource=wish)) == [Reason.INVALID_RESOURCE]
