"""`aidc load`: searches, holds, bookings, changes and cancellations at a given rate, and how the centre answers."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from services.cli.async_client import open_client
from services.cli.booking import Lines, read_lines
from services.cli.connection import Connection
from services.cli.documents import print_json
from services.cli.load.playing import IN_FLIGHT_MAX, Load
from services.cli.load.tally import Tally
from services.cli.load.telling import progress, show
from services.cli.load.wishes import Wishes
from services.cli.options import Caller, Company, Data, Json, connect, parent_of
from services.cli.outcome import DONE, FAILED, Failed
from services.cli.tables import err
from services.cli.times import next_hour, parse_duration, parse_time

RATE_MAX, SECONDS_MAX, BOOKINGS_MAX, DAYS_MAX = 200, 300, 500, 60
INTERRUPTED = 130


def load(
    lines: Lines,
    rate: Annotated[float, typer.Option(min=0.1, max=RATE_MAX, help="Requests a second.")] = 10.0,
    seconds: Annotated[float, typer.Option(min=1, max=SECONDS_MAX, help="For how long.")] = 10.0,
    bookings: Annotated[int, typer.Option(min=1, max=BOOKINGS_MAX, help="So many bookings at once, at most.")] = 20,
    duration: Annotated[str, typer.Option(help="How long each booking is: 1h, 90m.")] = "1h",
    first: Annotated[str, typer.Option("--from", metavar="TIME", help="No booking begins earlier.")] = "+7d",
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="Bookings begin within so many days from then.")] = 3,
    seed: Annotated[int, typer.Option(help="The same number asks the same again.")] = 1,
    yes: Annotated[bool, typer.Option("--yes", help="Also against a centre that was not started here.")] = False,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Ask at a steady rate, whatever comes back; tell how the centre answered, and give everything back."""
    with connect(data, caller, company) as client:
        if not client.connection.own and not yes:
            raise Failed(
                f"the centre at {client.connection.scheduler} was not started here: agree with whoever runs it, and add"
                " --yes"
            )
        demand, _ = read_lines(client, lines, 0, "anywhere")
        begin = next_hour(parse_time(first, client.now, client.zone))
        length = parse_duration(duration)
        if length <= timedelta():
            raise Failed("a booking must have a length")
        wishes = Wishes(parent_of(client.connection, company), demand, length, begin, days, seed)
        tally = Tally()
        interrupted = asyncio.run(_play(client.connection, wishes, tally, rate, seconds, bookings))
    if as_json:
        told = {"rate": rate, "seconds": seconds, "seed": seed, "interrupted": interrupted}
        print_json({**told, **tally.document()})
    else:
        show(tally, rate, seconds)
    raise typer.Exit(INTERRUPTED if interrupted else FAILED if tally.left else DONE)


async def _play(
    connection: Connection, wishes: Wishes, tally: Tally, rate: float, seconds: float, bookings: int
) -> bool:
    """Ask, and give back; whether it was interrupted. A second interruption ends the giving back as well."""
    interrupted = False
    async with open_client(connection, IN_FLIGHT_MAX) as client:
        test = Load(client, wishes, tally, bookings)
        with progress(tally):
            try:
                await test.play(rate, seconds)
            except asyncio.CancelledError:
                interrupted = True
            if test.kept:
                err.print(f"Giving back up to {test.kept} bookings.")
            await test.give_back()
    return interrupted
