"""The demonstration with a trace of bookings: what is about to happen, the replay, and what became of everybody."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.async_client import AsyncClient
from services.cli.catalogue import CENTRE_FOLDER, Catalogue, read_catalogue
from services.cli.catalogue.companies import EQUIPMENT_METER
from services.cli.demo.agreement import Figures, Views, list_reservations, read_ledger, read_metrics
from services.cli.demo.booking_report import Ending, print_replay
from services.cli.demo.bookings import Booking, read_bookings
from services.cli.demo.stage import Stage, fresh_folder
from services.cli.demo.stays import MICROSECONDS, Stays
from services.cli.demo.trace import Part
from services.cli.demo.visits import Visits
from services.cli.documents import print_json
from services.cli.options import EVERY_COMPANY
from services.cli.outcome import Failed
from services.cli.tables import err, out, plain_id
from services.cli.times import show_time
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.stepped_time import SteppedTime

OPENING = datetime.fromisoformat("2026-03-03T08:00:00+09:00")
HOURS_FACTOR = 10
"""Guests of the trace have no quota, so companies get so many times the catalogue's hours of equipment."""


def show_bookings(trace: Path, part: int, log: Path | None, as_json: bool) -> bool:
    """Replay a part of a trace; whether ledger and metrics agree about it. Raises `Failed`."""
    bookings = read_bookings(trace, part)
    catalogue = with_more_hours(read_catalogue(CENTRE_FOLDER))
    visits = Visits(catalogue, bookings.entries, OPENING.date())
    introduce(trace, bookings, visits, catalogue)
    with fresh_folder() as folder:
        clock = folder.path / "clock"
        time = SteppedTime.create(clock, round(OPENING.timestamp()) * MICROSECONDS)
        play = BookingPlay(Stage(folder, catalogue, f"file:{clock}", log), bookings, visits, time)
        asyncio.run(play.run())
        if play.ending is None:
            raise Failed("interrupted")
    if as_json:
        print_json(ending_document(bookings, play.ending))
    else:
        print_replay(out, bookings, play.ending)
    return not play.ending.differences


def with_more_hours(catalogue: Catalogue) -> Catalogue:
    """The same centre, with more hours of equipment for everybody."""
    quotas = []
    for quota in catalogue.quotas:
        more = api.Quota()
        more.CopyFrom(quota)
        more.unit_seconds *= HOURS_FACTOR if quota.meter == EQUIPMENT_METER else 1
        quotas.append(more)
    return replace(catalogue, quotas=tuple(quotas))


def introduce(trace: Path, bookings: Part[Booking], visits: Visits, catalogue: Catalogue) -> None:
    """Say what is about to happen, and which part of the trace is left out."""
    some = len(bookings.entries)
    first, last = bookings.entries[0].start, bookings.entries[-1].start
    days = f"{some:,} bookings of {trace.name}, for {first} to {last}"
    left = f", part {bookings.number} of {bookings.parts} (--part)" if bookings.parts > 1 else ""
    opens = show_time(OPENING, ZoneInfo(catalogue.time_zone))
    err.print(
        f"A fresh {catalogue.centre}, {days}{left}. A day of theirs is half a working day here, from {opens} on; the "
        "clock is moved from one moment to the next at which somebody does something. Class A books equipment without "
        f"approval, class D what a manager approves, the others what the committee does. Companies have {HOURS_FACTOR} "
        "times the catalogue's hours of equipment, since guests have no quota.",
    )


class BookingPlay:
    """One replay of bookings on a stage. `ending` is there once `run` has returned."""

    def __init__(self, stage: Stage, bookings: Part[Booking], visits: Visits, time: SteppedTime) -> None:
        self._stage = stage
        self._visits = [visits.visit(booking) for booking in bookings.entries]
        self._time = time
        self.ending: Ending | None = None

    async def run(self) -> None:
        """Play it. Raises `Failed`."""
        await self._stage.run(self._play)

    async def _play(self, client: AsyncClient) -> None:
        stays = Stays(client, self._stage.tokens, self._time)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=err) as progress:
            task = progress.add_task("Replaying the bookings   ", total=len(self._visits))

            def advance(now: datetime) -> None:
                progress.update(task, advance=1, description=f"Replaying, {now:%Y-%m-%d %H:%M}")

            until = await stays.run(self._visits, advance)
        self.ending = await self._end(client, stays, until)

    async def _end(self, client: AsyncClient, stays: Stays, until: datetime) -> Ending:
        """Let all that was booked come to its end, and ask everybody what they know of it."""
        reservations, _ = await list_reservations(client)
        last = max((each.end_time.seconds for each in reservations), default=0)
        until = max(until, datetime.fromtimestamp(last, until.tzinfo))
        await stays.move_to(until)
        _, positions = await list_reservations(client)
        views = Views(position=max(positions), scheduler=Counter())
        await asyncio.gather(read_ledger(client, views), read_metrics(self._stage.centre.metrics.http, views))
        ending = Ending(account=stays.account, position=views.position)
        ending.differences = [*differences(views.ledger, views.metrics)]
        await asyncio.gather(self._accounts(client, ending), self._records(client, ending))
        return ending

    async def _accounts(self, client: AsyncClient, ending: Ending) -> None:
        equipment = {
            plain_id(each.name) for each in self._stage.catalogue.resources if each.kind == api.RESOURCE_KIND_EQUIPMENT
        }
        request = ledger_api.GetBalanceRequest(name=EVERY_COMPANY, min_position=ending.position)
        balance = await client.call(client.ledger.GetBalance, request)
        for each in balance.accounts:
            if plain_id(each.resource) in equipment:
                ending.accounts[each.account] += each.unit_seconds
                ending.krw[each.account] += each.krw

    async def _records(self, client: AsyncClient, ending: Ending) -> None:
        async def one(company: str) -> None:
            conduct = await client.call(client.scheduler.GetConduct, api.GetConductRequest(parent=company))
            ending.strikes += conduct.missed
            ending.suspended += conduct.HasField("suspended_until_time")

        await asyncio.gather(*(one(company.name) for company in self._stage.catalogue.companies))


def differences(ledger: Figures, metrics: Figures) -> Sequence[str]:
    """Every figure of what is held and used that ledger and metrics do not have in common, in a sentence.

    What is given back is another figure in each: the books are kept by month, so that a booking which is moved into the
    next month is given back in the first, and the metrics, which know no months, count nothing then.
    """
    return [
        f"{resource} {account}: ledger {ledger[resource, account]}, metrics {metrics[resource, account]}"
        for resource, account in sorted(ledger | metrics)
        if account != "released" and ledger[resource, account] != metrics[resource, account]
    ]


def ending_document(bookings: Part[Booking], ending: Ending) -> dict[str, Any]:
    """The same for programs."""
    account = ending.account
    return {
        "bookings": len(bookings.entries),
        "part": bookings.number,
        "parts": bookings.parts,
        "asked": dict(account.asked),
        "done": dict(account.done),
        "refused": [
            {"what": what, "reason": reason, "count": count} for (what, reason), count in account.refused.most_common()
        ],
        "no_shows": account.no_shows,
        "strikes": ending.strikes,
        "companies_struck_out": ending.suspended,
        "unit_seconds": dict(ending.accounts),
        "krw": dict(ending.krw),
        "calls": account.calls,
        "position": ending.position,
        "differences": list(ending.differences),
    }
