"""Classes in a browser: searched for, booked with many people, and checked in all together or one by one."""

import uuid

import pytest

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, forms
from tests.board.conftest import SLOT_SECONDS
from tests.system.small_catalogue import COMPANIES

pytestmark = pytest.mark.asyncio(loop_scope="session")
ACADEMY = COMPANIES[4]
SEARCH = "/book?resource=core&amount={amount}&hours=2&earliest=2026-04-20T09:00&people={people}&ids={ids}"


def search(amount: int, people: object, ids: str = "") -> str:
    """The page of a search for a class."""
    return SEARCH.format(amount=amount, people=people, ids=ids)


async def booked(board: Browsing, form: dict[str, str]) -> tuple[str, api.Reservation]:
    """Send the form of an offer; gives the page after, and the reservation as the scheduler has it."""
    async with board.browser(ACADEMY) as browser:
        made = await browser.post("/book", data=form, follow_redirects=True)
    company, item = made.url.path.split("/")[2:4]
    name = f"companies/{company}/reservations/{item}"
    request = api.GetReservationRequest(name=name)
    return made.text, await board.centre.call(board.centre.scheduler.GetReservation, request, ACADEMY)


async def class_now(board: Browsing, *ids: str, people: int = 0) -> str:
    """A class in the hall that has begun, or does within the quarter of an hour; gives the path of its page."""
    start = -(-board.centre.centre.time.now() // SLOT_SECONDS) * SLOT_SECONDS
    request = api.CreateReservationRequest(parent=f"companies/{ACADEMY}", request_id=str(uuid.uuid4()))
    wish = request.reservation
    wish.participants.count, wish.start_time.seconds = people or len(ids), start
    wish.participants.ids.extend(ids)
    wish.end_time.seconds = start + SLOT_SECONDS
    wish.lines.add(resource="resources/HALL", units=wish.participants.count)
    made = await board.centre.call(board.centre.scheduler.CreateReservation, request, ACADEMY)
    return f"/reservations/{ACADEMY}/{made.name.rsplit('/', 1)[1]}"


async def came(board: Browsing, path: str, **fields: str) -> str:
    """Send the check-in of a reservation's page; gives the page after."""
    [form] = forms(await board.page(path, ACADEMY), "/check-in")
    async with board.browser(ACADEMY) as browser:
        return (await browser.post("/check-in", data={**form, **fields}, follow_redirects=True)).text


async def test_a_class_is_one_booking_with_many_people(board: Browsing) -> None:
    """The offers say that they are for a class, and the one that is booked has its people."""
    page = await board.page(search(6, 6), ACADEMY)
    assert "class of 6" in page
    text, made = await booked(board, forms(page, "/book")[0])
    assert made.participants.count == 6
    assert "0 of 6 people have come" in text


async def test_the_people_of_a_class_have_pseudonyms(board: Browsing) -> None:
    """One for each, by commas or blanks; as many as are named need not be counted."""
    text, made = await booked(board, forms(await board.page(search(3, "", "p-1,+p-2++p-3"), ACADEMY), "/book")[0])
    assert list(made.participants.ids) == ["p-1", "p-2", "p-3"]
    assert "p-2" in text


@pytest.mark.parametrize(
    ("people", "ids", "told"),
    [
        ("none", "", "“none” is no number of people from 1 to 500."),
        (501, "", "“501” is no number of people from 1 to 500."),
        (3, "p-1", "3 people take part and 1 pseudonyms were given."),
    ],
)
async def test_people_that_make_no_sense_are_named(board: Browsing, people: object, ids: str, told: str) -> None:
    """What was typed wrong is told in words, and nothing is offered."""
    page = await board.page(search(4, people, ids), ACADEMY)
    assert told in page
    assert not forms(page, "/book")


async def test_a_class_needs_room_for_everybody(board: Browsing) -> None:
    """Fewer seats than people are not offered, and the page says so."""
    page = await board.page(search(2, 6), ACADEMY)
    assert "TOO_FEW_SEATS" in page
    assert not forms(page, "/book")


async def test_people_made_by_hand_book_nothing(board: Browsing) -> None:
    """A form whose people were tampered with is no form of ours."""
    form = forms(await board.page(search(2, 2), ACADEMY), "/book")[0]
    async with board.browser(ACADEMY) as browser:
        assert (await browser.post("/book", data={**form, "people": "-4"})).status_code == 400


async def test_every_time_of_a_series_is_a_class(board: Browsing) -> None:
    """The people stand in the request that books the series."""
    page = "/series/new?resource=core&amount=4&hours=2&first=2026-04-06T09:00&day_MO=on&times=2&people=4"
    [form] = forms(await board.page(page, ACADEMY), "/series")
    async with board.browser(ACADEMY) as browser:
        path = (await browser.post("/series", data=form)).headers["location"].partition("?")[0]
    _, _, company, series = path.split("/")
    request = api.GetSeriesRequest(name=f"companies/{company}/series/{series}")
    made = await board.centre.call(board.centre.scheduler.GetSeries, request, ACADEMY)
    assert made.participants.count == 4
    assert "4" in await board.page(path, ACADEMY)


async def test_a_class_checks_in_by_number_until_everybody_is_there(board: Browsing) -> None:
    """So many now, later all; then nobody is asked any more. Its company's list leads to it."""
    path = await class_now(board, people=5)
    assert f'href="{path}#check-in"' in await board.page("/company", ACADEMY)
    assert "3 of 5 people have come" in await came(board, path, present="3")
    assert "INVALID_PARTICIPANTS" in await came(board, path, present="2")
    after = await came(board, path, everybody="on")
    assert "5 of 5 people have come" in after
    assert not forms(after, "/check-in")


async def test_a_class_checks_in_one_by_one(board: Browsing) -> None:
    """Who is ticked has come; nobody ticked is refused in words, and is not everybody."""
    path = await class_now(board, "p-1", "p-2", "p-3")
    assert "Nobody was named." in await came(board, path)
    after = await came(board, path, **{"came_p-2": "on"})
    assert "1 of 3 people have come" in after
    assert 'name="came_p-2"' not in after
    assert 'name="came_p-3"' in after
    assert "3 of 3 people have come" in await came(board, path, **{"came_p-1": "on", "came_p-3": "on"})


async def test_a_large_class_is_typed(board: Browsing) -> None:
    """More people than a form has boxes are named in one field."""
    path = await class_now(board, *(f"p-{number}" for number in range(45)))
    page = await board.page(path, ACADEMY)
    assert 'name="came_' not in page
    assert "2 of 45 people have come" in await came(board, path, ids="p-7, p-9")


async def test_a_number_that_is_none_is_no_form_of_ours(board: Browsing) -> None:
    """Whatever is sent by hand changes nothing."""
    path = await class_now(board, people=2)
    assert "cannot be read" in await came(board, path, present="-1")
    assert "0 of 2 people have come" in await board.page(path, ACADEMY)
