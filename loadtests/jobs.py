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

    With `calls`, a round is that many batches of `items` demands, however long they take; with a rate as well, batches
    are sent at that rate of items until the time or the calls are over.
    """

    target: str
    seconds: float
    seed: int
    now: int
    clients: int
    rate: float = 0.0
    calls: int = 0
    items: int = 1
