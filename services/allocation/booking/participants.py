"""A class: one booking with many people, known by pseudonyms at most, and counted as they come.

Who somebody is, only the company knows. The centre keeps how many they are and, where the company wants them checked in
one by one, an id for each that says nothing about them.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from services.allocation.rejections import Reason, Violation, refuse
from services.allocation.reservations import Reservation
from services.allocation.units.want import Want
from services.allocation.values.people import Participants

PARTICIPANTS_MAX = 500
"""The academy's largest cohort has 330."""


def seat_violations(participants: Participants, wants: Iterable[Want]) -> Iterator[Violation]:
    """What forbids so many people: no line has a seat, or the least share, for each of them."""
    rooms = {want.resource.id: want.line.units // want.resource.units_min for want in wants if not want.companion_of}
    room = max(rooms.values(), default=0)
    if room < participants.count:
        yield Violation(
            reason=Reason.TOO_FEW_SEATS,
            description=f"{participants.count} people take part, and no line has a seat or the least share for more "
            f"than {room} of them. Ask for more units, or for fewer people.",
            limit=room,
            asked=participants.count,
        )


def check_participants(participants: Participants) -> None:
    """Raises `Rejected` for a class of nobody, of too many, or whose ids are not one for each."""
    count, ids = participants.count, participants.ids
    if not 1 <= count <= PARTICIPANTS_MAX or len(set(ids)) != len(ids) or len(ids) not in (0, count):
        raise refuse(
            Reason.INVALID_PARTICIPANTS,
            f"A class has 1 to {PARTICIPANTS_MAX} people, and either no ids or one for each of them.",
            limit=PARTICIPANTS_MAX,
            asked=count,
        )


def regrouped(before: Reservation, wish: Participants) -> Participants:
    """The class of a reservation as it shall be, with those who have come. Raises `Rejected` where one of those goes.

    Once somebody has come they are counted on as they were: by ids or by number.
    """
    check_participants(wish)
    had = before.participants
    if had is None:
        return wish
    if (had.count, had.ids) == (wish.count, wish.ids):
        return had
    gone = len(set(had.present_ids) - set(wish.ids))
    if had.present and (gone or wish.count < had.present or bool(had.ids) != bool(wish.ids)):
        raise refuse(
            Reason.INVALID_PARTICIPANTS,
            f"{had.present} of this class have come{' by their ids' if had.ids else ''}: they stay in it, and the "
            "others are counted as they were.",
            before.id,
            limit=had.present,
            asked=wish.count,
        )
    return replace(wish, present=had.present, present_ids=had.present_ids)
