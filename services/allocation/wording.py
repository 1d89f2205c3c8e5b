"""How lengths of time are said to people. Pure."""

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def spelled(seconds: int) -> str:
    """`2 days 4 hours`, `1 hour`, `45 minutes`; parts of a minute are left out, and less than one is `0 minutes`."""
    parts = []
    for name, length in UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 minutes"
