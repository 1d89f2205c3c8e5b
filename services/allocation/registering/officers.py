"""Support officers: people of the centre who act for a company, each between two dates, as an operator registered.

Who may act for whom is in the log and not in a token: so it has a beginning and an end that everybody can check, it
ends at once when it is taken back, and what was done in somebody's name can be held against what was allowed then.
"""

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import no_company
from services.allocation.rejections import Reason, refuse
from services.allocation.values.conduct import OFFICERS_MAX


def assign_officer(centre: Centre, command: commands.AssignOfficer, now: int) -> Events:
    """Let an officer act for a company in `[start, end)`, instead of when they might before."""
    wish = command.assignment
    if wish.company not in centre.companies:
        raise no_company(wish.company)
    if wish.end <= max(now, wish.start):
        raise refuse(Reason.INVALID_OFFICER, "An assignment must end after it starts, and later than now.")
    others = [each for each in centre.records.conduct(wish.company).officers if each.officer != wish.officer]
    if len(others) >= OFFICERS_MAX:
        raise refuse(
            Reason.INVALID_OFFICER,
            f"{OFFICERS_MAX} officers may act for a company; dismiss one of them first.",
            wish.company,
            limit=OFFICERS_MAX,
            asked=len(others) + 1,
        )
    return (events.OfficerAssigned(assignment=wish),)


def dismiss_officer(centre: Centre, command: commands.DismissOfficer) -> Events:
    """From now on an officer acts for a company no more; what they did stands."""
    known = {each.officer for each in centre.records.conduct(command.company).officers}
    if command.officer not in known:
        raise refuse(Reason.NO_SUCH_RECORD, f"{command.officer} does not act for {command.company}.", command.officer)
    return (events.OfficerDismissed(company=command.company, officer=command.officer, reason=command.reason),)
