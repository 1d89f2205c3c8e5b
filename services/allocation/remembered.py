"""The yes to a request as an image keeps it: what it made is named, or kept whole where it has changed since."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from services.allocation.centre import Centre
from services.allocation.companies import Quota
from services.allocation.reservations import Reservation
from services.allocation.series import Series
from services.allocation.tables.answer import Answer, Subject
from services.allocation.values.conduct import Conduct
from services.allocation.values.correction import Correction
from services.allocation.values.funding import Funding
from services.allocation.values.months import ClosedMonth
from services.allocation.values.outage import Outage
from services.allocation.values.terms import Terms

WHOLE: Mapping[str, type[ClosedMonth | Conduct | Correction | Funding | Outage | Series | Terms]] = {
    kind.__name__: kind for kind in (ClosedMonth, Conduct, Correction, Funding, Outage, Series, Terms)
}
"""What a request can have made that is remembered as it was, not by its name."""


class Remembered(Struct, frozen=True, gc=False, array_like=True):
    """The yes to a request. What it made is named, or kept whole where it has changed since."""

    actor: str
    request_id: str
    digest: str
    position: int
    time: int
    kind: str
    key: str
    then: Reservation | None = None


def remembered(reservations: Mapping[str, Reservation], key: tuple[str, str], answer: Answer) -> Remembered:
    """An answer to a request, where these reservations are kept."""
    actor, request_id = key
    subject = answer.subject
    kind = type(subject).__name__
    if isinstance(subject, Reservation):  # Asked first, for nearly all are.
        then = None if reservations.get(subject.id) is subject else subject
        return Remembered(actor, request_id, answer.digest, answer.position, answer.time, kind, subject.id, then)
    return Remembered(actor, request_id, answer.digest, answer.position, answer.time, kind, _key_of(subject))


def _key_of(subject: Subject) -> str:
    """The name by which what was made is found again, or all of it."""
    match subject:
        case Quota():
            return f"{subject.company}\n{subject.meter}\n{subject.start}"
        case ClosedMonth() | Conduct() | Correction() | Funding() | Outage() | Series() | Terms():
            return msgspec.json.encode(subject).decode()
        case _:
            return subject.id


def restore(centre: Centre, answers: Iterable[Remembered]) -> None:
    """Let a centre that has everything else remember the answers as well, in order."""
    for each in answers:
        answer = Answer(digest=each.digest, position=each.position, time=each.time, subject=_subject(centre, each))
        centre.answers.remember(each.actor, each.request_id, answer)


def _subject(centre: Centre, answer: Remembered) -> Subject:
    match answer.kind:
        case "Resource":
            return centre.pools[answer.key].resource
        case "Company":
            return centre.companies[answer.key]
        case "Tariff":
            return centre.cards.published[answer.key]
        case "Quota":
            company, meter, start = answer.key.split("\n")
            periods = centre.meters[(company, meter)].periods
            return next(period.quota for period in periods if period.quota.start == int(start))
        case "Reservation":
            return answer.then or centre.reservations[answer.key]
        case _:
            return msgspec.json.decode(answer.key, type=WHOLE[answer.kind])
