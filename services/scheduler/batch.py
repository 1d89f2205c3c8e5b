"""Batches: up to 100 demands of one company in one call, each for itself or all together."""

from collections.abc import Iterable

from google.rpc.code_pb2 import Code  # type: ignore[import-untyped]  # It ships no types.

from services.allocation.booking.together import RejectedTogether
from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation
from services.allocation.tables.answer import Subject
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import Problem, invalid
from services.runtime.validation import violations
from services.scheduler.ask import Ask
from services.scheduler.telemetry import Telemetry
from services.scheduler.wire import replies, requests
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.plain import plain_demand
from services.scheduler.wire.refusals import STATUS_OF, problem_of, violation_of
from services.scheduler.writer import Writer

ITEMS_MAX = 100


def asks_of(batch: api.BatchCreateReservationsRequest, company: str, actor: str) -> list[Ask]:
    """Every item as a command. Raises `Problem` with every invalid field of every item."""
    if not 1 <= len(batch.requests) <= ITEMS_MAX:
        raise invalid({"requests": f"must be 1 to {ITEMS_MAX}; there are {len(batch.requests)}"})
    faults: dict[str, str] = {}
    asks: list[Ask] = []
    seen: set[str] = set()
    for number, plain in enumerate(plain_asks(batch.requests, batch.parent, company, actor)):
        fields = Fields(f"requests[{number}].", faults)
        asks.append(plain or read_item(fields, batch.requests[number], batch.parent, company, actor))
        if asks[-1].request_id in seen:
            fields.fault("request_id", "names another item of this batch; every item needs its own")
        seen.add(asks[-1].request_id)
    if faults:
        raise invalid(faults)
    return asks


def plain_asks(
    items: Iterable[api.CreateReservationRequest], parent: str, company: str, actor: str
) -> list[Ask | None]:
    """Every item that is plain; None for the others, whose structure is sound. Raises `Problem` where it is not."""
    asks: list[Ask | None] = []
    faults: dict[str, str] = {}
    for number, item in enumerate(items):
        plain = plain_demand(item, parent)
        if plain is None:
            faults.update((f"requests[{number}].{path}", told) for path, told in violations(item).items())
            asks.append(None)
            continue
        request_id, lines, start, end = plain
        command = CreateReservation(
            reservation_id=requests.new_id(), company=company, start=start, end=end, lines=lines
        )
        asks.append(_ask(item, parent, command, actor, request_id.lower()))
    if faults:
        raise invalid(faults)
    return asks


def _ask(
    request: api.CreateReservationRequest, parent: str, command: CreateReservation, actor: str, request_id: str
) -> Ask:
    """An item with the digest that it would have if it had been sent alone."""
    request.parent = parent
    request.request_id = request_id
    return Ask(command=command, actor=actor, request_id=request_id, digest=requests.digest_of(request))


def read_item(fields: Fields, request: api.CreateReservationRequest, parent: str, company: str, actor: str) -> Ask:
    """One item of a batch or of a stream as a command; what is wrong with it is in the fields."""
    if request.parent not in ("", parent):
        fields.fault("parent", "must be the parent of the whole, or empty")
    if request.validate_only:
        fields.fault("validate_only", "is not for batches and streams")
    if request.override_reasons or request.justification:
        fields.fault("override_reasons", "are not for batches and streams; book this one by itself")
    command = requests.read_demand(fields, request, company, requests.new_id())
    return _ask(request, parent, command, actor, request.request_id.lower())


async def book(
    writer: Writer, telemetry: Telemetry, company: str, asks: list[Ask], atomic: bool
) -> list[Subject | Rejected]:
    """The answer to every item, durably. Raises `Problem` when a batch that is all or nothing gets nothing."""
    answers: list[Subject | Rejected]
    if atomic:
        try:
            answers = [*await writer.submit_together(asks)]
        except RejectedTogether as error:
            telemetry.answered(company, "refused")
            telemetry.refused(error.refusal, frozenset(writer.centre.pools))
            _tell_unmet(telemetry, asks, error.refusal)  # What refused one item refused them all.
            raise _whole(error) from None
        except Rejected as refusal:
            telemetry.answered(company, "refused")
            raise problem_of(refusal) from None
    else:
        answers = await writer.submit_each(asks)
    count(writer.centre, telemetry, company, asks, answers)
    return answers


def count(
    centre: Centre, telemetry: Telemetry, company: str, asks: list[Ask], answers: list[Subject | Rejected]
) -> None:
    """Count every item by its outcome, and tell of those that were refused."""
    refused = [(ask, answer) for ask, answer in zip(asks, answers, strict=True) if isinstance(answer, Rejected)]
    if len(refused) < len(asks):
        telemetry.answered(company, "granted", len(asks) - len(refused))
    for ask, refusal in refused:
        telemetry.answered(company, "refused")
        telemetry.refused(refusal, frozenset(centre.pools))
        _tell_unmet(telemetry, [ask], refusal)


def result_of(centre: Centre, request_id: str, answer: Subject | Rejected, tell: replies.Telling) -> replies.Plain:
    """What became of one item, as a BatchResult."""
    if isinstance(answer, Rejected):
        problem = api.BatchProblem(
            code=Code.Value(STATUS_OF[answer.reason].name),
            reason=answer.reason,
            message=str(answer),
            refusal=api.Refusal(violations=[violation_of(violation) for violation in answer.violations]),
        )
        return {"request_id": request_id, "problem": problem}
    assert isinstance(answer, Reservation)
    return {"request_id": request_id, "reservation": tell(centre, answer)}


def _tell_unmet(telemetry: Telemetry, asks: list[Ask], refusal: Rejected) -> None:
    for ask in asks:
        assert isinstance(ask.command, CreateReservation)
        telemetry.unmet(ask.command, refusal)


def _whole(error: RejectedTogether) -> Problem:
    problem = problem_of(error.refusal)
    problem.metadata["index"] = str(error.index)
    problem.message = f"Item {error.index} refused the batch: {problem.message}"
    return problem
