"""Corrections between the API and the core: an operator credits or debits a company with KRW or hours of a quota."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.companies import EQUIPMENT_METER
from services.allocation.values.correction import Correction, CorrectionKind
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.companies import meter_name
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.requests import new_id

KINDS = {
    api.Correction.KIND_COMPENSATION: CorrectionKind.COMPENSATION,
    api.Correction.KIND_GOODWILL: CorrectionKind.GOODWILL,
    api.Correction.KIND_ERROR: CorrectionKind.ERROR,
}
"""What an operator may say that a correction is for."""
KIND_OF = {kind: number for number, kind in KINDS.items()} | {
    CorrectionKind.SURCHARGE: api.Correction.KIND_SURCHARGE,
}


def post_correction(request: api.PostCorrectionRequest) -> commands.PostCorrection:
    """A correction. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    (company,) = fields.name("parent", request.parent, "companies")
    given = request.correction
    if given.kind not in KINDS:
        fields.fault("correction.kind", "must be compensation, goodwill or error")
    reservation = reverses = ""
    if given.reservation:
        owner, reservation = fields.name("correction.reservation", given.reservation, "companies", "reservations")
        if owner and owner != company:
            fields.fault("correction.reservation", "must be one of the company that is corrected")
    if given.reverses:
        owner, reverses = fields.name("correction.reverses", given.reverses, "companies", "corrections")
        if owner and owner != company:
            fields.fault("correction.reverses", "must be one of the same company")
    meter = given.meter
    if meter and meter != EQUIPMENT_METER:
        (meter,) = fields.name("correction.meter", given.meter, "resources")
    if bool(given.meter) != bool(given.unit_seconds):
        fields.fault("correction.unit_seconds", "and correction.meter come together")
    if given.meter and given.krw:
        fields.fault("correction.krw", "must not be set for hours: the rate card says what they are worth")
    if given.from_reserve and not given.meter:
        fields.fault("correction.from_reserve", "is about hours: correction.meter and correction.unit_seconds")
    wish = Correction(
        id=new_id(),
        company=company,
        krw=given.krw,
        kind=KINDS.get(given.kind, CorrectionKind.ERROR),
        reason=fields.text("correction.reason", given.reason),
        reservation_id=reservation,
        reverses=reverses,
        unit_seconds=given.unit_seconds,
        meter=meter,
        start=given.quota_time.seconds if given.HasField("quota_time") else 0,
        from_reserve=given.from_reserve,
    )
    fields.demand_valid()
    return commands.PostCorrection(correction=wish)


def correction_reply(correction: Correction, position: int) -> api.Correction:
    """A correction as clients see it; without a position it was only checked, and has no name."""
    parent = f"companies/{correction.company}"
    about, reverses = correction.reservation_id, correction.reverses
    return api.Correction(
        name=f"{parent}/corrections/{correction.id}" if position else "",
        krw=correction.krw,
        kind=KIND_OF[correction.kind],
        reason=correction.reason,
        reservation=f"{parent}/reservations/{about}" if about else "",
        reverses=f"{parent}/corrections/{reverses}" if reverses else "",
        position=position,
        unit_seconds=correction.unit_seconds,
        meter=meter_name(correction.meter) if correction.meter else "",
        quota_time=Timestamp(seconds=correction.start) if correction.start else None,
        from_reserve=correction.from_reserve,
    )
