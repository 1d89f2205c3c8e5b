"""What the core holds, as clients see it."""

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation.centre import Centre
from services.allocation.offering.smallest import Smaller
from services.allocation.reservations import Allocation, AskedChange, Colocation, Condition, Line, Reservation, State
from services.allocation.resources import Interval
from services.allocation.values.approval import Approval, Vote
from services.allocation.values.origin import Origin
from services.allocation.values.people import Participants
from services.allocation.values.transfer import Outcome, Transfer
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

STATE_OF = {
    State.HELD: api.Reservation.STATE_HELD,
    State.PENDING: api.Reservation.STATE_PENDING,
    State.CONFIRMED: api.Reservation.STATE_CONFIRMED,
    State.ACTIVE: api.Reservation.STATE_ACTIVE,
    State.COMPLETED: api.Reservation.STATE_COMPLETED,
    State.CANCELLED: api.Reservation.STATE_CANCELLED,
    State.EXPIRED: api.Reservation.STATE_EXPIRED,
    State.NO_SHOW: api.Reservation.STATE_NO_SHOW,
    State.DISPLACED: api.Reservation.STATE_DISPLACED,
    State.DENIED: api.Reservation.STATE_DENIED,
}
STATES = {number: state for state, number in STATE_OF.items()}
CONDITION_OF = {
    Condition.UNSAID: api.CONDITION_UNSPECIFIED,
    Condition.GOOD: api.CONDITION_GOOD,
    Condition.WORN: api.CONDITION_WORN,
    Condition.DAMAGED: api.CONDITION_DAMAGED,
}
COLOCATION_OF = {
    Colocation.ANYWHERE: api.COLOCATION_UNSPECIFIED,
    Colocation.NODE: api.COLOCATION_NODE,
    Colocation.RACK: api.COLOCATION_RACK,
    Colocation.FABRIC_GROUP: api.COLOCATION_FABRIC_GROUP,
}
TRANSFER_STATE_OF = {
    Outcome.OPEN: api.TransferOffer.STATE_OPEN,
    Outcome.ACCEPTED: api.TransferOffer.STATE_ACCEPTED,
    Outcome.DECLINED: api.TransferOffer.STATE_DECLINED,
    Outcome.WITHDRAWN: api.TransferOffer.STATE_WITHDRAWN,
    Outcome.LAPSED: api.TransferOffer.STATE_LAPSED,
}


Plain = Any
"""A message as the plain values that its constructor takes: a dictionary for each message within. It is made in half
the time of a message for each part."""
Telling = Callable[[Centre, Reservation], Plain]
"""How a reservation is told: whole or in brief, with its price or without."""


def reservation_reply(centre: Centre, reservation: Reservation) -> api.Reservation:
    """A reservation as its company sees it."""
    return api.Reservation(**plain_reservation(centre, reservation))


def told_plain(centre: Centre, reservation: Reservation, company: str) -> Plain:
    """A reservation to a company, or to the centre where that is empty. P8: an offer is told without its series."""
    plain = plain_reservation(centre, reservation)
    if company not in ("", reservation.company):
        plain.pop("series", None)
        plain.pop("check_in_deadline", None)
    return plain


def plain_reservation(centre: Centre, reservation: Reservation) -> Plain:
    """The same, to be put into another message."""
    plain = {
        "name": f"companies/{reservation.company}/reservations/{reservation.id}",
        "state": STATE_OF[reservation.state],
        "lines": [_plain_line(line) for line in reservation.lines],
        "start_time": {"seconds": reservation.start},
        "end_time": {"seconds": reservation.end},
        "allocations": [_plain_allocation(centre, allocation) for allocation in reservation.allocations],
        "note": reservation.note,
        "state_reason": reservation.reason,
        "etag": reservation.etag,
        "create_time": {"seconds": reservation.created_at},
        "position": reservation.position,
    }
    if reservation.expires_at:
        plain["expire_time"] = {"seconds": reservation.expires_at}
    if series := centre.series.of.get(reservation.id):
        plain["series"] = f"companies/{reservation.company}/series/{series}"
    if reservation.approval is not None:
        plain["approval"] = _plain_approval(reservation.approval)
    _tell_attendance(plain, centre, reservation)
    if reservation.override is not None:
        plain["override_reasons"] = reservation.override.reasons
        plain["override_justification"] = reservation.override.because
    if reservation.outage:
        plain["outage"] = f"outages/{reservation.outage}"
    if reservation.participants is not None:
        plain["participants"] = plain_participants(reservation.participants)
    if reservation.desired is not None:
        start, end = reservation.desired
        plain["desired_start_time"], plain["desired_end_time"] = {"seconds": start}, {"seconds": end}
    if reservation.overburn:
        plain["overburn"] = [{"meter": each.meter, "unit_seconds": each.unit_seconds} for each in reservation.overburn]
    if reservation.release_at:
        plain["release_time"] = {"seconds": reservation.release_at}
    if reservation.transfer is not None:
        plain["transfer"] = _plain_transfer(reservation.transfer)
    if reservation.origin is not None:
        _tell_origin(plain, reservation, reservation.origin)
    if reservation.asked is not None:
        plain["asked_change"] = _plain_asked(centre, reservation.asked)
    return plain


