"""Checking in: somebody says that they have come, or how many of a class have."""

from msgspec.structs import replace

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import find, wrong_state
from services.allocation.measures import MINUTE_SECONDS
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import State
from services.allocation.values.people import Participants
from services.allocation.wording import spelled


def check_in(centre: Centre, command: commands.CheckIn, now: int) -> Events:
    """Say that somebody has come: from a little before the start until the end."""
    reservation = find(centre, command)
    if reservation.state not in (State.CONFIRMED, State.ACTIVE):
        raise wrong_state(reservation, "checked in to while it is confirmed or active", "Book another time.")
    people = reservation.participants
    if people is None and (command.present or command.ids):
        raise refuse(Reason.INVALID_PARTICIPANTS, "Nobody is named in this booking: check in once.", reservation.id)
    if people is None and reservation.checked_in_at:
        raise refuse(Reason.WRONG_STATE, "Somebody has checked in to this reservation before.", reservation.id)
    early = centre.records.terms_at(now).check_in_early_minutes * MINUTE_SECONDS
    if now < reservation.start - early:
        raise refuse(
            Reason.TOO_EARLY,
            f"One checks in at most {spelled(early)} before the start, which is in "
            f"{spelled(reservation.start - now)}. Come again then.",
            reservation.id,
            limit=early,
            asked=reservation.start - now,
        )
    if people is None:
        return (events.ReservationCheckedIn(reservation_id=reservation.id),)
    after = _arrived(people, reservation.id, command.present, command.ids)
    came = tuple(each for each in after.present_ids if each not in people.present_ids)
    return (events.ReservationCheckedIn(reservation_id=reservation.id, present=after.present, ids=came),)


def _arrived(participants: Participants, reservation_id: str, present: int, ids: tuple[str, ...]) -> Participants:
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
