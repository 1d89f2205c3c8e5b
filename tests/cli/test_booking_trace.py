"""The replay of bookings: the reader of the trace, and what each booking becomes on the equipment of the catalogue."""

import gzip
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.cli.catalogue import CENTRE_FOLDER, Catalogue, read_catalogue
from services.cli.demo.booking_show import HOURS_FACTOR, with_more_hours
from services.cli.demo.bookings import Booking, Fate, is_bookings, read_bookings
from services.cli.demo.half_days import HalfDays, Slots
from services.cli.demo.visits import CHOICES, Visits
from services.cli.outcome import Failed
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

TRACE = Path(__file__).parent / "bookings.csv"
ZONE = ZoneInfo("Asia/Seoul")
OPENING = date(2026, 3, 3)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The fictional centre."""
    return read_catalogue(CENTRE_FOLDER)


@pytest.fixture(scope="module")
def bookings() -> list[Booking]:
    """Those of the small trace."""
    return read_bookings(TRACE).entries


@pytest.fixture(scope="module")
def visits(catalogue: Catalogue, bookings: list[Booking]) -> Visits:
    """What makes visits of them."""
    return Visits(catalogue, bookings, OPENING)


def moment(text: str) -> datetime:
    """Such as `2026-03-03 09:00`, in the centre's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def item(catalogue: Catalogue, name: str) -> api.Resource:
    """A piece of equipment."""
    return next(each for each in catalogue.resources if each.name == f"resources/{name}")


def test_a_trace_of_bookings_is_told_from_one_of_jobs(tmp_path: Path) -> None:
    """By its first line, packed or plain; a file that cannot be read is refused in one line."""
    packed, jobs = tmp_path / "bookings.csv.gz", tmp_path / "jobs.csv"
    packed.write_bytes(gzip.compress(TRACE.read_bytes()))
    jobs.write_text("job_id,tenant,submit_s\n")
    assert is_bookings(TRACE)
    assert is_bookings(packed)
    assert not is_bookings(jobs)
    with pytest.raises(Failed, match=r"none\.csv"):
        is_bookings(tmp_path / "none.csv")


def test_bookings_are_read_in_order_of_their_start() -> None:
    """All that ask for something, with what became of them."""
    found = read_bookings(TRACE)
    rows = TRACE.read_text().splitlines()[1:]
    asking = [row.split(",") for row in rows if row.split(",")[6] != "0"]
    assert found.total == len(found.entries) == len(asking)
    assert [each.start for each in found.entries] == sorted(each.start for each in found.entries)
    assert Counter(each.fate for each in found.entries) == Counter(Fate(row[8]) for row in asking)


def test_a_longer_trace_is_cut_after_a_whole_day() -> None:
    """A part ends with a day, all parts together are the whole, and one too many is refused in a line."""
    found = read_bookings(TRACE, count=10)
    whole = read_bookings(TRACE)
    last = found.entries[-1].start
    assert 10 <= len(found.entries) < whole.total == found.total
    assert found.entries == [each for each in whole.entries if each.start <= last]
    parts = [read_bookings(TRACE, number, count=10) for number in range(1, found.parts + 1)]
    assert [each for part in parts for each in part.entries] == whole.entries
    with pytest.raises(Failed, match=f"has {found.parts} parts"):
        read_bookings(TRACE, found.parts + 1, count=10)


@pytest.mark.parametrize(
    "row",
    ["1,a,A,A,soon,2015-07-02,1,1,completed,2015-07-03,0,0,,,,,", "1,a,A,A,2015-07-01,2015-07-02,1,1,lost,,0,0,,,,,"],
)
def test_a_row_that_makes_no_sense_is_refused(tmp_path: Path, row: str) -> None:
    """With the file's name, in one line."""
    path = tmp_path / "odd.csv"
    path.write_text(TRACE.read_text().splitlines()[0] + "\n" + row + "\n")
    with pytest.raises(Failed, match=r"odd\.csv is not a trace of bookings"):
        read_bookings(path)


