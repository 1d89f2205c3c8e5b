"""Who may come in now: limits on calls in flight and on rates, so that one tenant's flood stays its own."""

from dataclasses import dataclass
from typing import NoReturn

import grpc

from services.runtime.identity import Identity
from services.runtime.problems import Problem

RETRY_OVERLOADED_SECONDS = 0.5
TENANTS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one process's doors."""

    in_flight_max: int = 4_096
    streams_max: int = 2_000
    tenant_in_flight_max: int = 512
    tenant_streams_max: int = 50
    tenant_calls_per_second: float = 2_000.0
    tenant_calls_burst: float = 4_000.0
    unary_seconds_max: float = 10.0
    stream_seconds_max: float = 1_800.0
    write_seconds_max: float = 30.0
    idle_seconds_max: float = 300.0
    message_bytes_max: int = 65_536


class Tenant:
    """One company, operator or auditor at the doors: its calls and streams in flight, and its token bucket."""

    __slots__ = ("_limits", "calls", "key", "refilled", "streams", "tokens")

    def __init__(self, key: str, limits: Limits, now: float) -> None:
        self.key = key
        self.calls = 0
        self.streams = 0
        self.tokens = limits.tenant_calls_burst
        self.refilled = now
        self._limits = limits

    def enter(self, now: float) -> None:
        """Take the token of one call. Raises `Shed` when there is none."""
        tokens = self._refill(now)
        if tokens < 1:
            self._refuse(1 - tokens)
        self.tokens = tokens - 1

    def spend(self, calls: int) -> None:
        """Take tokens for work that is worth so many calls more. Raises `Shed` when there are too few."""
        if self.tokens < calls:
            self._refuse(calls - self.tokens)
        self.tokens -= calls

    def wait_for(self, calls: int, now: float) -> float:
        """Take tokens for the work of so many calls; or take none, and give the seconds until there are enough."""
        tokens = self._refill(now)
        # More than ever fits the bucket is paid back before anything else.
        wanted = min(calls, self._limits.tenant_calls_burst)
        if tokens < wanted:
            return (wanted - tokens) / self._limits.tenant_calls_per_second
        self.tokens = tokens - calls
        return 0.0

    def _refill(self, now: float) -> float:
        limits = self._limits
        tokens = self.tokens + (now - self.refilled) * limits.tenant_calls_per_second
        self.refilled = now
        self.tokens = tokens if tokens < limits.tenant_calls_burst else limits.tenant_calls_burst
        return self.tokens

    def _refuse(self, missing: float) -> NoReturn:
        rate = self._limits.tenant_calls_per_second
        raise _limited("rate", f"{rate:g} calls a second is the most.", missing / rate)


class Shed(Problem):
    """A call turned away by a limit: nothing happened, and it may be tried again later."""

    def __init__(
        self,
        limit: str,
        reason: str,
        message: str,
        retry_after_seconds: float,
        code: grpc.StatusCode = grpc.StatusCode.RESOURCE_EXHAUSTED,
    ) -> None:
        super().__init__(code, reason, message, metadata={"limit": limit}, retry_after_seconds=retry_after_seconds)
        self.limit = limit


class Admission:
    """Counts who is in. `now` is any monotonic time in seconds."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tenants: dict[str, Tenant] = {}
        self.calls = 0
        self.streams = 0
        self.draining = False

    def check_room(self, stream: bool) -> None:
        """Refuse when the whole server is full or going away. Before anything else, for it costs the least."""
        if self.draining:
            raise _unavailable("draining", "DRAINING", "This server is going away; another one will answer.")
        if self.calls >= self._limits.in_flight_max or (stream and self.streams >= self._limits.streams_max):
            raise _unavailable("concurrency", "OVERLOADED", "This server is full; try again shortly.")

    def enter(self, identity: Identity, stream: bool, now: float) -> Tenant:
        """Count a call or stream in, for a tenant. Raises `Shed` past the tenant's limits."""
        limits = self._limits
        tenant = self._tenant(identity, now)
        tenant.enter(now)
        if stream:
            if tenant.streams >= limits.tenant_streams_max:
                raise _limited("tenant_streams", f"{limits.tenant_streams_max} streams at once is the most.", 30)
            tenant.streams += 1
            self.streams += 1
            return tenant
        if tenant.calls >= limits.tenant_in_flight_max:
            raise _limited("tenant_calls", f"{limits.tenant_in_flight_max} calls at once is the most.", 1)
        tenant.calls += 1
        self.calls += 1
        return tenant

    def leave(self, tenant: Tenant, stream: bool) -> None:
        """Count a call or stream out."""
        if stream:
            tenant.streams -= 1
            self.streams -= 1
            return
        tenant.calls -= 1
        self.calls -= 1

    def _tenant(self, identity: Identity, now: float) -> Tenant:
        key = identity.company or f"{identity.role}:{identity.subject}"
        tenant = self._tenants.get(key)
        if tenant is None:
            if len(self._tenants) >= TENANTS_MAX:
                self._forget_idle()
            tenant = self._tenants[key] = Tenant(key, self._limits, now)
        return tenant

    def _forget_idle(self) -> None:
        # A tenant with nothing in flight loses at most a partly empty bucket.
        self._tenants = {key: tenant for key, tenant in self._tenants.items() if tenant.calls or tenant.streams}


def _unavailable(limit: str, reason: str, message: str) -> Shed:
    return Shed(limit, reason, message, RETRY_OVERLOADED_SECONDS, grpc.StatusCode.UNAVAILABLE)


def _limited(limit: str, message: str, retry_after_seconds: float) -> Shed:
    return Shed(limit, "RATE_LIMITED", message, retry_after_seconds)
