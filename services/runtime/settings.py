"""Settings: read once, at the door, from AIDC_… variables into a frozen dataclass.

A field `nats_url: NatsUrl` reads AIDC_NATS_URL. Fields may be `str`, `int`, `float`, `bool`, `Path`, `Address`, a type
with a `parse(text)` that raises ValueError, one annotated with such a function, and any of these or None. A value may
also come from a file, so that a secret need not stand in the environment: AIDC_POSTGRES_DSN_FILE names one. An empty
variable counts as absent.
"""

import dataclasses
import os
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path, PosixPath
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

PREFIX = "AIDC_"
FILE_SUFFIX = "_FILE"
FILE_BYTES_MAX = 65_536
PORT_MAX = 65_535
REPLICAS_MAX = 5
"""Of a stream, by nats-server."""
CENTRE_ID = re.compile("[A-Za-z0-9_-]{1,64}")
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]+")
ESCAPED = "with / # ? @ of a password written as %2F %23 %3F %40"

S = TypeVar("S")


class SettingsError(Exception):
    """Settings that are missing or unreadable, all of them, one a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class ListenError(Exception):
    """An address that cannot be listened on. The message says which, and why."""


class Address(NamedTuple):
    """A host and a port; port 0 asks for a free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `host:port`, `[::1]:port` included."""
        host, colon, port = text.rpartition(":")
        one = HOST.fullmatch(host) or (host.startswith("[") and host.endswith("]"))
        if not (one and colon and port.isdecimal() and int(port) <= PORT_MAX):
            raise ValueError("is not host:port")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class NatsUrl(str):
    """Where nats-servers are and how to get in: `nats://USER:PASSWORD@HOST:PORT`, more of them after commas."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "NatsUrl":
        """Read it. Raises ValueError without a word of it, for it holds a password."""
        if not all(_is_address(url, ("nats", "tls")) and _is_host_alone(url) for url in text.split(",")):
            raise ValueError(f"is not nats://USER:PASSWORD@HOST:PORT, {ESCAPED}")
        return cls(text)


class WebUrl(str):
    """Where something is asked by HTTP: `http://HOST:PORT`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "WebUrl":
        """Read it. Raises ValueError."""
        if not (_is_address(text, ("http", "https")) and _is_host_alone(text)):
            raise ValueError("is not http://HOST:PORT")
        return cls(text)


def read_centre(text: str) -> str:
    """A centre's id, which stands in the names of its streams and subjects. Raises ValueError."""
    if not CENTRE_ID.fullmatch(text):
        raise ValueError("is not the id of a centre: up to 64 letters, digits, - and _")
    return text


def read_replicas(text: str) -> int:
    """How many servers hold each page. Raises ValueError."""
    if not text.isdecimal() or not 1 <= int(text) <= REPLICAS_MAX:
        raise ValueError(f"is not a whole number from 1 to {REPLICAS_MAX}")
    return int(text)


Centre = Annotated[str, read_centre]
Replicas = Annotated[int, read_replicas]


class NewFile(PosixPath):
    """A file that is written at the start, in a folder that is there."""

    @classmethod
    def parse(cls, text: str) -> "NewFile":
        """Read a path. Raises ValueError."""
        path = cls(text)
        if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
            raise ValueError(f"names {path}, which cannot be written: is its folder there, and yours?")
        return path


class Dsn(str):
    """Where a database is and how to get in: `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, perhaps with options."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Dsn":
        """Read it. Raises ValueError without a word of it, for it holds a password."""
        if not _is_address(text, ("postgresql", "postgres")):
            raise ValueError(f"is not postgresql://USER:PASSWORD@HOST:PORT/DATABASE, {ESCAPED}")
        return cls(text)


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    """Whether every part of a URL is where it seems to be: what a password holds unescaped would move them."""
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    hosts = url.netloc.rpartition("@")[2].split(",")
    ports = [host.rpartition(":")[2] for host in hosts if not host.endswith("]") and ":" in host]
    elsewhere = url.path + url.query
    sound = all(port.isdecimal() and int(port) <= PORT_MAX for port in ports)
    return url.scheme in schemes and sound and not url.fragment and "@" not in elsewhere


def _is_host_alone(text: str) -> bool:
    """Whether an address names a host, and nothing on it."""
    url = urlsplit(text)
    return bool(url.hostname) and url.path in ("", "/") and not url.query


def load(settings: type[S], environ: Mapping[str, str]) -> S:
    """Fill a dataclass from the environment. Raises SettingsError with every problem at once."""
    assert dataclasses.is_dataclass(settings)
    hints = typing.get_type_hints(settings, include_extras=True)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in dataclasses.fields(settings):
        name = PREFIX + field.name.upper()
        try:
            text = _text(name, environ)
            if text is not None:
                values[field.name] = _reader(hints[field.name])(text)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                problems.append(f"{name} is missing")
        except OSError as error:
            problems.append(f"{name} names {error.filename}, which cannot be read: {error.strerror or error}")
        except UnicodeDecodeError:
            problems.append(f"{name}{FILE_SUFFIX} names a file that is no text")
        except ValueError as error:
            problems.append(f"{name} {error}")
    if problems:
        raise SettingsError(problems)
    return typing.cast(S, settings(**values))


def _text(name: str, environ: Mapping[str, str]) -> str | None:
    text, file = environ.get(name, ""), environ.get(name + FILE_SUFFIX, "")
    if text and file:
        raise ValueError(f"and {name}{FILE_SUFFIX} are both given")
    if not file:
        return text or None
    with Path(file).open(encoding="utf-8") as source:
        return source.read(FILE_BYTES_MAX).strip() or None


def _reader(hint: Any) -> Callable[[str], Any]:
    if isinstance(hint, types.UnionType):
        [hint] = [member for member in typing.get_args(hint) if member is not types.NoneType]
    if typing.get_origin(hint) is Annotated:
        return typing.cast(Callable[[str], Any], hint.__metadata__[0])
    parse = getattr(hint, "parse", None)
    return parse or _READERS[hint]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("is not a number") from None


def _boolean(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("is neither 0 nor 1")
    return text == "1"


_READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: _integer,
    float: _number,
    bool: _boolean,
    Path: Path,
}
