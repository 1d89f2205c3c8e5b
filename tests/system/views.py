"""P6: what the ledger, metrics and calendars say, against a naive fold of the log at the position that they state."""

import asyncio
import json
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from prometheus_client.parser import text_string_to_metric_families

from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.harness import Clients, eventually
from tests.system.raw_log import RawPage, read_log
from tests.system.small_catalogue import COMPANIES, DAY, HOUR, resources

SEOUL = ZoneInfo("Asia/Seoul")
ACCOUNT_OF = {"held": "held", "pending": "held", "confirmed": "booked", "active": "booked"}
METRICS = {
    "held": "alloc_held_unit_seconds",
    "booked": "alloc_held_unit_seconds",
    "used": "alloc_used_unit_seconds_total",
    "released": "alloc_released_unit_seconds_total",
    "refunded": "alloc_released_unit_seconds_total",
}
LIVE = ("held", "pending", "confirmed", "active")
GOES_ON = {"vote_cast", "change_requested", "reservation_activated", "reservation_checked_in", "reservation_warned"}
"""What happens to a reservation and leaves a change of it waiting."""
STATE_OF = {
    "reservation_confirmed": "confirmed",
    "reservation_held": "held",
    "reservation_requested": "pending",
}
"""In which state an event lets a reservation begin."""


