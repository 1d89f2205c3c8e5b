"""Demands as programs write them, one JSON object a line."""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, TextIO

from services.cli.booking import checked_request_id
from services.cli.demands import parse_line, parse_shape, resource_id, unknown_resource
from services.cli.times import Unreadable, parse_duration, parse_time, to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

KEYS = {"lines", "start", "duration", "note", "per_node", "together", "request_id"}
LINE_CHARACTERS_MAX = 10_000
NAMESPACE = uuid.UUID("6f0d4d3c-5c52-4b0e-9d0f-6f1f7a1f6f3e")
"""Of the request ids that follow from a demand, its company and its line."""
EXAMPLE = '{"lines": ["h100-train:16"], "start": "2026-03-04 09:00", "duration": "2h"}'


class Reader:
    """Reads lines of JSON as demands of a company."""

    def __init__(self, parent: str, resources: Mapping[str, api.Resource], now: datetime, zone: tzinfo) -> None:
        self._parent = parent
        self._resources = resources
        self._now = now
        self._zone = zone

    def request(self, number: int, text: str) -> api.CreateReservationRequest:
        """The demand on a line. Raises `Unreadable`, or `Failed` for a request id that is none."""
        wish = _object(text)
        lines = [self._line(line, wish) for line in _texts(wish)]
        start = parse_time(_text(wish, "start"), self._now, self._zone)
        request = api.CreateReservationRequest(
            parent=self._parent,
            reservation=api.Reservation(
                lines=lines,
                start_time=to_timestamp(start),
                duration=to_duration(parse_duration(_text(wish, "duration"))),
                note=_note(wish),
            ),
        )
        # The same words on the same line are the same request, so a file can be sent again, though it says +3h.
        unique = f"{number}\n{self._parent}\n{json.dumps(wish, sort_keys=True)}"
        named = str(wish.get("request_id", ""))
        request.request_id = checked_request_id(named) if named else str(uuid.uuid5(NAMESPACE, unique))
        return request

    def _line(self, text: str, wish: Mapping[str, Any]) -> api.Line:
        resource = self._resources.get(resource_id(text))
        if resource is None:
            raise Unreadable(unknown_resource(resource_id(text), self._resources))
        per_node = wish.get("per_node", 0)
        if not isinstance(per_node, int) or per_node < 0:
            raise Unreadable(f"per_node is {per_node!r}, which is no number of units")
        return parse_line(text, resource, parse_shape(per_node, str(wish.get("together", "anywhere"))))


def numbered(file: TextIO) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers; of one that is too long, as much as shows that it is."""
    number = 0
    while text := file.readline(LINE_CHARACTERS_MAX + 1):
        number += 1
        rest = text
        while len(rest) > LINE_CHARACTERS_MAX and not rest.endswith("\n"):
            rest = file.readline(LINE_CHARACTERS_MAX + 1)
        if text.strip():
            yield number, text


def _object(text: str) -> dict[str, Any]:
    if len(text) > LINE_CHARACTERS_MAX:
        raise Unreadable(f"longer than {LINE_CHARACTERS_MAX} characters")
    try:
        found = json.loads(text)
    except ValueError as problem:
        raise Unreadable(f"not JSON ({problem}): write {EXAMPLE}") from problem
    if not isinstance(found, dict):
        raise Unreadable(f"not an object: write {EXAMPLE}")
    if unknown := found.keys() - KEYS:
        raise Unreadable(f"unknown key {', '.join(sorted(unknown))}: there are {', '.join(sorted(KEYS))}")
    return found


def _text(wish: Mapping[str, Any], key: str) -> str:
    value = wish.get(key)
    if not isinstance(value, str):
        raise Unreadable(f"{key} is missing, or no text: write {EXAMPLE}")
    return value


def _texts(wish: Mapping[str, Any]) -> list[str]:
    values = wish.get("lines")
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise Unreadable(f"lines is missing, or no list of texts: write {EXAMPLE}")
    return values


def _note(wish: Mapping[str, Any]) -> str:
    note = wish.get("note", "")
    if not isinstance(note, str) or not note.isprintable():
        raise Unreadable("note is no text of one line")
    return note
