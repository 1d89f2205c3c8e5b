"""A thin gRPC client: a deadline, the same request again while nobody answers, and errors that say what they mean."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import grpc
from google.protobuf.message import Message

from services.cli.answers import Answer
from services.cli.attempts import DEADLINE_SECONDS, PAUSE_SECONDS_MAX, Attempts
from services.cli.connection import Connection
from services.cli.outcome import Failed, Refused, Unanswered
from services.cli.tables import err
from services.cli.times import from_timestamp
from services.generated.aidc.ledger.v1.ledger_pb2_grpc import LedgerStub
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.generated.aidc.scheduler.v1.scheduler_pb2_grpc import SchedulerStub

STREAM_RETRIES_MAX = 30
PAGE_SIZE_MAX = 500
RESERVATIONS_PAGE_SIZE_MAX = 1000
ZONE_DEFAULT = "UTC"

CHANNEL_OPTIONS = (
    # A supervised service comes back within a second or two; do not sleep through that.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)

Reply = TypeVar("Reply")
Method = Callable[..., Reply]


class Client:
    """The scheduler and the ledger, as one caller sees them. Use as a context manager."""

    def __init__(self, connection: Connection, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self.connection = connection
        self._deadline_seconds = deadline_seconds
        self._metadata = connection.metadata()
        self._channels: list[grpc.Channel] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self._channels:
            channel.close()

    @cached_property
    def scheduler(self) -> SchedulerStub:
        """The scheduler's methods, for `read` and `change`."""
        return scheduler_stub(self._open(self.connection.scheduler))

    @cached_property
    def ledger(self) -> LedgerStub:
        """The ledger's methods, for `read`."""
        if not self.connection.ledger:
            raise Failed("AIDC_LEDGER is not set: set it to the ledger's address")
        return ledger_stub(self._open(self.connection.ledger))

    @cached_property
    def _first_look(self) -> api.ListResourcesResponse:
        found: api.ListResourcesResponse = self.read(
            self.scheduler.ListResources, api.ListResourcesRequest(page_size=1)
        )
        return found

    @property
    def zone(self) -> ZoneInfo:
        """The centre's zone."""
        listed = self._first_look.resources
        return ZoneInfo(listed[0].time_zone if listed else ZONE_DEFAULT)

    @property
    def now(self) -> datetime:
        """What the centre's clock showed when this client first looked: `+3h` is meant by that, never by our own."""
        return from_timestamp(self._first_look.time)

    def _open(self, address: str) -> grpc.Channel:
        channel: grpc.Channel = open_channel(grpc, self.connection, address)
        self._channels.append(channel)
        return channel

    def read(self, method: Method[Reply], request: Message) -> Reply:
        """Ask a question. Raises `Failed`."""
        try:
            return self._call(method, request)
        except (Refused, Unanswered) as problem:
            raise Failed(problem.message) from problem

    def find(self, method: Method[Reply], request: Message) -> Reply | None:
        """Ask for one thing; None where it is not there, or not for the caller. Raises `Failed`."""
        try:
            return self._call(method, request)
        except Refused as refused:
            if refused.violations and all(each.reason.endswith("NOT_FOUND") for each in refused.violations):
                return None
            raise Failed(refused.message) from refused
        except Unanswered as problem:
            raise Failed(problem.message) from problem

    def stream(self, method: Method[Iterator[Reply]], request: Message) -> Iterator[Reply]:
        """Every answer of a stream, in one go. Raises `Failed`, also when it breaks off."""
        try:
            yield from method(request, metadata=self._metadata)
        except grpc.RpcError as error:
            raise Failed(Answer(error).readable()) from error

    def change(self, method: Method[Reply], request: Any) -> Reply:
        """Ask for a change under `request.request_id`. Raises `Refused`, `Unanswered` or `Failed`."""
        try:
            return self._call(method, request)
        except Unanswered as problem:
            raise Unanswered(problem.message, request.request_id) from problem
        except KeyboardInterrupt:
            raise Unanswered("interrupted before the answer came", request.request_id) from None

    def _call(self, method: Method[Reply], request: Message) -> Reply:
        attempts = Attempts(self._deadline_seconds)
        while True:  # Until it is answered, or `attempts` raises.
            try:
                return method(request, timeout=attempts.timeout, metadata=self._metadata)
            except grpc.RpcError as error:
                pause = attempts.pause_after(error)
                if news := attempts.news():
                    err.print(news, style="dim")
                time.sleep(pause)

    def resources(self) -> Iterator[api.Resource]:
        """Every resource, by name."""
        token = ""
        while True:
            request = api.ListResourcesRequest(page_size=PAGE_SIZE_MAX, page_token=token)
            page = self.read(self.scheduler.ListResources, request)
            yield from page.resources
            token = page.next_page_token
            if not token:
                return

    def reservations(self, request: api.ListReservationsRequest) -> Iterator[api.ListReservationsResponse]:
        """Every page of an answer."""
        while True:
            page = self.read(self.scheduler.ListReservations, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def watch(self, request: api.WatchReservationsRequest) -> Iterator[api.WatchReservationsResponse]:
        """Changes and bookmarks in log order, without gaps; a broken stream is resumed. Raises `Failed`."""
        retries = 0
        while True:
            try:
                for message in self.scheduler.WatchReservations(request, metadata=self._metadata):
                    retries, request.after_position = 0, message.position
                    yield message
            except grpc.RpcError as error:
                answer = Answer(error)
                retries += 1
                if not answer.transient or retries > STREAM_RETRIES_MAX:
                    raise Failed(answer.readable()) from error
            time.sleep(PAUSE_SECONDS_MAX)


def open_channel(library: Any, connection: Connection, address: str) -> Any:
    """A channel of `grpc` or of `grpc.aio`."""
    if connection.tls_roots is None:
        return library.insecure_channel(address, options=CHANNEL_OPTIONS)
    credentials = grpc.ssl_channel_credentials(connection.tls_roots)
    return library.secure_channel(address, credentials, options=CHANNEL_OPTIONS)


def scheduler_stub(channel: Any) -> SchedulerStub:
    """The scheduler's methods over a channel of either kind."""
    return SchedulerStub(channel)  # type: ignore[no-untyped-call]  # generated without annotations


def ledger_stub(channel: Any) -> LedgerStub:
    """The ledger's methods over a channel of either kind."""
    return LedgerStub(channel)  # type: ignore[no-untyped-call]  # generated without annotations
