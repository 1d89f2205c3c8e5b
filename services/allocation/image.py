"""An image of the centre: the whole state as one value, for snapshots and for comparing two centres.

The calendars are left out, since they follow from the reservations; what follows from nothing else is in.
"""

import hashlib

import msgspec
from msgspec import Struct

from services.allocation.centre import Answer, Centre, Subject
from services.allocation.resources import Company, Quota, Reservation, Resource

FORMAT = 1


class Granted(Struct, frozen=True, gc=False, array_like=True):
    """A quota and the unit-seconds booked on it, some of them by reservations no longer kept."""

    quota: Quota
    booked: int


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


class Image(Struct, frozen=True, gc=False, kw_only=True):
    """Everything that is true, in the order in which it became so."""

    format: int
    now: int
    position: int
    base: int
    resources: list[Resource]
    companies: list[Company]
    quotas: list[Granted]
    reservations: list[Reservation]
    ended: list[tuple[int, str]]
    answers: list[Remembered]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Image).decode


def image_of(centre: Centre) -> Image:
    """The centre as one value. Everything in it is frozen, so it stays true to this moment."""
    return Image(
        format=FORMAT,
        now=centre.now,
        position=centre.position,
        base=centre.base,
        resources=[pool.resource for pool in centre.pools.values()],
        companies=list(centre.companies.values()),
        quotas=[Granted(period.quota, period.booked) for meter in centre.meters.values() for period in meter.periods],
        reservations=list(centre.reservations.values()),
        ended=list(centre.ended),
        answers=[_remembered(centre, key, answer) for key, answer in centre.answers.items()],
    )


def centre_of(image: Image) -> Centre:
    """The centre that an image shows. Raises ValueError for an image of another format."""
    if image.format != FORMAT:
        raise ValueError(f"the snapshot has format {image.format}; this program reads {FORMAT}")
    centre = Centre()
    centre.now, centre.position, centre.base = image.now, image.position, image.base
    for resource in image.resources:
        centre.register(resource)
    for company in image.companies:
        centre.admit(company)
    for granted in image.quotas:
        centre.grant(granted.quota)
    centre.keep_all(image.reservations)
    for granted in image.quotas:
        for period in centre.meters[(granted.quota.company, granted.quota.meter)].periods:
            if period.quota == granted.quota:
                period.booked = granted.booked
    centre.ended.extend(image.ended)
    for answer in image.answers:
        centre.remember(
            answer.actor,
            answer.request_id,
            Answer(digest=answer.digest, position=answer.position, time=answer.time, subject=_subject(centre, answer)),
        )
    return centre


def digest(centre: Centre) -> str:
    """The same for two centres exactly when everything true in them is the same."""
    return hashlib.sha256(encode(image_of(centre))).hexdigest()


def _remembered(centre: Centre, key: tuple[str, str], answer: Answer) -> Remembered:
    actor, request_id = key
    subject = answer.subject
    then = None
    match subject:
        case Quota():
            name = f"{subject.company}\n{subject.meter}\n{subject.start}"
        case Reservation():
            name = subject.id
            then = None if centre.reservations.get(subject.id) is subject else subject
        case _:
            name = subject.id
    kind = type(subject).__name__
    return Remembered(actor, request_id, answer.digest, answer.position, answer.time, kind, name, then)


def _subject(centre: Centre, answer: Remembered) -> Subject:
    match answer.kind:
        case "Resource":
            return centre.pools[answer.key].resource
        case "Company":
            return centre.companies[answer.key]
        case "Quota":
            company, meter, start = answer.key.split("\n")
            periods = centre.meters[(company, meter)].periods
            return next(period.quota for period in periods if period.quota.start == int(start))
        case _:
            return answer.then or centre.reservations[answer.key]
