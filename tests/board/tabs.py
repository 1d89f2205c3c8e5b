"""Tabs of a browser, signed in as whoever is wanted, that remember what went wrong in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from playwright.async_api import Browser, Page

from tests.board.test_live import Served
from tests.system.small_catalogue import COMPANY

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


class Tabs:
    """Pages of a browser, signed in, that remember what went wrong in them."""

    def __init__(self, browser: Browser, served: Served, made: str = "", series: str = "") -> None:
        self._browser = browser
        self._made, self._series = made, series
        self.served = served
        self.complaints: list[str] = []

    def at(self, path: str) -> str:
        """A path, with the reservation and the series that there are in the place of one."""
        return path.replace("{made}", self._made).replace("{series}", self._series)

    @asynccontextmanager
    async def open(
        self, holder: str = COMPANY, path: str = "/", *, footer: bool = True, **context: object
    ) -> AsyncIterator[Page]:
        """A tab at a page, in a browser context of its own; without `footer` at a page that only asks something."""
        settings, path = {"viewport": WIDE, "locale": "en-GB", **context}, self.at(path)
        made = await self._browser.new_context(base_url=f"http://{self.served.web}", **settings)  # type: ignore[arg-type]  # Playwright's keywords
        try:
            page = await made.new_page()
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
            await page.goto(f"/sign-in?next={quote(path)}")
            await page.fill("input[name=token]", self.served.browsing.centre.centre.tokens[holder])
            await page.press("input[name=token]", "Enter")
            await page.wait_for_selector("footer" if footer else "input:focus:not([name=token])")
            yield page
        finally:
            await made.close()
