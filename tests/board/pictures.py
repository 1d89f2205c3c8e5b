"""The pictures of the board in the docs: a lively simulated fortnight of the whole catalogue, seen by two people.

`python -m tests.board.pictures FOLDER` starts a centre of its own, fills it, waits until its clock stands still, and
takes them. The same seed gives much the same pictures.
"""

import asyncio
import json
import shutil
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo

import grpc.aio
from playwright.async_api import Browser, async_playwright

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.board.life import Life

UNTIL = "2026-03-11T14:20:00+09:00"
CLOCK = f"2026-03-02T08:00:00+09:00@4000/{UNTIL}"
BOOKINGS, DAYS, SEEDS = 900, 12, (7, 11, 23)
COMPANY, TAKER, DEBTOR = "CMP-0178", "CMP-0004", "CMP-0077"
READY_SECONDS_MAX = 240.0
POLL_SECONDS = 0.05
APART_SECONDS = 2 * 86_400
LEAK = api.Outage(
    name="outages/npu-cooling",
    kind=api.Outage.KIND_FAILURE,
    reason="coolant leak in the rack; parts are on their way",
    scopes=[api.OutageScope(resource="resources/npu-verify", count=1)],
)
WIDE, NARROW = (1280, 820), (390, 780)
CHANGE = "/reservations/{made}/change?end={later}"
SERIES = (
    "/series/new?resource=cpu-batch&amount=16&hours=4&first=2026-03-16T09:00&day_MO=on&day_WE=on&times=6&policy=skip"
)
SERIES_CHANGE = (
    "/series/{series}/change?time=13:00&hours=4&amount1=16&note=regression+suite&policy=skip"
    "&every=week&interval=1&times=6&day_MO=on&day_WE=on&out_20260323=on"
)
BOOK = "/book?resource=npu-verify&amount=8&hours=12&longest=24&order=cheapest"
OVERRIDE = f"/book?resource=M01&amount=1&hours=4&company={COMPANY}&earliest=2026-03-12T09:00"
OUTAGE = "/outages/new?resource=h100-train&nodes=h100-train-003,h100-train-004&kind=failure&reason=fan+tray"
MISUSE = f"/conduct/misuse?asked=1&company={COMPANY}&reason=mining+instead+of+training&reference=AUD-2026-4"
BILL = "month=2026-01&krw=1%2C200%2C000&due=2026-02-15T18:00&reference=2026-01-77"
ARREARS = f"/conduct/arrears?asked=1&company={DEBTOR}&{BILL}"
CLASS = "/book?resource=cpu-batch&amount=24&hours=3&people=24&earliest=2026-03-12T09:00"
LONGER_SECONDS = 4 * 3_600


class Picture(NamedTuple):
    """One picture: its name, who looks at what, and how."""

    name: str
    holder: str
    path: str
    size: tuple[int, int] = WIDE
    scheme: str = "light"
    locale: str = "en-GB"
    part: str = ""
    """The part of the page that it shows, as a selector; all of what the window shows without one."""


PICTURES = (
    Picture("now", "operator", "/", size=(1280, 1040)),
    Picture("timeline", "operator", "/timeline"),
    Picture("equipment-dark", "operator", "/timeline?kind=equipment", scheme="dark"),
    Picture("usage", "operator", "/usage"),
    Picture("company-ko", COMPANY, "/company", locale="ko-KR"),
    Picture("book", COMPANY, BOOK, size=(1280, 1080)),
    Picture("change", COMPANY, CHANGE, size=(1280, 980)),
    Picture("series-ko", COMPANY, SERIES, size=(1280, 1080), locale="ko-KR"),
    Picture("series-change", COMPANY, SERIES_CHANGE, size=(1280, 1260)),
    Picture("transfer-narrow-ko", TAKER, "/reservations/{offered}", size=(390, 980), locale="ko-KR"),
    Picture("override", "operator", OVERRIDE, size=(1280, 1520)),
    Picture("misuse", "operator", MISUSE, size=(1280, 1040)),
    Picture("arrears-ko", "operator", ARREARS, size=(1280, 900), locale="ko-KR"),
    Picture("standing", "operator", f"/company?company={DEBTOR}", part="#standing"),
    Picture("class", COMPANY, CLASS, size=(1280, 1240)),
    Picture("outage-dark", "operator", OUTAGE, size=(1280, 1040), scheme="dark"),
    Picture("now-narrow-ko", COMPANY, "/", size=NARROW, locale="ko-KR", scheme="dark"),
)


@asynccontextmanager
async def centre(folder: Path) -> AsyncIterator[Mapping[str, Any]]:
    """`aidc up` on a folder, on simulated time; gives its endpoints."""
    command = ("-m", "services.cli.main", "up", "--data", str(folder), "--clock", CLOCK, "--json")
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_SECONDS_MAX):
            ready = await process.stdout.readline()
        assert ready, "the centre did not start"
        yield json.loads((folder / "endpoints.json").read_text())
    finally:
        process.terminate()
        await process.wait()


