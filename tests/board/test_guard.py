"""What comes in is limited, what goes out is guarded, and forms are ours or refused."""

import asyncio
import re

import pytest
from prometheus_client import generate_latest

from services.board.doors.session import COOKIE
from services.board.entrance.guard import BODY_BYTES_MAX, HEADERS
from tests.board.browsing import ORIGIN, Browsing, forms
from tests.system.small_catalogue import COMPANY, RIVAL

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGES = ("/", "/timeline", "/usage", "/company", "/book", f"/reservations/{COMPANY}/none")
POSTS = ("/book", "/confirm", "/check-in", "/cancel", "/release", "/sign-out")


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/nowhere", "/static/none", "/live"])
@pytest.mark.parametrize("holder", [COMPANY, ""])
async def test_every_answer_has_the_headers(board: Browsing, path: str, holder: str) -> None:
    """Signed in or not, found or not: no script but ours, no frame, no sniffing, nothing kept."""
    if path == "/live" and holder:
        return  # It does not end; test_live reads it.
    async with board.browser(holder) as browser:
        answer = await browser.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_assets_are_kept_for_ever_under_names_of_their_own(board: Browsing) -> None:
    """A page names its style sheet by what is in it; any other name is not there."""
    text = await board.page("/")
    async with board.browser() as browser:
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', text):
            answer = await browser.get(path)
            assert "immutable" in answer.headers["cache-control"]
        assert (await browser.get("/static/board.css")).status_code == 404


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_sees_a_page_without_signing_in(board: Browsing, path: str) -> None:
    """Without a token, or with one that is none, every page leads to the door and back again."""
    for cookie in ("", "nonsense", "a.b.c", "x." + "A" * 5000 + ".x"):
        async with board.browser() as browser:
            answer = await browser.get(path, headers={"cookie": f"{COOKIE}={cookie}"} if cookie else {})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?")


