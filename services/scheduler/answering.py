"""From a command to its durable answer: what every method that changes something has in common."""

from typing import Any

from services.allocation.commands import Command
from services.allocation.rejections import Rejected
from services.allocation.tables.answer import Subject
from services.runtime.doors import Call
from services.scheduler.access import actor_of, log_unavailable
from services.scheduler.ask import Ask
from services.scheduler.group_commit import LogBehind
from services.scheduler.wire import requests
from services.scheduler.wire.refusals import problem_of
from services.scheduler.writer import Writer


async def answer(writer: Writer, call: Call, request: Any, command: Command) -> Subject | None:
    """What a command made, durably; None if it was only to be checked. Raises `Rejected` or `Problem`."""
    try:
        if request.validate_only:
            request.validate_only = False
            writer.check(ask_of(call, request, command))
            return None
        return (await writer.submit(ask_of(call, request, command)))[0]
    except LogBehind as error:
        raise log_unavailable(error) from None


async def administer(writer: Writer, call: Call, request: Any, command: Command) -> Subject | None:
    """The same, with a refusal as the error that tells it."""
    try:
        return await answer(writer, call, request, command)
    except Rejected as refusal:
        raise problem_of(refusal) from None


def ask_of(call: Call, request: Any, command: Command) -> Ask:
    """A command with who asks for it, and what makes it safe to repeat."""
    request.request_id = request.request_id.lower()
    return Ask(
        command=command,
        actor=actor_of(call),
        request_id=request.request_id,
        digest=requests.digest_of(request),
    )
