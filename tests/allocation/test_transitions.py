"""The life of a reservation: every legal move is in one table, the documents draw it, and nothing else is possible."""

from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from msgspec.structs import fields, replace

from services.allocation.events import (
    ChangeEnded,
    ReservationEvent,
    ReservationTransferred,
    TransferAccepted,
    TransferEnded,
    VoteCast,
)
from services.allocation.life import follow
from services.allocation.reservations import AskedChange, Reservation, State
from services.allocation.states.moves import MOVES, IllegalMove
from services.allocation.values.approval import Approval, Rule, Vote
from services.allocation.values.change import ChangeOutcome
from services.allocation.values.transfer import Outcome, Transfer

ARCHITECTURE = Path(__file__).parents[2] / "ARCHITECTURE.md"
STATES = (None, *State)


def reservation(state: State) -> Reservation:
    """One that holds nothing."""
    return Reservation(
        id="r",
        company="CMP-0001",
        state=state,
        start=0,
        end=3600,
        lines=(),
        allocations=(),
        created_at=0,
        approval=Approval(rule=Rule.MANAGER) if state is State.PENDING else None,
    )


def offered(before: Reservation, kind: type) -> Reservation:
    """It as it must be for an event about an offer: open, or for the transfer itself accepted."""
    outcome = {TransferEnded: Outcome.OPEN, TransferAccepted: Outcome.OPEN, ReservationTransferred: Outcome.ACCEPTED}
    if kind not in outcome:
        return before
    return replace(
        before, transfer=Transfer(to="CMP-0002", offered_at=0, expires_at=60, version=1, outcome=outcome[kind])
    )


def asked(before: Reservation, kind: type) -> Reservation:
    """It as it must be for an event about a change that waits."""
    if kind is not ChangeEnded and not (kind is VoteCast and before.state is not State.PENDING):
        return before
    approval = Approval(rule=Rule.MANAGER)
    change = AskedChange(
        start=0, end=60, lines=(), allocations=(), beside=(), expires_at=60, asked_at=0, approval=approval
    )
    return replace(before, asked=change)


def event_of(kind: type) -> ReservationEvent:
    """An event of this kind about it."""
    values = {
        "beside": (),
        "reservation_id": "r",
        "company": "CMP-0001",
        "lines": (),
        "allocations": (),
        "approval": Approval(rule=Rule.MANAGER),
        "vote": Vote(voter="operators/kim", approves=True, at=0),
        "outcome": {ChangeEnded: ChangeOutcome.DENIED, TransferEnded: Outcome.DECLINED}.get(kind),
    }
    needed = (each for each in fields(kind) if each.required)
    event: ReservationEvent = kind(
        **{each.name: values[each.name] if each.name in values else each.type() for each in needed}
    )
    return event


def picture() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for kind, moves in MOVES.items():
        for before, after in moves.items():
            lines.append(f"    {before or '[*]'} --> {after}: {kind.__struct_config__.tag}")
    lines += [f"    {state} --> [*]" for state in State if not state.live]
    return "\n".join(lines)


def test_every_event_of_a_reservation_has_its_moves() -> None:
    """No event of a reservation is missing in the table, and none is in it that does not exist."""
    assert set(MOVES) == set(get_args(ReservationEvent))


def test_every_state_is_reached_and_only_live_ones_are_left() -> None:
    """A reservation can come into every state, out of every live one, and out of no other."""
    reached = {after for moves in MOVES.values() for after in moves.values()}
    left = {before for moves in MOVES.values() for before in moves if before is not None}
    assert reached == set(State)
    assert left == {state for state in State if state.live}


LEGAL = [(kind, before) for kind, moves in MOVES.items() for before in moves]
ILLEGAL = [pair for pair in product(MOVES, STATES) if pair not in LEGAL]


@pytest.mark.parametrize(("kind", "before"), LEGAL)
def test_a_legal_move_leads_where_the_table_says(kind: type, before: State | None) -> None:
    """Following an event gives the state of the table, and a version that grows."""
    was = asked(offered(reservation(before), kind), kind) if before else None
    after = follow(was, event_of(kind), 60, 7)
    assert after.state is MOVES[kind][before]
    assert (after.version, after.position) == (was.version + 1 if was else 1, 7)


@pytest.mark.parametrize(("kind", "before"), ILLEGAL)
def test_an_illegal_move_is_refused(kind: type, before: State | None) -> None:
    """An event that cannot follow a state stops whoever reads it (P9)."""
    with pytest.raises(IllegalMove, match="cannot follow"):
        follow(reservation(before) if before else None, event_of(kind), 60, 7)


def test_the_picture_in_the_documents_is_the_table() -> None:
    """ARCHITECTURE.md draws exactly these moves."""
    assert picture() in ARCHITECTURE.read_text(), f"put this into ARCHITECTURE.md:\n{picture()}"


@pytest.mark.parametrize("kind", [ChangeEnded, VoteCast])
def test_nothing_is_decided_that_nobody_asked_for(kind: type) -> None:
    """P9: an event about a change that does not wait stops the reader."""
    with pytest.raises(IllegalMove, match="waits"):
        follow(reservation(State.CONFIRMED), event_of(kind), 60, 7)


@pytest.mark.parametrize("kind", [TransferEnded, TransferAccepted, ReservationTransferred])
def test_nothing_is_handed_over_that_was_not_offered_and_accepted(kind: type) -> None:
    """P9: an event about an offer that does not stand stops the reader."""
    with pytest.raises(IllegalMove, match=r"is offered to nobody|has not accepted it"):
        follow(reservation(State.CONFIRMED), event_of(kind), 60, 7)
