"""Checkpoints, proofs and exports, as a ledger gives them out and the offline verifier takes them."""

import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import grpc
import pytest

from services.audit import forms
from services.audit.export import verify_export
from services.audit.faults import Fault
from services.audit.keys import PUBLIC, PublicKey, make_keys, read_public_keys
from services.audit.notes import Checkpoint, read_checkpoint, read_folder
from services.audit.receipt import verify_receipt
from services.audit.tree import demand_growth, demand_inclusion
from services.cli.audit import export_lines, leaf_line, receipt_of
from services.cli.client import Client
from services.eventlog import BrokenLog
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.grpc_api import ROLES
from services.ledger.journal import Violated
from services.ledger.proving.notary import Behind, Notary
from services.ledger.proving.notes import KeyFault, Signer
from services.ledger.proving.proof_api import ProofApi
from services.ledger.proving.proofs import Prover
from services.ledger.rebuild import rebuild
from services.runtime.identity import Role
from tests.ledger import naive_tree
from tests.ledger.busy import busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import CENTRE, chained, entry, extend, pool
from tests.ledger.test_statements import AUDITOR, COMPANY, OPERATOR, OTHER, call, refusal

ORIGIN = f"aidc/{CENTRE}"
NOON = 1_772_452_800
PAGES = 60

_Answer = TypeVar("_Answer")


class Notarised:
    """A ledger with a key, and a folder for what it signs."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger = ledger
        self.folder = folder / "checkpoints"
        self.signer = Signer.read(make_keys(folder / "keys", ORIGIN), ORIGIN)
        self.public: list[PublicKey] = read_public_keys(folder / "keys" / PUBLIC)
        self.start()

    def start(self) -> None:
        """As after a start of the process: nothing is remembered but what is in the database."""
        self.notary = Notary(self.signer, self.folder, self.ledger.writer, self.ledger.readers, lambda: NOON)
        self.api = ProofApi(self.ledger.readers, self.ledger.progress, Prover(self.ledger.readers, self.notary))

    def believed(self, checkpoint: wire.Checkpoint) -> Checkpoint:
        """A checkpoint whose signature was verified."""
        return read_checkpoint(checkpoint.note, self.public, "the answer")

    async def leaves(self) -> list[bytes]:
        """Every leaf hash in the journal."""
        return [leaf for (leaf,) in await self.ledger.rows("SELECT leaf FROM journal ORDER BY number")]

    async def exported(self, identity: Any, scope: str) -> list[bytes]:
        """The lines of an export, as the command writes them."""
        answers = await all_of(self.api.export_events(call(identity), wire.ExportEventsRequest(name=scope)))
        return [forms.write(line) for line in export_lines(cast(Client, Answered(answers)), scope)]


class Answered:
    """Stands for the command's client, with answers that were given already."""

    def __init__(self, answers: list[Any]) -> None:
        self.ledger = SimpleNamespace(ExportEvents=None)
        self._answers = answers

    def stream(self, method: Any, request: Any) -> Iterator[Any]:
        return iter(self._answers)


async def all_of(stream: AsyncGenerator[_Answer, None]) -> list[_Answer]:
    return [answer async for answer in stream]


@pytest.fixture
async def centre(ledger: Ledger, tmp_path: Path) -> Notarised:
    """A busy centre, folded, with a notary."""
    ledger.log.pages += chained(busy_centre(PAGES))
    await ledger.fold()
    return Notarised(ledger, tmp_path)


async def test_a_checkpoint_signs_the_root_of_the_whole_log(centre: Notarised) -> None:
    """Its root is that of the RFC's tree over every event, and its page hash seals the chain."""
    answer = await centre.api.get_checkpoint(call(), wire.GetCheckpointRequest())
    signed, leaves = centre.believed(answer), await centre.leaves()
    assert (signed.size, signed.root) == (len(leaves), naive_tree.tree_hash(leaves))
    assert (signed.position, answer.position, answer.tree_size) == (PAGES, PAGES, len(leaves))
    assert [(signed.page,)] == await centre.ledger.rows("SELECT hash FROM checkpoint")
    assert (signed.origin, signed.time) == (ORIGIN, "2026-03-02T12:00:00Z")


