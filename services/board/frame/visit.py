"""One look at the board: who looks, in which language, at what time, and their way to the services."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from services.board.doors.calls import Caller
from services.board.doors.catalogue import Catalogue, figure, unit_key
from services.board.doors.session import LANGUAGE_COOKIE, SEAL, Person, cookie
from services.board.paper.times import Clock
from services.board.paper.words import Words, words_for
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

FIELDS_MAX = 60
FIELD_CHARACTERS_MAX = 500
ONWARD_CHARACTERS_MAX = 2_000


class Forged(Exception):
    """A form that this board did not make for this person."""


class Unreadable(Exception):
    """A form that is none."""


@dataclass(frozen=True)
class Visit:
    """What every page is made from."""

    request: Request
    person: Person
    caller: Caller
    catalogue: Catalogue
    clock: Clock
    words: Words

    def query(self, name: str, otherwise: str = "") -> str:
        """A parameter of the address, of bounded length."""
        return self.request.query_params.get(name, otherwise)[:FIELD_CHARACTERS_MAX]

    def name(self, resource: api.Resource) -> str:
        """What a resource is called in this language."""
        return self.words.name(resource.display_name, resource.local_name, resource.name.rpartition("/")[2])

    def amount(self, resource: api.Resource, units: int) -> str:
        """`12 GPU`."""
        shown = figure(resource, units)
        return f"{shown} {self.words(unit_key(resource) + ('_one' if shown == '1' else ''))}"

    def unit_hours(self, resource: api.Resource) -> str:
        """`GPU-hours`."""
        return self.words("unit_hours", unit=self.words(f"{unit_key(resource)}_one"))


def language_of(request: Request) -> Words:
    """The language of a request: the one chosen before, else the browser's."""
    return words_for(cookie(request, LANGUAGE_COOKIE), request.headers.get("accept-language", ""))


def address(path: str, **query: str | int | None) -> str:
    """A link within the board; what is empty is left out."""
    shown = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(shown)}" if shown else path


def to_come_back(request: Request) -> str:
    """The address that somebody is at, to come back to; without its query if that is too long."""
    if request.method != "GET":
        return "/"
    whole = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return whole if len(whole) <= ONWARD_CHARACTERS_MAX else request.url.path


def local_path(text: str) -> str:
    """A path of this board to go on to, and never another site: `/` for anything else."""
    inside = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text[:ONWARD_CHARACTERS_MAX] if inside else "/"


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form that was sent. Raises `Unreadable`."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise Unreadable
    try:
        body = (await request.body()).decode("ascii")
        fields = parse_qsl(body, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError as problem:
        raise Unreadable from problem
    return dict(fields)


async def read_sealed_form(visit: Visit) -> Mapping[str, str]:
    """The fields of a form that we made for this person. Raises `Unreadable` or `Forged`."""
    fields = await read_form(visit.request)
    if not visit.person.sealed(fields.get(SEAL, "")):
        raise Forged
    return fields
