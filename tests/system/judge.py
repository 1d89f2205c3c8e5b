"""The judge of a log: every event is held against what the events before it left."""

from collections import defaultdict

from tests.system.claims import Claims
from tests.system.places import Claim, Json, Place, units_of

MICROSECONDS = 1_000_000
WAITING = ("held", "pending", "confirmed")


class Judge(Claims):
    """Takes entries one by one; `faults` are all promises that they broke."""

    def take(self, position: int, entry: Json) -> None:
        """Make an entry true. What it says becomes true at once, so it is judged as a whole."""
        seconds = entry["time"] // MICROSECONDS
        self.where = f"P1: position {position}"
        touched = {place for event in entry["events"] for place in self._apply(event, seconds)}
        for part, (whole, _) in self.leaving.items():
            self._say(f"{part} left {whole}, and is nowhere")
        self.leaving.clear()
        self._judge_rooms()
        for place in touched:
            self._judge_place(place)

    def _apply(self, event: Json, now: int) -> set[Place]:
        match event["type"]:
            case "resource_registered":
                self.resources[event["resource"]["id"]] = event["resource"]
            case "company_registered":
                self.companies[event["company"]["id"]] = event["company"].get("programme", "")
            case "correction_posted":
                self._correct(event["correction"])
            case "quota_granted" | "terms_published" | "qualification_granted" | "qualification_revoked":
                pass
            case "review_announced":
                pass  # What is granted is no place either.
            case "quota_reviewed":
                for each in event["removals"] if event.get("to_reserve") else ():
                    self.reserves[self.companies[event["company"]], each["meter"]] += each["unit_seconds"]
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
            case "change_requested":
                return self._ask(event, now)
            case "change_ended":
                self._end_asking(event, now)
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

    def _correct(self, made: Json) -> None:
        """A correction is of something, for somebody, and out of a reserve comes only what reviews returned to it."""
        if made["company"] not in self.companies or not (made["krw"] or made.get("unit_seconds")):
            self._say(f"a correction of {made} makes no sense")
        elif made.get("from_reserve"):
            key = self.companies[made["company"]], made["meter"]
            self.reserves[key] -= made["unit_seconds"]
            if not key[0] or self.reserves[key] < 0:
                self._say(f"the correction {made['id']} leaves {self.reserves[key]} in the reserve of {key}")

    def _change(self, event: Json) -> set[Place]:
        name = event["reservation_id"]
        claim = self.claims[name]
        if claim.state not in ("held", "pending", "confirmed", "active"):
            self._say(f"{name} was {claim.state} and changed")
        if claim.state == "active" and not units_of(event["allocations"]) <= units_of(claim.allocations):
            self._say(f"{name} was active and got units that it did not have")
        if part := event.get("parted"):
            self.leaving[part] = (name, claim.allocations)
        self._forget(name, claim)
        if event.get("asked_at"):
            self._judge_granted(name, claim, event)
        if event["allocations"] != claim.allocations or event.get("asked_at"):
            claim.asked = None  # What only has another note goes on waiting.
        claim.start, claim.end, claim.allocations = event["start"], event["end"], event["allocations"]
        claim.expires_at = min(claim.expires_at, claim.start)
        # What was given back on the way is not of the lines any more.
        latest = max((span[1] for each in claim.allocations for span in each["spans"]), default=claim.end)
        lasting = [each for each in claim.allocations if each["spans"] and each["spans"][-1][1] == latest]
        claim.participants = event.get("participants", claim.participants)
        whole = {**event, "allocations": lasting or claim.allocations, "participants": claim.participants}
        self._judge_whole(name, whole)
        self.entered[name] = claim
        return self._hold(name, claim)

    def _judge_granted(self, name: str, claim: Claim, event: Json) -> None:
        """A change that had to be agreed to is what enough have agreed to."""
        asked = claim.asked or {}
        same = all(event[field] == asked.get(field) for field in ("start", "end", "lines", "allocations"))
        if not same or claim.agreed < claim.quorum:
            self._say(f"{name} is changed with {claim.agreed} of {claim.quorum} votes, or to what nobody asked for")

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
            claim.voters, claim.transferred_at, claim.participants = set(), now, None
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


def _worth(allocations: list[Json]) -> dict[tuple[str, str], int]:
    """Unit-seconds of each resource, and what brought it: a move may cut what runs in two."""
    worth: dict[tuple[str, str], int] = defaultdict(int)
    for each in allocations:
        key = each["resource"], each.get("companion_of", "")
        worth[key] += each["units"] * sum(end - start for start, end in each["spans"])
    return dict(worth)
