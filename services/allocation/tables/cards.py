"""The rate cards, and by which of them each reservation is priced: the newest that was published when it was made and
is valid when it was to start. It keeps that card, whatever is published later and wherever it is moved.

A part that was split off says itself by which card the whole was priced.

So that booking costs nothing here, only the exceptions are noted: whom a later card, or another start, would price
otherwise. The ledger finds the same cards by the order of the events.
"""

from collections.abc import Iterable

from services.allocation.reservations import Reservation
from services.allocation.values.tariff import Tariff, tariff_for

NO_CARD = ""


class Cards:
    """Every card by its id, in order of publication, and `kept`: the ids of reservations with that of their card."""

    def __init__(self) -> None:
        self.published: dict[str, Tariff] = {}
        self.kept: dict[str, str] = {}

    def publish(self, card: Tariff, reservations: Iterable[Reservation]) -> None:
        """Let a card apply to whatever is made from now on. `reservations` are all that were made before."""
        for reservation in reservations:
            if reservation.start >= card.valid_from and reservation.id not in self.kept:
                self.kept[reservation.id] = self._name_for(reservation.start)
        self.published[card.id] = card

    def valid_at(self, start: int) -> Tariff | None:
        """The card that prices what is made now for a start in seconds; None while that is free."""
        return tariff_for(self.published.values(), start)

    def of(self, reservation: Reservation) -> Tariff | None:
        """The card of a reservation; None if it is free."""
        if reservation.origin is not None:
            return self.published.get(reservation.origin.card)
        name = self.kept.get(reservation.id) if self.kept else None
        return self.valid_at(reservation.start) if name is None else self.published.get(name)

    def keep(self, before: Reservation, after: Reservation) -> None:
        """Let a reservation that starts at another time have the card that it had."""
        name = self._name_of(before)
        if name == self._name_for(after.start):
            self.kept.pop(after.id, None)
        else:
            self.kept[after.id] = name

    def forget(self, reservation_id: str) -> None:
        """A reservation is kept no more."""
        self.kept.pop(reservation_id, None)

    def _name_of(self, reservation: Reservation) -> str:
        name = self.kept.get(reservation.id)
        return self._name_for(reservation.start) if name is None else name

    def _name_for(self, start: int) -> str:
        card = self.valid_at(start)
        return card.id if card is not None else NO_CARD