@dataclass
class Fold:
    """What a log says in figures, added up the plain way."""

    events: int = 0
    accounts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Unit-seconds by company, resource and account."""
    live: dict[str, tuple[str, str, list[dict]]] = field(default_factory=dict)
    """Company, state and allocations by reservation."""
    asked: dict[str, list[dict]] = field(default_factory=dict)
    """What is held beside a reservation for a change of it that waits."""
    applied: Counter[str] = field(default_factory=Counter)

    def ask(self, reservation: str, beside: list[dict]) -> None:
        """Hold other allocations beside a reservation than those that were, or none."""
        was, now = _worth(self.asked.pop(reservation, [])), _worth(beside)
        for key in was.keys() | now.keys():
            company, more = self.live[reservation][0], now[key] - was[key]
            self.move(company, key[0], "capacity", "held", max(0, more))
            self.move(company, key[0], "held", "released", max(0, -more))
        if beside:
            self.asked[reservation] = beside

    def move(self, company: str, resource: str, source: str, target: str, unit_seconds: int) -> None:
        """Post one transfer."""
        self.accounts[company, resource, source] -= unit_seconds
        self.accounts[company, resource, target] += unit_seconds

    def move_all(
        self, reservation: str, source: str, target: str, cut: int | None = None, rest: str = "released"
    ) -> None:
        """Post all that a reservation holds, or the part of it before `cut`; the rest was given back."""
        company, _, allocations = self.live[reservation]
        for allocation in allocations:
            spans = allocation["spans"]
            total = allocation["units"] * sum(end - start for start, end in spans)
            before = total if cut is None else allocation["units"] * sum(max(0, min(b, cut) - a) for a, b in spans)
            self.move(company, allocation["resource"], source, target, before)
            self.move(company, allocation["resource"], source, rest, total - before)

    def curtail(self, reservation: str, cut: int) -> None:
        """Post what a reservation holds after `cut` as refunded, and let it hold the rest."""
        company, state, allocations = self.live[reservation]
        kept = []
        for each in allocations:
            spans = [[start, min(end, cut)] for start, end in each["spans"] if start < cut]
            seconds = sum(end - start for start, end in each["spans"]) - sum(end - start for start, end in spans)
            self.move(company, each["resource"], "booked", "refunded", each["units"] * seconds)
            kept.append({**each, "spans": spans})
        self.live[reservation] = (company, state, kept)

    def held(self, resource: str) -> list[tuple[int, int, int]]:
        """What is held of a resource: start, end and units."""
        return [
            (start, end, allocation["units"])
            for allocations in (*(each for _, _, each in self.live.values()), *self.asked.values())
            for allocation in allocations
            if allocation["resource"] == resource
            for start, end in allocation["spans"]
        ]


def fold(pages: Sequence[RawPage]) -> Fold:
    """Add up every event."""
    made = Fold()
    for raw in pages:
        # Its own reading of the bytes: the judge of P1 shortens what it has read, as it goes.
        for entry in json.loads(raw.data)["entries"]:
            for event in entry["events"]:
                made.events += 1
                made.applied[event["type"]] += 1
                _apply(made, event)
    return made


def _goes_on(made: Fold, event: dict) -> bool:
    """Whether a change of a reservation waits on after an event, or that says itself what becomes of it."""
    if event["type"] == "reservation_changed":
        return event.get("asked_at", 0) > 0 or event["allocations"] == made.live[event["reservation_id"]][2]
    return event["type"] in GOES_ON


def _apply(made: Fold, event: dict) -> None:
    name = event.get("reservation_id", "")
    if name in made.asked and not _goes_on(made, event):
        made.ask(name, [])
    match event["type"]:
        case "quota_granted":
            quota = event["quota"]
            made.move(quota["company"], quota["meter"], "capacity", "granted", quota["unit_seconds"])
        case "correction_posted" if hours := event["correction"].get("unit_seconds"):
            giver = "reserve" if event["correction"].get("from_reserve") else "capacity"
            made.move(event["correction"]["company"], event["correction"]["meter"], giver, "granted", hours)
        case "quota_reviewed":
            for each in event["removals"]:
                target = "reserve" if event.get("to_reserve") else "capacity"
                made.move(event["company"], each["meter"], "granted", target, each["unit_seconds"])
        case "reservation_confirmed" if name in made.live:
            was, now = _worth(made.live[name][2]), _worth(event["allocations"])
            for key in was.keys() | now.keys():
                resource, more = key[0], now[key] - was[key]
                made.move(event["company"], resource, "capacity", "booked", max(0, more))
                made.move(event["company"], resource, "held", "released", max(0, -more))
                made.move(event["company"], resource, "held", "booked", min(was[key], now[key]))
            made.live[name] = (event["company"], "confirmed", event["allocations"])
        case "reservation_requested" if name in made.live:
            made.move_all(name, ACCOUNT_OF[made.live[name][1]], "held")
            made.live[name] = (event["company"], "pending", event["allocations"])
        case "reservation_confirmed" | "reservation_held" | "reservation_requested":
            state = STATE_OF[event["type"]]
            made.live[name] = (event["company"], state, event["allocations"])
            made.move_all(name, "capacity", ACCOUNT_OF[state])
        case "change_requested":
            made.ask(name, event["beside"])
        case "reservation_changed":
            company, state, allocations = made.live[name]
            was, now = _worth(allocations), _worth(event["allocations"])
            asked = _worth(made.asked.pop(name, []) if event.get("asked_at") else [])
            for key in was.keys() | now.keys() | asked.keys():
                resource, more = key[0], now[key] - was[key]
                come = min(asked[key], max(0, more))
                made.move(company, resource, "held", ACCOUNT_OF[state], come)
                made.move(company, resource, "held", "released", asked[key] - come)
                made.move(company, resource, "capacity", ACCOUNT_OF[state], max(0, more) - come)
                lost_to = "capacity" if event.get("parted") else "released"  # A part of it has that from now on.
                made.move(company, resource, ACCOUNT_OF[state], lost_to, max(0, -more))
            made.live[name] = (company, state, event["allocations"])
        case "allocations_moved":
            made.live[name] = (*made.live[name][:2], event["allocations"])
        case "reservation_activated":
            company, _, allocations = made.live[name]
            made.live[name] = (company, "active", allocations)
        case "reservation_completed" | "reservation_cancelled" | "reservation_expired" | "reservation_denied":
            source = ACCOUNT_OF[made.live[name][1]]
            made.move_all(name, source, "used" if event["type"].endswith("completed") else "released")
            del made.live[name]
        case "reservation_released":
            made.move_all(name, "booked", "used", cut=event["released_at"])
            del made.live[name]
        case "reservation_displaced":
            made.move_all(name, ACCOUNT_OF[made.live[name][1]], "used", cut=event["displaced_at"], rest="refunded")
            del made.live[name]
        case "reservation_curtailed":
            made.curtail(name, event["until"])
        case "transfer_accepted":
            made.move_all(name, "booked", "released")
        case "reservation_transferred":
            made.live[name] = (event["company"], "confirmed", event["allocations"])
            made.move_all(name, "capacity", "booked")


def _worth(allocations: list[dict]) -> Counter[tuple[str, str]]:
    """Unit-seconds by resource and month, hour by hour: what moves to another month is given back in the one before."""
    worth: Counter[tuple[str, str]] = Counter()
    for each in allocations:
        for start, end in each["spans"]:
            for hour in range(start // HOUR, -(-end // HOUR)):
                seconds = min(end, (hour + 1) * HOUR) - max(start, hour * HOUR)
                worth[each["resource"], _month(hour)] += each["units"] * seconds
    return worth


@cache
def _month(hour: int) -> str:
    """The month in Seoul of an hour since 1970-01-01 UTC."""
    return f"{datetime.fromtimestamp(hour * HOUR, SEOUL):%Y-%m}"


async def view_faults(clients: Clients, pages: Sequence[RawPage]) -> list[str]:
    """Wait until every view has come as far as the pages, then give every figure that differs from the fold."""
    reached = len(pages)
    await eventually(lambda: _ledger_reached(clients, reached), f"the ledger reaches {reached}")
    await eventually(lambda: _metrics_reached(clients, reached), f"the metrics reach {reached}")
    balances = [await balance(clients, f"companies/{company}", "auditor") for company in ("-", *COMPANIES)]
    page = await scrape(clients)
    calendars = [await _calendar(clients, resource.name) for resource in resources()]
    # The views may have gone on since, so the log is read again, up to where each of them stands.
    log = await read_log(clients.centre, after=pages)

    @cache
    def truth(position: int) -> Fold:
        return fold(log[:position])

    return [
        *(fault for balance in balances for fault in balance_faults(balance, truth(balance.position))),
        *metrics_faults(page, truth(_position(page))),
        *(fault for calendar in calendars for fault in calendar_faults(calendar, truth(calendar.position))),
    ]


async def balance(clients: Clients, name: str, holder: str, min_position: int = 0) -> ledger_api.Balance:
    """A balance, as the ledger tells it."""
    request = ledger_api.GetBalanceRequest(name=name, min_position=min_position)
    answer: ledger_api.Balance = await clients.call(clients.ledger.GetBalance, request, holder)
    return answer


async def scrape(clients: Clients, service: str = "metrics") -> dict[tuple[str, ...], float]:
    """Every series of a service by its name and its label values, in the order of the labels' names."""
    url = f"http://{getattr(clients.centre, service).http}/metrics"
    page = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read().decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def balance_faults(balance: ledger_api.Balance, truth: Fold) -> list[str]:
    """Where a balance differs from the fold at its position."""
    company = balance.name.partition("/")[2]
    expected: Counter[tuple[str, str]] = Counter()
    for (owner, resource, account), unit_seconds in truth.accounts.items():
        if company in ("-", owner):
            expected[resource, account] += unit_seconds
    shown = {(each.resource, each.account): each.unit_seconds for each in balance.accounts}
    wanted = {key: unit_seconds for key, unit_seconds in expected.items() if unit_seconds}
    faults = [] if shown == wanted else [f"P6: {balance.name} at {balance.position}: {_difference(shown, wanted)}"]
    if sum(shown.values()):
        faults.append(f"P6: the accounts of {balance.name} sum to {sum(shown.values())}")
    if balance.events != truth.events:
        faults.append(f"P6: the ledger counts {balance.events} of {truth.events} events")
    return faults


