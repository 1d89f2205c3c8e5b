"""The ledger's door for those who do not take its word: checkpoints, proofs, exports, and reading everything again.

A company may have its own events proved and exported; another's answer exactly as those that do not exist (P8).
"""

from collections.abc import AsyncGenerator

import asyncpg

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger import refusals
from services.ledger.answering import (
    WHOLE_CENTRE,
    company_in,
    demand_own,
    demand_whole_centre,
    failures,
    reservation_in,
    timestamp,
    wait_for,
)
from services.ledger.progress import Progress
from services.ledger.proving.export import Redacted, company_leaves, whole_pages
from services.ledger.proving.leaves import Leaf
from services.ledger.proving.notary import Seal
from services.ledger.proving.proofs import Inclusion, Prover
from services.ledger.proving.verification import verify_log
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.runtime.problems import invalid


class ProofApi:
    """Answers what `aidc.ledger.v1.Ledger` is asked to prove. Without a prover nothing can be signed."""

    def __init__(self, readers: asyncpg.Pool, progress: Progress, prover: Prover | None) -> None:
        self._readers = readers
        self._progress = progress
        self._prover_or_none = prover

    async def get_checkpoint(self, call: Call, request: wire.GetCheckpointRequest) -> wire.Checkpoint:
        """Where the books stand, signed."""
        await wait_for(self._progress, call, request.min_position)
        with failures("checkpoint"):
            return _checkpoint(await self._prover.checkpoint())

    async def get_proof(self, call: Call, request: wire.GetProofRequest) -> wire.Proof:
        """That an event is in the log, or that the log has only grown."""
        await wait_for(self._progress, call, request.min_position)
        match request.WhichOneof("subject"):
            case "reservation":
                return await self._prove_reservation(call, request.reservation)
            case "event":
                return await self._prove_event(call, request.event)
            case "sizes":
                return await self._prove_growth(request.sizes)
            case _:
                raise invalid({"subject": "is required: a reservation, an event, or two sizes"})

    async def export_events(
        self, call: Call, request: wire.ExportEventsRequest
    ) -> AsyncGenerator[wire.ExportEventsResponse, None]:
        """The log up to where it stands now, and the checkpoint that it adds up to."""
        company = company_in(request.name)
        if company == WHOLE_CENTRE:
            demand_whole_centre(call.identity)
        else:
            demand_own(call.identity, company, request.name)
        await wait_for(self._progress, call, request.min_position)
        with failures(request.name):
            seal = await self._prover.checkpoint()
            if company == WHOLE_CENTRE:
                async for page in whole_pages(self._readers, seal.standing.position):
                    exported = wire.ExportedPage(position=page.position, data=page.data)
                    yield wire.ExportEventsResponse(page=exported)
            else:
                async for piece in company_leaves(self._readers, company, seal.standing.size):
                    yield _piece(piece)
            yield wire.ExportEventsResponse(checkpoint=_checkpoint(seal))

    async def verify_log(
        self, call: Call, request: wire.VerifyLogRequest
    ) -> AsyncGenerator[wire.VerifyLogResponse, None]:
        """Everything read again."""
        with failures("log"):
            async for finding in verify_log(self._readers):
                yield wire.VerifyLogResponse(
                    position=finding.position,
                    end_position=finding.end,
                    events=finding.events,
                    done=finding.done,
                    fault=finding.fault,
                    root_hash=finding.root,
                    checkpoints=finding.checkpoints,
                    archived_months=finding.archived,
                )

    @property
    def _prover(self) -> Prover:
        if self._prover_or_none is None:
            raise refusals.no_checkpoint_key()
        return self._prover_or_none

    async def _prove_reservation(self, call: Call, name: str) -> wire.Proof:
        company, reservation = reservation_in(name, "reservation")
        demand_own(call.identity, company, name)
        with failures(name):
            return _inclusion(await self._prover.of_reservation(company, reservation))

    async def _prove_event(self, call: Call, place: wire.EventPlace) -> wire.Proof:
        company = call.identity.company if call.identity.role is Role.COMPANY else ""
        with failures(f"event {place.index} at position {place.position}"):
            return _inclusion(await self._prover.of_event(company, place.position, place.index))

    async def _prove_growth(self, sizes: wire.TreeSizes) -> wire.Proof:
        if not 0 < sizes.first <= sizes.second:
            raise invalid({"sizes": "first is at least 1, and second no smaller"})
        with failures(f"tree of {sizes.second} events"):
            return wire.Proof(hashes=await self._prover.of_growth(sizes.first, sizes.second))


def _checkpoint(seal: Seal) -> wire.Checkpoint:
    return wire.Checkpoint(
        note=seal.note,
        position=seal.standing.position,
        tree_size=seal.standing.size,
        root_hash=seal.standing.root,
        sign_time=timestamp(seal.time),
    )


def _inclusion(proof: Inclusion) -> wire.Proof:
    return wire.Proof(
        leaf=_leaf(proof.leaf),
        leaf_index=proof.place,
        hashes=proof.hashes,
        checkpoint=_checkpoint(proof.seal),
    )


def _piece(piece: Leaf | Redacted) -> wire.ExportEventsResponse:
    if isinstance(piece, Redacted):
        return wire.ExportEventsResponse(redacted=wire.RedactedLeaves(hashes=piece.hashes))
    return wire.ExportEventsResponse(leaf=_leaf(piece))


def _leaf(leaf: Leaf) -> wire.Leaf:
    return wire.Leaf(
        position=leaf.position,
        entry=leaf.entry,
        index=leaf.index,
        time_micros=leaf.time,
        request_hash=leaf.request,
        event=leaf.event,
    )
