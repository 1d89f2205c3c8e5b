"""From a search to a booking: what is offered, held, confirmed, approved and overridden by command."""

import json
from datetime import UTC, datetime

import pytest

from services.cli import main
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.cli.fake_centre import FakeCentre
from tests.cli.samples import BOOK, LINES, NAME, NINE, ONE, REQUEST_ID, granted, held, pending, refused, reservation


def test_a_search_without_offers_ends_with_2(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """No time fits: the rules that stand in the way are shown."""
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(
        violations=[api.Violation(reason="NOT_ENTITLED", description="No certificate.")]
    )
    assert main.run(["search", "M01", "--duration", "4h"]) == 2
    assert "No certificate." in capsys.readouterr().err


def test_a_search_shows_offers_in_the_centres_time(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """Offers are numbered, the earliest first."""
    offer = api.Offer(start_time=NINE, end_time=ONE, lines=LINES)
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(offers=[offer])
    assert main.run(["search", "M01", "--duration", "4h", "--until", "2026-04-01"]) == 0
    assert "1  2026-03-16 09:00–13:00 +09:00  M01 1 seat" in capsys.readouterr().out


def test_a_search_lets_things_vary_and_tells_prices(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """What may vary is asked as it is said; offers come with prices, and other times with what forbids them."""
    offer = api.Offer(start_time=NINE, end_time=ONE, lines=LINES, cost=api.Cost(krw=600_000, tariff="tariffs/t"))
    windows = api.RefusedWindows(first_start_time=NINE, last_start_time=ONE)
    windows.violations.add(reason="NO_CAPACITY", description="All seats are taken.", subject="M01")
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(offers=[offer], refused=[windows])
    asked = ["search", "M01", "--duration", "4h", "--max-duration", "9h", "--at-least", "M01:1", "--why-not", "2"]
    assert main.run([*asked, "--near", "2026-03-16 09:00"]) == 0
    request = centre.requests[-1]
    assert (request.duration_max.seconds, dict(request.units_min)) == (9 * 3600, {"resources/M01": 1})
    assert (request.order, request.desired_start_time) == (api.OFFER_ORDER_CLOSEST, NINE)
    assert (request.refused_max, request.priced) == (2, True)
    shown = capsys.readouterr().out
    assert "600,000" in shown
    assert "NO_CAPACITY" in shown
    assert "All seats are taken." in shown
    assert main.run([*asked, "--order", "cheapest", "--json"]) == 0
    assert centre.requests[-1].order == api.OFFER_ORDER_CHEAPEST
    assert json.loads(capsys.readouterr().out)["offers"][0]["cost"]["krw"] in (600_000, "600000")
    for wrong in (["--order", "best"], ["--order", "cheapest", "--near", "+3h"], ["--at-least", "M02:1"]):
        assert main.run([*asked, *wrong]) == 1


def test_relative_times_are_the_centres(centre: FakeCentre) -> None:
    """`+3h` and `tomorrow` are meant by the centre's clock, whatever ours shows: a centre's time may be simulated."""
    centre.answers["CreateReservation"] = granted
    centre.time = datetime(2031, 5, 6, 0, 10, tzinfo=UTC)
    assert main.run(["book", "M01", "--start", "+3h", "--duration", "4h"]) == 0
    assert centre.requests[0].reservation.start_time.ToDatetime(tzinfo=UTC) == datetime(2031, 5, 6, 4, tzinfo=UTC)
    assert main.run(["book", "M01", "--start", "tomorrow 09:00", "--duration", "4h"]) == 0
    assert centre.requests[1].reservation.start_time.ToDatetime(tzinfo=UTC) == datetime(2031, 5, 7, tzinfo=UTC)


def test_a_search_holds_its_first_offer(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--hold` a search is a request with an id, and shows what is held; a refusal ends with 2."""
    offer = api.Offer(start_time=NINE, end_time=ONE, lines=LINES)
    centre.answers["SearchOffers"] = lambda _: api.SearchOffersResponse(offers=[offer], held=held(_))
    asked = ["search", "M01", "--duration", "4h", "--hold", "15m", "--request-id", REQUEST_ID]
    assert main.run(asked) == 0
    assert (centre.requests[0].hold.seconds, centre.requests[0].request_id) == (900, REQUEST_ID)
    assert NAME in capsys.readouterr().out
    assert main.run([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["held"]["name"] == NAME
    centre.answers["SearchOffers"] = refused
    assert main.run(asked) == 2
    assert main.run(["search", "M01", "--duration", "4h", "--request-id", REQUEST_ID]) == 1


def test_an_offer_is_held_and_confirmed(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """`--hold` shows until when it is held, and `confirm` takes it."""
    centre.answers["CreateReservation"] = held
    assert main.run([*BOOK, "--hold", "10m"]) == 0
    assert centre.requests[0].hold.seconds == 600
    shown = capsys.readouterr().out
    assert "held" in shown
    assert "2026-03-16 09:00" in shown
    centre.answers["ConfirmReservation"] = lambda _: reservation(LINES)
    assert main.run(["confirm", "r1", "--request-id", REQUEST_ID, "--json"]) == 0
    assert (centre.requests[1].name, centre.requests[1].request_id) == (NAME, REQUEST_ID)
    assert json.loads(capsys.readouterr().out)["state"] == "STATE_CONFIRMED"


@pytest.mark.parametrize("name", [NAME, "CMP-0004/r1", "r1"])
def test_a_reservation_is_named_in_full_or_in_short(centre: FakeCentre, name: str) -> None:
    """Whatever `list` shows can be typed."""
    centre.answers["CancelReservation"] = lambda _: reservation(LINES)
    assert main.run(["cancel", name, "--reason", "rain"]) == 0
    assert (centre.requests[0].name, centre.requests[0].reason) == (NAME, "rain")


def test_what_waits_for_approval_is_listed(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """The oldest deadline first, with the votes so far and the reference."""
    centre.answers["ListReservations"] = lambda _: api.ListReservationsResponse(reservations=[pending()], position=9)
    assert main.run(["approvals"]) == 0
    asked = centre.requests[0]
    assert (asked.to_approve, asked.order_by) == (True, "expire_time")
    shown = capsys.readouterr().out
    assert "committee: 1 of the 3 votes needed, 1 against, under reference IRB-7" in " ".join(shown.split())
    assert main.run(["approvals", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reservations"][0]["approval"]["quorum"] == 3


def test_approving_and_denying_say_why(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A vote carries its comment and reference; a refusal ends with 2, and a no without a reason is none."""
    centre.answers["ApproveReservation"] = pending
    assert main.run(["approve", NAME, "--reference", "IRB-7", "--comment", "sound", "--json"]) == 0
    sent = centre.requests[0]
    assert (sent.name, sent.reference, sent.comment) == (NAME, "IRB-7", "sound")
    assert json.loads(capsys.readouterr().out)["state"] == "STATE_PENDING"
    centre.answers["DenyReservation"] = refused
    assert main.run(["deny", NAME, "--comment", "unsafe", "--request-id", REQUEST_ID]) == 2
    assert (centre.requests[1].comment, centre.requests[1].request_id) == ("unsafe", REQUEST_ID)
    assert main.run(["deny", NAME]) == 1


def test_an_operator_books_against_a_rule(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """--override and --because travel with the request, and the answer shows both."""
    made = reservation(LINES)
    made.override_reasons.append("NOTICE_TOO_SHORT")
    made.override_justification = "the minister comes"
    centre.answers["CreateReservation"] = lambda _: made
    override = ("--override", "NOTICE_TOO_SHORT", "--because", "the minister comes")
    assert main.run(["book", "M01", "--start", "+3h", "--duration", "4h", *override]) == 0
    request = centre.requests[-1]
    assert (list(request.override_reasons), request.justification) == (["NOTICE_TOO_SHORT"], "the minister comes")
    assert "NOTICE_TOO_SHORT: the minister comes" in capsys.readouterr().out


def test_another_time_is_agreed_to(centre: FakeCentre, capsys: pytest.CaptureFixture[str]) -> None:
    """A start alone moves the whole, and what was wanted is shown beside what is confirmed."""
    done = reservation(LINES)
    done.desired_start_time.CopyFrom(NINE)
    done.desired_end_time.CopyFrom(ONE)
    centre.answers["GetReservation"], centre.answers["ApproveReservation"] = pending, lambda _: done
    assert main.run(["approve", NAME, "--start", "2026-03-17 14:00"]) == 0
    sent = next(each for each in centre.requests if isinstance(each, api.ApproveReservationRequest))
    length = pending().end_time.seconds - pending().start_time.seconds
    assert sent.end_time.seconds - sent.start_time.seconds == length
    assert (sent.start_time.seconds - NINE.seconds) // 3600 == 29
    assert "was wanted" in capsys.readouterr().out
    assert main.run(["approve", NAME, "--start", "+1d"]) == 0
    meant = centre.requests[-1].start_time.ToDatetime(UTC) - centre.time
    assert meant.total_seconds() // 3600 == 24, "by the centre's clock, not by ours"
