"""Who has reservations on a pool of batch work."""

from collections.abc import Mapping

from services.allocation.reservations import Reservation


class BatchWork:
    """The reservations of each company that stand on a pool; those that ended are let go when somebody asks."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, None]] = {}

    def note(self, reservation: Reservation, sign: int) -> None:
        """One more, or with `sign` -1 one less."""
        some = self._of.setdefault(reservation.company, {})
        if sign > 0:
            some[reservation.id] = None
        else:
            some.pop(reservation.id, None)

    def live(self, company: str, reservations: Mapping[str, Reservation]) -> list[Reservation]:
        """Those of a company that are not over."""
        some = self._of.get(company, {})
        for name in list(some):
            found = reservations.get(name)
            if found is None or not found.state.live:
                del some[name]
        return [reservations[name] for name in some]