def test_a_day_of_the_trace_is_half_a_working_day(catalogue: Catalogue) -> None:
    """Mornings and afternoons from Monday to Friday; holidays and weekends are passed over."""
    holidays = frozenset(item(catalogue, "M01").closed_days)
    calendar = HalfDays(date(2026, 3, 5), holidays, ZONE, 6)
    assert [calendar.begins(number) for number in range(6)] == [
        *(moment("2026-03-05 09:00"), moment("2026-03-05 14:00"), moment("2026-03-06 09:00")),
        *(moment("2026-03-06 14:00"), moment("2026-03-09 09:00"), moment("2026-03-09 14:00")),
    ]
    assert calendar.asked(-5) == moment("2026-03-05 08:30")


@pytest.mark.parametrize(
    ("name", "since", "count", "span"),
    [
        ("M01", "2026-03-05 09:00", 2, ("2026-03-05 09:00", "2026-03-05 18:00")),
        ("M01", "2026-03-06 14:00", 2, ("2026-03-06 14:00", "2026-03-09 13:00")),
        ("H06", "2026-03-05 14:00", 1, ("2026-03-06 09:30", "2026-03-06 11:30")),
        ("H01", "2026-03-05 09:00", 1, ("2026-03-05 20:00", "2026-03-06 08:00")),
        ("M03", "2026-03-07 09:00", 3, ("2026-03-07 09:00", "2026-03-07 12:00")),
    ],
)
def test_units_of_the_trace_are_consecutive_slots(
    catalogue: Catalogue, name: str, since: str, count: int, span: tuple[str, str]
) -> None:
    """From opening to closing and after the break, into the next day, over the weekend and through the night."""
    slots = Slots(item(catalogue, name), OPENING, date(2026, 3, 31), ZONE)
    assert slots.span(slots.first_since(moment(since)), count) == tuple(map(moment, span))
    assert slots.span(slots.first_since(moment(since)), 10_000) is None


def test_a_booking_is_always_the_same_visit(visits: Visits, bookings: list[Booking], catalogue: Catalogue) -> None:
    """To equipment that is approved as its class says, by a company that may run it; asked for before it begins."""
    approvals = {"A": "auto", "D": "manager", "E": "committee", "P": "committee"}
    for booking in bookings:
        visit = visits.visit(booking)
        assert visit == visits.visit(booking)
        assert 1 <= len(visit.choices) <= CHOICES
        assert (visit.fate, visit.changes) == (booking.fate, booking.changes)
        for choice in visit.choices:
            resource = item(catalogue, choice.resource.partition("/")[2])
            span = choice.slots.span(choice.first, choice.count)
            assert span is not None
            assert resource.approval == approvals[booking.kind]
            assert choice.count == booking.units
            assert visit.asked <= span[0]
    assert len({visits.visit(each).choices[0].company for each in bookings}) > len({each.tenant for each in bookings})


def test_whoever_asks_too_early_asks_as_soon_as_it_can_be_booked(visits: Visits, bookings: list[Booking]) -> None:
    """A year ahead in the trace is the horizon here; the first half-day is the earliest of all."""
    early = min(bookings, key=lambda booking: booking.start)
    asked = visits.visit(Booking(**{**vars(early), "requested": early.start - timedelta(days=365)})).asked
    assert asked == moment("2026-03-03 08:30")


def test_everybody_gets_more_hours_of_equipment_and_nothing_else(catalogue: Catalogue) -> None:
    """What the catalogue grants otherwise stays, and the catalogue itself is left alone."""
    more = with_more_hours(catalogue)
    for before, after in zip(catalogue.quotas, more.quotas, strict=True):
        assert after.unit_seconds == before.unit_seconds * (HOURS_FACTOR if before.meter == "equipment" else 1)
    assert more.resources is catalogue.resources
