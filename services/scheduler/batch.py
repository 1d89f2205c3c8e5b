"""Batches: up to 100 demands of one company in one call, each for itself or all together."""

from google.rpc.code_pb2 import Code  # type: ignore[import-untyped]  # It ships no types.

from services.allocation.centre import Centre, Subject
from services.allocation.commands import CreateReservation
from services.allocation.rejections import Rejected
from services.allocation.resources import Reservation
from services.allocation.together import RejectedTogether
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import Problem, invalid
from services.scheduler import replies, requests
from services.scheduler.refusals import STATUS_OF, problem_of, violation_of
from services.scheduler.telemetry import Telemetry
from services.scheduler.writer import Ask, Writer

ITEMS_MAX = 100


def asks_of(batch: api.BatchCreateReservationsRequest, company: str, actor: str) -> list[Ask]:
    """Every item as a command. Raises `Problem` with every invalid field of every item."""
    if not 1 <= len(batch.requests) <= ITEMS_MAX:
        raise invalid({"requests": f"must be 1 to {ITEMS_MAX}; there are {len(batch.requests)}"})
    faults: dict[str, str] = {}
    asks: list[Ask] = []
    seen: set[str] = set()
    for number, request in enumerate(batch.requests):
        where = f"requests[{number}]"
        if request.parent not in ("", batch.parent):
            faults[f"{where}.parent"] = "must be the parent of the batch, or empty"
        if request.validate_only:
            faults[f"{where}.validate_only"] = "is not for batches"
        request.parent = batch.parent
        request.request_id = request.request_id.lower()
        if request.request_id in seen:
            faults[f"{where}.request_id"] = "names another item of this batch; every item needs its own"
        seen.add(request.request_id)
        command = requests.read_demand(requests.Fields(f"{where}.", faults), request, company, requests.new_id())
        digest = requests.digest_of(request)
        asks.append(Ask(command=command, actor=actor, request_id=request.request_id, digest=digest))
    if faults:
        raise invalid(faults)
    return asks


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
    for ask, answer in zip(asks, answers, strict=True):
        telemetry.answered(company, "refused" if isinstance(answer, Rejected) else "granted")
        if isinstance(answer, Rejected):
            telemetry.refused(answer, frozenset(writer.centre.pools))
            _tell_unmet(telemetry, [ask], answer)
    return answers


def result_of(centre: Centre, answer: Subject | Rejected) -> api.BatchResult:
    """What became of one item."""
    if isinstance(answer, Rejected):
        return api.BatchResult(
            problem=api.BatchProblem(
                code=Code.Value(STATUS_OF[answer.reason].name),
                reason=answer.reason,
                message=str(answer),
                refusal=api.Refusal(violations=[violation_of(violation) for violation in answer.violations]),
            )
        )
    assert isinstance(answer, Reservation)
    return api.BatchResult(reservation=replies.reservation_reply(centre, answer))


def _tell_unmet(telemetry: Telemetry, asks: list[Ask], refusal: Rejected) -> None:
    for ask in asks:
        assert isinstance(ask.command, CreateReservation)
        telemetry.unmet(ask.command, refusal)


def _whole(error: RejectedTogether) -> Problem:
    problem = problem_of(error.refusal)
    problem.metadata["index"] = str(error.index)
    problem.message = f"Item {error.index} refused the batch: {problem.message}"
    return problem