async def test_every_event_can_be_proved(centre: Notarised) -> None:
    """An inclusion proof of any event is that of the RFC, and leads from the log's own bytes to the signed root."""
    leaves = await centre.leaves()
    for place, (position, index) in enumerate(
        await centre.ledger.rows("SELECT position, index FROM journal ORDER BY number")
    ):
        request = wire.GetProofRequest(event=wire.EventPlace(position=position, index=index))
        proof = await centre.api.get_proof(call(AUDITOR), request)
        assert (proof.leaf_index, list(proof.hashes)) == (place, naive_tree.inclusion_path(place, leaves))
        leaf, signed = bytes.fromhex(leaf_line(proof.leaf).hash), centre.believed(proof.checkpoint)
        demand_inclusion(leaf, place, signed.size, proof.hashes, signed.root)
        assert proof.leaf.event in centre.ledger.log.pages[position - 1]


async def test_any_two_sizes_are_proved_consistent(centre: Notarised) -> None:
    """A consistency proof between any two sizes is that of the RFC, and the verifier accepts it."""
    leaves = await centre.leaves()
    for second in range(1, len(leaves) + 1, 13):
        for first in range(1, second + 1, 7):
            request = wire.GetProofRequest(sizes=wire.TreeSizes(first=first, second=second))
            hashes = list((await centre.api.get_proof(call(), request)).hashes)
            assert hashes == naive_tree.consistency_path(first, leaves[:second])
            roots = [naive_tree.tree_hash(leaves[:size]) for size in (first, second)]
            demand_growth(first, roots[0], second, roots[1], hashes)
            with pytest.raises(Fault):
                demand_growth(first, roots[1], second, roots[0], [*hashes, roots[0]])


async def test_a_booking_becomes_a_receipt(centre: Notarised) -> None:
    """The proof of a reservation, written down, is verified without the ledger."""
    (name, company) = (
        await centre.ledger.rows("SELECT reservation, company FROM reservations ORDER BY confirmed_number")
    )[5]
    name = f"companies/{company}/reservations/{name}"
    proof = await centre.api.get_proof(call(AUDITOR), wire.GetProofRequest(reservation=name))
    receipt = receipt_of(name, proof)
    assert verify_receipt(forms.write(receipt), centre.public)[1].position == PAGES


async def test_exports_verify(centre: Notarised) -> None:
    """The whole log for an auditor; for a company its own events, as many as the journal has, and nothing of others."""
    whole = verify_export(await centre.exported(AUDITOR, "companies/-"), centre.public)
    assert (whole.events, whole.checkpoint.position) == (len(await centre.leaves()), PAGES)
    lines = await centre.exported(COMPANY, "companies/CMP-0001")
    verdict = verify_export(lines, centre.public)
    own = await centre.ledger.rows("SELECT count(*) FROM journal WHERE company = 'CMP-0001'")
    assert [(verdict.own_events,)] == own
    assert verdict.checkpoint.root == whole.checkpoint.root
    assert b"CMP-0002" not in b"".join(lines)


