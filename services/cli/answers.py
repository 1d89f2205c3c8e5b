"""What an error of a gRPC call means: a definite no, a failure, or nothing known yet."""

import re
from typing import Any

import grpc

# googleapis-common-protos and grpcio-status ship no type stubs.
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from services.cli.outcome import Failed, Refused, Unanswered
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

DOMAIN = "aidc"
NEVER_DECIDED = frozenset(
    {
        *(grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAUTHENTICATED),
        *(grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED),
        *(grpc.StatusCode.NOT_FOUND, grpc.StatusCode.OUT_OF_RANGE),
    }
)
"""Errors of a question that no rule was asked about: asking it again unchanged gives the same."""

DEADLINE_EXCEEDED = "Deadline Exceeded"
TORN = "Internal error from Core"
"""What grpc.aio says of a stream that ended while a message was on its way out; why it ended is lost."""
FOR_COMMANDS = {
    "ON_WHOSE_BEHALF": "a support officer acts for a company: `aidc --on-behalf-of CMP-0001 COMMAND …`",
    "NOT_AN_OFFICER": "only a support officer acts for somebody else: leave --on-behalf-of out",
}
"""What the doors say of metadata, in the words of options."""
HINTS = {
    "UNAUTHENTICATED": "`aidc token` prints one where the centre runs; else ask an operator, and set AIDC_TOKEN.",
    "ROLE_NOT_ALLOWED": "--as says who asks.",
}
"""What to do at a command besides what the service says."""
UNREACHABLE = re.compile(r"failed to connect to all addresses.*?(?:ipv4|ipv6|unix):(?P<address>\S+): ")
DISTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED: (?P<why>[^:]+)")

Outcome = Failed | Refused | Unanswered


class Answer:
    """A failed call, taken apart. `error` is what grpc or grpc.aio raised."""

    def __init__(self, error: grpc.RpcError) -> None:
        self.code: grpc.StatusCode = error.code()
        self.text: str = spoken(error.details() or self.code.name)
        self.details: list[Any] = details_of(error)

    def detail(self, kind: Any) -> Any:
        """The detail of this message type, or None."""
        for packed in self.details:
            if packed.Is(kind.DESCRIPTOR):
                found = kind()
                packed.Unpack(found)
                return found
        return None

    @property
    def retry_after_seconds(self) -> float:
        """How long the service asks to wait."""
        info = self.detail(RetryInfo)
        return float(info.retry_delay.ToMilliseconds() / 1000) if info else 0.0

    @property
    def transient(self) -> bool:
        """Whether the same request is worth sending again."""
        if self.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            return True
        if self.code is grpc.StatusCode.INTERNAL and self.text == TORN:
            return True
        return self.detail(RetryInfo) is not None and self.detail(api.Refusal) is None

    def outcome(self) -> Outcome:
        """What the call ended in."""
        info, refusal = self.detail(ErrorInfo), self.detail(api.Refusal)
        if refusal is not None:
            return Refused(
                self.text, tuple(refusal.violations), tuple(refusal.alternatives), tuple(refusal.smallest_changes)
            )
        if self.code in NEVER_DECIDED:
            return Failed(self.readable())
        if info is not None and info.domain == DOMAIN and self.code is not grpc.StatusCode.INTERNAL:
            return Unanswered(f"{self.text} ({info.reason})")
        return Unanswered(f"{self.text} ({self.code.name})")

    def readable(self) -> str:
        """The text with what is wrong with each field, in one line."""
        bad_request = self.detail(BadRequest)
        fields = [f"{v.field}: {v.description}" for v in bad_request.field_violations] if bad_request else []
        info = self.detail(ErrorInfo)
        reason = info.reason if info is not None else ""
        return "; ".join(fields) or FOR_COMMANDS.get(reason) or f"{self.text} {HINTS.get(reason, '')}".rstrip()


def spoken(text: str) -> str:
    """grpc's own words for a server that is late or not there, put plainly; any other text as it is."""
    if text == DEADLINE_EXCEEDED:
        return "no answer in time"
    unreachable = UNREACHABLE.match(text)
    if unreachable is None:
        return text
    distrusted = DISTRUSTED.search(text)
    if distrusted:
        return f"the certificate at {unreachable['address']} is not trusted ({distrusted['why']}): see AIDC_TLS_ROOTS"
    return f"nobody answers at {unreachable['address']}: does the centre run?"


def details_of(error: grpc.RpcError) -> list[Any]:
    """The rich details that came with an error; none if they cannot be read."""
    try:
        status = rpc_status.from_call(error)
    except ValueError:
        return []
    return list(status.details) if status is not None else []
