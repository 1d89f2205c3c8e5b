"""What the writer is asked."""

from msgspec import Struct

from services.allocation.commands import Command


class Ask(Struct, frozen=True):
    """A command, who asks, and the request id and body digest that make it safe to repeat."""

    command: Command
    actor: str
    request_id: str = ""
    digest: str = ""
