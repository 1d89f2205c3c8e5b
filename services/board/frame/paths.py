"""Where on the board a thing has its page, by its name at the doors."""

from services.board.doors.catalogue import plain


def company_of(name: str) -> str:
    """The company in the name of a reservation or series; empty in what is no such name."""
    return name.split("/")[1] if name.count("/") == 3 else ""


def of_reservation(name: str) -> str:
    """The page of a reservation."""
    return f"/reservations/{company_of(name)}/{plain(name)}"


def of_series(name: str) -> str:
    """The page of a series."""
    return f"/series/{company_of(name)}/{plain(name)}"


def of_outage(name: str) -> str:
    """The page of an outage."""
    return f"/outages/{plain(name)}"
