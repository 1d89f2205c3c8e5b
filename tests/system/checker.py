"""An independent judge: raw pages and what clients were told in, every broken promise out, each in a sentence.

It shares no code with the services and takes no shortcut: places are compared one with the other, at every prefix.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.system.raw_log import RawPage
from tests.system.workload import Asked, Outcome

GENESIS = "0" * 64
MICROSECONDS = 1_000_000
NEVER = 2**40

Json = dict[str, Any]
Place = tuple[str, int]
Holding = tuple[int, int, int]
"""Start, end and units."""
WAITING = ("held", "pending", "confirmed")


def faults(pages: Sequence[RawPage], asked: Sequence[Asked], centre: str) -> list[str]:
    """Everything in a log that breaks a promise, given what clients asked and were told."""
    return [*chain_faults(pages, centre), *booking_faults(pages), *answer_faults(pages, asked)]


def chain_faults(pages: Sequence[RawPage], centre: str) -> Iterator[str]:
    """P9: contiguous positions, each page naming the hash of the one before, epochs that only grow."""
    previous, epoch = GENESIS, 0
    for expected, raw in enumerate(pages, 1):
        page, where = raw.page, f"chain: position {raw.position}"
        if raw.position != expected:
            yield f"{where} stands where {expected} was due"
        if page["previous"] != previous:
            yield f"{where} does not follow the page before it"
        if (page["format"], page["centre"]) != (1, centre):
            yield f"{where} is of format {page['format']} and centre {page['centre']}"
        opens = not page["entries"]
        if page["epoch"] != epoch + opens:
            yield f"{where} has epoch {page['epoch']} after {epoch}"
        previous, epoch = hashlib.sha256(raw.data).hexdigest(), page["epoch"]


def answer_faults(pages: Sequence[RawPage], asked: Sequence[Asked]) -> Iterator[str]:
    """P2, P3 and P4: a yes is in the log where it says, a no is not, and an id has one effect and one answer."""
    found: dict[tuple[str, str], list[tuple[int, Json]]] = defaultdict(list)
    for raw in pages:
        for entry in raw.page["entries"]:
            if entry.get("request_id"):
                found[entry["actor"], entry["request_id"]].append((raw.position, entry))
    for key, places in found.items():
        if len(places) > 1:
            yield f"P4: {key} took effect at {[position for position, _ in places]}"
    for each in asked:
        yield from _answer_faults(each, found.get((each.actor, each.request_id), []))


def _answer_faults(asked: Asked, places: list[tuple[int, Json]]) -> Iterator[str]:
    who = f"{asked.method} {asked.request_id} of {asked.actor}"
    if asked.outcome is Outcome.OPEN:
        yield f"P3: {who} never got a definite answer in {asked.attempts} attempts"
    if asked.outcome is Outcome.REFUSED and places:
        yield f"P3: {who} was refused ({asked.reasons}) but stands in the log at {places[0][0]}"
    if asked.outcome is not Outcome.GRANTED:
        return
    if not places:
        yield f"P2: {who} was granted at {asked.answers[0].position} but is not in the log"
        return
    position, entry = places[0]
    told = {(answer.name, answer.position) for answer in asked.answers}
    if len(told) > 1:
        yield f"P4: {who} was answered differently: {told}"
    written = {event["reservation_id"] for event in entry["events"] if event["type"] != "allocations_moved"}
    if told != {(f"companies/{asked.company}/reservations/{reservation}", position) for reservation in written}:
        yield f"P2: {who} was told {told}, the log says {written} at {position}"


def booking_faults(pages: Iterable[RawPage]) -> list[str]:
    """P1: at every prefix no unit, operator or exclusive room is held twice, and each booking is whole."""
    judge = _Judge()
    for raw in pages:
        for entry in raw.page["entries"]:
            judge.take(raw.position, entry)
    return judge.faults


@dataclass
class _Claim:
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
    offered_to: str = ""
    offered_until: int = 0
    accepted_by: str = ""
    transferred_at: int = 0


@dataclass
class _Judge:
    faults: list[str] = field(default_factory=list)
    resources: dict[str, Json] = field(default_factory=dict)
    companies: set[str] = field(default_factory=set)
    claims: dict[str, _Claim] = field(default_factory=dict)
    held: dict[Place, dict[str, list[Holding]]] = field(default_factory=lambda: defaultdict(dict))
    rooms: dict[str, dict[str, list[tuple[int, int, str]]]] = field(default_factory=lambda: defaultdict(dict))
    outages: dict[str, Json] = field(default_factory=dict)
    where: str = ""

    def take(self, position: int, entry: Json) -> None:
        """Make an entry true. What it says becomes true at once, so it is judged as a whole."""
        seconds = entry["time"] // MICROSECONDS
        self.where = f"P1: position {position}"
        touched = {place for event in entry["events"] for place in self._apply(event, seconds)}
        for place in touched:
            self._judge_place(place)

    def _say(self, fault: str) -> None:
        self.faults.append(f"{self.where}: {fault}")

    def _apply(self, event: Json, now: int) -> set[Place]:
        match event["type"]:
            case "resource_registered":
                self.resources[event["resource"]["id"]] = event["resource"]
            case "company_registered":
                self.companies.add(event["company"]["id"])
            case "correction_posted":
                if event["correction"]["company"] not in self.companies or not (
                    event["correction"]["krw"] or event["correction"].get("unit_seconds")
                ):
                    self._say(f"a correction of {event['correction']} makes no sense")
            case "quota_granted" | "terms_published" | "qualification_granted" | "qualification_revoked":
                pass
            case "review_announced" | "quota_reviewed":
                pass  # What is granted is no place either.
            case "tariff_published" | "period_closed" | "use_measured":
                pass  # Prices, books and what was measured hold no unit.
            case "series_booked" | "series_changed":
                named = (*event["series"]["occurrences"], *event["series"].get("given_back", ()))
                booked = {each["reservation_id"] for each in named if "reservation_id" in each}
                if not booked or not booked <= self.claims.keys():
                    self._say(f"series {event['series']['id']} names what was not booked")
            case "series_cancelled":
                pass
            case "officer_assigned" | "officer_dismissed":
                if event.get("assignment", event)["company"] not in self.companies:
                    self._say(f"{event['type']} for an unknown company")
            case (
                "strike_given"
                | "strike_forgiven"
                | "suspension_set"
                | "arrears_recorded"
                | "arrears_reached"
                | "arrears_cleared"
                | "misuse_recorded"
                | "misuse_lifted"
                | "review_exempted"
            ):
                if event["company"] not in self.companies:
                    self._say(f"{event['type']} for an unknown company")
            case "reservation_warned":
                if self.claims[event["reservation_id"]].state != "active":
                    self._say(f"{event['reservation_id']} does not run, and was warned for standing idle")
            case "reservation_checked_in":
                if self.claims[event["reservation_id"]].state not in ("confirmed", "active"):
                    self._say(f"{event['reservation_id']} was over, and somebody checked in")
            case "reservation_missed":
                self._end(event["reservation_id"], "active", "no_show", cut=event["released_at"])
            case "outage_declared":
                self.outages[event["outage"]["id"]] = event["outage"]
            case "capacity_funded":
                pass  # Money is no place: P1 does not know it.
            case "outage_lifted":
                self.outages[event["outage"]]["end"] = event["lifted_at"]
            case "reservation_curtailed":
                self._lose(event["reservation_id"], event["until"], event["outage"], ends=False)
            case "reservation_displaced":
                self._lose(event["reservation_id"], event["displaced_at"], event["outage"], ends=True)
            case "reservation_confirmed":
                return self._confirm(event, now)
            case "reservation_held":
                return self._begin(event, "held")
            case "reservation_requested":
                return self._request(event, now)
            case "vote_cast":
                self._vote(event["reservation_id"], event["vote"], now)
            case "reservation_denied":
                self._deny(event["reservation_id"], now)
            case "reservation_expired":
                self._expire(event["reservation_id"], now)
            case "reservation_changed":
                return self._change(event)
            case "allocations_moved":
                return self._move(event["reservation_id"], event["allocations"], event.get("outage", ""))
            case "reservation_activated":
                self._activate(event["reservation_id"], now)
            case "reservation_completed":
                self._complete(event["reservation_id"], now)
            case "reservation_cancelled":
                self._end(event["reservation_id"], WAITING, "cancelled", cut=0)
            case "reservation_released":
                self._end(event["reservation_id"], ("active",), "completed", cut=event["released_at"])
            case "transfer_offered" | "transfer_ended" | "transfer_accepted" | "reservation_transferred":
                self._hand_over(event, now)
            case unknown:
                self._say(f"unknown event {unknown}")
        return set()

    def _begin(self, event: Json, state: str) -> set[Place]:
        name = event["reservation_id"]
        if name in self.claims or event["company"] not in self.companies:
            self._say(f"{name} is {state} twice, or for an unknown company")
        claim = self.claims[name] = _Claim(event["start"], event["end"], event["allocations"], state)
        claim.company = event["company"]
        claim.expires_at = min(event.get("expires_at", 0), claim.start)
        self._judge_whole(name, event)
        self._judge_rooms(name, claim)
        self._judge_in(name, claim)
        return self._hold(name, claim)

    def _confirm(self, event: Json, now: int) -> set[Place]:
        name = event["reservation_id"]
        claim = self.claims.get(name)
        if claim is None:
            return self._begin(event, "confirmed")
        if claim.state not in ("held", "pending") or claim.expires_at <= now:
            self._say(f"{name} was {claim.state} until {claim.expires_at} and confirmed at {now}")
        touched = set()
        if (claim.start, claim.end, claim.allocations) != (event["start"], event["end"], event["allocations"]):
            touched = self._retime(name, claim, event, now)
        if claim.state == "pending" and claim.agreed < claim.quorum and self._needs_approval(claim):
            self._say(f"{name} is confirmed with {claim.agreed} of {claim.quorum} votes")
        claim.state = "confirmed"
        return touched

    def _retime(self, name: str, claim: _Claim, event: Json, now: int) -> set[Place]:
        """Those who agreed to it agreed to that very time, and it is written down which one was asked for."""
        time, desired = [event["start"], event["end"]], [claim.start, claim.end]
        if (
            claim.state != "pending"
            or event.get("desired") != desired
            or claim.times != {tuple(time)}
            or now >= time[0]
        ):
            self._say(f"{name} was {claim.state} for {desired} and is confirmed for {time}, {claim.times} agreed to")
        self._forget(name, claim)
        claim.start, claim.end, claim.allocations = event["start"], event["end"], event["allocations"]
        self._judge_whole(name, event)
        self._judge_rooms(name, claim)
        self._judge_in(name, claim)
        return self._hold(name, claim)

    def _request(self, event: Json, now: int) -> set[Place]:
        name = event["reservation_id"]
        claim = self.claims.get(name)
        touched = set()
        if claim is None:
            touched = self._begin(event, "pending")
            claim = self.claims[name]
        elif claim.state == "confirmed":
            if claim.transferred_at != now or claim.company != event["company"]:
                self._say(f"{name} is asked for at {now} by {event['company']}, which has not just taken it over")
        elif claim.state not in ("held", "pending") or claim.expires_at <= now:
            self._say(f"{name} was {claim.state} and asked for at {now}")
        if event.get("void_votes", 0) != len(claim.voters):
            self._say(f"{name} is asked for anew, and {len(claim.voters)} votes are void")
        claim.voters, claim.agreed, claim.times = set(), 0, set()
        claim.state, claim.expires_at = "pending", event["expires_at"]
        claim.quorum = event["approval"].get("quorum", 1)
        if not now < claim.expires_at <= claim.start:
            self._say(f"{name} may be decided until {claim.expires_at}, asked for at {now}")
        return touched

    def _needs_approval(self, claim: _Claim) -> bool:
        asked = (each["resource"] for each in claim.allocations if not each.get("companion_of"))
        return any(self.resources[name].get("approval") in ("manager", "committee") for name in asked)

    def _vote(self, name: str, vote: Json, now: int) -> None:
        claim = self.claims[name]
        if claim.state != "pending" or claim.expires_at <= now or vote["voter"] in claim.voters:
            self._say(f"{vote['voter']} votes at {now} on {name}, {claim.state} until {claim.expires_at}")
        claim.voters.add(vote["voter"])
        claim.agreed += vote["approves"]
        if vote["approves"]:
            claim.times.add(tuple(vote.get("time") or (claim.start, claim.end)))

    def _deny(self, name: str, now: int) -> None:
        claim = self.claims[name]
        if now < claim.expires_at and not claim.voters:
            self._say(f"{name} was denied at {now} by nobody, before its time")
        self._end(name, ("pending",), "denied", cut=0)

    def _expire(self, name: str, now: int) -> None:
        if now < self.claims[name].expires_at:
            self._say(f"{name} expired at {now}, before its time")
        self._end(name, ("held",), "expired", cut=0)

    def _change(self, event: Json) -> set[Place]:
        name = event["reservation_id"]
        claim = self.claims[name]
        if claim.state not in ("held", "pending", "confirmed", "active"):
            self._say(f"{name} was {claim.state} and changed")
        if claim.state == "active" and not _units(event["allocations"]) <= _units(claim.allocations):
            self._say(f"{name} was active and got units that it did not have")
        self._forget(name, claim)
        claim.start, claim.end, claim.allocations = event["start"], event["end"], event["allocations"]
        claim.expires_at = min(claim.expires_at, claim.start)
        # What was given back on the way is not of the lines any more.
        latest = max((span[1] for each in claim.allocations for span in each["spans"]), default=claim.end)
        lasting = [each for each in claim.allocations if each["spans"] and each["spans"][-1][1] == latest]
        self._judge_whole(name, {**event, "allocations": lasting or claim.allocations})
        self._judge_rooms(name, claim)
        return self._hold(name, claim)

    def _move(self, name: str, allocations: list[Json], outage: str) -> set[Place]:
        claim = self.claims[name]
        runs = claim.state == "active" and self._fails(outage)
        if not (claim.state in WAITING or runs) or _worth(claim.allocations) != _worth(allocations):
            self._say(f"{name} was {claim.state} and moved to something else, for {outage or 'no outage'}")
        self._forget(name, claim)
        claim.allocations = allocations
        self._judge_in(name, claim)
        return self._hold(name, claim)

    def _fails(self, outage: str) -> bool:
        """Whether an outage, if it was declared before, is a failure; the entry that declares it may still come."""
        return bool(outage) and self.outages.get(outage, {"kind": "failure"})["kind"] == "failure"

    def _lose(self, name: str, cut: int, outage: str, *, ends: bool) -> None:
        """An outage takes a claim from a time on: it ends, or if it runs it will end then."""
        claim = self.claims[name]
        if claim.state not in ("confirmed", "active") or (not ends and claim.state != "active") or cut > claim.end:
            self._say(f"{name} was {claim.state} until {claim.end} and lost it from {cut} on, for {outage}")
        before, after = claim.state, "displaced" if ends else "active"
        self._end(name, before, after, cut)
        claim.end = cut

    def _hand_over(self, event: Json, now: int) -> None:
        """With its consent another company holds the very same, and it changes hands once for each offer."""
        name, kind = event["reservation_id"], event["type"]
        claim = self.claims[name]
        if claim.state != "confirmed" or (kind != "transfer_ended" and claim.start <= now):
            self._say(f"{name} was {claim.state} from {claim.start} on: {kind} at {now}")
        if kind == "transfer_offered":
            if claim.offered_to or event["to"] not in self.companies or not now < event["expires_at"] <= claim.start:
                self._say(f"{name} is offered to {event['to']} until {event['expires_at']}, at {now}")
            claim.offered_to, claim.offered_until = event["to"], event["expires_at"]
            return
        if kind == "reservation_transferred":
            same = (event["start"], event["end"], event["allocations"]) == (claim.start, claim.end, claim.allocations)
            if not same or (event["company"], event["former"]) != (claim.accepted_by, claim.company):
                self._say(f"{name} of {claim.company} went to {event['company']} without its consent, or changed")
            claim.company, claim.accepted_by = event["company"], ""
            claim.voters, claim.transferred_at = set(), now
            return
        if not claim.offered_to or (kind == "transfer_accepted" and now >= claim.offered_until):
            self._say(f"{name} was offered to {claim.offered_to or 'nobody'}: {kind} at {now}")
        claim.accepted_by = claim.offered_to if kind == "transfer_accepted" else ""
        claim.offered_to = ""

    def _activate(self, name: str, now: int) -> None:
        claim = self.claims[name]
        if claim.state != "confirmed" or not claim.start <= now or claim.offered_to or claim.accepted_by:
            self._say(f"{name} was {claim.state} and activated at {now}, for {claim.start}, or is being handed over")
        claim.state = "active"

    def _complete(self, name: str, now: int) -> None:
        if now < self.claims[name].end:
            self._say(f"{name} completed at {now}, before its end")
        self._end(name, ("active",), "completed", cut=self.claims[name].end)

    def _end(self, name: str, before: Sequence[str], after: str, cut: int) -> None:
        """End a claim. What was used up to `cut` stays used for ever: the past cannot be booked."""
        claim = self.claims[name]
        if claim.state not in before:
            self._say(f"{name} was {claim.state} and became {after}")
        self._forget(name, claim)
        claim.state = after
        for allocation in claim.allocations:
            allocation["spans"] = [[start, min(end, cut)] for start, end in allocation["spans"] if start < cut]
        self._hold(name, claim)

    def _hold(self, name: str, claim: _Claim) -> set[Place]:
        touched = set()
        for allocation in claim.allocations:
            resource = self.resources[allocation["resource"]]
            for place, units in zip(allocation["bins"], allocation["amounts"], strict=True):
                holdings = self.held[resource["id"], place].setdefault(name, [])
                holdings += [(start, end, units) for start, end in allocation["spans"]]
                touched.add((resource["id"], place))
            if group := resource.get("exclusive_group"):
                spans = [(start, end, resource["id"]) for start, end in allocation["spans"]]
                self.rooms[group].setdefault(name, []).extend(spans)
        return touched

    def _forget(self, name: str, claim: _Claim) -> None:
        for allocation in claim.allocations:
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

    def _judge_in(self, name: str, claim: _Claim) -> None:
        """Nothing is given that is out at that time, by what was declared before."""
        for outage in self.outages.values():
            since, until = outage["start"], outage.get("end") or NEVER
            out = {taken["resource"]: set(taken["nodes"]) for taken in outage["taken"]} if since < until else {}
            for each in claim.allocations:
                width = self.resources[each["resource"]].get("bins_per_node", 1)
                given = {place // width for place in each["bins"]} & out.get(each["resource"], set())
                if given and any(start < until and since < end for start, end in each["spans"]):
                    self._say(f"{name} was given {given} of {each['resource']}, which {outage['id']} takes out")

    def _judge_rooms(self, name: str, claim: _Claim) -> None:
        for allocation in claim.allocations:
            resource = self.resources[allocation["resource"]]
            pause = resource.get("changeover_minutes", 0) * 60
            for other, spans in self.rooms.get(resource.get("exclusive_group", ""), {}).items():
                for start, end, member in spans:
                    gap = pause if member != resource["id"] else 0
                    if any(start < until + gap and since < end + gap for since, until in allocation["spans"]):
                        self._say(f"{name} and {other} are in the same room, {resource['id']} and {member}")


def _worth(allocations: list[Json]) -> dict[tuple[str, str], int]:
    """Unit-seconds of each resource, and what brought it: a move may cut what runs in two."""
    worth: dict[tuple[str, str], int] = defaultdict(int)
    for each in allocations:
        key = each["resource"], each.get("companion_of", "")
        worth[key] += each["units"] * sum(end - start for start, end in each["spans"])
    return dict(worth)


def _units(allocations: list[Json]) -> set[tuple[str, int]]:
    return {(each["resource"], place) for each in allocations for place in each["bins"]}


def _peak(holdings: list[Holding]) -> int:
    """The most units held at any moment."""
    steps = sorted(step for start, end, units in holdings for step in ((start, units), (end, -units)))
    most = now = 0
    for _, change in steps:  # At one moment what ends comes first, for its change is negative.
        now += change
        most = max(most, now)
    return most
