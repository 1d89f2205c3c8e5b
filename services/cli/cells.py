"""Cells of a file for spreadsheets: what is text stays text, though a spreadsheet would run it as a formula."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def cells(values: tuple[object, ...]) -> tuple[object, ...]:
    """A row as it may be written: a text that begins as a formula does gets an apostrophe before it; numbers do not."""
    return tuple(
        f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value for value in values
    )
