"""What stands before every page: limits on what comes in and how long it may take, and headers on what goes out."""

import asyncio
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.board.entrance.telemetry import BoardTelemetry

BODY_BYTES_MAX = 16_384
BODY_SECONDS_MAX = 5.0
REQUEST_SECONDS_MAX = 25.0
ADDRESS_BYTES_MAX = 8_192
IN_FLIGHT_MAX = 100
STREAM_PATH = "/live"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # With no-referrer a browser would send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
PRIVATE = "no-store"
TRANSPORT = "max-age=31536000"

_log = structlog.get_logger()


class Guard:
    """Wraps the pages. Every answer leaves through it, errors too."""

    def __init__(self, pages: ASGIApp, telemetry: BoardTelemetry) -> None:
        self._pages = pages
        self._telemetry = telemetry
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # No websockets here.
        answer = Answering(scope, send, self._telemetry)
        try:
            refusal = _refusal(scope)
            if refusal is None and scope["path"] == STREAM_PATH:
                await self._pages(scope, receive, answer.send)
            elif refusal is None:
                refusal = await self._serve(scope, receive, answer)
        except Exception:
            # A mistake of ours: told in the log, and to nobody else.
            _log.exception("page_failed", path=scope["path"])
            refusal = PlainTextResponse("Something went wrong here; it has been noted.\n", status_code=500)
        if refusal is not None and not answer.begun:
            await refusal(scope, receive, answer.send)
        answer.done()

    async def _serve(self, scope: Scope, receive: Receive, answer: "Answering") -> PlainTextResponse | None:
        if self._in_flight >= IN_FLIGHT_MAX:
            return PlainTextResponse("Too many at once; try again.\n", status_code=503, headers={"retry-after": "2"})
        self._in_flight += 1
        try:
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await _body(receive)
            if body is None:
                return PlainTextResponse("This form is too large.\n", status_code=413)
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                await self._pages(scope, _replay(body, receive), answer.send)
        except TimeoutError:
            return PlainTextResponse("This took too long; try again.\n", status_code=504)
        finally:
            self._in_flight -= 1
        return None


class Answering:
    """One answer on its way out: headers added, status counted."""

    def __init__(self, scope: Scope, send: Send, telemetry: BoardTelemetry) -> None:
        self._send = send
        self._secure = scope["scheme"] == "https"
        self._measure = telemetry.request(scope)
        self.status = 0

    @property
    def begun(self) -> bool:
        """Whether the status has left."""
        return self.status != 0

    async def send(self, message: Message) -> None:
        """Pass a piece of the answer on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers.setdefault("cache-control", PRIVATE)
            if self._secure:
                headers["strict-transport-security"] = TRANSPORT
        await self._send(message)

    def done(self) -> None:
        """Count it."""
        self._measure(self.status)


def _refusal(scope: Scope) -> PlainTextResponse | None:
    """What is turned away before anything is read."""
    if len(scope["raw_path"] or b"") + len(scope["query_string"]) > ADDRESS_BYTES_MAX:
        return PlainTextResponse("This address is too long.\n", status_code=414)
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    # Browsers name the page that sent a form; ours come from here.
    if scope["method"] not in ("GET", "HEAD") and origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return PlainTextResponse("This form was sent from another site.\n", status_code=403)
    return None


async def _body(receive: Receive) -> bytes | None:
    """All that was sent, or None if it is too much."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """What was read, once more; then whatever comes."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
