"""Browsers of tests: httpx against the board's ASGI application, signed in as whoever is wanted."""

import base64
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from services.board.doors.calls import open_doors
from services.board.doors.session import COOKIE
from services.board.frame.sending import ENCLOSED
from services.board.web import Board
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.harness import Clients
from tests.system.small_catalogue import COMPANY, DAY, HOUR, MONDAY

ORIGIN = "http://board.test"
INPUT = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
FORM = re.compile(r'<form method="post" action="(?P<action>[^"]*)"[^>]*>(?P<inside>.*?)</form>', re.DOTALL)


@dataclass(frozen=True)
class Browsing:
    """The application, and the centre behind it."""

    centre: Clients
    board: Board
    app: ASGIApp
    registry: CollectorRegistry

    def browser(self, holder: str = "", **headers: str) -> httpx.AsyncClient:
        """A browser of somebody who is signed in, or of nobody."""
        cookies = {COOKIE: self.centre.centre.tokens[holder]} if holder else {}
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=cookies, headers=headers)

    async def page(self, path: str, holder: str = COMPANY, **headers: str) -> str:
        """A page that must be shown, as text."""
        async with self.browser(holder, **headers) as browser:
            answer = await browser.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def book(
        self,
        holder: str = COMPANY,
        resource: str = "core",
        *,
        units: int = 1,
        day: int = 3,
        hours: int = 2,
        note: str = "",
        people: int = 0,
        by: str = "",
    ) -> Any:
        """A reservation made by API, some days from the beginning; with `people` it is a class."""
        request = api.CreateReservationRequest(parent=f"companies/{holder}", request_id=str(uuid.uuid4()))
        request.reservation.lines.add(resource=f"resources/{resource}", units=units)
        request.reservation.start_time.seconds = MONDAY + day * DAY
        request.reservation.end_time.seconds = MONDAY + day * DAY + hours * HOUR
        request.reservation.note = note
        request.reservation.participants.count = people
        if not people:
            request.reservation.ClearField("participants")
        return await self.centre.call(self.centre.scheduler.CreateReservation, request, by or holder)


@asynccontextmanager
async def browsing(centre: Clients) -> AsyncIterator[Browsing]:
    """The board over a centre."""
    registry = CollectorRegistry()
    async with open_doors(centre.centre.scheduler.grpc, centre.centre.ledger.grpc) as doors:
        board = Board(doors, registry)
        yield Browsing(centre, board, board.app(), registry)


def enclosing(request: Message) -> dict[str, str]:
    """The field that encloses a request in a form, as whoever makes one by hand would send it."""
    return {ENCLOSED: base64.urlsafe_b64encode(request.SerializeToString()).decode()}


def forms(text: str, action: str) -> list[dict[str, str]]:
    """The hidden fields of every form of a page that changes something at an address."""
    return [
        {unescape(name): unescape(value) for name, value in INPUT.findall(form["inside"])}
        for form in FORM.finditer(text)
        if form["action"] == action
    ]
