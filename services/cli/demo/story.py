"""The scripted story: a driving simulator with its cabin, asked for and approved, refused together, given back."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.cli.async_client import AsyncClient
from services.cli.outcome import Failed, Refused
from services.cli.times import to_duration
from services.cli.up.folder import COMMITTEE
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

FIRST, SECOND = "CMP-0004", "CMP-0022"
"""Two companies of the mobility industry whose agreements and equipment hours allow it; the second needs no notice."""
REFERENCE = "IRB-2026-017"
"""The review that allows people in the simulator."""
DURATION = timedelta(hours=4)
LINES = (api.Line(resource="resources/M01", units=1), api.Line(resource="resources/M05", units=1))
EXPECTED = {"M01": 1, "M05": 1, "M03": 1, "OP-DM-mobility": 2, "a100-dev": 8000}
"""What the simulator and its cabin bring along, in the unit of each resource."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What happened, in order."""

    asked: api.Reservation
    first: api.Reservation
    refusal: Refused
    second: api.Reservation
    cancelled: api.Reservation


class Story:
    """Plays the story. `tokens` are by company id."""

    def __init__(self, client: AsyncClient, tokens: Mapping[str, str]) -> None:
        self._client = client
        self._tokens = tokens

    async def play(self) -> Told:
        """Search, ask, be approved, be refused, take an alternative, cancel. Raises `Failed` if it goes otherwise."""
        offer = await self._search(FIRST)
        asked = await self._book(FIRST, offer)
        check_companions(asked)
        first = await self._approve(asked)
        refusal = await self._be_refused(SECOND, offer)
        second = await self._approve(await self._book(SECOND, refusal.alternatives[0]))
        request = api.CancelReservationRequest(
            name=first.name, request_id=str(uuid.uuid4()), reason="The test car is not ready"
        )
        cancelled = await self._call(FIRST, self._client.scheduler.CancelReservation, request)
        return Told(asked=asked, first=first, refusal=refusal, second=second, cancelled=cancelled)

    async def _search(self, company: str) -> api.Offer:
        request = api.SearchOffersRequest(
            parent=f"companies/{company}", lines=LINES, duration=to_duration(DURATION), page_size=1
        )
        found: api.SearchOffersResponse = await self._call(company, self._client.scheduler.SearchOffers, request)
        if not found.offers:
            reasons = ", ".join(violation.reason for violation in found.violations)
            raise Failed(f"no offer for the driving simulator: {reasons}")
        return found.offers[0]

    async def _book(self, company: str, offer: api.Offer) -> api.Reservation:
        request = api.CreateReservationRequest(
            parent=f"companies/{company}",
            reservation=api.Reservation(lines=LINES, start_time=offer.start_time, end_time=offer.end_time),
            request_id=str(uuid.uuid4()),
        )
        granted: api.Reservation = await self._call(company, self._client.scheduler.CreateReservation, request)
        return granted

    async def _approve(self, pending: api.Reservation) -> api.Reservation:
        """The committee agrees, one after the other, under the number of its review."""
        decided = pending
        for member in COMMITTEE[: pending.approval.quorum]:
            request = api.ApproveReservationRequest(
                name=pending.name, request_id=str(uuid.uuid4()), reference=REFERENCE, comment="Sound, and safe"
            )
            decided = await self._call(member, self._client.scheduler.ApproveReservation, request)
        if decided.state != api.Reservation.STATE_CONFIRMED:
            raise Failed(f"the committee of {pending.approval.voters} agreed and {pending.name} is not confirmed")
        return decided

    async def _be_refused(self, company: str, offer: api.Offer) -> Refused:
        try:
            await self._book(company, offer)
        except Refused as refused:
            if not refused.alternatives:
                raise Failed(f"refused without alternatives: {refused}") from refused
            return refused
        raise Failed("the driving simulator was granted twice for the same time")

    async def _call(self, company: str, method: Any, request: Any) -> Any:
        return await self._client.call(method, request, token=self._tokens[company])


def check_companions(reservation: api.Reservation) -> None:
    """Raise `Failed` unless all that the simulator needs is held with it."""
    held = {item.resource.removeprefix("resources/"): item.units for item in reservation.allocations}
    missing = {resource: units for resource, units in EXPECTED.items() if held.get(resource, 0) < units}
    if missing:
        raise Failed(f"the driving simulator was granted without {missing}")
