"""The reception: who may come in, who is inside, and who has to leave."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from services.runtime import refusals
from services.runtime.admission import Admission, Limits
from services.runtime.identity import Identity, Role, TokenVerifier, Unauthenticated
from services.runtime.problems import Problem
from services.runtime.telemetry import DoorTelemetry
from services.runtime.visit import Call, Context, Visit

SWEEP_SECONDS = 0.25
ON_BEHALF_OF = "aidc-on-behalf-of"
"""The metadata in which a support officer names the company that they act for, such as CMP-0001."""
COMPANY = re.compile("[A-Za-z0-9][A-Za-z0-9-]{0,62}")
ActsFor = Callable[[str, str], Awaitable[bool]]
TRACEPARENT = re.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Reception:
    """The reception of one process. `clock` gives seconds since 1970, for tokens.

    `acts_for` tells whether a support officer may act for a company now; without it none may for any.
    """

    def __init__(
        self,
        *,
        verifier: TokenVerifier,
        telemetry: DoorTelemetry,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
        acts_for: ActsFor | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.telemetry = telemetry
        self.admission = Admission(self.limits)
        self.visits: set[Visit] = set()
        self._verifier = verifier
        self._clock = clock
        self._acts_for = acts_for

    def identify(self, token: str) -> Identity:
        """Who bears a token. Raises `Unauthenticated`."""
        return self._verifier.verify(token, self._clock())

    def enter(
        self,
        context: Context,
        method: str,
        seconds_max: float,
        now: float,
        *,
        stream: bool,
        incoming: bool = False,
        officers_alone: bool = False,
    ) -> Visit:
        """Let a caller in; `officers_alone` lets support officers in who act for nobody.

        Raises `Problem` or `Unauthenticated`.
        """
        admission = self.admission
        admission.check_room(stream)
        remaining = context.time_remaining()
        seconds = seconds_max if remaining is None else min(remaining, seconds_max)
        if seconds <= 0:
            raise refusals.deadline_exceeded()
        token, trace, company = _read(context)
        identity = self.identify(token)
        if company or (identity.role is Role.OFFICER and not officers_alone):
            identity = _acting_for(identity, company)
        tenant = admission.enter(identity, stream, now)
        call = Call(identity, method, now + seconds, tenant, trace)
        visit = Visit(call, tenant, token, stream=stream, incoming=incoming)
        self.visits.add(visit)
        return visit

    async def demand_assignment(self, identity: Identity) -> None:
        """Raises `Problem` for an officer who may not act for the company now."""
        if self._acts_for is None or not await self._acts_for(identity.officer, identity.company):
            raise refusals.not_your_company(identity)

    def leave(self, visit: Visit) -> None:
        """Let a caller out."""
        self.visits.discard(visit)
        self.admission.leave(visit.tenant, visit.stream)

    def drain(self) -> None:
        """Turn away new calls and end open streams, so that clients go elsewhere. Calls inside finish."""
        self.admission.draining = True
        for visit in self.visits:
            if visit.stream:
                visit.wind_up(refusals.draining())

    async def sweep(self) -> None:
        """Watch over the calls inside, for ever: deadlines, lapsed tokens, clients that neither read nor write."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for visit in self.visits:
                self._look_after(visit, now)
            for visit in [each for each in self.visits if each.stream and each.call.identity.officer]:
                try:
                    await self.demand_assignment(visit.call.identity)
                except Problem as problem:
                    visit.wind_up(problem)

    def _look_after(self, visit: Visit, now: float) -> None:
        limits = self.limits
        if visit.writing_since is not None and now - visit.writing_since > limits.write_seconds_max:
            visit.tear_out(refusals.slow_consumer(limits.write_seconds_max))
        elif now >= visit.call.deadline:
            visit.end(refusals.deadline_exceeded())
        elif not visit.stream:
            return
        elif visit.reading_since is not None and now - visit.reading_since > limits.idle_seconds_max:
            visit.wind_up(refusals.idle(limits.idle_seconds_max))
        elif problem := self._lapsed(visit):
            visit.wind_up(problem)

    def _lapsed(self, visit: Visit) -> Problem | None:
        try:
            self.identify(visit.token)
        except Unauthenticated as error:
            return refusals.unauthenticated(error.reason)
        return None


def _acting_for(identity: Identity, company: str) -> Identity:
    """An officer as the company that they act for, so that they see what it sees and nothing else (P8)."""
    if identity.role is not Role.OFFICER:
        raise refusals.not_an_officer(identity)
    if not COMPANY.fullmatch(company):
        raise refusals.on_whose_behalf()
    return Identity(identity.subject, Role.COMPANY, company, identity.subject)


def _read(context: Context) -> tuple[str, str, str]:
    """The bearer's token, the id of the trace that the call is a part of, and the company that it is made for.

    The last two may be empty strings.
    """
    token, trace, company = None, "", ""
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            if token is not None:
                raise Unauthenticated("two_tokens")
            token = value
        elif key == ON_BEHALF_OF and isinstance(value, str):
            # As in HTTP, what is sent twice is one value with a comma: no company's id, whoever reads the last one.
            company = f"{company},{value}" if company else value
        elif key == "traceparent" and isinstance(value, str):
            found = TRACEPARENT.fullmatch(value)
            trace = found[1] if found else ""
    if token is None:
        raise Unauthenticated("missing")
    if not isinstance(token, str) or token[:7].lower() != "bearer ":
        raise Unauthenticated("wrong_scheme")
    return token[7:], trace, company