async def test_signing_in_keeps_the_token_where_no_script_reads_it(board: Browsing) -> None:
    """The cookie is HttpOnly and SameSite=Strict, the token is in no address or page, and one gets where one wanted."""
    token = board.centre.centre.tokens[COMPANY]
    async with board.browser() as browser:
        answer = await browser.post("/sign-in", data={"token": f"  {token}\n", "next": "/usage"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/usage")
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert int(re.search(r"Max-Age=(\d+)", cookie)[1]) <= 3600  # type: ignore[index]  # it is there
        shown = await browser.get("/usage")
    assert shown.status_code == 200
    assert token not in shown.text


async def test_over_tls_the_cookie_is_secure(board: Browsing) -> None:
    """Where the page came encrypted, the token never goes back in the clear."""
    async with board.browser() as browser:
        browser.base_url = "https://board.test"  # type: ignore[assignment]  # httpx takes text
        answer = await browser.post("/sign-in", data={"token": board.centre.centre.tokens[COMPANY]})
    assert "Secure" in answer.headers["set-cookie"].split("; ")
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "A" * 9000])
async def test_a_bad_token_lets_nobody_in(board: Browsing, token: str) -> None:
    """It is said that it is bad, and no cookie is set."""
    async with board.browser() as browser:
        answer = await browser.post("/sign-in", data={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_claims_alone_let_nobody_in(board: Browsing) -> None:
    """A token with another's claims and a wrong signature is refused by the scheduler."""
    header, claims, _ = board.centre.centre.tokens[RIVAL].split(".")
    signature = board.centre.centre.tokens[COMPANY].split(".")[2]
    async with board.browser() as browser:
        answer = await browser.post("/sign-in", data={"token": f"{header}.{claims}.{signature}"})
        assert answer.status_code == 401
        forged = await browser.get("/company", headers={"cookie": f"{COOKIE}={header}.{claims}.{signature}"})
    assert forged.headers["location"].startswith("/sign-in?ended=1")


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_without_our_seal_changes_nothing(board: Browsing, path: str) -> None:
    """No seal, another's seal, or a page of another site: refused before anything is asked."""
    others = forms(await board.page("/", RIVAL), "/sign-out")[0]["seal"]
    async with board.browser(COMPANY) as browser:
        for sent in ({}, {"seal": ""}, {"seal": others}):
            assert (await browser.post(path, data={"x": "y", **sent})).status_code == 403
        mine = forms(await board.page("/"), "/sign-out")[0]["seal"]
        answer = await browser.post(path, data={"seal": mine}, headers={"origin": "https://evil.test"})
    assert answer.status_code == 403


async def test_our_own_origin_is_welcome(board: Browsing) -> None:
    """A browser that names our page as the sender is served."""
    mine = forms(await board.page("/"), "/sign-out")[0]["seal"]
    async with board.browser(COMPANY) as browser:
        answer = await browser.post("/sign-out", data={"seal": mine}, headers={"origin": ORIGIN})
    assert answer.status_code == 303
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("send", "status"),
    [
        ({"content": b"x" * (BODY_BYTES_MAX + 1)}, 413),
        ({"content": b"{}", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b"\xff\xfe=1", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"&".join([b"a=1"] * 200), "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400),
    ],
)
async def test_what_is_no_form_is_turned_away(board: Browsing, send: dict[str, object], status: int) -> None:
    """Too large, not a form, not text, or too many fields."""
    async with board.browser(COMPANY) as browser:
        assert (await browser.post("/book", **send)).status_code == status  # type: ignore[arg-type]  # httpx's keywords


async def test_a_page_that_is_not_there_keeps_the_way_around(board: Browsing) -> None:
    """An address that leads nowhere, or to nothing that they may see; strangers are told so without it."""
    async with board.browser(COMPANY) as browser:
        for path in ("/nowhere", "/reservations/CMP-1/none", "/outages/none"):
            answer = await browser.get(path)
            assert answer.status_code == 404, path
            assert all(f'href="{target}"' in answer.text for target in ("/timeline", "/usage", "/company", "/book")), (
                path
            )
            assert forms(answer.text, "/sign-out"), path
    async with board.browser() as stranger:
        answer = await stranger.get("/nowhere")
        assert answer.status_code == 404
        assert "/timeline" not in answer.text


async def test_odd_addresses_are_answered_calmly(board: Browsing) -> None:
    """Endless or senseless parameters never break a page."""
    async with board.browser(COMPANY) as browser:
        assert (await browser.get("/?x=" + "y" * 9000)).status_code == 414
        odd = "/timeline?zoom=%00&day=%F0%9F%92%A9&kind=<x>&resource=../../etc&search=%22%3E%3Csvg"
        assert (await browser.get(odd)).status_code == 200
        assert (await browser.get("/usage?range=x&pool=<b>&company=CMP-2")).status_code == 200
        assert (await browser.get("/book?resource=core&amount=1&hours=2&earliest=0001-01-01T00:00")).status_code == 200
        assert (await browser.get("/reservations/a%2Fb/c")).status_code == 404
        assert (await browser.put("/book")).status_code == 405


async def test_too_many_at_once_are_told_to_wait(board: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a page says 503 and when to come back, and the others are served."""
    monkeypatch.setattr("services.board.entrance.guard.IN_FLIGHT_MAX", 2)
    async with board.browser(COMPANY) as browser:
        answers = await asyncio.gather(*(browser.get("/timeline?kind=all") for _ in range(6)))
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) == {200, 503}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)


async def test_a_mistake_of_ours_tells_nothing(board: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception becomes a plain 500, without its text."""

    def broken(*_: object) -> None:
        raise RuntimeError("canary-secret")

    monkeypatch.setattr("services.board.web.language_of", broken)
    async with board.browser(COMPANY) as browser:
        answer = await browser.get("/usage")
    assert answer.status_code == 500
    assert "canary-secret" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


async def test_pages_are_counted_by_route_and_never_by_address(board: Browsing) -> None:
    """Metrics have the routes there are, whatever is asked for."""
    async with board.browser(COMPANY) as browser:
        await browser.get("/usage?range=days")
        await browser.get("/wp-admin/canary")
    text = generate_latest(board.registry).decode()
    assert 'alloc_board_requests_total{method="GET",route="/usage",status="200"}' in text
    assert "canary" not in text