async def test_others_events_are_no_events(centre: Notarised) -> None:
    """Of another company nothing is proved or exported, in the words for what does not exist (P8)."""
    (position, index, name) = (
        await centre.ledger.rows(
            "SELECT position, index, reservation FROM journal WHERE company = 'CMP-0001' ORDER BY number"
        )
    )[-1]
    name = f"companies/CMP-0001/reservations/{name}"
    place = wire.GetProofRequest(event=wire.EventPlace(position=position, index=index))
    assert (await centre.api.get_proof(call(COMPANY), place)).leaf.position == position
    foreign = await refusal(centre.api.get_proof(call(OTHER), place))
    nowhere = wire.GetProofRequest(event=wire.EventPlace(position=position, index=999))
    missing = await refusal(centre.api.get_proof(call(OTHER), nowhere))
    assert (foreign.code, foreign.reason) == (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert foreign.message.replace(f"event {index}", "event 999") == missing.message
    problem = await refusal(centre.api.get_proof(call(OTHER), wire.GetProofRequest(reservation=name)))
    assert problem.message == f"There is no {name}."
    export = wire.ExportEventsRequest(name="companies/CMP-0001")
    assert (await refusal(all_of(centre.api.export_events(call(OTHER), export)))).code is grpc.StatusCode.NOT_FOUND
    missing_company = wire.ExportEventsRequest(name="companies/CMP-9999")
    problem = await refusal(all_of(centre.api.export_events(call(OPERATOR), missing_company)))
    assert problem.code is grpc.StatusCode.NOT_FOUND
    everything = wire.ExportEventsRequest(name="companies/-")
    problem = await refusal(all_of(centre.api.export_events(call(COMPANY), everything)))
    assert problem.code is grpc.StatusCode.PERMISSION_DENIED


def test_who_may_call_what() -> None:
    """Reading everything again, and the centre's year, is for operators and auditors; all else is for everybody."""
    narrow = {method: roles for method, roles in ROLES.items() if roles != frozenset(Role)}
    assert narrow == {method: {Role.OPERATOR, Role.AUDITOR} for method in ("VerifyLog", "GetYearReport")}


@pytest.mark.parametrize(
    "request_",
    [
        wire.GetProofRequest(),
        wire.GetProofRequest(reservation="r1"),
        wire.GetProofRequest(sizes=wire.TreeSizes(first=0, second=5)),
        wire.GetProofRequest(sizes=wire.TreeSizes(first=6, second=5)),
    ],
)
async def test_a_proof_of_nothing_is_refused(centre: Notarised, request_: wire.GetProofRequest) -> None:
    """A request without a subject, or with an impossible one, is explained."""
    assert (await refusal(centre.api.get_proof(call(), request_))).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_without_a_key_nothing_is_signed(ledger: Ledger) -> None:
    """A ledger without a key says so, and still reads its log again."""
    extend(ledger.log, (entry(pool()),))
    await ledger.fold()
    api = ProofApi(ledger.readers, ledger.progress, None)
    problem = await refusal(api.get_checkpoint(call(), wire.GetCheckpointRequest()))
    assert (problem.code, problem.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_CHECKPOINT_KEY")
    assert not (await all_of(api.verify_log(call(), wire.VerifyLogRequest())))[-1].fault


async def test_what_is_signed_is_kept_in_two_places(centre: Notarised) -> None:
    """A file under its day and a row, once for each position; a rebuild gives the same root and forgets neither."""
    await centre.notary.record()
    await centre.notary.record()
    extend(centre.ledger.log, (entry(pool("more")),))
    await centre.ledger.fold()
    await centre.notary.record()
    files = sorted(centre.folder.rglob("*.txt"))
    assert [str(path.relative_to(centre.folder)) for path in files] == [
        f"2026-03-02/{PAGES:012}.txt",
        f"2026-03-02/{PAGES + 1:012}.txt",
    ]
    rows = await centre.ledger.rows("SELECT note FROM notary.checkpoints ORDER BY position")
    assert [path.read_text() for path in files] == [note for (note,) in rows]
    kept = read_folder(centre.folder, centre.public)
    assert verify_export(await centre.exported(AUDITOR, "companies/-"), centre.public, kept).agreeing == 2
    before = await centre.ledger.rows("SELECT root FROM checkpoint")
    await rebuild(centre.ledger.log, CENTRE, centre.ledger.dsn)
    assert await centre.ledger.rows("SELECT root FROM checkpoint") == before
    centre.start()
    await centre.notary.record()
    assert len(await centre.ledger.rows("SELECT 1 FROM notary.checkpoints")) == 2


async def exchange_the_log(centre: Notarised, pages: Sequence[bytes]) -> None:
    """Somebody with every right puts another log in place, and has the tables folded from it."""
    centre.ledger.log.pages[:] = pages
    await centre.ledger.drop()
    await rebuild(centre.ledger.log, CENTRE, centre.ledger.dsn)
    centre.start()


async def test_another_log_is_never_signed(centre: Notarised) -> None:
    """What does not go on from what was signed stops the notary, and the ledger with it."""
    await centre.notary.record()
    await exchange_the_log(centre, chained(busy_centre(PAGES + 5, seed=2)))
    with pytest.raises(Violated, match="not the one that was signed"):
        await centre.notary.record()
    halted: list[BrokenLog] = []

    async def halt(error: BrokenLog) -> None:
        halted.append(error)
        centre.ledger.progress.halted = str(error)

    centre.ledger.progress.opened.set()
    await centre.notary.run(centre.ledger.progress, halt)
    assert [type(error) for error in halted] == [Violated]
    assert "was signed" in (await all_of(centre.api.verify_log(call(), wire.VerifyLogRequest())))[-1].fault


async def test_a_log_that_lost_its_end_is_not_signed(centre: Notarised) -> None:
    """Books that do not reach what was signed are signed no more, and nothing is proved from them."""
    await centre.notary.record()
    await exchange_the_log(centre, centre.ledger.log.pages[: PAGES - 5])
    with pytest.raises(Behind):
        await centre.notary.record()
    problem = await refusal(centre.api.get_checkpoint(call(), wire.GetCheckpointRequest()))
    assert (problem.code, problem.reason) == (grpc.StatusCode.UNAVAILABLE, "NOT_SIGNED")
    assert "was signed" in (await all_of(centre.api.verify_log(call(), wire.VerifyLogRequest())))[-1].fault


async def test_a_log_read_again_agrees(centre: Notarised) -> None:
    """Pages, chain, events, tree and what was signed: all of it agrees, and says how far it is meanwhile."""
    await centre.notary.record()
    answers = await all_of(centre.api.verify_log(call(OPERATOR), wire.VerifyLogRequest()))
    assert len(answers) > 2
    assert (answers[-1].done, answers[-1].fault, answers[-1].checkpoints) == (True, "", 1)
    assert answers[-1].root_hash == naive_tree.tree_hash(await centre.leaves())


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE pages SET data = data || ' '::bytea WHERE position = 20", "page 20 was altered"),
        ("UPDATE pages SET hash = repeat('a', 64) WHERE position = 20", "page 20 was altered"),
        ("DELETE FROM pages WHERE position = 20", "page 20 is missing"),
        ("UPDATE journal SET payload = '{}' WHERE number = 30", "tells event"),
        ("UPDATE journal SET leaf = sha256('') WHERE number = 30", "has another event"),
        ("DELETE FROM journal WHERE number = 30", "another event"),
        ("UPDATE tree SET hash = sha256('') WHERE level = 5 AND index = 1", "stored tree"),
        ("DELETE FROM tree WHERE level = 4 AND index = 0", "stored tree"),
        ("UPDATE checkpoint SET root = sha256('')", "the checkpoint at position"),
    ],
)
async def test_tampering_with_the_tables_is_found(centre: Notarised, tampering: str, fault: str) -> None:
    """Whoever gets past the triggers is found when the log is read again."""
    async with centre.ledger.tampering() as connection:
        await connection.execute(tampering)
    assert fault in (await all_of(centre.api.verify_log(call(), wire.VerifyLogRequest())))[-1].fault


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """So is none, one that is no key, and that of another centre; each says which file and why."""
    path = make_keys(tmp_path, ORIGIN)
    with pytest.raises(KeyFault, match="is the key of"):
        Signer.read(path, "aidc/elsewhere")
    os.chmod(path, 0o640)
    with pytest.raises(KeyFault, match="can be read by others"):
        Signer.read(path, ORIGIN)
    with pytest.raises(KeyFault, match="cannot read"):
        Signer.read(tmp_path / "none", ORIGIN)
    (tmp_path / "empty").touch(0o600)
    with pytest.raises(KeyFault, match="no private key"):
        Signer.read(tmp_path / "empty", ORIGIN)
