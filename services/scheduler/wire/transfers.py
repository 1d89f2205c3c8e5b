"""What is asked of an offer to hand a reservation over, as commands: whoever it is offered to accepts or declines."""

from services.allocation import commands
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import ETAG_CHARACTERS_MAX, Fields

Answer = api.AcceptTransferRequest | api.DeclineTransferRequest


def answer_to_offer(
    request: Answer, company: str, reservation_id: str, receiver: str
) -> commands.AcceptTransfer | commands.DeclineTransfer:
    """The answer of a company, or of the centre for whoever it is offered to. Raises `Problem`."""
    fields = Fields()
    fields.request_id(request.request_id)
    etag = fields.text("etag", request.etag, ETAG_CHARACTERS_MAX)
    if isinstance(request, api.AcceptTransferRequest):
        fields.demand_valid()
        return commands.AcceptTransfer(reservation_id=reservation_id, company=company, receiver=receiver, etag=etag)
    reason = fields.text("reason", request.reason)
    fields.demand_valid()
    return commands.DeclineTransfer(
        reservation_id=reservation_id, company=company, receiver=receiver, etag=etag, reason=reason
    )
