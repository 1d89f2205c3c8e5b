"""The series of the centre, and which of them each reservation belongs to."""

from collections.abc import Mapping

from services.allocation.reservations import Reservation
from services.allocation.series import Series


class SeriesTable:
    """Series by their ids. A series is kept as long as any of its reservations.

    The centre's reservations are shared, and only looked at.
    """

    def __init__(self, reservations: Mapping[str, Reservation]) -> None:
        self.by_id: dict[str, Series] = {}
        self.of: dict[str, str] = {}  # The series of each reservation that has one.
        self._reservations = reservations

    def put(self, series: Series) -> Series:
        """Let a series stand as it is."""
        before = self.by_id.get(series.id)
        for name in before.reservations if before is not None else ():
            self.of.pop(name, None)
        self.by_id[series.id] = series
        for name in series.reservations:
            reservation = self._reservations.get(name)
            if reservation is not None and reservation.company == series.company:
                self.of[name] = series.id
        return series

    def leave(self, reservation_id: str) -> None:
        """Let a reservation belong to no series any more, and go of a series that has no other."""
        series = self.by_id.get(self.of.pop(reservation_id, ""))
        if series is not None and not any(name in self.of for name in series.reservations):
            del self.by_id[series.id]
