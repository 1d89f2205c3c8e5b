"""Settings: read once, at the door, from AIDC_… variables into a frozen dataclass.

A field `nats_url: NatsUrl` reads AIDC_NATS_URL. Fields may be `str`, `int`, `float`, `bool`, `Path`, `Address` or
any type with a `parse(text)` that raises ValueError, and any of these or None. A value may also come from a
file, so that a secret need not stand in the environment: AIDC_POSTGRES_DSN_FILE names one. An empty variable
counts as absent.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

PREFIX = "AIDC_"
FILE_SUFFIX = "_FILE"
FILE_BYTES_MAX = 65_536
PORT_MAX = 65_535
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
        if not (host and colon and port.isdecimal() and int(port) <= PORT_MAX):
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
        if not all(_is_address(url, ("nats", "tls")) and urlsplit(url).path in ("", "/") for url in text.split(",")):
            raise ValueError(f"is not nats://USER:PASSWORD@HOST:PORT, {ESCAPED}")
        return cls(text)


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
    return url.scheme in schemes and all(map(str.isdecimal, ports)) and not url.fragment and "@" not in elsewhere


def load(settings: type[S], environ: Mapping[str, str]) -> S:
    """Fill a dataclass from the environment. Raises SettingsError with every problem at once."""
    assert dataclasses.is_dataclass(settings)
    hints = typing.get_type_hints(settings)
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
        except (ValueError, OSError) as error:
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
