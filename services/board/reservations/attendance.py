"""Who has come: one person for everybody, or the people of a class, all together or one by one."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

from starlette.responses import Response

from services.board.doors.answers import Refused
from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.document import form, hidden
from services.board.frame.fields import check, text_field
from services.board.frame.visit import Unreadable, Visit, address
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.board.reservations.actions import change_one
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

AHEAD = timedelta(minutes=30)
"""The button appears somewhat before the centre's terms allow it; the scheduler has the last word."""
WAITING = (api.Reservation.STATE_CONFIRMED, api.Reservation.STATE_ACTIVE)
HERE = "check-in"
CLASS, EVERYBODY = "class", "everybody"
BOXES_MAX = 40
"""More people than that are not ticked but typed, or read from their badges: a form has so many fields."""
IDS_CHARACTERS_MAX = 2_000
COUNT_CHARACTERS_MAX = 3
CAME = "came_"
"""Before the id of somebody of a class who was ticked."""


def people(visit: Visit, item: api.Reservation) -> Content:
    """How many take part and how many of them have come, with their ids where they have any."""
    if not item.HasField("participants"):
        return None
    words, group = visit.words, item.participants
    told = words("class_stands", count=group.count, present=group.present)
    here = set(group.present_ids)
    ids = [el("span", each, class_="state active" if each in here else "state") for each in group.ids]
    return [el("div", told), el("div", [[each, " "] for each in ids]) if ids else None]


def check_in(visit: Visit, item: api.Reservation) -> Markup | None:
    """For whoever comes to use it: a button, and of a class how many, or who. Nothing where nobody need say so now."""
    if not _open(visit, item):
        return None
    many = item.HasField("participants")
    made = form(
        visit,
        "/check-in",
        hidden("name", item.name),
        hidden("etag", item.etag),
        hidden("request_id", str(uuid4())),
        _class(visit, item.participants) if many else _button(visit, item),
        class_="check-in asked" if many else "check-in",
    )
    return parts.section(visit.words("class_check_in_title"), made, id_=HERE) if many else made


def check_in_here(visit: Visit, item: api.Reservation) -> Markup | None:
    """The same in a list, where the people of a class have no room: there it is the way to them."""
    if not item.HasField("participants") or not _open(visit, item):
        return check_in(visit, item)
    words, target = visit.words, f"{address(paths.of_reservation(item.name))}#{HERE}"
    label = f"{words('class_check_in')} {plain(item.name)}"
    return el("a", words("class_check_in"), href=target, aria_label=label)


def _open(visit: Visit, item: api.Reservation) -> bool:
    """Whether somebody may check in now and has not yet; a class until everybody has, with or without a deadline."""
    if item.HasField("participants"):
        due = item.participants.present < item.participants.count
    else:
        due = item.HasField("check_in_deadline") and not item.HasField("check_in_time")
    begins = from_timestamp(item.start_time) - AHEAD
    return visit.person.acts_for(item.name) and item.state in WAITING and due and visit.clock.now >= begins


def _button(visit: Visit, item: api.Reservation) -> Markup:
    until = visit.clock.short(from_timestamp(item.check_in_deadline))
    return el("button", visit.words("check_in"), title=visit.words("check_in_until", moment=until))


def _class(visit: Visit, group: api.Participants) -> list[Content]:
    """How many are there now, or who of them has come."""
    words = visit.words
    everybody = el("button", words("class_everybody"), name=EVERYBODY, value="on", class_="second", formnovalidate=True)
    buttons = el("div", el("button", words("check_in")), everybody, class_="buttons")
    if not group.ids:
        least = str(group.present + 1)
        number = text_field(
            words("class_present"), "present", "", type_="number", min_=least, max_=group.count, required=True
        )
        return [hidden(CLASS, "on"), number, buttons]
    missing = [each for each in group.ids if each not in set(group.present_ids)]
    boxes = [check("checkbox", f"{CAME}{each}", "on", each, False) for each in missing]
    who: Content = text_field(words("class_who"), "ids", "", required=True, maxlength=IDS_CHARACTERS_MAX)
    if len(boxes) <= BOXES_MAX:
        who = el("fieldset", el("legend", words("class_who")), el("div", boxes, class_="checks"))
    return [hidden(CLASS, "on"), who, buttons]


async def come(visit: Visit) -> Response:
    """A check-in that was sent."""
    return await change_one(visit, visit.caller.scheduler.CheckIn, api.CheckInRequest, "checked_in", _who)


def _who(visit: Visit, fields: Mapping[str, str], request: api.CheckInRequest) -> None:
    """Who has come, of a class. Raises `Unreadable` for a number that is none, and `Refused` for nobody.

    To the scheduler nobody named is everybody; here there is a button of its own for that.
    """
    if CLASS not in fields or EVERYBODY in fields:
        return
    present = fields.get("present", "").strip()
    if present and not (present.isascii() and present.isdecimal() and len(present) <= COUNT_CHARACTERS_MAX):
        raise Unreadable
    request.present = int(present or 0)
    request.ids.extend(name.removeprefix(CAME) for name in fields if name.startswith(CAME))
    request.ids.extend(fields.get("ids", "").replace(",", " ").split())
    if not request.present and not request.ids:
        told = visit.words("class_nobody")
        raise Refused(told, (api.Violation(reason="INVALID_PARTICIPANTS", description=told),))
