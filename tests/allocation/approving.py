"""Benches that a manager or a committee must agree to, who asks for them, and who votes."""

from msgspec.structs import replace

from services.allocation.commands import ApproveReservation, DenyReservation, RegisterResource
from services.allocation.reservations import Reservation
from services.allocation.resources import Resource
from services.allocation.values.approval import Rule
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, line

NOON = TUESDAY + 12 * HOUR
KIM, LEE, PARK, CHOI = (f"operators/{name}" for name in ("kim", "lee", "park", "choi"))


def bench(name: str, rule: Rule, **terms: object) -> Resource:
    """A seat that somebody must approve the use of."""
    usual = {"approval": rule.value, "approval_hours": 10, "slot_minutes": 60, "nodes": fixture.seats(name, 1)}
    return replace(fixture.CLOCK_ROUND, id=name, **(usual | terms))


MANAGED = bench("MANAGED", Rule.MANAGER)
JUDGED = bench("JUDGED", Rule.COMMITTEE, approval_hours=20, approval_voters=4, approval_quorum=3)
PEOPLE = bench("PEOPLE", Rule.MANAGER, human_subjects=True)
SECRET = bench("SECRET", Rule.MANAGER, data_zone="restricted")


def fresh() -> Scenario:
    """The fixture centre, with benches that need approval."""
    return fixture.fresh().given(*(RegisterResource(resource=each) for each in (MANAGED, JUDGED, PEOPLE, SECRET)))


def asked(scenario: Scenario, *resources: str) -> Reservation:
    """ALPHA's booking of some resources for two hours of Tuesday."""
    return scenario.books(book("ALPHA", *map(line, resources), start=NOON, hours=2))


def approves(reservation: Reservation, voter: str, reference: str = "", etag: str = "") -> ApproveReservation:
    """A vote for it."""
    return ApproveReservation(
        reservation_id=reservation.id, company=reservation.company, voter=voter, reference=reference, etag=etag
    )


def denies(reservation: Reservation, voter: str, comment: str = "") -> DenyReservation:
    """A vote against it."""
    return DenyReservation(reservation_id=reservation.id, company=reservation.company, voter=voter, comment=comment)