def metrics_faults(page: dict[tuple[str, ...], float], truth: Fold) -> list[str]:
    """Where a scrape differs from the fold at its position."""
    wanted: dict[tuple[str, ...], float] = defaultdict(float)
    for (company, resource, account), unit_seconds in truth.accounts.items():
        if account in METRICS:
            wanted[METRICS[account], company, resource] += unit_seconds
            wanted["alloc_reserved_unit_seconds_total", company, resource] += unit_seconds
    for resource in resources():
        pool = resource.name.removeprefix("resources/")
        for state in LIVE:
            wanted["alloc_reservations", pool, state] = sum(
                state == stands and any(each["resource"] == pool for each in allocations)
                for _, stands, allocations in truth.live.values()
            )
    wanted |= {("alloc_projection_applied_total", name, "metrics"): n for name, n in truth.applied.items()}
    shown = {key: page.get(key, 0.0) for key in wanted}
    return [] if shown == wanted else [f"P6: metrics at {_position(page)}: {_difference(shown, wanted)}"]


def calendar_faults(calendar: api.Calendar, truth: Fold) -> list[str]:
    """Where a calendar differs from the fold at its position, hour by hour."""
    resource = calendar.resource.removeprefix("resources/")
    held = truth.held(resource)
    return [
        f"P6: {resource} at {calendar.position} shows {part.reserved_units} reserved at {moment}, not {units}"
        for part in calendar.intervals
        for moment in range(part.start_time.seconds, part.end_time.seconds, HOUR)
        if part.reserved_units != (units := sum(units for start, end, units in held if start <= moment < end))
    ]


def _difference(shown: dict, wanted: dict) -> str:
    keys = sorted(key for key in shown.keys() | wanted.keys() if shown.get(key) != wanted.get(key))
    return "; ".join(f"{key} shown {shown.get(key)}, is {wanted.get(key)}" for key in keys)


def _position(page: dict[tuple[str, ...], float]) -> int:
    """How much of the log the metrics had folded."""
    return int(page["alloc_projection_position", "metrics"])


async def _calendar(clients: Clients, name: str) -> api.Calendar:
    """From two hours on, which nobody's time reaches before the answer is there, for twelve days."""
    start = (clients.centre.time.now() // HOUR + 2) * HOUR
    request = api.GetCalendarRequest(
        name=name, start_time=Timestamp(seconds=start), end_time=Timestamp(seconds=start + 12 * DAY)
    )
    answer: api.Calendar = await clients.call(clients.scheduler.GetCalendar, request, "operator")
    return answer


async def _ledger_reached(clients: Clients, position: int) -> bool:
    try:
        return (await balance(clients, "companies/-", "auditor")).position >= position
    except grpc.aio.AioRpcError:
        return False


async def _metrics_reached(clients: Clients, position: int) -> bool:
    try:
        return _position(await scrape(clients)) >= position
    except OSError:
        return False
