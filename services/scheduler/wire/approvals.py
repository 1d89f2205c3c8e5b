"""What those who approve send, as commands: who votes is who calls."""

from services.allocation import commands
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import ETAG_CHARACTERS_MAX, Fields

REFERENCE_CHARACTERS_MAX = 100

Decision = api.ApproveReservationRequest | api.DenyReservationRequest


def vote(
    request: Decision, company: str, reservation_id: str, voter: str
) -> commands.ApproveReservation | commands.DenyReservation:
    """A vote for or against a reservation. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    etag = fields.text("etag", request.etag, ETAG_CHARACTERS_MAX)
    comment = fields.text("comment", request.comment)
    if isinstance(request, api.ApproveReservationRequest):
        reference = fields.text("reference", request.reference, REFERENCE_CHARACTERS_MAX)
        time = None
        if request.HasField("start_time") or request.HasField("end_time"):
            time = fields.time("start_time", request, "start_time"), fields.time("end_time", request, "end_time")
        fields.demand_valid()
        return commands.ApproveReservation(
            reservation_id=reservation_id,
            company=company,
            voter=voter,
            etag=etag,
            comment=comment,
            reference=reference,
            time=time,
        )
    if not comment.strip():
        fields.fault("comment", "is required: it tells the company why")
    fields.demand_valid()
    return commands.DenyReservation(
        reservation_id=reservation_id, company=company, voter=voter, etag=etag, comment=comment
    )
