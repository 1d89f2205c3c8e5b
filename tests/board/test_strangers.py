"""Whatever anybody sends to a page, the board answers calmly: never with a mistake of ours."""

import random
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from services.board.doors.session import COOKIE
from services.board.frame.sending import ENCLOSED
from services.board.routes import PAGES
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.browsing import Browsing, enclosing, forms
from tests.system.small_catalogue import COMPANY

pytestmark = pytest.mark.asyncio(loop_scope="session")

REQUESTS = 150
BOARD = Path(__file__).parents[2] / "services" / "board"
READ = re.compile(r'(?:query|fields\.get|fields)[(\[]"([a-z_]+)"')
FIELDS = sorted({ENCLOSED, *(name for path in BOARD.rglob("*.py") for name in READ.findall(path.read_text("utf-8")))})
"""Every field that some page reads."""
VALUES = (
    *(
        "",
        "0",
        "1",
        "-1",
        "2",
        "99999999999999999999",
        "1e400",
        "nan",
        "x" * 3000,
        "é",
        "한",
        "\u202e",
        "\x00",
        "%",
        "<b>",
    ),
    *(
        "core",
        "M01",
        COMPANY,
        f"companies/{COMPANY}",
        "companies/-",
        "../..",
        "'; DROP",
        "{}",
        "on",
        "all",
        "week",
        "day",
    ),
    *(
        "2026-03-05",
        "2026-03-05T09:00",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "2026-02-30",
        "2026-03-29T02:30",
        "2026-W53",
    ),
    *(
        "strike",
        "arrears",
        "MO,TU",
        "DAILY",
        "skip",
        "FREQ=SECONDLY",
        "\U0001f4a9",
        "CMP-1/reservations/x",
        "AAAA",
        "!!!",
    ),
    enclosing(api.CancelSeriesRequest(name="companies/x"))[ENCLOSED],
)


def odd_fields(chance: random.Random) -> Mapping[str, str]:
    """Some fields that a page reads, with something in them."""
    return {name: chance.choice(VALUES) for name in chance.sample(FIELDS, chance.randint(0, 12))}


def odd_path(chance: random.Random, route: str) -> str:
    """An address of a route, with something in the places of names."""
    return re.sub(r"\{\w+\}", lambda _: quote(chance.choice(VALUES), safe="") or "x", route)


@pytest.mark.parametrize("holder", [COMPANY, "operator"])
async def test_every_page_and_form_bears_what_a_stranger_makes_of_it(board: Browsing, holder: str) -> None:
    """Odd names, times and numbers in every field that is read: shown, refused or not found, and never broken."""
    chance = random.Random(f"strangers as {holder}")
    seal = forms(await board.page("/", holder), "/sign-out")[0]["seal"]
    async with board.browser(holder) as browser:
        for _ in range(REQUESTS):
            method, route, _view = chance.choice(PAGES)
            path, fields = odd_path(chance, route), odd_fields(chance)
            if method == "GET":
                answer = await browser.get(path, params=fields)
            else:
                answer = await browser.post(path, data={**fields, "seal": seal})
            assert answer.status_code < 500, (method, path, fields)


@pytest.mark.parametrize("seal", ["é", "\ud55c", "\x00", "x" * 5000])
async def test_an_odd_seal_is_a_wrong_one(board: Browsing, seal: str) -> None:
    """Also one in letters that no seal has."""
    async with board.browser(COMPANY) as browser:
        assert (await browser.post("/cancel", data={"seal": seal})).status_code == 403


@pytest.mark.parametrize(
    "token", ["é", "a.é.c", "a..c", ".".join(["x" * 2000] * 3), "a.bnVsbA.c", "a.W10.c", "a.e30.c", "\x01"]
)
async def test_an_odd_cookie_is_nobody(board: Browsing, token: str) -> None:
    """Whatever stands in the place of a token, its holder is asked to sign in."""
    async with board.browser() as browser:
        answer = await browser.get("/company", headers=[(b"cookie", f"{COOKIE}={token}".encode("latin-1"))])
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
