"""The Scheduler service: every method of the proto, who answers it, and who may call it."""

from collections.abc import Mapping
from typing import Any

from services.runtime.identity import Role
from services.scheduler.book_stream import BookStream
from services.scheduler.booking import Booking
from services.scheduler.clock import MICROSECONDS
from services.scheduler.officers import OfficerList
from services.scheduler.outage_desk import OutageDesk
from services.scheduler.reading import Reading
from services.scheduler.records import RecordKeeping
from services.scheduler.registering import Registering
from services.scheduler.searching import Searching
from services.scheduler.series import SeriesBooking
from services.scheduler.splitting import Splitting
from services.scheduler.telemetry import Telemetry
from services.scheduler.turns import Turns
from services.scheduler.watch import Watches
from services.scheduler.writer import Writer

EVERYBODY = frozenset({Role.COMPANY, Role.OPERATOR, Role.AUDITOR})
BOOKERS = frozenset({Role.COMPANY, Role.OPERATOR})
OPERATORS = frozenset({Role.OPERATOR})
OVERSEERS = frozenset({Role.OPERATOR, Role.AUDITOR})

ROLES = {
    "ListResources": EVERYBODY,
    "GetResource": EVERYBODY,
    "GetCalendar": EVERYBODY,
    "SearchOffers": BOOKERS,
    "CreateReservation": BOOKERS,
    "BatchCreateReservations": BOOKERS,
    "BookStream": BOOKERS,
    "GetReservation": EVERYBODY,
    "ListReservations": EVERYBODY,
    "ConfirmReservation": BOOKERS,
    "UpdateReservation": BOOKERS,
    "SplitReservation": BOOKERS,
    "AcceptTransfer": BOOKERS,
    "DeclineTransfer": BOOKERS,
    "ApproveReservation": OPERATORS,
    "DenyReservation": OPERATORS,
    "CancelReservation": BOOKERS,
    "ReleaseReservation": BOOKERS,
    "ListQuotas": EVERYBODY,
    "ListReserves": OVERSEERS,
    "WatchReservations": EVERYBODY,
    "RegisterResource": OPERATORS,
    "RegisterCompany": OPERATORS,
    "GrantQuota": OPERATORS,
    "PublishTariff": OPERATORS,
    "ListTariffs": EVERYBODY,
    "ClosePeriod": OPERATORS,
    "CheckIn": BOOKERS,
    "CreateSeries": BOOKERS,
    "GetSeries": EVERYBODY,
    "ListSeries": EVERYBODY,
    "UpdateSeries": BOOKERS,
    "CancelSeries": BOOKERS,
    "ExportCalendar": EVERYBODY,
    "PostCorrection": OPERATORS,
    "PublishTerms": OPERATORS,
    "GetTerms": EVERYBODY,
    "GrantQualification": OPERATORS,
    "RevokeQualification": OPERATORS,
    "ForgiveStrike": OPERATORS,
    "RecordArrears": OPERATORS,
    "ClearArrears": OPERATORS,
    "RecordMisuse": OPERATORS,
    "LiftMisuse": OPERATORS,
    "ExemptFromReview": OPERATORS,
    "AssignOfficer": OPERATORS,
    "DismissOfficer": OPERATORS,
    "ListOfficers": EVERYBODY | {Role.OFFICER},
    "GetConduct": EVERYBODY,
    "DeclareOutage": OPERATORS,
    "LiftOutage": OPERATORS,
    "GetOutage": EVERYBODY,
    "ListOutages": EVERYBODY,
    "SetFunding": OPERATORS,
}


APART = {"BatchCreateReservations": "requests", "BookStream": "requests"}
"""The items of bulk calls are looked at where they are read, for that is one pass for nearly all of them."""


class SchedulerApi:
    """`aidc.scheduler.v1.Scheduler`, made of what changes and what only looks."""

    def __init__(self, writer: Writer, watches: Watches, telemetry: Telemetry) -> None:
        turns = Turns(lambda: writer.now() // MICROSECONDS)
        self._booking = Booking(writer, telemetry, turns)
        self._splitting = Splitting(writer)
        self._book_stream = BookStream(writer, telemetry).serve
        self._searching = Searching(writer, telemetry, turns)
        self._reading = Reading(writer, watches)
        self._registering = Registering(writer)
        self._records = RecordKeeping(writer, self._reading)
        self._officers = OfficerList(writer, self._reading)
        self._outages = OutageDesk(writer, self._reading)
        self._series = SeriesBooking(writer, self._reading)

    def handlers(self) -> Mapping[str, Any]:
        """Every method by its name in the proto."""
        booking, reading, registering, records = self._booking, self._reading, self._registering, self._records
        return {
            "ListResources": reading.list_resources,
            "GetResource": reading.get_resource,
            "GetCalendar": reading.get_calendar,
            "SearchOffers": self._searching.search_offers,
            "CreateReservation": booking.create_reservation,
            "BatchCreateReservations": booking.batch_create_reservations,
            "BookStream": self._book_stream,
            "GetReservation": reading.get_reservation,
            "ListReservations": reading.list_reservations,
            "ConfirmReservation": booking.change_reservation,
            "UpdateReservation": booking.update_reservation,
            "SplitReservation": self._splitting.split_reservation,
            "AcceptTransfer": booking.answer_transfer,
            "DeclineTransfer": booking.answer_transfer,
            "ApproveReservation": booking.decide_reservation,
            "DenyReservation": booking.decide_reservation,
            "CancelReservation": booking.change_reservation,
            "ReleaseReservation": booking.change_reservation,
            "ListQuotas": reading.list_quotas,
            "ListReserves": reading.list_reserves,
            "WatchReservations": reading.watch_reservations,
            "RegisterResource": registering.register_resource,
            "RegisterCompany": registering.register_company,
            "GrantQuota": registering.grant_quota,
            "PublishTariff": registering.publish_tariff,
            "ListTariffs": reading.list_tariffs,
            "ClosePeriod": registering.close_period,
            "CheckIn": booking.change_reservation,
            "CreateSeries": self._series.create_series,
            "GetSeries": self._series.get_series,
            "ListSeries": self._series.list_series,
            "UpdateSeries": self._series.update_series,
            "CancelSeries": self._series.cancel_series,
            "ExportCalendar": self._series.export_calendar,
            "PostCorrection": registering.post_correction,
            "PublishTerms": records.publish_terms,
            "GetTerms": records.get_terms,
            "GrantQualification": records.grant_qualification,
            "RevokeQualification": records.revoke_qualification,
            "ForgiveStrike": records.forgive_strike,
            "RecordArrears": records.record_arrears,
            "ClearArrears": records.clear_arrears,
            "RecordMisuse": records.record_misuse,
            "LiftMisuse": records.lift_misuse,
            "ExemptFromReview": records.exempt_from_review,
            "AssignOfficer": records.assign_officer,
            "DismissOfficer": records.dismiss_officer,
            "ListOfficers": self._officers.list_officers,
            "GetConduct": records.get_conduct,
            "DeclareOutage": self._outages.declare_outage,
            "LiftOutage": self._outages.lift_outage,
            "GetOutage": self._outages.get_outage,
            "ListOutages": self._outages.list_outages,
            "SetFunding": self._outages.set_funding,
        }
