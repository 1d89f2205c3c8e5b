"""How often something is booked again: read from a form into a rule of RFC 5545, and said in words again."""

from collections.abc import Iterable, Mapping

from services.board.times import WEEKDAYS
from services.board.visit import Visit
from services.board.words import Words

EVERY = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY"}
WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TIMES_MAX = 100
INTERVAL_MAX = 52
RULE = "RRULE:"


def read_rule(visit: Visit, fields: Mapping[str, str], faults: list[str]) -> str:
    """The rule that a form asks for; what makes no sense is named."""
    every = fields.get("every", "week")
    parts = [f"FREQ={EVERY.get(every, 'WEEKLY')}"]
    interval = _number(visit, fields.get("interval") or "1", INTERVAL_MAX, faults)
    if interval > 1:
        parts.append(f"INTERVAL={interval}")
    days = [code for code in WEEKDAY_CODES if fields.get(f"day_{code}")]
    if every == "week" and days:
        parts.append(f"BYDAY={','.join(days)}")
    parts.append(f"COUNT={_number(visit, fields.get('times') or '', TIMES_MAX, faults)}")
    return RULE + ";".join(parts)


def said(words: Words, recurrence: Iterable[str]) -> str:
    """A rule in words; one that this board would not write, as it stands."""
    lines = list(recurrence)
    text = lines[0].removeprefix(RULE) if len(lines) == 1 else ""
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    every = next((name for name, code in EVERY.items() if code == parts.get("FREQ")), "")
    days = parts.get("BYDAY", "").split(",") if parts.get("BYDAY") else []
    known = parts.keys() <= {"FREQ", "INTERVAL", "BYDAY", "COUNT"} and {"FREQ", "COUNT"} <= parts.keys()
    if not known or not every or not set(days) <= set(WEEKDAY_CODES):
        return " ".join(lines)
    interval = parts.get("INTERVAL", "1")
    often = words(f"every_{every}") if interval == "1" else words(f"every_n_{every}", count=interval)
    names = [WEEKDAYS[words.language][WEEKDAY_CODES.index(code)] for code in days]
    return words("repeats_on" if names else "repeats", often=often, days=", ".join(names), times=parts["COUNT"])


def _number(visit: Visit, text: str, most: int, faults: list[str]) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= most:
        return int(text)
    faults.append(visit.words("fault_number", text=text, most=most))
    return 1
