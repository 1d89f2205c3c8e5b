"""The addresses of the board: every page and every form, and what shows it or takes it."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from services.board.booking import overriding
from services.board.booking.page import book, confirm
from services.board.company import officers
from services.board.company.page import calendar_file, company
from services.board.conduct import records
from services.board.frame.visit import Visit
from services.board.now.page import now
from services.board.outages import new as outage_new
from services.board.outages import page as outages
from services.board.reservations import actions, attendance, changing, splitting, transfers, voting
from services.board.reservations.page import reservation
from services.board.series import cancel as series_cancel
from services.board.series import change as series_change
from services.board.series import new as series_new
from services.board.series import page as series
from services.board.timeline.page import timeline
from services.board.usage.page import usage

View = Callable[[Visit], Awaitable[Response]]

PAGES: tuple[tuple[str, str, View], ...] = (
    ("GET", "/", now),
    ("GET", "/timeline", timeline),
    ("GET", "/usage", usage),
    ("GET", "/company", company),
    ("GET", "/company/bookings.ics", calendar_file),
    ("GET", "/book", book),
    ("POST", "/book", confirm),
    ("POST", "/override", overriding.send),
    ("POST", "/approve", voting.approve),
    ("POST", "/deny", voting.deny),
    ("POST", "/split", splitting.split),
    ("POST", "/transfer", transfers.offer),
    ("POST", "/transfer/withdraw", transfers.withdraw),
    ("POST", "/transfer/accept", transfers.accept),
    ("POST", "/transfer/decline", transfers.decline),
    ("POST", "/officers", officers.assign),
    ("POST", "/officers/dismiss", officers.dismiss),
    ("GET", "/conduct/{record}", records.ask),
    ("POST", "/conduct/{record}", records.send),
    ("POST", "/confirm", actions.take),
    ("POST", "/check-in", attendance.come),
    ("POST", "/cancel", actions.cancel),
    ("POST", "/release", actions.release),
    ("GET", "/reservations/{company}/{reservation}", reservation),
    ("GET", "/reservations/{company}/{reservation}/change", changing.change),
    ("POST", "/change", changing.send),
    ("GET", "/series", series.listing),
    ("GET", "/series/new", series_new.new),
    ("POST", "/series", series_new.book),
    ("POST", "/series/cancel", series_cancel.send),
    ("POST", "/series/change", series_change.send),
    ("GET", "/series/{company}/{series}", series.one),
    ("GET", "/series/{company}/{series}/change", series_change.change),
    ("GET", "/series/{company}/{series}/cancel", series_cancel.preview),
    ("GET", "/outages", outages.listing),
    ("GET", "/outages/new", outage_new.new),
    ("POST", "/outages", outage_new.declare),
    ("POST", "/outages/lift", outages.lift),
    ("GET", "/outages/{outage}", outages.one),
)
"""Method, address and view of all that is for those who are signed in."""
