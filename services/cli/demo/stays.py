"""The replay of bookings: each is asked for, approved, changed, cancelled, checked in to or missed when its time comes.

The centre's clock is moved by hand from one moment at which somebody does something to the next, and waited for, so
however fast this machine is, everybody comes at the minute at which they came.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from services.cli.async_client import AsyncClient
from services.cli.demo.bookings import Fate
from services.cli.demo.visits import Choice, Visit
from services.cli.outcome import Failed, Refused
from services.cli.times import to_timestamp
from services.cli.together import together
from services.cli.up.folder import COMMITTEE
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.stepped_time import SteppedTime

MICROSECONDS = 1_000_000
POLL_SECONDS = 0.001
STEP_SECONDS_MAX = 20.0
APPROVED_AFTER = timedelta(minutes=10)
MISSED_AFTER = timedelta(minutes=16)
"""A little more than the grace of the catalogue: then the centre has given up waiting."""
REFERENCE = "IRB-REPLAY"

ASK, CHANGE, CANCEL, APPROVE, CHECK_IN = "ask", "change", "cancel", "approve", "check in"
ORDER = (CANCEL, APPROVE, CHECK_IN, CHANGE, ASK)
"""What comes first of all that happens in one moment."""

Act = Callable[[], Awaitable[object]]


@dataclass
class Account:
    """What became of what was asked, by the kind of asking and by the way in which equipment is approved."""

    asked: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    no_shows: int = 0
    calls: int = 0

    def explain(self, kind: str, refused: Refused) -> None:
        """Count a refusal under every reason that it gives."""
        for violation in refused.violations:
            self.refused[kind, violation.reason] += 1
            self.examples.setdefault(violation.reason, violation.description)


@dataclass
class Stay:
    """A booking that was granted: so many slots of its equipment from one on, as it stands now."""

    name: str
    choice: Choice
    visit: Visit
    first: int
    count: int
    gone: bool = False

    @property
    def start(self) -> datetime:
        """When it begins."""
        span = self.choice.slots.span(self.first, 1)
        assert span is not None, "what was granted lies on the calendar"
        return span[0]

    def changed(self, number: int) -> tuple[int, int]:
        """What the change of this number makes of it: a slot later, a slot longer, or a slot shorter."""
        match number % 3:
            case 0:
                return self.first + 1, self.count
            case 1:
                return self.first, self.count + 1
            case _:
                return self.first, max(1, self.count - 1)


class Stays:
    """Plays visits. `tokens` are by company and member of the committee; the caller's own is an operator's."""

    def __init__(self, client: AsyncClient, tokens: Mapping[str, str], time: SteppedTime) -> None:
        self._client = client
        self._tokens = tokens
        self._time = time
        self._agenda: list[tuple[datetime, int, str, Act]] = []
        self._numbers = count()
        self._now = datetime.min.replace(tzinfo=UTC)
        self.account = Account()

    async def run(self, visits: Sequence[Visit], advance: Callable[[datetime], object]) -> datetime:
        """Play every visit to its end; `advance` hears of each request at its time. Gives the last moment."""
        for visit in visits:
            self._at(visit.asked, ASK, partial(self._ask, visit))
        end = max(visit.asked for visit in visits)
        while self._agenda:
            self._now = self._agenda[0][0]
            await self.move_to(self._now)
            acts: dict[str, list[Act]] = {}
            while self._agenda and self._agenda[0][0] == self._now:
                _, _, kind, act = heappop(self._agenda)
                acts.setdefault(kind, []).append(act)
            for kind in ORDER:
                await together(*(act() for act in acts.get(kind, ())))
            for _ in acts.get(ASK, ()):
                advance(self._now)
            end = max(end, self._now)
        return end

    async def move_to(self, moment: datetime) -> None:
        """Let it be a moment, and wait until all that is due by then has happened. Raises `Failed`."""
        microseconds = round(moment.timestamp()) * MICROSECONDS
        self._time.show(microseconds)
        give_up = asyncio.get_running_loop().time() + STEP_SECONDS_MAX
        while self._time.lived < microseconds:
            if asyncio.get_running_loop().time() > give_up:
                raise Failed(f"the scheduler did not come to {moment.isoformat()} within {STEP_SECONDS_MAX:.0f} s")
            await asyncio.sleep(POLL_SECONDS)

    def _at(self, moment: datetime, kind: str, act: Act) -> None:
        heappush(self._agenda, (max(moment, self._now), next(self._numbers), kind, act))

    async def _ask(self, visit: Visit) -> None:
        """Ask for one piece after the other, until one is granted."""
        self.account.asked[ASK] += 1
        last: Refused | None = None
        for choice in visit.choices:
            span = choice.slots.span(choice.first, choice.count)
            if span is None:
                continue
            request = api.CreateReservationRequest(
                parent=f"companies/{choice.company}",
                reservation=api.Reservation(
                    lines=[api.Line(resource=choice.resource, units=1)],
                    start_time=to_timestamp(span[0]),
                    end_time=to_timestamp(span[1]),
                ),
            )
            try:
                granted = await self._call(self._client.scheduler.CreateReservation, request, choice.company)
            except Refused as refused:
                last = refused
                continue
            self.account.done[ASK] += 1
            self._live(Stay(granted.name, choice, visit, choice.first, choice.count), granted)
            return
        if last is not None:
            self.account.explain(ASK, last)

    def _live(self, stay: Stay, granted: api.Reservation) -> None:
        """Put what becomes of a stay on the agenda."""
        if granted.state == api.Reservation.STATE_PENDING:
            self._at(self._now + APPROVED_AFTER, APPROVE, partial(self._approve, stay, granted.approval.quorum))
        visit = stay.visit
        ends = visit.settled if visit.fate is Fate.CANCELLED else stay.start
        for number in range(visit.changes):
            when = self._now + (ends - self._now) * (number + 1) / (visit.changes + 1)
            self._at(when.replace(minute=0, second=0, microsecond=0), CHANGE, partial(self._change, stay, number))
        match visit.fate:
            case Fate.CANCELLED:
                self._at(max(visit.settled, self._now + 2 * APPROVED_AFTER), CANCEL, partial(self._cancel, stay))
            case Fate.COMPLETED if stay.choice.checks_in:
                self._at(stay.start, CHECK_IN, partial(self._check_in, stay))
            case Fate.NO_SHOW if stay.choice.checks_in:
                self._at(stay.start + MISSED_AFTER, CHECK_IN, partial(self._stay_away, stay))
            case _:
                pass  # Nobody checks in to what is lent out.

    async def _approve(self, stay: Stay, quorum: int) -> bool:
        """Whether as many as are needed have agreed."""
        votes = 0
        for member in COMMITTEE[:quorum]:
            request = api.ApproveReservationRequest(name=stay.name, reference=REFERENCE)
            vote = await self._try(APPROVE, self._client.scheduler.ApproveReservation, request, member)
            votes += vote is not None
        return votes == quorum

    async def _change(self, stay: Stay, number: int) -> None:
        """Move it, or make it longer or shorter; what is refused stays as it is."""
        first, slots = stay.changed(number)
        span = stay.choice.slots.span(first, slots)
        if stay.gone or span is None:
            return
        request = api.UpdateReservationRequest(
            reservation=api.Reservation(
                name=stay.name, start_time=to_timestamp(span[0]), end_time=to_timestamp(span[1])
            ),
            update_mask=FieldMask(paths=["start_time", "end_time"]),
        )
        changed = await self._try(CHANGE, self._client.scheduler.UpdateReservation, request, stay.choice.company)
        if changed is None:
            return
        if changed.HasField("asked_change"):
            agree = partial(self._agree, stay, (first, slots), changed.asked_change.approval.quorum)
            self._at(self._now + APPROVED_AFTER, APPROVE, agree)
        else:
            stay.first, stay.count = first, slots

    async def _agree(self, stay: Stay, changed: tuple[int, int], quorum: int) -> None:
        """Let a change of what was approved take effect, unless it has lapsed: then everything stays as it is."""
        if not stay.gone and await self._approve(stay, quorum):
            stay.first, stay.count = changed

    async def _cancel(self, stay: Stay) -> None:
        request = api.CancelReservationRequest(name=stay.name, reason="as in the trace")
        gone = await self._try(CANCEL, self._client.scheduler.CancelReservation, request, stay.choice.company)
        stay.gone = gone is not None

    async def _check_in(self, stay: Stay) -> None:
        if stay.start > self._now:  # It was moved meanwhile.
            self._at(stay.start, CHECK_IN, partial(self._check_in, stay))
            return
        request = api.CheckInRequest(name=stay.name)
        await self._try(CHECK_IN, self._client.scheduler.CheckIn, request, stay.choice.company)

    async def _stay_away(self, stay: Stay) -> None:
        """Nobody comes; time alone does the rest."""
        if stay.start + MISSED_AFTER > self._now:
            self._at(stay.start + MISSED_AFTER, CHECK_IN, partial(self._stay_away, stay))
        else:
            self.account.no_shows += 1

    async def _try(self, kind: str, method: Any, request: Any, caller: str) -> api.Reservation | None:
        """Ask for something that may be refused; the reservation after it, None if it was."""
        self.account.asked[kind] += 1
        try:
            after: api.Reservation = await self._call(method, request, caller)
        except Refused as refused:
            self.account.explain(kind, refused)
            return None
        self.account.done[kind] += 1
        return after

    async def _call(self, method: Any, request: Any, caller: str) -> Any:
        request.request_id = str(uuid.uuid4())
        self.account.calls += 1
        return await self._client.call(method, request, token=self._tokens[caller])
