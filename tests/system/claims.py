"""How a claim begins, by the log alone: held, asked for, voted on, confirmed or given up."""

from collections.abc import Sequence

from tests.system.places import Claim, Json, Place, Places, edges_of, minutes_of


class Claims(Places):
    """Judges every event up to the start of a reservation."""

    def _begin(self, event: Json, state: str) -> set[Place]:
        name = event["reservation_id"]
        if name in self.claims or event["company"] not in self.companies:
            self._say(f"{name} is {state} twice, or for an unknown company")
        claim = self.claims[name] = Claim(event["start"], event["end"], event["allocations"], state)
        claim.company, claim.participants = event["company"], event.get("participants")
        claim.expires_at = min(event.get("expires_at", 0), claim.start)
        self._judge_whole(name, event)
        self.entered[name] = claim
        self._judge_in(name, claim)
        return self._hold(name, claim)

    def _confirm(self, event: Json, now: int) -> set[Place]:
        name = event["reservation_id"]
        claim = self.claims.get(name)
        if claim is None:
            if "origin" in event:
                self._judge_part(event, now)
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

    def _judge_part(self, event: Json, now: int) -> None:
        """What was split off has, with what stays, the very units and times of what was one; nothing moved."""
        name, origin = event["reservation_id"], event["origin"]
        whole, before = self.leaving.pop(name, ("", []))
        rest = self.claims.get(whole)
        if rest is None or origin["of"] != whole or (rest.company, rest.state) != (event["company"], "confirmed"):
            self._say(f"{name} was split off from {origin['of']}, of which it left nothing")
        elif edges_of(before) != edges_of(rest.allocations + event["allocations"]) or rest.start <= now:
            self._say(f"{name} and {whole} are not what {whole} was, or it had begun at {rest.start}")
        elif origin.get("ahead", 0) < event["start"] - rest.start:
            self._say(f"{name} is given back later than {whole}, which begins at {rest.start}")

    def _retime(self, name: str, claim: Claim, event: Json, now: int) -> set[Place]:
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
        self.entered[name] = claim
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

    def _needs_approval(self, claim: Claim) -> bool:
        asked = (each["resource"] for each in claim.allocations if not each.get("companion_of"))
        return any(self.resources[name].get("approval") in ("manager", "committee") for name in asked)

    def _ask(self, event: Json, now: int) -> set[Place]:
        """A change waits: its new place is held beside what stands, and nothing of that is given up."""
        name = event["reservation_id"]
        claim = self.claims[name]
        void = len(claim.voters) if claim.asked else 0
        if claim.state not in ("confirmed", "active") or claim.offered_to or event.get("void_votes", 0) != void:
            self._say(f"{name} was {claim.state}, and a change of it is asked for with {void} void votes")
        last = claim.end if claim.start <= now else min(claim.start, event["start"])
        if not now < event["expires_at"] <= last:
            self._say(f"a change of {name} may be decided until {event['expires_at']}, asked for at {now}")
        self._forget(name, claim)
        claim.asked, claim.voters, claim.agreed, claim.times = event, set(), 0, set()
        claim.quorum = event["approval"].get("quorum", 1)
        if not minutes_of(event["allocations"]) <= minutes_of(claim.allocations + event["beside"]):
            self._say(f"{name} waits for what is not held for it beside what it has")
        latest = max(span[1] for each in event["allocations"] for span in each["spans"])
        lasting = [each for each in event["allocations"] if each["spans"][-1][1] == latest]
        self._judge_whole(name, {**event, "allocations": lasting})
        self.entered[name] = claim
        return self._hold(name, claim)

    def _end_asking(self, event: Json, now: int) -> None:
        """A change did not come about: nothing of it is held any more."""
        name = event["reservation_id"]
        claim = self.claims[name]
        if claim.asked is None:
            self._say(f"no change of {name} waits, and it ended")
            return
        lapsed, denied = event["outcome"] == "lapsed", event["outcome"] == "denied"
        if (lapsed and now < claim.asked["expires_at"]) or (denied and not claim.voters):
            self._say(f"the change of {name} is {event['outcome']} at {now}, with {len(claim.voters)} votes")
        self._forget(name, claim)
        claim.asked = None
        self._hold(name, claim)

    def _vote(self, name: str, vote: Json, now: int) -> None:
        claim = self.claims[name]
        until = claim.asked["expires_at"] if claim.asked else claim.expires_at
        waits = claim.asked is not None or claim.state == "pending"
        if not waits or until <= now or vote["voter"] in claim.voters:
            self._say(f"{vote['voter']} votes at {now} on {name}, {claim.state} until {until}")
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

    def _end(self, name: str, before: Sequence[str], after: str, cut: int) -> None:
        """End a claim. What was used up to `cut` stays used for ever: the past cannot be booked."""
        claim = self.claims[name]
        if claim.state not in before:
            self._say(f"{name} was {claim.state} and became {after}")
        self._forget(name, claim)
        claim.state, claim.asked = after, None
        for allocation in claim.allocations:
            allocation["spans"] = [[start, min(end, cut)] for start, end in allocation["spans"] if start < cut]
        self._hold(name, claim)
