"""The one way to answer an error: a gRPC status with one ErrorInfo and the details that explain it."""

from collections.abc import Mapping, Sequence

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

# googleapis-common-protos ships no type stubs.
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

DOMAIN = "aidc"
DETAILS_KEY = "grpc-status-details-bin"
PUSHBACK_KEY = "grpc-retry-pushback-ms"

# A client takes 8 KiB of trailers, in base64. What does not fit is left out rather than lost altogether.
STATUS_BYTES_MAX = 5_000
MESSAGE_CHARACTERS_MAX = 500
VIOLATIONS_MAX = 20

Trailers = tuple[tuple[str, str | bytes], ...]


class Problem(Exception):
    """A call's end in an error that the caller may see.

    `reason` is UPPER_SNAKE_CASE from a closed list; whatever varies in `message` is also in `metadata`.
    `details` are further google.rpc or aidc messages, each type at most once, the most important first.
    `retry_after_seconds` asks the caller to wait before trying again.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        details: Sequence[Message] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message[:MESSAGE_CHARACTERS_MAX]
        self.metadata = dict(metadata or {})
        self.details = tuple(details)
        self.retry_after_seconds = retry_after_seconds

    def status(self) -> Status:
        """The rich status: ErrorInfo first, then RetryInfo if any, then the details that fit."""
        status = Status(code=self.code.value[0], message=self.message)
        status.details.add().Pack(ErrorInfo(domain=DOMAIN, reason=self.reason, metadata=self.metadata))
        if self.retry_after_seconds is not None:
            status.details.add().Pack(RetryInfo(retry_delay=_duration(self.retry_after_seconds)))
        for detail in self.details:
            status.details.add().Pack(detail)
            if status.ByteSize() > STATUS_BYTES_MAX:
                del status.details[-1]
        return status

    def trailers(self) -> Trailers:
        """What travels behind the answer. gRPC's own retries obey only the pushback, so both are there."""
        trailers: Trailers = ((DETAILS_KEY, self.status().SerializeToString()),)
        if self.retry_after_seconds is None:
            return trailers
        return (*trailers, (PUSHBACK_KEY, str(round(self.retry_after_seconds * 1000))))


def invalid(violations: Mapping[str, str]) -> Problem:
    """INVALID_ARGUMENT for fields (`reservation.lines[0].units`), each with what is wrong and what to do."""
    shown = list(violations.items())[:VIOLATIONS_MAX]
    fields = ", ".join(field for field, _ in shown)
    more = f" and {len(violations) - len(shown)} more" if len(violations) > len(shown) else ""
    return Problem(
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        f"Invalid: {fields}{more}. The details say what is wrong with each.",
        metadata={"fields": fields[:MESSAGE_CHARACTERS_MAX]},
        details=[_bad_request(shown)],
    )


def _bad_request(violations: list[tuple[str, str]]) -> BadRequest:
    return BadRequest(
        field_violations=[
            BadRequest.FieldViolation(field=field, description=description) for field, description in violations
        ]
    )


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
