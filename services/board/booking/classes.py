"""A class in the forms that book: how many people come, and if one likes a pseudonym for each of them."""

from collections.abc import Mapping

from services.board.frame.document import hidden
from services.board.frame.fields import text_field
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

PEOPLE_MAX = 500
IDS_CHARACTERS_MAX = 2_000
"""What is asked stands in the address of its answer, and an address has a limit."""
FIELDS = ("people", "ids")


def people_fields(visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
    """How many, and who; both may be left empty."""
    words, count, ids = visit.words, fields.get("people", ""), fields.get("ids", "")
    return [
        text_field(words("class_people"), "people", count, type_="number", min_="1", max_=PEOPLE_MAX),
        text_field(words("class_ids"), "ids", ids, maxlength=IDS_CHARACTERS_MAX, placeholder="p-1 p-2 p-3"),
    ]


def read_people(visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.Participants | None:
    """The class that was typed, None for a booking that names nobody; what makes no sense is named."""
    text, ids = fields.get("people", "").strip(), fields.get("ids", "").replace(",", " ").split()
    if not text:
        return api.Participants(count=len(ids), ids=ids) if ids else None
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:4]) <= PEOPLE_MAX):
        faults.append(visit.words("fault_people", text=text, most=PEOPLE_MAX))
        return None
    count = int(text)
    if ids and len(ids) != count:
        faults.append(visit.words("fault_ids", count=count, ids=len(ids)))
    return api.Participants(count=count, ids=ids)


def sent_people(people: api.Participants | None) -> list[Markup]:
    """The class as fields that nobody sees; none where there is none."""
    if people is None:
        return []
    return [hidden("people", str(people.count)), hidden("ids", " ".join(people.ids))]
