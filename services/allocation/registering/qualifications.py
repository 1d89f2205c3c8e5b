"""Trainings: whose people may run a piece of equipment by themselves."""

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import no_company, no_resource
from services.allocation.rejections import Reason, refuse
from services.allocation.values.conduct import QUALIFICATIONS_MAX


def grant_qualification(centre: Centre, command: commands.GrantQualification) -> Events:
    """A training, for one piece of equipment, with an end."""
    wish = command.qualification
    if wish.company not in centre.companies:
        raise no_company(wish.company)
    pool = centre.pools.get(wish.resource)
    if pool is None:
        raise no_resource(wish.resource)
    conduct = centre.records.conduct(wish.company)
    if not pool.resource.training_required:
        raise refuse(Reason.INVALID_QUALIFICATION, f"{wish.resource} needs no training.", wish.resource)
    if wish.start >= wish.end:
        raise refuse(Reason.INVALID_QUALIFICATION, "A qualification must end after it starts.", wish.resource)
    if len(conduct.qualifications) >= QUALIFICATIONS_MAX:
        raise refuse(
            Reason.INVALID_QUALIFICATION, f"A company holds at most {QUALIFICATIONS_MAX} qualifications.", wish.company
        )
    if conduct.qualified(wish.resource, wish.start, wish.end):
        raise refuse(Reason.ALREADY_EXISTS, f"{wish.company} is qualified for all that time already.", wish.resource)
    return (events.QualificationGranted(qualification=wish),)


def revoke_qualification(centre: Centre, command: commands.RevokeQualification) -> Events:
    """No longer trained; what is booked already stands."""
    conduct = centre.records.conduct(command.company)
    if not any(each.resource == command.resource for each in conduct.qualifications):
        raise refuse(
            Reason.NO_SUCH_RECORD, f"{command.company} holds no qualification for {command.resource}.", command.resource
        )
    return (events.QualificationRevoked(company=command.company, resource=command.resource, reason=command.reason),)
