"""A class: one booking with many people, known by pseudonyms at most, and counted as they come.

Who somebody is, only the company knows. The centre keeps how many they are and, where the company wants them checked in
one by one, an id for each that says nothing about them.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.units.demand import Want
from services.allocation.values.people import Participants

PARTICIPANTS_MAX = 500
"""The academy's largest cohort has 330."""


def uncovered(participants: Participants, wants: Iterable[Want]) -> Iterator[Violation]:
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


def demand_sound(participants: Participants) -> None:
    """Raises `Rejected` for a class of nobody, of too many, or whose ids are not one for each."""
    count, ids = participants.count, participants.ids
    if not 1 <= count <= PARTICIPANTS_MAX or len(set(ids)) != len(ids) or len(ids) not in (0, count):
        raise refuse(
            Reason.INVALID_PARTICIPANTS,
            f"A class has 1 to {PARTICIPANTS_MAX} people, and either no ids or one for each of them.",
            limit=PARTICIPANTS_MAX,
            asked=count,
        )


def arrived(participants: Participants, reservation_id: str, present: int, ids: tuple[str, ...]) -> Participants:
    """The class once so many are there, or these have come; without either, once everybody is. Raises `Rejected`."""
    if participants.present == participants.count:
        raise refuse(Reason.WRONG_STATE, "Everybody has checked in to this reservation before.", reservation_id)
    if ids:
        return _arrived_by_name(participants, reservation_id, ids)
    if participants.ids and present:
        raise refuse(
            Reason.INVALID_PARTICIPANTS,
            "The people of this class have ids: say which of them have come.",
            reservation_id,
        )
    if present and not participants.present < present <= participants.count:
        raise refuse(
            Reason.INVALID_PARTICIPANTS,
            f"{participants.present} of {participants.count} are there already: say how many are there now, in all.",
            reservation_id,
            limit=participants.count,
            asked=present,
        )
    return replace(participants, present=present or participants.count, present_ids=participants.ids)


def _arrived_by_name(participants: Participants, reservation_id: str, ids: tuple[str, ...]) -> Participants:
    unknown, known = set(ids) - set(participants.ids), set(ids) & set(participants.present_ids)
    if unknown or known or len(set(ids)) != len(ids):
        raise Rejected(
            [
                Violation(
                    reason=Reason.INVALID_PARTICIPANTS,
                    description=f"{len(unknown)} of these ids are not of this class, and {len(known)} have checked in "
                    "before. Name each who comes once.",
                    subject=reservation_id,
                )
            ]
        )
    return replace(participants, present=participants.present + len(ids), present_ids=(*participants.present_ids, *ids))
