"""The decisions: what a command makes happen, or every rule that says no. Nothing here changes the centre.

Each decision is one column of refusals, and below it nothing may refuse. Time, in seconds, and identifiers arrive as
arguments, so that the same log gives the same answers for ever.
"""

from typing import assert_never

from services.allocation import commands, events
from services.allocation.attendance import discipline
from services.allocation.attendance.recording import record_use
from services.allocation.booking import approving, holding, releasing, transferring
from services.allocation.booking.cancelling import cancel_reservation
from services.allocation.booking.changing import change_reservation
from services.allocation.booking.creating import create_reservation
from services.allocation.centre import Centre
from services.allocation.commands import Command
from services.allocation.disruption import misuse
from services.allocation.disruption.declaring import declare, lift
from services.allocation.disruption.funding_decisions import set_funding
from services.allocation.events import Events
from services.allocation.limits import exempting
from services.allocation.money import correcting, overdue
from services.allocation.money.publishing import publish_tariff
from services.allocation.recurrence import recurring, series_changing
from services.allocation.registering import officers
from services.allocation.registering.registration import check_company, check_quota, check_resource
from services.allocation.ticking import tick
from services.allocation.values.months import close


def decide(centre: Centre, command: Command, now: int) -> Events:
    """Answer a command at a time in seconds. Raises `Rejected`."""
    match command:
        case commands.CreateReservation():
            return create_reservation(centre, command, now)
        case commands.ConfirmReservation():
            return holding.confirm_reservation(centre, command, now)
        case commands.ChangeReservation():
            return change_reservation(centre, command, now)
        case commands.OfferTransfer():
            return transferring.offer_transfer(centre, command, now)
        case commands.AcceptTransfer():
            return transferring.accept_transfer(centre, command, now)
        case commands.DeclineTransfer():
            return transferring.decline_transfer(centre, command, now)
        case commands.ApproveReservation():
            return approving.approve(centre, command, now)
        case commands.DenyReservation():
            return approving.deny(centre, command, now)
        case commands.CancelReservation():
            return cancel_reservation(centre, command, now)
        case commands.ReleaseReservation():
            return releasing.release_reservation(centre, command, now)
        case commands.BookSeries():
            return recurring.book_series(centre, command, now)
        case commands.ChangeSeries():
            return series_changing.change_series(centre, command, now)
        case commands.CancelSeries():
            return recurring.cancel_series(centre, command, now)
        case commands.CheckIn():
            return discipline.check_in(centre, command, now)
        case commands.Tick():
            return tick(centre, now)
        case commands.RecordUse():
            return record_use(centre, command, now)
        case commands.DeclareOutage():
            return declare(centre, command, now)
        case commands.LiftOutage():
            return lift(centre, command, now)
        case commands.SetFunding():
            return set_funding(centre, command, now)
        case commands.RegisterResource():
            check_resource(centre, command.resource)
            return (events.ResourceRegistered(resource=command.resource),)
        case commands.RegisterCompany():
            check_company(centre, command.company)
            return (events.CompanyRegistered(company=command.company),)
        case commands.GrantQuota():
            check_quota(centre, command.quota)
            return (events.QuotaGranted(quota=command.quota),)
        case commands.PublishTariff():
            return publish_tariff(centre, command, now)
        case commands.ClosePeriod():
            return (events.PeriodClosed(period=close(command.month, centre.zone, centre.closed, now)),)
        case commands.PostCorrection():
            return correcting.correct(centre, command, now)
        case commands.PublishTerms():
            return discipline.publish_terms(centre, command, now)
        case commands.GrantQualification():
            return discipline.grant_qualification(centre, command)
        case commands.RevokeQualification():
            return discipline.revoke_qualification(centre, command)
        case commands.AssignOfficer():
            return officers.assign_officer(centre, command, now)
        case commands.DismissOfficer():
            return officers.dismiss_officer(centre, command)
        case commands.ForgiveStrike():
            return discipline.forgive_strike(centre, command, now)
        case commands.RecordArrears():
            return overdue.record(centre, command, now)
        case commands.ClearArrears():
            return overdue.clear(centre, command)
        case commands.RecordMisuse():
            return misuse.record(centre, command, now)
        case commands.LiftMisuse():
            return misuse.lift(centre, command)
        case commands.ExemptFromReview():
            return exempting.exempt(centre, command, now)
        case _:
            assert_never(command)
