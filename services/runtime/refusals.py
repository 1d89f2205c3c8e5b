"""What the doors themselves say no to. Fixed words: nothing of the request, of other callers or of our insides."""

import traceback
import uuid
from collections.abc import Collection

import grpc
import structlog

from services.runtime.identity import LIFETIME_SECONDS_MAX, Identity, Role
from services.runtime.problems import Problem

RETRY_DRAINING_SECONDS = 1.0

ABOUT_TOKENS = {
    "missing": "The call has no token: send `authorization: Bearer TOKEN` with it.",
    "wrong_scheme": "The authorization that was sent is not `Bearer TOKEN`.",
    "two_tokens": "The call has two tokens: send one.",
    "too_long": "What was sent is longer than any token of ours: send the token alone.",
    "bad_token": "What was sent is no token, or a damaged one: copy it whole.",
    "bad_header": "The token names another algorithm than Ed25519, or more than its algorithm, key and type.",
    "bad_claims": "A claim of the token is missing or wrong: it needs iss, aud, sub, role, iat, nbf, exp, and company"
    " for the role company alone.",
    "wrong_audience": "The token was made for something else: iss and aud must be aidc, and sub must say who bears it.",
    "unknown_key": "The token was signed with a key that this centre does not have, or not any more: get a new token.",
    "expired": "The token is over: get a new one.",
    "not_yet_valid": "The token is not valid yet: wait, or set the clock right where tokens are made.",
    "lives_too_long": f"No token lives for more than {LIFETIME_SECONDS_MAX // 3600} hours: get one that ends sooner.",
}
"""Why a token proves nothing, by the cause that is counted, and what to do about it."""

_log = structlog.get_logger()


def draining() -> Problem:
    """An open stream ends because the server goes away: resume it elsewhere."""
    return Problem(
        grpc.StatusCode.UNAVAILABLE,
        "DRAINING",
        "This server is going away; another one will answer.",
        retry_after_seconds=RETRY_DRAINING_SECONDS,
    )


def deadline_exceeded() -> Problem:
    """The client's deadline or our own cap passed. Whether anything happened is unknown."""
    return Problem(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
        "Out of time; the outcome is unknown. Ask again with the same request_id.",
    )


def slow_consumer(seconds: float) -> Problem:
    """A stream ends because its client does not read."""
    return Problem(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "SLOW_CONSUMER",
        f"Nothing was read for {seconds:g} seconds. Resume from the last answer that you received.",
    )


def idle(seconds: float) -> Problem:
    """A stream ends because its client sends nothing."""
    return Problem(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "IDLE",
        f"Nothing was sent for {seconds:g} seconds. All that was sent is answered; open another stream.",
    )


def unauthenticated(cause: str) -> Problem:
    """No token, or one that proves nothing."""
    return Problem(
        grpc.StatusCode.UNAUTHENTICATED,
        "UNAUTHENTICATED",
        ABOUT_TOKENS[cause],
        metadata={"cause": cause},
    )


def role_not_allowed(identity: Identity, method: str, roles: Collection[Role]) -> Problem:
    """A good token whose role may not call this method; `roles` may."""
    _log.warning("call_denied", method=method, role=identity.role.value, subject=identity.subject)
    return Problem(
        grpc.StatusCode.PERMISSION_DENIED,
        "ROLE_NOT_ALLOWED",
        f"The role {identity.role.value} may not call {method}: it is for {' and '.join(sorted(roles))}.",
        metadata={"role": identity.role.value, "method": method},
    )


def on_whose_behalf() -> Problem:
    """A support officer acts for one company in each call, and must say for which."""
    return Problem(
        grpc.StatusCode.INVALID_ARGUMENT,
        "ON_WHOSE_BEHALF",
        "A support officer acts for a company: name it in the metadata aidc-on-behalf-of, such as CMP-0001.",
    )


def not_an_officer(identity: Identity) -> Problem:
    """Only a support officer acts for somebody else."""
    return Problem(
        grpc.StatusCode.PERMISSION_DENIED,
        "NOT_AN_OFFICER",
        f"The role {identity.role.value} acts for nobody else: leave the metadata aidc-on-behalf-of out.",
    )


def not_your_company(identity: Identity) -> Problem:
    """A support officer who may not act for this company, or not now; a company that is not there answers alike."""
    _log.warning("officer_denied", officer=identity.officer, company=identity.company)
    return Problem(
        grpc.StatusCode.PERMISSION_DENIED,
        "NOT_YOUR_COMPANY",
        f"Officer {identity.officer} may not act for {identity.company} now. An operator can assign it to you.",
    )


def malformed() -> Problem:
    """Bytes that are no message of the method's type."""
    return Problem(
        grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "The request is not a message of the method's type."
    )


def internal(error: Exception, method: str) -> Problem:
    """Our own mistake. The caller gets an id; the log gets the story under that id."""
    error_id = uuid.uuid4().hex
    _log.error("call_failed", error_id=error_id, method=method, trace="".join(traceback.format_exception(error)))
    return Problem(
        grpc.StatusCode.INTERNAL,
        "INTERNAL",
        f"Something is wrong on our side. Tell the operator this id: {error_id}.",
        metadata={"error_id": error_id},
    )
