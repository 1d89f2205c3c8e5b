"""A centre behind the nats-server that is deployed, for tests of what each user of it can and cannot do."""

from pathlib import Path
from typing import Any

import nats

from services.eventlog.connection import inbox_of
from tests.system.harness import Centre
from tests.system.permitted import CENTRE, PermittedNats


class Production(Centre):
    """A centre of which each service has the user that is meant for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CENTRE, speed=1)
        self.permitted = PermittedNats(folder / "permitted")
        self.nats: Any = self.permitted

    def _scheduler_settings(self) -> dict[str, str]:
        return {**super()._scheduler_settings(), "AIDC_NATS_URL": self.permitted.url_of("scheduler")}


async def listening(url: str, refusals: list[str]) -> Any:
    """A plain client that notes what it is refused."""

    async def note(error: Exception) -> None:
        refusals.append(str(error))

    return await nats.connect(url, inbox_prefix=inbox_of(url), error_cb=note)
