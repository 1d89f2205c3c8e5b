"""What every record about a company has: a form, the request that it makes, and what that would bring."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from google.protobuf.timestamp_pb2 import Timestamp

from services.board.frame.fields import REASON_CHARACTERS_MAX, text_field
from services.board.frame.visit import Visit, address
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

COMPANY_CHARACTERS_MAX = 63
REFERENCE_CHARACTERS_MAX = 200
"""With a whole reason, both in Korean, it still fits an address."""


class Judgement(ABC):
    """One kind of record: `name` stands in its address and its words, `method` at the scheduler's door."""

    name: ClassVar[str]
    method: ClassVar[str]
    kind: ClassVar[Any]
    """The class of the request."""
    harsh: ClassVar[bool] = False
    """Whether it takes something from the company."""

    @abstractmethod
    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """The fields of the form, but for the company, filled in as they were sent."""

    @abstractmethod
    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> Any:
        """The request that they make, but for its id; what makes no sense is named."""

    @abstractmethod
    async def effect(self, visit: Visit, request: Any, after: api.Conduct) -> Content:
        """What it would bring, where the company's record would be `after`."""


def parent(fields: Mapping[str, str]) -> str:
    """Of whom the record is."""
    return f"companies/{fields.get('company', '').strip()}"


def link(visit: Visit, name: str, company: str, **fields: str) -> Markup:
    """The way to a form, with what is known of it filled in."""
    named = " ".join((visit.words(f"judge_{name}_title"), *fields.values()))
    target = address(f"/conduct/{name}", company=company, **fields)
    return el("a", visit.words(f"judge_{name}_link"), href=target, aria_label=named)


def reason_field(visit: Visit, fields: Mapping[str, str], *, required: bool = False) -> Markup:
    """Why, for whoever reads the company's record."""
    label = visit.words("judge_because" if required else "reason_label")
    value = fields.get("reason", "")
    return text_field(label, "reason", value, required=required, maxlength=REASON_CHARACTERS_MAX)


def moment_of(visit: Visit, text: str, faults: list[str]) -> Timestamp | None:
    """A time that was typed; what is none is named."""
    try:
        return to_timestamp(visit.clock.read(text.strip()))
    except ValueError:
        faults.append(visit.words("fault_moment", text=text))
        return None


def facts(*shown: tuple[str, Content]) -> Markup:
    """What is known, each under its name; what is empty is left out."""
    return el("dl", [[el("dt", label), el("dd", value)] for label, value in shown if value], class_="facts")
