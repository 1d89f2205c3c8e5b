"""Where on the board a thing has its page, by its name at the doors."""

from services.board.doors.catalogue import plain


def company_of(name: str) -> str:
    """The company in a reservation's name."""
    return name.split("/")[1] if name.count("/") == 3 else ""


def of_reservation(name: str) -> str:
    """The page of a reservation."""
    return f"/reservations/{company_of(name)}/{plain(name)}"


def of_series(name: str) -> str:
    """The page of a series."""
    _, company, _, series = name.split("/")
    return f"/series/{company}/{series}"


def of_outage(name: str) -> str:
    """The page of an outage."""
    return f"/outages/{plain(name)}"