def _tell_origin(plain: Plain, reservation: Reservation, origin: Origin) -> None:
    if origin.of:
        plain["split_from"] = f"companies/{reservation.company}/reservations/{origin.of}"
    if origin.ahead:
        plain["late_from_time"] = {"seconds": reservation.late_from}


def plain_brief(_: Centre, reservation: Reservation) -> Plain:
    """What there is to know of a reservation for whoever knows what was asked for."""
    return {
        "name": f"companies/{reservation.company}/reservations/{reservation.id}",
        "state": STATE_OF[reservation.state],
        "etag": reservation.etag,
    }


def _plain_asked(centre: Centre, asked: AskedChange) -> Plain:
    """A change that waits."""
    return {
        "lines": [_plain_line(line) for line in asked.lines],
        "start_time": {"seconds": asked.start},
        "end_time": {"seconds": asked.end},
        "note": asked.note,
        "allocations": [_plain_allocation(centre, allocation) for allocation in asked.allocations],
        "create_time": {"seconds": asked.asked_at},
        "expire_time": {"seconds": asked.expires_at},
        "approval": _plain_approval(asked.approval),
    }


def plain_participants(people: Participants) -> Plain:
    """The people of a class."""
    return {
        "count": people.count,
        "ids": people.ids,
        "present": people.present,
        "present_ids": people.present_ids,
    }


def _plain_transfer(transfer: Transfer) -> Plain:
    return {
        "to": f"companies/{transfer.to}",
        "create_time": {"seconds": transfer.offered_at},
        "expire_time": {"seconds": transfer.expires_at},
        "state": TRANSFER_STATE_OF[transfer.outcome],
    }


def _tell_attendance(plain: Plain, centre: Centre, reservation: Reservation) -> None:
    """Who must come by when, who came, and how things were left. Most reservations have nothing of that."""
    if reservation.checked_in_at:
        plain["check_in_time"] = {"seconds": reservation.checked_in_at}
    elif reservation.state.live and (grace := centre.agenda.grace(reservation)):
        plain["check_in_deadline"] = {"seconds": (reservation.activated_at or reservation.start) + grace}
    if reservation.condition:
        plain["condition"] = CONDITION_OF[reservation.condition]
    if reservation.hand_over:
        plain["hand_over"] = reservation.hand_over


def smallest_replies(found: Iterable[Smaller]) -> list[api.SmallestChange]:
    """What differs a little from a refused wish, and would be granted."""
    return [
        api.SmallestChange(
            description=each.description,
            offer=api.Offer(
                start_time=Timestamp(seconds=each.start),
                end_time=Timestamp(seconds=each.end),
                lines=line_replies(each.lines),
            ),
        )
        for each in found
    ]


def _plain_approval(approval: Approval) -> Plain:
    """An approval and its votes, without the names of those who voted."""
    return {
        "rule": approval.rule.value,
        "voters": approval.voters,
        "quorum": approval.quorum,
        "reference_required": approval.reference_required,
        "votes": [_plain_vote(vote) for vote in approval.votes],
    }


def _plain_vote(vote: Vote) -> Plain:
    plain = {
        "approves": vote.approves,
        "time": {"seconds": vote.at},
        "comment": vote.comment,
        "reference": vote.reference,
    }
    if vote.time is not None:
        plain["start_time"], plain["end_time"] = {"seconds": vote.time[0]}, {"seconds": vote.time[1]}
    return plain


def offer_replies(lines: Iterable[Line], intervals: Iterable[Interval]) -> list[api.Offer]:
    """Offers for one demand."""
    shown = line_replies(lines)
    return [
        api.Offer(start_time=Timestamp(seconds=start), end_time=Timestamp(seconds=end), lines=shown)
        for start, end in intervals
    ]


def line_replies(lines: Iterable[Line]) -> list[api.Line]:
    """The lines of a demand."""
    return [api.Line(**_plain_line(line)) for line in lines]


def _plain_line(line: Line) -> Plain:
    plain: Plain = {"resource": f"resources/{line.resource}", "units": line.units}
    if line.units_per_node or line.colocation is not Colocation.ANYWHERE:
        plain["shape"] = {"units_per_node": line.units_per_node, "colocation": COLOCATION_OF[line.colocation]}
    if line.starts_after:
        plain["starts_after"] = {"seconds": line.starts_after}
    if line.ends_before:
        plain["ends_before"] = {"seconds": line.ends_before}
    if line.with_operator:
        plain["with_operator"] = True
    return plain


def _plain_allocation(centre: Centre, allocation: Allocation) -> Plain:
    names = centre.pools[allocation.resource].bin_names
    plain: Plain = {
        "resource": f"resources/{allocation.resource}",
        "units": allocation.units,
        "unit_names": [names[index] for index in allocation.bins],
        "spans": [{"start_time": {"seconds": start}, "end_time": {"seconds": end}} for start, end in allocation.spans],
    }
    if allocation.companion_of:
        plain["companion_of"] = f"resources/{allocation.companion_of}"
    return plain
