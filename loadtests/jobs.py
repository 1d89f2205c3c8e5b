"""What the client process is told, one JSON document a line on its standard input."""

from msgspec import Struct


class Lane(Struct, frozen=True, kw_only=True):
    """One company with a connection of its own."""

    company: str
    token: str


class Targets(Struct, frozen=True, kw_only=True):
    """Where everything is. Tokens and passwords are in here, so it travels by pipe, never by argument."""

    lanes: tuple[Lane, ...]
    scheduler: str = ""
    echo: str = ""
    postgres: str = ""


class Job(Struct, frozen=True, kw_only=True):
    """One round. `rate` is answers a second for an open loop; 0 asks for a closed loop of `clients`.

    With `calls`, a round is that many batches, however long they take.
    """

    target: str
    seconds: float
    seed: int
    now: int
    clients: int
    rate: float = 0.0
    calls: int = 0
