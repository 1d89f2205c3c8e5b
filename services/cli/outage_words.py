"""Outages as people write them and read them: what is out, from when to when, and what became of whom."""

from collections.abc import Iterable

from services.cli.booking import units_of
from services.cli.client import Client
from services.cli.demands import resource_id
from services.cli.tables import Units, amount_text, few, interval_text, out, plain_id, table
from services.cli.times import Unreadable, from_timestamp, show_interval, show_time
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

KINDS = {
    "maintenance": api.Outage.KIND_MAINTENANCE,
    "failure": api.Outage.KIND_FAILURE,
    "closure": api.Outage.KIND_CLOSURE,
}
PLACES = ("rack", "zone", "room")


def read_kind(text: str) -> "api.Outage.Kind.ValueType":
    """The kind of this name."""
    if text.lower() not in KINDS:
        raise Unreadable(f"unknown kind {text!r}: write {', '.join(KINDS)}")
    return KINDS[text.lower()]


def read_scope(text: str) -> api.OutageScope:
    """What is out, as it is written."""
    place, _, name = text.partition(":")
    if place in PLACES and name:
        scope = api.OutageScope()
        setattr(scope, place, name)
        return scope
    resource, _, node = text.removeprefix("resources/").partition("/")
    if node:
        return api.OutageScope(resource=f"resources/{resource}", nodes=[node])
    pool, _, count = text.partition(":")
    if count and not count.isdecimal():
        raise Unreadable(f"cannot read {text!r}: write M01, POOL/NODE, POOL:2, rack:R, zone:Z or room:R")
    return api.OutageScope(resource=f"resources/{resource_id(pool)}", count=int(count) if count else 0)


def print_report(client: Client, report: api.OutageReport) -> None:
    """An outage, and everybody in its way."""
    units = units_of(client)
    print_outage(client, report.outage, units)
    out.print(f"\n{report.affected_count} reservations in the way, {report.pending_count} of them not dealt with yet.")
    if report.affected:
        made = table("reservation", "what became of it", "lost", "KRW given for it", "would be granted now")
        for each in report.affected:
            made.add_row(
                each.reservation.removeprefix("companies/").replace("/reservations/", "/"),
                outcome_text(each),
                show_interval(from_timestamp(each.lost_start_time), from_timestamp(each.lost_end_time), client.zone)
                if each.HasField("lost_end_time")
                else "",
                f"{each.compensation_krw:,}" if each.compensation_krw else "",
                "\n".join(offers_text(each.offers, client)),
            )
        out.print(made)


def outcome_text(affected: api.AffectedReservation) -> str:
    """What became of a reservation."""
    if affected.outcome == api.AffectedReservation.OUTCOME_CHANGE_ENDED:
        return "stands; the change that waited is given up"
    return api.AffectedReservation.Outcome.Name(affected.outcome).removeprefix("OUTCOME_").lower()


def offers_text(offers: Iterable[api.Offer], client: Client) -> list[str]:
    """One interval a line."""
    return [interval_text(offer, client.zone) for offer in offers]


def print_outage(client: Client, outage: api.Outage, units: Units) -> None:
    """One outage and what it takes out."""
    facts = table("", "")
    facts.show_header = False
    facts.add_row("outage", plain_id(outage.name))
    facts.add_row("state", f"{state_text(outage)} ({kind_text(outage)})")
    facts.add_row("when", when_text(client, outage))
    for label, text in (("reason", outage.reason), ("lifted", outage.lift_reason)):
        if text:
            facts.add_row(label, text)
    for each in outage.taken:
        facts.add_row("out", f"{amount_text(each.resource, each.units, units)}: {few(each.nodes)}")
    facts.add_row("etag", outage.etag)
    out.print(facts)


def state_text(outage: api.Outage) -> str:
    """`in force` for STATE_IN_FORCE."""
    return api.Outage.State.Name(outage.state).removeprefix("STATE_").lower().replace("_", " ")


def kind_text(outage: api.Outage) -> str:
    """`failure` for KIND_FAILURE."""
    return api.Outage.Kind.Name(outage.kind).removeprefix("KIND_").lower()


def when_text(client: Client, outage: api.Outage) -> str:
    """From when to when, or until it is lifted."""
    start = from_timestamp(outage.start_time)
    if outage.HasField("lift_time"):
        end = from_timestamp(outage.lift_time)
        if end <= start:
            return "lifted before it began"
        return show_interval(start, end, client.zone)
    if outage.HasField("end_time"):
        return show_interval(start, from_timestamp(outage.end_time), client.zone)
    return f"{show_time(start, client.zone)}, until it is lifted"
