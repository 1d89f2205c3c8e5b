"""Who holds which unit, room and person, by the log alone: each place is compared with all who hold it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

NEVER = 2**40

Json = dict[str, Any]
Place = tuple[str, int]
Holding = tuple[int, int, int]
"""Start, end and units."""


@dataclass
class Claim:
    """A reservation as it stands by the events so far."""

    start: int
    end: int
    allocations: list[Json]
    state: str
    expires_at: int = 0
    quorum: int = 1
    agreed: int = 0
    voters: set[str] = field(default_factory=set)
    times: set[tuple[int, ...]] = field(default_factory=set)
    company: str = ""
    participants: Json | None = None
    asked: Json | None = None  # the change that waits, as it was asked for
    offered_to: str = ""
    offered_until: int = 0
    accepted_by: str = ""
    transferred_at: int = 0

    @property
    def both(self) -> list[Json]:
        """What it holds, and what is held beside that for a change of it that waits."""
        return self.allocations + (self.asked["beside"] if self.asked else [])


@dataclass
class Places:
    """What there is, who claims what of it, and every fault found so far."""

    faults: list[str] = field(default_factory=list)
    resources: dict[str, Json] = field(default_factory=dict)
    companies: dict[str, str] = field(default_factory=dict)
    """The programme of each, if it has one."""
    reserves: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Unit-seconds left to each programme, by meter."""
    claims: dict[str, Claim] = field(default_factory=dict)
    held: dict[Place, dict[str, list[Holding]]] = field(default_factory=lambda: defaultdict(dict))
    rooms: dict[str, dict[str, list[tuple[int, int, str]]]] = field(default_factory=lambda: defaultdict(dict))
    outages: dict[str, Json] = field(default_factory=dict)
    entered: dict[str, Claim] = field(default_factory=dict)
    leaving: dict[str, tuple[str, list[Json]]] = field(default_factory=dict)
    """The parts that an entry has said so far will leave a reservation, and what that held."""
    where: str = ""

    def _say(self, fault: str) -> None:
        self.faults.append(f"{self.where}: {fault}")

    def _hold(self, name: str, claim: Claim) -> set[Place]:
        touched = set()
        for allocation in claim.both:
            resource = self.resources[allocation["resource"]]
            for place, units in zip(allocation["bins"], allocation["amounts"], strict=True):
                holdings = self.held[resource["id"], place].setdefault(name, [])
                holdings += [(start, end, units) for start, end in allocation["spans"]]
                touched.add((resource["id"], place))
            if group := resource.get("exclusive_group"):
                spans = [(start, end, resource["id"]) for start, end in allocation["spans"]]
                self.rooms[group].setdefault(name, []).extend(spans)
        return touched

    def _forget(self, name: str, claim: Claim) -> None:
        for allocation in claim.both:
            for place in allocation["bins"]:
                self.held[allocation["resource"], place].pop(name, None)
        for holders in self.rooms.values():
            holders.pop(name, None)

    def _judge_place(self, place: Place) -> None:
        capacity = self.resources[place[0]].get("bin_capacity", 1)
        most = _peak([holding for holdings in self.held[place].values() for holding in holdings])
        if most > capacity:
            self._say(f"{place} gives {most} of {capacity} units, to {sorted(self.held[place])}")

    def _judge_whole(self, name: str, event: Json) -> None:
        """Granted together or not at all: every line and every companion is there, in units that exist."""
        given = {each["resource"]: each for each in event["allocations"]}
        for line in event["lines"]:
            if given.get(line["resource"], {}).get("units", 0) < line["units"]:
                self._say(f"{name} did not get {line}")
        operated = {line["resource"] for line in event["lines"] if line.get("with_operator")}
        people = (event.get("participants") or {}).get("count", 0)
        seats = [line["units"] // self.resources[line["resource"]].get("units_min", 1) for line in event["lines"]]
        if people > max(seats):
            self._say(f"{name} is a class of {people}, and has seats for {max(seats)}")
        for allocation in event["allocations"]:
            resource = self.resources[allocation["resource"]]
            places = len(resource["nodes"]) * resource.get("bins_per_node", 1)
            bins, amounts = allocation["bins"], allocation["amounts"]
            if sum(amounts) != allocation["units"] or min(amounts) < 1 or len(set(bins)) != len(bins):
                self._say(f"{name} holds {allocation['units']} units of {resource['id']} by {amounts} of {bins}")
            if not all(0 <= place < places for place in bins):
                self._say(f"{name} holds {bins} of the {places} places of {resource['id']}")
            if not all(event["start"] <= start < end <= event["end"] for start, end in allocation["spans"]):
                self._say(f"{name} holds {resource['id']} at {allocation['spans']}")
            for companion in resource.get("companions", []):
                if companion.get("optional") and resource["id"] not in operated:
                    continue
                brought = given.get(companion["resource"], {})
                spans = allocation["spans"]
                if companion.get("edges") and spans:
                    slot = resource["slot_minutes"] * 60
                    first, last = [spans[0][0], spans[0][0] + slot], [spans[-1][1] - slot, spans[-1][1]]
                    spans = [first, last] if first[1] < last[0] else [[first[0], max(first[1], last[1])]]
                if brought.get("units", 0) < companion["units"] or brought["spans"] != spans:
                    self._say(f"{name} holds {resource['id']} without {companion}")

    def _judge_in(self, name: str, claim: Claim) -> None:
        """Nothing is given that is out at that time, by what was declared before."""
        for outage in self.outages.values():
            since, until = outage["start"], outage.get("end") or NEVER
            out = {taken["resource"]: set(taken["nodes"]) for taken in outage["taken"]} if since < until else {}
            for each in claim.allocations:
                width = self.resources[each["resource"]].get("bins_per_node", 1)
                given = {place // width for place in each["bins"]} & out.get(each["resource"], set())
                if given and any(start < until and since < end for start, end in each["spans"]):
                    self._say(f"{name} was given {given} of {each['resource']}, which {outage['id']} takes out")

    def _judge_rooms(self) -> None:
        """Who came into an exclusive room by an entry is alone there: those who change places do so at once."""
        judged: set[str] = set()
        for name, claim in self.entered.items():
            judged.add(name)
            self._judge_room(name, claim, judged)
        self.entered.clear()

    def _judge_room(self, name: str, claim: Claim, but: set[str]) -> None:
        for allocation in claim.both:
            resource = self.resources[allocation["resource"]]
            pause = resource.get("changeover_minutes", 0) * 60
            for other, spans in self.rooms.get(resource.get("exclusive_group", ""), {}).items():
                for start, end, member in spans if other not in but else ():
                    gap = pause if member != resource["id"] else 0
                    if any(start < until + gap and since < end + gap for since, until in allocation["spans"]):
                        self._say(f"{name} and {other} are in the same room, {resource['id']} and {member}")


def edges_of(allocations: list[Json]) -> dict[tuple[str, str, int, int], int]:
    """What comes and goes of each place at each moment, by what brought it: the same for what holds the same."""
    edges: Counter[tuple[str, str, int, int]] = Counter()
    for each in allocations:
        for place, units in zip(each["bins"], each["amounts"], strict=True):
            for start, end in each["spans"]:
                edges[each["resource"], each.get("companion_of", ""), place, start] += units
                edges[each["resource"], each.get("companion_of", ""), place, end] -= units
    return {key: units for key, units in edges.items() if units}


def units_of(allocations: list[Json]) -> set[tuple[str, int]]:
    """The resources and the places in them that are held."""
    return {(each["resource"], place) for each in allocations for place in each["bins"]}


def minutes_of(allocations: list[Json]) -> Counter[tuple[str, int, int]]:
    """The units held of every place in every minute."""
    held: Counter[tuple[str, int, int]] = Counter()
    for each in allocations:
        for place, units in zip(each["bins"], each["amounts"], strict=True):
            for start, end in each["spans"]:
                held.update({(each["resource"], place, minute): units for minute in range(start // 60, -(-end // 60))})
    return held


def _peak(holdings: list[Holding]) -> int:
    """The most units held at any moment."""
    steps = sorted(step for start, end, units in holdings for step in ((start, units), (end, -units)))
    most = now = 0
    for _, change in steps:  # At one moment what ends comes first, for its change is negative.
        now += change
        most = max(most, now)
    return most
