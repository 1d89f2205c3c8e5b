"""How a company stands, on its page: what bars it from booking, and what operators can record from there."""

from services.board.conduct import arrears, exemption, strikes, trainings
from services.board.conduct.judgement import link
from services.board.conduct.records import RECORDS
from services.board.frame import parts
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

HERE = "standing"
BEGUN_HERE = ("arrears", "misuse", "exemption", "training")
"""The records that begin with nothing; the others are of something that stands in a list."""


def bars(visit: Visit, company: str, conduct: api.Conduct) -> list[Markup]:
    """What was just recorded, and what bars the company from booking, for the top of its page."""
    done = visit.query("done")
    told = [parts.note(visit.words(f"judge_{done}_done"), "good")] if done in RECORDS else []
    return [*told, *_bars(visit, company, conduct), *exemption.ahead(visit, conduct.exemptions)]


async def record(visit: Visit, company: str, conduct: api.Conduct) -> Markup | None:
    """Its bills, strikes and trainings, and an operator's ways to add to them; nothing where there is nothing."""
    words = visit.words
    shown = [
        ("arrears_title", await arrears.overdue(visit, company, conduct.arrears)),
        ("strikes_title", strikes.standing(visit, company, conduct.strikes)),
        ("training_title", trainings.known(visit, company, conduct.qualifications)),
    ]
    tables = [[el("h3", words(key)), made] for key, made in shown if made is not None]
    if not visit.person.operates:
        return parts.section(words("standing_title"), tables, id_=HERE) if tables else None
    forms = el("ul", [el("li", link(visit, name, company)) for name in BEGUN_HERE], class_="links")
    return parts.section(words("standing_title"), tables or parts.empty(words("standing_good")), forms, id_=HERE)


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
    elif conduct.arrears:
        months = ", ".join(each.month for each in conduct.arrears)
        found.append(parts.note(el("a", words("arrears_stand", months=months), href=f"#{HERE}"), "warn"))
    if until := strikes.suspension(visit, conduct):
        found.append(parts.note(words("conduct_suspended", moment=until), "bad"))
    elif conduct.strikes:
        kept = f"{conduct.reliability * 100:.0f}"
        found.append(parts.note(words("conduct_strikes", count=len(conduct.strikes), kept=kept), "warn"))
    return found
