"""The health of JetStream, as nats-server's own monitoring tells it: nothing else here exports it.

Only the streams of one centre are looked at. Consumers come and go under names of chance, so they are shown by the one
that lags most, never by name.
"""

import asyncio
from typing import Any, NamedTuple
from urllib.request import ProxyHandler, build_opener

import msgspec

from services.eventlog.beside import REFUSALS, SIDE_STREAMS_MAX, USE, side_stream_name
from services.eventlog.stream import stream_name
from services.eventlog.witness import STANDING
from services.metrics.freshness import Freshness

ANSWER_BYTES_MAX = 4 << 20
ANSWER_SECONDS_MAX = 3.0
STREAMS_MAX = 3 + SIDE_STREAMS_MAX  # the log, its snapshots, and what stands beside it
JSZ = "/jsz?streams=true&consumers=true&config=true"
VARZ = "/varz"

_opener = build_opener(ProxyHandler({}))  # Monitoring is asked directly, whatever proxy the environment names.


class StreamHealth(NamedTuple):
    """One stream. Limits are the stream's own, or the server's where it has none."""

    bytes: int
    bytes_max: int
    messages: int
    consumers: int
    lag_messages: int  # of the consumer that lags most; 0 without one
    waiting_pulls: int  # of all consumers: readers that stand ready for the next message
    redelivered: int  # of all consumers: messages handed out a second time


class ServerHealth(NamedTuple):
    """One nats-server: the centre's streams by name, and what it says of itself."""

    streams: dict[str, StreamHealth]
    connections: int
    slow_consumers: int
    api_errors: int


class MonitorError(Exception):
    """The monitoring did not answer, or not with what it should. The message says which."""


class Monitor:
    """Asks one server's monitoring and keeps its last answer. Times are monotonic seconds."""

    def __init__(self, url: str, centre: str, started_at: float) -> None:
        self.seen: ServerHealth | None = None
        self.freshness = Freshness(started_at)
        self._url = url
        self._centre = centre

    async def ask(self, at: float) -> None:
        """Ask once. Raises `MonitorError`; the last answer stays, and its age tells."""
        try:
            jsz, varz = await asyncio.to_thread(lambda: (_get(self._url + JSZ), _get(self._url + VARZ)))
            self.seen = read_health(jsz, varz, self._centre)
        except (OSError, ValueError, LookupError, TypeError) as error:
            self.freshness.failed()
            raise MonitorError(f"{self._url}: {type(error).__name__}: {error}") from error
        self.freshness.worked(at)


def read_health(jsz: dict[str, Any], varz: dict[str, Any], centre: str) -> ServerHealth:
    """The answers of /jsz and /varz as health. Raises LookupError or TypeError for answers of another form."""
    server_bytes_max = jsz["config"]["max_storage"]
    log = stream_name(centre)
    ours = (log, f"OBJ_{log}-snapshots", *(side_stream_name(centre, side) for side in (REFUSALS, USE, STANDING)))
    streams = [
        stream
        for account in jsz.get("account_details") or ()
        for stream in account.get("stream_detail") or ()
        if stream["name"] in ours
    ]
    return ServerHealth(
        streams={stream["name"]: _stream(stream, server_bytes_max) for stream in streams},
        connections=varz["connections"],
        slow_consumers=varz["slow_consumers"],
        api_errors=jsz["api"]["errors"],
    )


def _stream(stream: dict[str, Any], server_bytes_max: int) -> StreamHealth:
    limit = stream["config"]["max_bytes"]
    consumers = stream.get("consumer_detail") or ()
    return StreamHealth(
        bytes=stream["state"]["bytes"],
        bytes_max=limit if limit > 0 else server_bytes_max,
        messages=stream["state"]["messages"],
        consumers=stream["state"]["consumer_count"],
        lag_messages=max((consumer["num_pending"] for consumer in consumers), default=0),
        waiting_pulls=sum(consumer["num_waiting"] for consumer in consumers),
        redelivered=sum(consumer["num_redelivered"] for consumer in consumers),
    )


def _get(url: str) -> dict[str, Any]:
    with _opener.open(url, timeout=ANSWER_SECONDS_MAX) as answer:
        return msgspec.json.decode(answer.read(ANSWER_BYTES_MAX), type=dict[str, Any])
