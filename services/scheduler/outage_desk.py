"""The methods about outages: declaring and lifting them, and the report that names everybody in their way."""

import asyncio
from collections.abc import Iterable, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.disruption import declaring, funding_decisions
from services.allocation.offering import offers
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.reservations import Reservation
from services.allocation.resources import Interval
from services.allocation.values.funding import Funding
from services.allocation.values.outage import Fate, Outage, Outcome
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.scheduler import reads
from services.scheduler.answering import administer, ask_of
from services.scheduler.reading import Reading
from services.scheduler.wire import outage_replies, replies
from services.scheduler.wire.refusals import problem_of
from services.scheduler.writer import Writer

AFFECTED_MAX = 1_000
OFFERED_MAX = 20
"""For so many displaced reservations offers are looked for: each search takes a few milliseconds."""


class OutageDesk:
    """Changes through the one writer, and looks through `reading`."""

    def __init__(self, writer: Writer, reading: Reading) -> None:
        self._writer = writer
        self._centre = writer.centre
        self._reading = reading

    async def declare_outage(self, call: Call, request: api.DeclareOutageRequest) -> api.OutageReport:
        """Take units out, and say what becomes of whom."""
        command = outage_replies.declare_outage(request)
        if request.validate_only:
            return self._planned(call, request, command)
        made = await administer(self._writer, call, request, command)
        assert isinstance(made, Outage)
        return await self._report(call, self._centre.outages.by_id.get(made.id, made))

    async def lift_outage(self, call: Call, request: api.LiftOutageRequest) -> api.Outage:
        """Give the units of an outage back."""
        command = outage_replies.lift_outage(request)
        made = await administer(self._writer, call, request, command)
        outage = made or self._centre.outages.by_id[command.outage_id]
        assert isinstance(outage, Outage)
        return outage_replies.outage_reply(self._centre, outage, self._reading.seconds())

    async def get_outage(self, call: Call, request: api.GetOutageRequest) -> api.OutageReport:
        """One outage, and what became of whom."""
        name = outage_replies.outage_id(request.name)
        self._reading.reached(request.min_position)
        outage = self._centre.outages.by_id.get(name)
        if outage is None:
            raise problem_of(refuse(Reason.OUTAGE_NOT_FOUND, f"There is no outage {name!r}.", name))
        return await self._report(call, outage)

    async def list_outages(self, call: Call, request: api.ListOutagesRequest) -> api.ListOutagesResponse:
        """Outages by start."""
        question = f"outages {request.show_over}"
        page = reads.Page.of(request.page_size, request.page_token, question, default=100, most=500)
        position, now = self._reading.reached(request.min_position), self._reading.seconds()
        wanted = [
            outage
            for outage in self._centre.outages.by_id.values()
            if request.show_over or not outage_replies.is_over(outage, now)
        ]
        found, token = page.cut(wanted, lambda outage: (outage.start, outage.id))
        await self._reading.durable(position)
        return api.ListOutagesResponse(
            outages=[outage_replies.outage_reply(self._centre, outage, now) for outage in found],
            next_page_token=token,
            position=position,
        )

    async def set_funding(self, call: Call, request: api.SetFundingRequest) -> api.FundingReport:
        """Fund so many units, and say who no longer fits and what becomes of each."""
        command, planned = outage_replies.set_funding(request), request.validate_only
        now = self._reading.seconds()
        try:
            funding, found = funding_decisions.plan(self._centre, command, now)
        except Rejected as refusal:
            raise problem_of(refusal) from None
        made = await administer(self._writer, call, request, command)
        assert made is None or isinstance(made, Funding)
        told = self._centre.outages.fates.get(funding.key, {}) if not planned else {}
        losing = (
            api.AffectedReservation.OUTCOME_PENDING if funding.displace else api.AffectedReservation.OUTCOME_STANDING
        )
        unfit = found.reservations
        affected = [_affected(told[each.id]) if each.id in told else _named(each, losing) for each in unfit]
        known = {each.id for each in unfit}
        if planned and funding.displace:
            ended = (each for each in found.changes if each.id not in known)
            affected += [_named(each, api.AffectedReservation.OUTCOME_CHANGE_ENDED) for each in ended]
        affected += [_affected(fate) for fate in told.values() if fate.reservation_id not in known]
        return api.FundingReport(
            funding=outage_replies.funding_reply(made or funding),
            affected=affected[:AFFECTED_MAX],
            affected_count=len(affected),
            position=self._writer.decided,
        )

    def _planned(
        self, call: Call, request: api.DeclareOutageRequest, command: commands.DeclareOutage
    ) -> api.OutageReport:
        """What declaring it would do, without doing it. No offers: they would be made in another centre than this."""
        request.validate_only = False
        try:
            self._writer.check(ask_of(call, request, command))
            plan = declaring.plan(self._centre, command, self._reading.seconds())
        except Rejected as refusal:
            raise problem_of(refusal) from None
        report = self._told(plan.outage, plan.fates, plan.left)
        report.position = self._writer.decided
        return report

    async def _report(self, call: Call, outage: Outage) -> api.OutageReport:
        position = self._writer.decided
        company = call.identity.company if call.identity.role is Role.COMPANY else ""
        outages = self._centre.outages
        fates = [fate for fate in outages.fates.get(outage.id, {}).values() if company in ("", fate.company)]
        stranded = [self._centre.reservations[each] for each in sorted(outages.stranded)]
        pending = [
            each
            for each in stranded
            if company in ("", each.company) and (cause := outages.obstacle(each)) and cause.id == outage.id
        ]
        report = self._told(outage, fates, pending)
        report.position = position
        await self._offer(report, [fate for fate in fates if fate.outcome is Outcome.DISPLACED][:OFFERED_MAX])
        await self._reading.durable(position)
        return report

    def _told(self, outage: Outage, fates: Sequence[Fate], pending: Sequence[Reservation]) -> api.OutageReport:
        affected = [_affected(fate) for fate in fates]
        affected += [_named(each, api.AffectedReservation.OUTCOME_PENDING) for each in pending]
        return api.OutageReport(
            outage=outage_replies.outage_reply(self._centre, outage, self._reading.seconds()),
            affected=affected[:AFFECTED_MAX],
            affected_count=len(affected),
            pending_count=len(pending),
        )

    async def _offer(self, report: api.OutageReport, displaced: Iterable[Fate]) -> None:
        """Say when what was displaced would be granted now, one after another so that bookings go on meanwhile."""
        affected = {each.reservation.rpartition("/")[2]: each for each in report.affected}
        for fate in displaced:
            reservation = self._centre.reservations.get(fate.reservation_id)
            if reservation is not None and fate.reservation_id in affected:
                found = offers.instead(
                    self._centre, reservation, (fate.lost_from, fate.lost_until), self._reading.seconds()
                )
                affected[fate.reservation_id].offers.extend(replies.offer_replies(reservation.lines, found))
            await asyncio.sleep(0)


def _named(reservation: Reservation, outcome: "api.AffectedReservation.Outcome.ValueType") -> api.AffectedReservation:
    name = f"companies/{reservation.company}/reservations/{reservation.id}"
    return api.AffectedReservation(reservation=name, outcome=outcome)


def _affected(fate: Fate) -> api.AffectedReservation:
    lost: Interval = (fate.lost_from, fate.lost_until)
    return api.AffectedReservation(
        reservation=f"companies/{fate.company}/reservations/{fate.reservation_id}",
        outcome=outage_replies.OUTCOME_OF[fate.outcome],
        lost_start_time=Timestamp(seconds=lost[0]) if any(lost) else None,
        lost_end_time=Timestamp(seconds=lost[1]) if any(lost) else None,
        compensation_krw=fate.compensation,
    )
