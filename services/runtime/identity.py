"""Who is asking: bearer tokens, the keys that sign them, and the roles they carry.

A token is an EdDSA JWT (`alg` Ed25519, RFC 9864) with iss and aud "aidc", sub, role, iat, nbf, exp, and
company when the role is company. Public keys come from one JWKS file with any number of keys; headers that
point at keys elsewhere are refused. Verified tokens are cached, so an answer costs a dictionary look-up.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry, extract_compact

from services.runtime.keys import ALGORITHM, PRIVATE, KeysError, read_keys
from services.runtime.keys import make_keys as make_keys

ISSUER = "aidc"
HEADERS = frozenset({"alg", "kid", "typ"})
LEEWAY_SECONDS = 30
LIFETIME_SECONDS = 900
LIFETIME_SECONDS_MAX = 24 * 3600
TOKEN_CHARACTERS_MAX = 8_192
TOKENS_CACHED_MAX = 10_000
KEYS_CHECK_SECONDS = 1.0
KEYS_LOST_GRACE_SECONDS = 60.0

_log = structlog.get_logger()


class Role(StrEnum):
    """What a caller may do: a company books for itself, an operator runs the centre, an auditor reads all.

    A support officer does nothing in that role but ask for whom they may act: in each call they act for one company.
    """

    COMPANY = "company"
    OFFICER = "officer"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Identity:
    """A verified caller. `company` is the company's id for the role company, and empty for the others.

    `officer` is the support officer who acts for that company, or empty where it acts for itself.
    """

    subject: str
    role: Role
    company: str
    officer: str = ""


class Unauthenticated(Exception):
    """A token that proves nothing. `reason` is from a closed list and safe to count and to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Verified(NamedTuple):
    """A cached verdict, good until `expires` (seconds since 1970)."""

    identity: Identity
    expires: float


class TokenVerifier:
    """Checks bearer tokens against a JWKS file, which may change while the process runs.

    The file is looked at once a second at most; a key that is no longer in it stops working then, for tokens
    seen before as well. If the file itself is lost, the last known keys serve for another 60 seconds. Raises
    `KeysError` when there is no readable key at the start.
    """

    def __init__(self, keys_path: Path) -> None:
        self._path = keys_path
        self._cache: dict[str, Verified] = {}
        self._stamp: tuple[int, int, int] | None = _stamp(keys_path)
        self._keys = read_keys(keys_path)
        self._checked = 0.0
        self._lost_since: float | None = None

    def verify(self, token: str, now: float) -> Identity:
        """Give the caller's identity at `now` (seconds since 1970), or raise `Unauthenticated`."""
        if not 0 <= now - self._checked < KEYS_CHECK_SECONDS:
            self._check_keys(now)
        verified = self._cache.get(token)
        if verified is None:
            verified = self._verify(token, now)
            self._remember(token, verified)
        if verified.expires <= now:
            raise Unauthenticated("expired")
        return verified.identity

    def _verify(self, token: str, now: float) -> Verified:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise Unauthenticated("too_long")
        try:
            key = self._keys.get(_key_id(token))
            if key is None:
                raise Unauthenticated("unknown_key")
            claims = jwt.decode(token, key, registry=_REGISTRY).claims
        except (JoseError, ValueError, TypeError) as error:
            raise Unauthenticated("bad_token") from error
        return _judge(claims, now)

    def _remember(self, token: str, verified: Verified) -> None:
        if len(self._cache) >= TOKENS_CACHED_MAX:
            del self._cache[next(iter(self._cache))]
        self._cache[token] = verified

    def _check_keys(self, now: float) -> None:
        self._checked = now
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                self._replace_keys(read_keys(self._path))
                self._stamp = stamp
            self._lost_since = None
        except (KeysError, OSError) as error:
            self._lose_keys(now, error)

    def _replace_keys(self, keys: dict[str, OKPKey]) -> None:
        self._keys = keys
        self._cache.clear()
        _log.info("keys_changed", keys=sorted(keys))

    def _lose_keys(self, now: float, error: Exception) -> None:
        if self._lost_since is None or now < self._lost_since:
            self._lost_since = now
            _log.error("keys_unreadable", message=str(error), grace_seconds=KEYS_LOST_GRACE_SECONDS)
        if now - self._lost_since >= KEYS_LOST_GRACE_SECONDS and self._keys:
            self._stamp = None
            self._replace_keys({})


def mint_token(folder: Path, identity: Identity, now: float, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
    """Sign a token with the newest key of a folder made by `make_keys`. Raises `KeysError`."""
    key_id, key = list(read_keys(folder / PRIVATE).items())[-1]
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": identity.subject,
        "role": identity.role.value,
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now) + lifetime_seconds,
    }
    if identity.company:
        claims["company"] = identity.company
    return jwt.encode({"alg": ALGORITHM, "kid": key_id}, claims, key, registry=_REGISTRY)


_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise KeysError(f"{path} is not readable: {error}") from error
    return status.st_mtime_ns, status.st_size, status.st_ino


def _key_id(token: str) -> str:
    """The key id of a token whose header says nothing but the algorithm, the key and the type."""
    header = extract_compact(token.encode()).headers()
    if not header.keys() <= HEADERS or header.get("alg") != ALGORITHM:
        raise Unauthenticated("bad_header")
    return str(header.get("kid"))


def _judge(claims: dict[str, Any], now: float) -> Verified:
    """The verdict on the claims of a token whose signature is good."""
    match claims:
        case {"iss": str(issuer), "aud": str(audience), "sub": str(subject), "role": str(role)}:
            if issuer != ISSUER or audience != ISSUER or not subject:
                raise Unauthenticated("wrong_audience")
        case _:
            raise Unauthenticated("bad_claims")
    identity = Identity(subject, _role(role), _company(claims))
    if bool(identity.company) != (identity.role is Role.COMPANY):
        raise Unauthenticated("bad_claims")
    return Verified(identity, _expiry(claims, now))


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise Unauthenticated("bad_claims") from None


def _company(claims: dict[str, Any]) -> str:
    company = claims.get("company", "")
    if not isinstance(company, str):
        raise Unauthenticated("bad_claims")
    return company


def _expiry(claims: dict[str, Any], now: float) -> float:
    """When the token ends, leeway included. A token that lives too long is refused, whoever signed it."""
    times = [claims.get(name) for name in ("iat", "nbf", "exp")]
    if not all(type(time) is int for time in times):
        raise Unauthenticated("bad_claims")
    issued, not_before, expires = (int(time) for time in times if time is not None)
    if max(issued, not_before) > now + LEEWAY_SECONDS:
        raise Unauthenticated("not_yet_valid")
    if expires - issued > LIFETIME_SECONDS_MAX:
        raise Unauthenticated("lives_too_long")
    return expires + LEEWAY_SECONDS
