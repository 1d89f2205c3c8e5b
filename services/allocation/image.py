"""An image of the centre: the whole state as one value, for snapshots and for comparing two centres.

The calendars are left out, since they follow from the reservations; what follows from nothing else is in.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from services.allocation.centre import Centre
from services.allocation.companies import Company, Quota
from services.allocation.remembered import Remembered, remembered, restore
from services.allocation.reservations import Reservation
from services.allocation.resources import Resource
from services.allocation.series import Series
from services.allocation.tables.recent_use import Recent
from services.allocation.values.conduct import Conduct
from services.allocation.values.correction import Correction
from services.allocation.values.funding import Funding
from services.allocation.values.months import ClosedMonth
from services.allocation.values.outage import Fate, Outage
from services.allocation.values.reclaim import Review
from services.allocation.values.reserve import Reserve
from services.allocation.values.tariff import Tariff
from services.allocation.values.terms import Terms

FORMAT = 4
PIECE_MAX = 500
"""Reservations, and answers, in one piece: a millisecond or two of work."""
LENGTH_BYTES = 4


class Granted(Struct, frozen=True, gc=False, array_like=True):
    """A quota and the unit-seconds booked on it, some of them by reservations no longer kept."""

    quota: Quota
    booked: int


class Image(Struct, frozen=True, gc=False, kw_only=True):
    """Everything that is true, in the order in which it became so."""

    format: int
    now: int
    position: int
    base: int
    resources: list[Resource]
    companies: list[Company]
    quotas: list[Granted]
    terms: list[Terms]
    conducts: list[Conduct]
    series: list[Series]
    reservations: list[Reservation]
    ended: list[tuple[int, str]]
    answers: list[Remembered]
    tariffs: list[Tariff] = []
    kept_cards: dict[str, str] = {}
    closed: ClosedMonth | None = None
    outages: list[tuple[Outage, list[Fate]]] = []
    fundings: list[tuple[Funding, list[Fate]]] = []
    corrections: list[Correction] = []
    recent: list[Recent] = []
    reviews: list[Review] = []
    reserves: list[Reserve] = []  # An older image has none, as no event of its log filled one.


class Piece(Struct, frozen=True, gc=False, array_like=True):
    """Some of the reservations and of the answers of an image."""

    reservations: list[Reservation]
    answers: list[Remembered]


class Moment:
    """A centre at a moment: copies of its tables, made at once, from which an image can be drawn later.

    Everything in the tables is frozen, so it stays true to this moment, whatever becomes of the centre.
    """

    def __init__(self, centre: Centre) -> None:
        self.position = centre.position
        self._reservations = centre.reservations.copy()
        self._answers = centre.answers.by_request.copy()
        self._head = Image(
            format=FORMAT,
            now=centre.now,
            position=centre.position,
            base=centre.base,
            resources=[pool.resource for pool in centre.pools.values()],
            companies=list(centre.companies.values()),
            quotas=[Granted(each.quota, each.booked) for meter in centre.meters.values() for each in meter.periods],
            terms=list(centre.records.terms),
            conducts=list(centre.records.conducts.values()),
            series=list(centre.series.by_id.values()),
            reservations=[],
            ended=list(centre.lists.ended),
            answers=[],
            tariffs=list(centre.cards.published.values()),
            kept_cards=centre.cards.kept.copy(),
            closed=centre.closed,
            corrections=[each for kept in centre.records.corrections.values() for each in kept.values()],
            reviews=centre.reviews.ahead.copy(),
            reserves=list(centre.reserves.of.values()),
            recent=[Recent(name, samples) for name, samples in centre.recent_use.of.items()],
            outages=[(outage, centre.outages.told(name)) for name, outage in centre.outages.by_id.items()],
            fundings=[
                (each, centre.outages.told(each.key)) for pool in centre.pools.values() for each in pool.fundings
            ],
        )

    def image(self) -> Image:
        """The centre as one value."""
        return replace(
            self._head,
            reservations=list(self._reservations.values()),
            answers=[remembered(self._reservations, key, answer) for key, answer in self._answers.items()],
        )

    def frames(self) -> Iterator[bytes]:
        """The image as bytes, piece by piece, so that whoever encodes a large one lets others run in between."""
        yield _frame(self._head)
        # One after another, as a list of a hundred thousand pairs would keep the garbage collector busy.
        reservations, answers = iter(self._reservations.values()), iter(self._answers.items())
        for _ in range(-(-max(len(self._reservations), len(self._answers)) // PIECE_MAX)):
            some = [remembered(self._reservations, key, answer) for key, answer in islice(answers, PIECE_MAX)]
            yield _frame(Piece(list(islice(reservations, PIECE_MAX)), some))


def encode(moment: Moment) -> bytes:
    """The image of a moment, as bytes."""
    return b"".join(moment.frames())


def decode(data: bytes) -> Image:
    """The image that these bytes are. Raises ValueError or `msgspec.MsgspecError` for anything else."""
    frames = list(_frames(memoryview(data)))
    if not frames:
        raise ValueError("the snapshot is empty")
    image = _decode_image(frames[0])
    for frame in frames[1:]:
        piece = _decode_piece(frame)
        image.reservations.extend(piece.reservations)
        image.answers.extend(piece.answers)
    return image


_encode = msgspec.msgpack.Encoder().encode
_decode_image = msgspec.msgpack.Decoder(Image).decode
_decode_piece = msgspec.msgpack.Decoder(Piece).decode


def _frame(piece: Image | Piece) -> bytes:
    data = _encode(piece)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def _frames(data: memoryview) -> Iterator[memoryview]:
    while data:
        length = int.from_bytes(data[:LENGTH_BYTES], "big")
        frame, data = data[LENGTH_BYTES : LENGTH_BYTES + length], data[LENGTH_BYTES + length :]
        if len(frame) < length:
            raise ValueError("the snapshot is cut off")
        yield frame


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
    for tariff in image.tariffs:
        centre.publish(tariff)
    centre.cards.kept.update(image.kept_cards)
    centre.closed = image.closed
    centre.records.terms.extend(image.terms)
    centre.records.conducts.update((conduct.company, conduct) for conduct in image.conducts)
    centre.consequences.plan(centre.zone)
    for correction in image.corrections:
        centre.records.correct(correction)
    centre.keep_all(image.reservations)
    centre.outages.restore(image.outages, image.fundings)
    centre.reviews.ahead = list(image.reviews)
    for reserve in image.reserves:
        centre.reserves.put(reserve)
    centre.recent_use.of.update((each.reservation, each.samples) for each in image.recent)
    for series in image.series:
        centre.series.put(series)
    for granted in image.quotas:
        for period in centre.meters[(granted.quota.company, granted.quota.meter)].periods:
            if period.quota == granted.quota:
                period.booked = granted.booked
    centre.lists.ended.extend(image.ended)
    restore(centre, image.answers)
    return centre


def digest(centre: Centre) -> str:
    """The same for two centres exactly when everything true in them is the same."""
    return hashlib.sha256(encode(Moment(centre))).hexdigest()
