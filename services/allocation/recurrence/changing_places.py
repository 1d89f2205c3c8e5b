"""Occurrences that stand in one another's places change all at once: every old place is given up, every new one taken.

One after the other none of them could: each stands where another one shall. So all of them are lifted out of the
calendars, decided one by one on what is left, and whoever is refused keeps its place, which is asked of the others
again. So does whoever needs somebody to agree, who may say no: what waits for that gives nothing up. Nothing of this
outlives the trial; what it grants is told as one decision, which every reader takes in one step.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from services.allocation import commands
from services.allocation.booking.changing import change_reservation
from services.allocation.booking.creating import create_reservation
from services.allocation.booking.rehearsal import Rehearsal
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.recurrence.series_plan import Turn
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation

DECISIONS_MAX = 1_000
"""So often one change of a series asks for an occurrence beside others that are lifted: about a tenth of a second."""

Refusals = list[tuple[Turn, Rejected]]
Options = Callable[[Turn], Iterable[Turn]]
"""The ways in which an occurrence may be granted, the one that is asked for first."""


class Granted(Struct, frozen=True):
    """An occurrence in the way in which it can be had, and what makes it so."""

    turn: Turn
    happens: Events


class Trials:
    """Looks for occurrences that can be granted together, as long as there are decisions left for it."""

    def __init__(self, centre: Centre, now: int) -> None:
        self._centre = centre
        self._now = now
        self._left = DECISIONS_MAX

    def grant(self, group: Sequence[Turn], options: Options) -> list[Granted]:
        """As many of these as can be granted at once; nothing where there are none."""
        while _movers(group) > 1 and len(group) <= self._left:
            granted, failed = self._try(group, options)
            if not failed:
                return granted
            group = [turn for turn in group if turn.name not in failed]
        return []

    def grant_all(self, refused: Refusals, options: Options) -> tuple[list[Granted], Refusals]:
        """All of these at once; or none, and those that something else refuses than the places of the others."""
        group = [turn for turn, _ in refused]
        if _movers(group) < 2 or len(group) > self._left:
            return [], refused
        granted, failed = self._try(group, options)
        return ([], [(turn, failed[turn.name]) for turn in group if turn.name in failed]) if failed else (granted, [])

    def _try(self, group: Sequence[Turn], options: Options) -> tuple[list[Granted], dict[str, Rejected]]:
        """What is granted of a group that has let go of all its places, and what refuses the others."""
        self._left -= len(group)
        movers = [self._centre.reservations[turn.was.reservation_id] for turn in group if turn.was is not None]
        granted: list[Granted] = []
        failed: dict[str, Rejected] = {}
        with Lifted(self._centre, movers) as lifted, Rehearsal(self._centre) as rehearsal:
            for turn in group:
                with lifted.asked(turn):
                    found = self._ask(turn, options)
                    if isinstance(found, Granted):
                        rehearsal.play(found.happens)
                        lifted.stands(turn)
                        granted.append(found)
                    else:
                        failed[turn.name] = found
        return granted, failed

    def _ask(self, turn: Turn, options: Options) -> Granted | Rejected:
        """The first way in which an occurrence can be granted as everything stands, or why not the first."""
        refusal: Rejected | None = None
        for option in options(turn):
            try:
                return Granted(option, decided(self._centre, _at_once(option), self._now))
            except Rejected as rejected:
                refusal = refusal or rejected
        assert refusal is not None, "what is asked for is an option"
        return refusal


def decided(centre: Centre, turn: Turn, now: int) -> Events:
    """What grants an occurrence as everything stands. Raises `Rejected`."""
    if isinstance(turn.command, commands.ChangeReservation):
        return change_reservation(centre, turn.command, now)
    return create_reservation(centre, turn.command, now)


def _at_once(turn: Turn) -> Turn:
    """An occurrence that does not wait for anybody to agree: the others want its place now."""
    if isinstance(turn.command, commands.ChangeReservation):
        return replace(turn, command=replace(turn.command, at_once=True))
    return turn


class Lifted:
    """Reservations that are in no calendar for a while, and move for nobody; at the end each stands where it stood."""

    def __init__(self, centre: Centre, reservations: Iterable[Reservation]) -> None:
        self._centre = centre
        self._out = {each.id: each for each in reservations}
        names = sorted({name for each in self._out.values() for name in each.resources})
        self._waiting = {name: dict(centre.pools[name].waiting) for name in names}

    def __enter__(self) -> "Lifted":
        for reservation in self._out.values():
            self._centre.holdings.hold(reservation, -1)
            for name in reservation.resources:
                self._centre.pools[name].waiting.pop(reservation.id, None)
        return self

    def __exit__(self, *_: object) -> None:
        """What was rehearsed of them is taken back by now."""
        for reservation in self._out.values():
            self._centre.holdings.hold(reservation)
        for name, row in self._waiting.items():
            waiting = self._centre.pools[name].waiting
            waiting.clear()
            waiting.update(row)

    @contextmanager
    def asked(self, turn: Turn) -> Iterator[None]:
        """Let an occurrence hold its place while it is asked for another one, as every change is decided."""
        reservation = self._out.get(turn.name)
        if reservation is None:
            yield
            return
        self._centre.holdings.hold(reservation)
        try:
            yield
        finally:
            if reservation.id in self._out:
                self._centre.holdings.hold(reservation, -1)

    def stands(self, turn: Turn) -> None:
        """Take note that an occurrence stands in its new place."""
        self._out.pop(turn.name, None)


def _movers(group: Iterable[Turn]) -> int:
    """How many of them have a place that another could take."""
    return sum(turn.was is not None for turn in group)
