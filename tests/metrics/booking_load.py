"""A short real load on a centre: companies search, book, cancel and ask the impossible, by the public interface."""

import asyncio
import uuid
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

from services.cli.async_client import AsyncClient, open_client
from services.cli.catalogue import CENTRE_FOLDER, read_catalogue
from services.cli.catalogue.compute import MILLI
from services.cli.connection import Connection
from services.cli.demo.demands import TRAINING_POOL, pool_of
from services.cli.outcome import Failed, Refused
from services.cli.tables import plain_id
from services.cli.times import to_duration
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

WORKERS = 4
COMPANIES_MAX = 30
PAUSE_SECONDS = 0.05
CANCELLED_SHARE = 0.2
IMPOSSIBLE_SHARE = 0.1
EQUIPMENT_SHARE = 0.3
CROWD_SHARE = 0.2
CROWD = api.Line(resource="resources/cpu-batch", units=4_480)
"""All of a pool: whoever comes second is refused for want of room."""
BAD_TOKEN_EVERY = 25
STORM_SECONDS = 25.0
"""So often a whole pool fails for some hours, and takes what was booked there with it."""
STORM_HOURS = 6


class Load:
    """Books for some companies at random, the one that is looked at among them."""

    def __init__(self, client: AsyncClient, tokens: dict[str, str], shown: str) -> None:
        catalogue = read_catalogue(CENTRE_FOLDER)
        companies = [company for company in catalogue.companies if plain_id(company.name) in tokens]
        self._companies = [company for company in companies if plain_id(company.name) == shown] + companies
        self._companies = self._companies[:COMPANIES_MAX]
        self._equipment = [each.name for each in catalogue.resources if each.kind == api.RESOURCE_KIND_EQUIPMENT]
        self._client = client
        self._tokens = tokens
        self._random = Random(1)
        self.tally: Counter[str] = Counter()

    async def work(self, enough: asyncio.Event) -> None:
        """Ask one thing after another until it is enough."""
        while not enough.is_set():
            company = self._companies[0] if self._random.random() < 0.2 else self._random.choice(self._companies)
            try:
                await self._one(company)
            except Refused:
                self.tally["refused"] += 1
            except Failed:
                self.tally["failed"] += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def storms(self, enough: asyncio.Event, operator: str) -> None:
        """Now and then somebody watches for a moment, and all of a pool breaks down."""
        number = 0
        while not enough.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(enough.wait(), STORM_SECONDS)
                return
            number += 1
            try:
                await self._storm(f"storm-{number}", operator)
            except (Refused, Failed):
                self.tally["storms that came to nothing"] += 1
            else:
                self.tally["storms"] += 1

    async def _storm(self, name: str, operator: str) -> None:
        watch = self._client.scheduler.WatchReservations(
            api.WatchReservationsRequest(parent="companies/-"), metadata=(("authorization", f"Bearer {operator}"),)
        )
        await watch.read()
        watch.cancel()
        wish = api.SearchOffersRequest(
            parent=self._companies[0].name,
            lines=[api.Line(resource=f"resources/{TRAINING_POOL}", units=8)],
            duration=to_duration(timedelta(days=1)),
        )
        found = await self._client.call(self._client.scheduler.SearchOffers, wish, operator)
        outage = api.Outage(
            name=f"outages/{name}",
            kind=api.Outage.KIND_FAILURE,
            reason="a load test",
            scopes=[api.OutageScope(resource=f"resources/{TRAINING_POOL}")],
        )
        now = found.offers[0].start_time.seconds if found.offers else 0
        outage.end_time.seconds = now - now % 60 + STORM_HOURS * 3_600
        declare = api.DeclareOutageRequest(outage=outage, request_id=str(uuid.uuid4()))
        await self._client.call(self._client.scheduler.DeclareOutage, declare, operator)

    async def _one(self, company: api.Company) -> None:
        token = self._tokens[plain_id(company.name)]
        line, duration = self._demand(company)
        wish = api.SearchOffersRequest(parent=company.name, lines=[line], duration=to_duration(duration), page_size=20)
        found = await self._client.call(self._client.scheduler.SearchOffers, wish, token)
        if not found.offers:
            self.tally["no offer"] += 1
            return
        offer = self._random.choice(found.offers)
        if self._random.random() < CROWD_SHARE:
            offer.lines.clear()
            offer.lines.append(CROWD)
        if self._random.random() < IMPOSSIBLE_SHARE:
            offer.end_time.seconds += 366 * 86_400
        await self._book(company, token, offer)
        await self._client.call(self._client.ledger.GetBalance, ledger_api.GetBalanceRequest(name=company.name), token)
        if self.tally["granted"] % BAD_TOKEN_EVERY == 0:
            await self._client.call(self._client.scheduler.SearchOffers, wish, "no token of ours")

    async def _book(self, company: api.Company, token: str, offer: api.Offer) -> None:
        reservation = api.Reservation(lines=offer.lines, start_time=offer.start_time, end_time=offer.end_time)
        request = api.CreateReservationRequest(
            parent=company.name, reservation=reservation, request_id=str(uuid.UUID(int=self._random.getrandbits(128)))
        )
        granted: Any = await self._client.call(self._client.scheduler.CreateReservation, request, token)
        self.tally["granted"] += 1
        if self._random.random() < CANCELLED_SHARE:
            cancel = api.CancelReservationRequest(name=granted.name, request_id=str(uuid.uuid4()))
            await self._client.call(self._client.scheduler.CancelReservation, cancel, token)
            self.tally["cancelled"] += 1

    def _demand(self, company: api.Company) -> tuple[api.Line, timedelta]:
        if self._random.random() < EQUIPMENT_SHARE:
            return api.Line(resource=self._random.choice(self._equipment), units=1), timedelta(hours=1)
        pool = pool_of(company)
        if pool == TRAINING_POOL:
            return api.Line(resource=f"resources/{pool}", units=8), timedelta(days=1)
        shape = api.Shape(colocation=api.COLOCATION_NODE)
        return api.Line(resource=f"resources/{pool}", units=MILLI, shape=shape), timedelta(hours=6)


async def book_until(enough: asyncio.Event, endpoints: dict[str, Any], shown: str) -> str:
    """Load a centre until it is enough; says what came of it."""
    where = Connection(
        scheduler=endpoints["scheduler"], ledger=endpoints["ledger"], token=endpoints["tokens"]["operator"]
    )
    async with open_client(where) as client:
        load = Load(client, endpoints["tokens"], shown)
        await asyncio.gather(
            *(load.work(enough) for _ in range(WORKERS)), load.storms(enough, endpoints["tokens"]["operator"])
        )
    return ", ".join(f"{count} {what}" for what, count in load.tally.most_common())
