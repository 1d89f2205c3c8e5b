"""What is still to follow from the companies' records: from bills that are overdue, and from misuse."""

from collections.abc import Iterator, Mapping
from itertools import chain
from zoneinfo import ZoneInfo

from services.allocation.reservations import Reservation
from services.allocation.tables.records import Records
from services.allocation.values.arrears import Stage, stages


class Consequences:
    """Planned anew from the records whenever one of them changes that anything follows from.

    The centre's tables are shared, and only looked at.
    """

    def __init__(
        self, records: Records, names: Mapping[str, Mapping[str, None]], reservations: Mapping[str, Reservation]
    ) -> None:
        self.stages: list[Stage] = []  # What follows from bills, the next first.
        self.revoked: list[str] = []  # Companies whose reservations are taken back for misuse.
        self._records = records
        self._names = names
        self._reservations = reservations

    def plan(self, zone: ZoneInfo) -> None:
        """Note what will follow by the terms published so far; months end in the zone of the centre."""
        conducts = self._records.conducts.values()
        owing = (each for each in conducts if each.arrears)
        ahead = (stages(each.company, each.arrears, self._records.terms, zone) for each in owing)
        self.stages = sorted(chain.from_iterable(ahead))
        self.revoked = [each.company for each in conducts if each.revoked]

    def to_revoke(self) -> Iterator[Reservation]:
        """What companies that misused it still have."""
        for company in self.revoked:
            for name in self._names[company]:
                if (reservation := self._reservations[name]).state.live:
                    yield reservation
