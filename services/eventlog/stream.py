"""The stream behind a log: how it is made, and what it must be before anyone trusts it.

A stream that exists is never altered: a wrong setting is named, with what it would cost and how to correct it.
"""

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import msgspec

from services.eventlog import BrokenLog, Unknown
from services.eventlog.connection import ApiError, Connection

NOT_FOUND = 10059
ALREADY_THERE = 10058
MONITOR_SECONDS_MAX = 5.0

REQUIRED: tuple[tuple[str, Any, Any, str], ...] = (
    # setting, what it must be, what it is when absent, what is lost otherwise
    ("storage", "file", "file", "pages would be lost with the server"),
    ("retention", "limits", "limits", "pages would be removed once they are read"),
    ("discard", "new", "old", "a full stream would drop its oldest pages"),
    ("deny_delete", True, False, "anyone could delete a page"),
    ("deny_purge", True, False, "anyone could empty the log"),
    ("max_age", 0, 0, "pages would be forgotten after that time"),
    ("max_msgs", -1, -1, "the log would end at that page"),
    ("max_bytes", -1, -1, "the log would end at that size"),
    ("max_msgs_per_subject", -1, -1, "the log would end at that page"),
    ("max_msg_size", -1, -1, "a page larger than that would be refused"),
    ("allow_direct", True, False, "readers could not use replicas"),
    ("allow_rollup_hdrs", False, False, "one message could replace the whole log"),
    ("allow_msg_ttl", False, False, "a page could expire"),
    ("no_ack", False, False, "no append would ever be confirmed"),
    ("sealed", False, False, "no page could be appended"),
    ("persist_mode", "default", "default", "an append would be confirmed before it is on disk"),
    ("mirror", None, None, "pages would come from another stream"),
    ("sources", None, None, "pages would come from other streams"),
    ("subject_transform", None, None, "pages would arrive under another subject"),
)


class StreamState(msgspec.Struct, frozen=True):
    """How far a stream reaches."""

    first_seq: int = 0
    last_seq: int = 0
    messages: int = 0


class StreamInfo(msgspec.Struct, frozen=True):
    """The server's answer about a stream."""

    error: ApiError | None = None
    created: str = ""
    config: dict[str, Any] = {}
    state: StreamState = StreamState()


def stream_name(centre: str) -> str:
    """The stream that holds a centre's log."""
    return f"AIDC-{centre}"


def subject_name(centre: str) -> str:
    """The one subject of a centre's log."""
    return f"aidc.{centre}.log"


async def open_stream(connection: Connection, centre: str, *, replicas: int, create: bool) -> StreamInfo:
    """The centre's stream, made if it is missing and `create` is set. Raises `BrokenLog` if it cannot be trusted."""
    info = await _info(connection, stream_name(centre))
    if info.error and info.error.err_code == NOT_FOUND and create:
        info = await _create(connection, centre, replicas)
    _demand_settings(info, centre, replicas)
    return info


async def stream_info(connection: Connection, name: str) -> StreamInfo:
    """A stream that must be there. Raises `BrokenLog` if it is not, `Unknown` if the server cannot tell."""
    info = await _info(connection, name)
    if info.error is None:
        return info
    if info.error.err_code == NOT_FOUND:
        raise BrokenLog(
            f"stream {name} does not exist: if it was deleted, restore it from a backup;"
            " a new centre's stream is made when its scheduler first starts"
        )
    raise Unknown(f"stream {name}: {info.error.description}")


async def demand_sync_always(monitor_url: str) -> None:
    """Raise `BrokenLog` unless the server says that it syncs every page to disk before it confirms it."""
    try:
        varz = await asyncio.to_thread(_get_json, monitor_url, "/varz")
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unknown(f"no monitoring at {monitor_url}: {type(error).__name__}: {error}") from error
    settings = (varz.get("jetstream") or {}).get("config") or {}
    if settings.get("sync_always") is not True:
        seconds = settings.get("sync_interval", 0) / 1e9
        raise BrokenLog(
            f"nats-server at {monitor_url} has sync_interval = {seconds:.0f}s, so a power cut would lose confirmed"
            " pages: set `sync_interval: always` in its jetstream block and restart it"
        )


async def _info(connection: Connection, name: str) -> StreamInfo:
    return await connection.ask(f"STREAM.INFO.{name}", {}, StreamInfo)


async def _create(connection: Connection, centre: str, replicas: int) -> StreamInfo:
    wanted = {setting: value for setting, value, _, _ in REQUIRED if value is not None and setting != "persist_mode"}
    name = stream_name(centre)
    config = wanted | {"name": name, "subjects": [subject_name(centre)], "num_replicas": replicas}
    info = await connection.ask(f"STREAM.CREATE.{name}", config, StreamInfo)
    if info.error and info.error.err_code == ALREADY_THERE:
        return await stream_info(connection, name)  # someone else made it meanwhile; its settings are checked next
    return info


def _demand_settings(info: StreamInfo, centre: str, replicas: int) -> None:
    name = stream_name(centre)
    if info.error:
        if info.error.err_code == NOT_FOUND:
            raise BrokenLog(f"stream {name} does not exist: start the centre's scheduler first, which makes it")
        raise Unknown(f"stream {name}: {info.error.description}")
    for setting, wanted, absent, cost in REQUIRED:
        _demand(name, setting, info.config.get(setting, absent) or absent, wanted, cost)
    _demand(name, "subjects", info.config.get("subjects"), [subject_name(centre)], "the log would hold other messages")
    if info.config.get("num_replicas", 1) < replicas:
        _demand(name, "num_replicas", info.config.get("num_replicas", 1), replicas, "too few disks would hold a page")
    if info.state.last_seq and info.state.first_seq != 1:
        raise BrokenLog(
            f"stream {name} begins at position {info.state.first_seq}, not 1: earlier pages are gone; restore a backup"
        )


def _demand(stream: str, setting: str, value: Any, wanted: Any, cost: str) -> None:
    if value != wanted:
        raise BrokenLog(
            f"stream {stream} has {setting} = {json.dumps(value)}, and the log needs {json.dumps(wanted)}: {cost}."
            f" An existing stream is never altered from here: correct it with `nats stream edit {stream}`,"
            " or restore a backup"
        )


def _get_json(base: str, path: str) -> dict[str, Any]:
    address = urlsplit(base)
    connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=MONITOR_SECONDS_MAX)
    try:
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer
