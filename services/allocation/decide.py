"""The decisions: what a command makes happen, or every rule that says no. Nothing here changes the centre.

Each decision is one column of refusals, and below it nothing may refuse. Time, in seconds, and identifiers arrive as
arguments, so that the same log gives the same answers for ever.
"""

from typing import assert_never

from services.allocation import commands
from services.allocation.attendance import checking_in, recording, strikes
from services.allocation.booking import (
    cancelling,
    changing,
    creating,
    holding,
    releasing,
    splitting,
    transferring,
    voting,
)
from services.allocation.centre import Centre
from services.allocation.commands import Command
from services.allocation.disruption import declaring, funding_decisions, misuse
from services.allocation.events import Events
from services.allocation.limits import exempting
from services.allocation.money import closing, correcting, overdue, publishing
from services.allocation.recurrence import recurring, series_changing
from services.allocation.registering import officers, qualifications, registration, terms
from services.allocation.ticking import tick


def decide(centre: Centre, command: Command, now: int) -> Events:
    """Answer a command at a time in seconds. Raises `Rejected`."""
    match command:
        case commands.CreateReservation():
            return creating.create_reservation(centre, command, now)
        case commands.ConfirmReservation():
            return holding.confirm_reservation(centre, command, now)
        case commands.ChangeReservation():
            return changing.change_reservation(centre, command, now)
        case commands.SplitReservation():
            return splitting.split_reservation(centre, command, now)
        case commands.OfferTransfer():
            return transferring.offer_transfer(centre, command, now)
        case commands.AcceptTransfer():
            return transferring.accept_transfer(centre, command, now)
        case commands.DeclineTransfer():
            return transferring.decline_transfer(centre, command, now)
        case commands.ApproveReservation():
            return voting.approve(centre, command, now)
        case commands.DenyReservation():
            return voting.deny(centre, command, now)
        case commands.CancelReservation():
            return cancelling.cancel_reservation(centre, command, now)
        case commands.ReleaseReservation():
            return releasing.release_reservation(centre, command, now)
        case commands.BookSeries():
            return recurring.book_series(centre, command, now)
        case commands.ChangeSeries():
            return series_changing.change_series(centre, command, now)
        case commands.CancelSeries():
            return recurring.cancel_series(centre, command, now)
        case commands.CheckIn():
            return checking_in.check_in(centre, command, now)
        case commands.Tick():
            return tick(centre, now)
        case commands.RecordUse():
            return recording.record_use(centre, command, now)
        case commands.DeclareOutage():
            return declaring.declare(centre, command, now)
        case commands.LiftOutage():
            return declaring.lift(centre, command, now)
        case commands.SetFunding():
            return funding_decisions.set_funding(centre, command, now)
        case commands.RegisterResource():
            return registration.register_resource(centre, command)
        case commands.RegisterCompany():
            return registration.register_company(centre, command)
        case commands.GrantQuota():
            return registration.grant_quota(centre, command)
        case commands.PublishTariff():
            return publishing.publish_tariff(centre, command, now)
        case commands.ClosePeriod():
            return closing.close_period(centre, command, now)
        case commands.PostCorrection():
            return correcting.correct(centre, command, now)
        case commands.PublishTerms():
            return terms.publish_terms(centre, command, now)
        case commands.GrantQualification():
            return qualifications.grant_qualification(centre, command)
        case commands.RevokeQualification():
            return qualifications.revoke_qualification(centre, command)
        case commands.AssignOfficer():
            return officers.assign_officer(centre, command, now)
        case commands.DismissOfficer():
            return officers.dismiss_officer(centre, command)
        case commands.ForgiveStrike():
            return strikes.forgive_strike(centre, command, now)
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
