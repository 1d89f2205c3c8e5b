"""What an error of a gRPC call means to somebody at the board: signed out, a lawful no, nothing known, or not now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

# googleapis-common-protos and grpcio-status ship no type stubs.
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

DOMAIN = "aidc"
TRANSIENT = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class SignedOut(Exception):
    """The token proves nothing, or no more."""


class Forbidden(Exception):
    """This role may not do this."""


class Missing(Exception):
    """There is no such thing, or none that this person may see; `reason` says what, if the answer does."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Limited(Exception):
    """Too many calls or streams; try again later."""


class Unavailable(Exception):
    """Nobody answers. For a change this means that its outcome is unknown."""


@dataclass(eq=False)
class Refused(Exception):
    """A lawful no, with every rule that said it and what would be granted instead."""

    message: str
    violations: Sequence[api.Violation] = ()
    alternatives: Sequence[api.Offer] = ()
    changes: Sequence[api.SmallestChange] = ()


def meaning(error: grpc.aio.AioRpcError) -> Exception:
    """What a failed call means."""
    details = _details(error)
    refusal, info = _detail(details, api.Refusal), _detail(details, ErrorInfo)
    text = error.details() or error.code().name
    match error.code():
        case grpc.StatusCode.UNAUTHENTICATED:
            return SignedOut(text)
        case grpc.StatusCode.PERMISSION_DENIED:
            return Forbidden(text)
        case grpc.StatusCode.NOT_FOUND:
            return Missing(text, info.reason if info is not None else "")
        case grpc.StatusCode.INVALID_ARGUMENT if refusal is None:
            return Refused(text, _faults(details, text))
        case grpc.StatusCode.RESOURCE_EXHAUSTED if refusal is None:
            return Limited(text)
        case _ if refusal is not None:
            return Refused(
                text, tuple(refusal.violations), tuple(refusal.alternatives), tuple(refusal.smallest_changes)
            )
        case _ if info is not None and info.domain == DOMAIN and error.code() not in TRANSIENT:
            return Refused(text, (api.Violation(reason=info.reason, description=text),))
        case _:
            return Unavailable(text)


def _faults(details: Sequence[Any], text: str) -> tuple[api.Violation, ...]:
    """What is wrong with each field of a request."""
    found = _detail(details, BadRequest)
    fields = found.field_violations if found else []
    faults = [
        api.Violation(reason="INVALID_FIELD", subject=each.field, description=f"{each.field} {each.description}")
        for each in fields
    ]
    return tuple(faults) or (api.Violation(reason="INVALID_FIELD", description=text),)


def _details(error: grpc.aio.AioRpcError) -> list[Any]:
    try:
        status = rpc_status.from_call(error)
    except ValueError:
        return []
    return list(status.details) if status is not None else []


def _detail(details: Sequence[Any], kind: Any) -> Any:
    for packed in details:
        if packed.Is(kind.DESCRIPTOR):
            found = kind()
            packed.Unpack(found)
            return found
    return None
