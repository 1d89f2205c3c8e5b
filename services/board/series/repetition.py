"""How often something is booked again: read from a form into a rule of RFC 5545, and said in words again."""

from collections.abc import Iterable, Mapping

from services.board.frame.visit import Visit
from services.board.paper.times import WEEKDAYS
from services.board.paper.words import Words

EVERY = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY"}
WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TIMES_MAX = 100
INTERVAL_MAX = 52
RULE, EXDATE = "RRULE:", "EXDATE:"


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
    """A rule in words, with how many times are left out of it; one that this board would not write, as it stands."""
    lines = list(recurrence)
    rules = [line for line in lines if not line.startswith(EXDATE)]
    fields = fields_of(rules[0]) if len(rules) == 1 else {}
    if not fields:
        return " ".join(lines)
    every, interval = fields["every"], fields.get("interval", "1")
    often = words(f"every_{every}") if interval == "1" else words(f"every_n_{every}", count=interval)
    names = [WEEKDAYS[words.language][at] for at, code in enumerate(WEEKDAY_CODES) if f"day_{code}" in fields]
    told = words("repeats_on" if names else "repeats", often=often, days=", ".join(names), times=fields["times"])
    out = sum(len(line.split(",")) for line in lines if line.startswith(EXDATE))
    return words("repeats_without", rule=told, count=out) if out else told


def fields_of(rule: str) -> dict[str, str]:
    """The fields of a form that writes this rule; none if no form does."""
    parts = dict(part.partition("=")[::2] for part in rule.removeprefix(RULE).split(";"))
    every = next((name for name, code in EVERY.items() if code == parts.get("FREQ")), "")
    days = parts["BYDAY"].split(",") if parts.get("BYDAY") else []
    known = parts.keys() <= {"FREQ", "INTERVAL", "BYDAY", "COUNT"} and {"FREQ", "COUNT"} <= parts.keys()
    if not known or not every or not set(days) <= set(WEEKDAY_CODES):
        return {}
    return {
        "every": every,
        "interval": parts.get("INTERVAL", "1"),
        "times": parts["COUNT"],
        **{f"day_{code}": "on" for code in days},
    }


def _number(visit: Visit, text: str, most: int, faults: list[str]) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= most:
        return int(text)
    faults.append(visit.words("fault_number", text=text, most=most))
    return 1
