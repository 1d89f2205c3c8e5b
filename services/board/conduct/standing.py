"""How a company stands, on its page: what bars it from booking, and what operators can record from there."""

from services.board.conduct import arrears, exemption, strikes, trainings
from services.board.conduct.judgement import link
from services.board.conduct.records import RECORDS
from services.board.frame import parts
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup, el
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

BEGUN_HERE = ("arrears", "misuse", "exemption", "training")
"""The records that begin with nothing; the others are of something that stands in a list."""


async def standing(visit: Visit, company: str, conduct: api.Conduct) -> list[Content]:
    """What bars it first of all, then its record; nothing for a company where there is nothing to say."""
    words, done = visit.words, visit.query("done")
    shown = [
        ("arrears_title", await arrears.overdue(visit, company, conduct.arrears)),
        ("strikes_title", strikes.standing(visit, company, conduct.strikes)),
        ("training_title", trainings.known(visit, company, conduct.qualifications)),
    ]
    tables = [[el("h3", words(key)), made] for key, made in shown if made is not None]
    free = exemption.ahead(visit, conduct.exemptions)
    notes = [*_bars(visit, company, conduct), *free]
    told = parts.note(words(f"judge_{done}_done"), "good") if done in RECORDS else None
    if not visit.person.operates:
        return [told, notes, parts.section(words("standing_title"), tables) if tables else None]
    forms = [el("li", link(visit, name, company)) for name in BEGUN_HERE]
    nothing = None if tables else parts.empty(words("standing_good"))
    made = parts.section(words("standing_title"), tables, nothing, el("ul", forms, class_="links"))
    return [told, notes, made]


def _bars(visit: Visit, company: str, conduct: api.Conduct) -> list[Markup]:
    """Misuse, a bill that suspends, strikes that do: the loudest first."""
    words = visit.words
    found = []
    if conduct.HasField("misuse"):
        key = "misuse_stands" if conduct.misuse.revokes else "misuse_noted"
        told = words(key, reason=conduct.misuse.reason, reference=conduct.misuse.reference or "–")
        lift = [" ", link(visit, "lift", company)] if visit.person.operates else None
        found.append(parts.note([told, lift], "bad"))
    if any(each.suspends for each in conduct.arrears):
        found.append(parts.note(words("arrears_bars"), "bad"))
    if until := strikes.suspension(visit, conduct):
        found.append(parts.note(words("conduct_suspended", moment=until), "bad"))
    elif conduct.strikes:
        kept = f"{conduct.reliability * 100:.0f}"
        found.append(parts.note(words("conduct_strikes", count=len(conduct.strikes), kept=kept), "warn"))
    return found
