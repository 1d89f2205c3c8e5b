"""Exemptions from a review: a company asks for one, in time, and an operator who grants it says why.

The review of that date still happens and is an event as ever, with the shares as they stand; it takes nothing.
"""

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import no_company
from services.allocation.measures import DAY_SECONDS
from services.allocation.rejections import Reason, refuse


def exempt(centre: Centre, command: commands.ExemptFromReview, now: int) -> Events:
    """Let the next review of a company's grants pass it by."""
    if command.company not in centre.companies:
        raise no_company(command.company)
    dates = [each.at for each in centre.reviews.ahead if each.company == command.company and each.at > now]
    if not dates:
        told = f"No review of the grants of {command.company} lies ahead, so there is nothing to exempt it from."
        raise refuse(Reason.NO_SUCH_RECORD, told, command.company)
    at = min(dates)
    rule = centre.records.terms_at(at).reclaim
    days = rule.exemption_days if rule is not None else 0
    if at - now < days * DAY_SECONDS:
        raise refuse(
            Reason.NOTICE_TOO_SHORT,
            f"An exemption is granted at least {days} days before the review. This one takes place.",
            command.company,
            limit=days * DAY_SECONDS,
            asked=at - now,
        )
    if centre.records.conduct(command.company).exempt_at(at):
        raise refuse(Reason.ALREADY_EXISTS, f"{command.company} is exempt from that review already.", command.company)
    return (events.ReviewExempted(company=command.company, at=at, reason=command.reason),)