async def filled(endpoints: Mapping[str, Any]) -> None:
    """A fortnight of bookings, made over three mornings, and of people who come, until the clock stands still."""
    async with grpc.aio.insecure_channel(endpoints["scheduler"]) as channel:
        keeper, made, before, began = Life(channel, endpoints["tokens"], seed=0), 0, -1, 0
        while True:
            now = await keeper.attend()
            if now == before:
                await keeper.ask("DeclareOutage", api.DeclareOutageRequest(outage=LEAK, request_id=str(uuid.uuid4())))
                return
            before, began = now, began or now
            if made < len(SEEDS) and now >= began + made * APART_SECONDS:
                await Life(channel, endpoints["tokens"], SEEDS[made]).live(BOOKINGS, DAYS)
                made += 1
            await asyncio.sleep(POLL_SECONDS)


async def places(endpoints: Mapping[str, Any]) -> Mapping[str, str]:
    """What pages are about: a reservation of the company and when it could end, one that it offers, and a series."""
    async with grpc.aio.insecure_channel(endpoints["scheduler"]) as channel:
        keeper = Life(channel, endpoints["tokens"], seed=0)
        request = api.ListReservationsRequest(
            parent=f"companies/{COMPANY}", page_size=1, states=[api.Reservation.STATE_CONFIRMED]
        )
        [first] = (await keeper.ask("ListReservations", request)).reservations
        given = await keeper.ask("CreateReservation", spare())
        offer = api.UpdateReservationRequest(request_id=str(uuid.uuid4()))
        offer.reservation.name, offer.reservation.company = given.name, f"companies/{TAKER}"
        offer.update_mask.paths.append("company")
        assert await keeper.ask("UpdateReservation", offer)
        repeated = await keeper.ask("CreateSeries", weekly())
        assert await keeper.ask("RecordArrears", overdue())
    later = datetime.fromtimestamp(first.end_time.seconds + LONGER_SECONDS, ZoneInfo("Asia/Seoul"))
    return {
        "made": short(first.name),
        "later": f"{later:%Y-%m-%dT%H:%M}",
        "offered": short(given.name),
        "series": short(repeated.name),
    }


def spare() -> api.CreateReservationRequest:
    """Some processors that the company will not need after all."""
    request = api.CreateReservationRequest(parent=f"companies/{COMPANY}", request_id=str(uuid.uuid4()))
    request.reservation.lines.add(resource="resources/cpu-batch", units=64)
    request.reservation.start_time.FromDatetime(datetime.fromisoformat("2026-03-18T09:00:00+09:00"))
    request.reservation.duration.seconds = 2 * LONGER_SECONDS
    return request


def weekly() -> api.CreateSeriesRequest:
    """The company trains on some processors twice a week."""
    request = api.CreateSeriesRequest(parent=f"companies/{COMPANY}", request_id=str(uuid.uuid4()))
    request.series.lines.add(resource="resources/cpu-batch", units=16)
    request.series.first, request.series.time_zone = "2026-03-16T09:00", "Asia/Seoul"
    request.series.duration.seconds, request.series.note = LONGER_SECONDS, "regression suite"
    request.series.recurrence.append("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=6")
    request.series.policy = api.CONFLICT_POLICY_SKIP
    return request


def overdue() -> api.RecordArrearsRequest:
    """Somebody has not paid the bill of December."""
    request = api.RecordArrearsRequest(parent=f"companies/{DEBTOR}", request_id=str(uuid.uuid4()))
    request.arrear.month, request.arrear.krw, request.arrear.reference = "2025-12", 840_000, "2025-12-77"
    request.arrear.due_time.FromDatetime(datetime.fromisoformat("2026-01-15T18:00:00+09:00"))
    return request


def short(name: str) -> str:
    """The company and the id of a name, as pages are addressed."""
    _, company, _, item = name.split("/")
    return f"{company}/{item}"


async def taken(browser: Browser, endpoints: Mapping[str, Any], picture: Picture, folder: Path) -> None:
    """One picture."""
    width, height = picture.size
    context = await browser.new_context(
        base_url=f"http://{endpoints['board']}",
        viewport={"width": width, "height": height},
        color_scheme="dark" if picture.scheme == "dark" else "light",
        locale=picture.locale,
    )
    page = await context.new_page()
    await page.goto(f"/sign-in?next={quote(picture.path)}")
    await page.fill("input[name=token]", endpoints["tokens"][picture.holder])
    await page.press("input[name=token]", "Enter")
    await page.wait_for_selector("#live:not(:empty)")
    path = folder / f"{picture.name}.png"
    await (page.locator(picture.part).screenshot(path=path) if picture.part else page.screenshot(path=path))
    await context.close()


async def main(folder: Path) -> None:
    """All of them."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "the pictures need Chromium: install the package `chromium`"
    with tempfile.TemporaryDirectory() as data:
        async with centre(Path(data, "data")) as endpoints, async_playwright() as playwright:
            await filled(endpoints)
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            known = await places(endpoints)
            for picture in PICTURES:
                await taken(browser, endpoints, picture._replace(path=picture.path.format(**known)), folder)
                print(folder / f"{picture.name}.png")
            await browser.close()


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(chosen))
