"""The parts of sentences that several events share, or that take more than a line to say."""

from services.allocation import events
from services.allocation.reservations import Override
from services.allocation.series import Series
from services.allocation.values.approval import Rule
from services.allocation.values.change import ChangeOutcome
from services.allocation.values.conduct import Cause
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.origin import Origin
from services.allocation.values.reclaim import MeterReview
from services.allocation.values.transfer import Outcome
from services.allocation.values.use import MeasuredUse
from services.ledger.reporting.telling import Words

IN_USE = {
    None: "",
    True: "; it was taken into use soon after its start",
    False: "; nothing of it was used soon after its start",
}
"""What a record of use says about the beginning."""
FOR = {
    CorrectionKind.COMPENSATION: "for harm beyond the price",
    CorrectionKind.GOODWILL: "as goodwill",
    CorrectionKind.ERROR: "since the books were wrong",
    CorrectionKind.SURCHARGE: "as a surcharge",
}
CAUSES = {Cause.NO_SHOW: "nobody came", Cause.LATE_CANCEL: "it was given back too late for anybody else"}
APPROVERS = {Rule.AUTO: "Nobody", Rule.MANAGER: "A manager", Rule.COMMITTEE: "The committee"}
ENDINGS = {
    Outcome.DECLINED: "{who} declined to take it over; it stays whose it is",
    Outcome.WITHDRAWN: "{who} withdrew the offer to hand it over",
    Outcome.LAPSED: "Nobody took it over in time; it stays whose it is",
}
"""What became of an offer that was not accepted."""
NO_CHANGE = {
    ChangeOutcome.DENIED: "The change was denied",
    ChangeOutcome.LAPSED: "Nobody decided on the change in time",
    ChangeOutcome.WITHDRAWN: "{who} withdrew the change",
    ChangeOutcome.OUTAGE: "The change ended with the outage {outage}",
    ChangeOutcome.UNFUNDED: "The change ended with less funding of {funding}",
}
"""What became of a change that was asked for and not granted."""


def counted_months(months: int) -> str:
    """Such as `3 months`."""
    return f"{months} month{'' if months == 1 else 's'}"


def corrected(correction: Correction, words: Words) -> str:
    """What an operator gave a company or took from it, for what, and what it takes back."""
    hours = correction.unit_seconds
    given = "credited" if (hours or correction.krw) > 0 else "debited"
    back = f" It reverses the correction {correction.reverses}." if correction.reverses else ""
    much = f"{abs(correction.krw):,} KRW"
    if hours:
        quota = f"its quota of {correction.meter} from {words.moment(correction.start)} on"
        much = f"{words.hours(abs(hours), correction.meter)} unit-hours of {quota}"
    if correction.from_reserve:
        much += ", out of its programme's reserve" if hours > 0 else ", which go back to its programme's reserve"
    return f"{words.who} {given} {correction.company} with {much}, {FOR[correction.kind]}: {correction.reason}.{back}"


def fee_returned(resource: str, krw: int, left_krw: int) -> str:
    """What it meant that somebody booked again what a reservation had given back late."""
    part = "a part of " if left_krw else ""
    return f"Somebody booked {part}the time of {resource} that it gave back late: {krw:,} KRW of its fee are returned."


def reviewed(found: MeterReview) -> str:
    """Such as `8 % of h100-train is booked: whoever has less than 10 % loses 25 % of the rest`."""
    share = found.booked * 100 // found.granted if found.granted else 0
    row = found.row
    follows = (
        "nothing is lost"
        if row is None
        else (
            f"whoever has less than {row.below_percent} % after {row.at_percent} % of the term loses"
            f" {row.remove_percent} % of the rest"
        )
    )
    return f"{share} % of {found.meter} is booked: {follows}"


def taken_back(event: events.QuotaReviewed, words: Words) -> str:
    """What a review took of each meter and where that went; older events returned it to nobody."""
    seconds: dict[str, int] = {}
    for each in event.removals:
        seconds[each.meter] = seconds.get(each.meter, 0) + each.unit_seconds
    parts = [f"{words.hours(lost, meter)} unit-hours of {meter}" for meter, lost in seconds.items()]
    if not parts:
        return "Nothing was taken back."
    place = "went to the reserve of its programme" if event.to_reserve else "were taken back"
    return f"{' and '.join(parts)} {place}."


def measured(use: MeasuredUse, words: Words) -> str:
    """Such as `of 192.0 unit-hours of h100, 120.4 were at work and 30.1 idle`."""
    hours = [words.hours(seconds, use.resource) for seconds in (use.measured, use.busy, use.idle)]
    return f"of {hours[0]} unit-hours of {use.resource}, {hours[1]} were at work and {hours[2]} idle"


def cause(event: events.ReservationCurtailed | events.ReservationDisplaced) -> str:
    """What took the units away."""
    return f"the outage {event.outage}" if event.outage else f"less funding of {event.funding.partition('@')[0]}"


def unchanged(event: events.ChangeEnded, words: Words) -> str:
    """What became of a change that was asked for and did not come about, and why."""
    step, _, _ = event.funding.partition("@")
    ended = NO_CHANGE[event.outcome].format(who=words.who, outage=event.outage, funding=step)
    return f"{ended}{because(event.reason)}; it stands as it stood."


def given_for_it(krw: int | None) -> str:
    """Such as ` 12,000 KRW are given for that.`; nothing for nothing."""
    return f" {krw:,} KRW are given for that." if krw else ""


def made(origin: Origin | None) -> str:
    """How a reservation came about: it was booked, or split off from another one."""
    return "booked" if origin is None else f"split this off from the reservation {origin.of}:"


def changed(event: events.ReservationChanged, words: Words) -> str:
    """Who changed a reservation, and how."""
    if event.parted:
        return f"{words.who} split it, and the reservation {event.parted} has what left; it is now"
    return "It was changed as it was asked for" if event.asked_at else f"{words.who} changed it"


def overriding(override: Override | None) -> str:
    """The rules that an operator let a booking break, by their names in plain words, and why."""
    if override is None:
        return ""
    rules = ", ".join(reason.replace("_", " ").lower() for reason in override.reasons)
    return f" It overrides {rules}: {override.because.strip().removesuffix('.')}."


def under(reference: str) -> str:
    """The number of a review, if there is one."""
    return f", under reference {reference}" if reference else ""


def because(reason: str) -> str:
    """A reason in brackets, if there is one."""
    return f" ({reason})" if reason else ""


def outcome(series: Series) -> str:
    """What a change made of the occurrences of a series, such as `2 changed, 1 given back`."""
    effects = [each.effect.value.replace("_", " ") for each in (*series.occurrences, *series.given_back) if each.effect]
    return ", ".join(f"{effects.count(effect)} {effect}" for effect in dict.fromkeys(effects)) or "nothing"
