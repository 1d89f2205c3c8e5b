"""`aidc audit`: take the log home, and verify offline that nothing in it was changed, dropped or added since."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from services.audit import forms
from services.audit.faults import Fault
from services.audit.keys import PUBLIC, make_keys, read_public_keys
from services.audit.leaves import leaf_hash
from services.audit.notes import read_checkpoint, read_folder
from services.audit.tree import demand_growth
from services.audit.verify import verify_archive_folder, verify_export_file, verify_receipt_file
from services.cli.client import Client
from services.cli.connection import DATA_DEFAULT
from services.cli.documents import print_json
from services.cli.options import EVERY_COMPANY, Caller, Company, Data, Json, connect, parent_of, reservation_name
from services.cli.outcome import FAILED, Failed
from services.cli.tables import err, out
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api

app = typer.Typer(name="audit", help="Export the log, and verify it offline.", no_args_is_help=True)

Key = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The public key; by default that of the centre in --data.")
]
Checkpoints = Annotated[
    Path | None, typer.Option("--checkpoints", metavar="FOLDER", help="Checkpoints that were kept elsewhere.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")]


@app.command()
def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An export, an archive's folder, or with --receipt a receipt.")
    ],
    key: Key = None,
    checkpoints: Checkpoints = None,
    receipt: Annotated[bool, typer.Option("--receipt", help="The file is a receipt.")] = False,
    older: Annotated[bool, typer.Option("--older", help="The export may end before the last checkpoint.")] = False,
    data: Data = None,
) -> int:
    """Verify an export, an archive or a receipt, without asking any service. Exit status 0 if all is well, 1 if not."""
    key = key or (data or DATA_DEFAULT) / "keys" / PUBLIC
    try:
        if receipt:
            found = verify_receipt_file(file, key, checkpoints)
        elif file.is_dir():
            found = verify_archive_folder(file, key, checkpoints)
        else:
            found = verify_export_file(file, key, checkpoints, older)
    except Fault as fault:
        err.print(f"not verified: {fault}", style="bold red", markup=False, soft_wrap=True)
        return FAILED
    out.print(found, markup=False, soft_wrap=True)
    return 0


def at(data: Path | None) -> str:
    """The option that names the folder in which the public key lies, where it is not the usual one."""
    return f" --data {data}" if data else ""


@app.command()
def export(output: Output, company: Company = "", data: Data = None, caller: Caller = "") -> None:
    """Write the log to a file: all of it for operators and auditors, a company's own events for the company."""
    with connect(data, caller, company) as client:
        whole = not company and not client.connection.company
        scope = EVERY_COMPANY if whole else parent_of(client.connection, company)
        fresh = output.with_name(f".{output.name}.fresh")
        try:
            with fresh.open("wb") as file:
                file.writelines(forms.write(line) for line in export_lines(client, scope))
            fresh.replace(output)
        except OSError as problem:
            raise Failed(f"cannot write {output}: {problem.strerror}") from problem
        finally:
            fresh.unlink(missing_ok=True)
    told = f"{output}: {output.stat().st_size:,} bytes. `aidc audit verify {output}{at(data)}` verifies it."
    out.print(told, markup=False)


@app.command()
def receipt(
    reservation: Annotated[str, typer.Argument(metavar="RESERVATION")],
    output: Output,
    data: Data = None,
    caller: Caller = "",
) -> None:
    """Write a receipt for a booking: proof, for ever, that it was confirmed."""
    with connect(data, caller) as client:
        name = reservation_name(client.connection, reservation)
        proof = client.read(client.ledger.GetProof, ledger_api.GetProofRequest(reservation=name))
    try:
        output.write_bytes(forms.write(receipt_of(name, proof)))
    except OSError as problem:
        raise Failed(f"cannot write {output}: {problem.strerror}") from problem
    out.print(f"{output}: `aidc audit verify --receipt {output}{at(data)}` verifies it.", markup=False)


@app.command()
def growth(
    kept: Annotated[
        Path, typer.Argument(metavar="CHECKPOINTS", help="A checkpoint that was kept, or a folder of them.")
    ],
    key: Key = None,
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> int:
    """Prove that what the ledger signs now begins with all that was signed before. Exit status 0, or 1 if it does not.

    The ledger gives the proofs, and nothing but your key and your checkpoints is believed.
    """
    try:
        keys = read_public_keys(key or (data or DATA_DEFAULT) / "keys" / PUBLIC)
        with connect(data, caller) as client:
            signed = client.read(client.ledger.GetCheckpoint, ledger_api.GetCheckpointRequest())
            now = read_checkpoint(signed.note, keys, "what the ledger signs now")
            earlier = [checkpoint for checkpoint in read_folder(kept, keys) if checkpoint.size]
            if not earlier:
                raise Fault(f"there is no checkpoint in {kept}")
            for before in earlier:
                if before.size > now.size:
                    raise Fault(f"{before.source} has {before.size} events, and the ledger signs {now.size} now")
                demand_growth(before.size, before.root, now.size, now.root, growth_proof(client, before.size, now.size))
    except Fault as fault:
        err.print(f"not proved: {fault}", style="bold red", markup=False, soft_wrap=True)
        return FAILED
    if as_json:
        print_json({"earlier": [before.position for before in earlier], "position": now.position, "events": now.size})
        return 0
    told = f"Proved: the log of {now.size:,} events, signed at {now.time}, begins with those of"
    out.print(f"{told} {len(earlier)} kept checkpoints.", markup=False, soft_wrap=True)
    return 0


def growth_proof(client: Client, first: int, second: int) -> list[bytes]:
    """The hashes that lead from one tree to a later one. Raises `Failed`."""
    sizes = ledger_api.TreeSizes(first=first, second=second)
    return list(client.read(client.ledger.GetProof, ledger_api.GetProofRequest(sizes=sizes)).hashes)


@app.command()
def log(data: Data = None, caller: Caller = "") -> int:
    """Have the ledger read all that it stores again: pages, chain, events, tree, and what it has signed."""
    with connect(data, caller) as client, err.status("Reading the log again …") as status:
        found = ledger_api.VerifyLogResponse()
        for found in client.stream(client.ledger.VerifyLog, ledger_api.VerifyLogRequest()):
            status.update(f"Read {found.position:,} of {found.end_position:,} pages, {found.events:,} events")
    if found.fault or not found.done:
        err.print(f"not verified: {found.fault or 'the answer was cut off'}", style="bold red", markup=False)
        return FAILED
    told = f"{found.position:,} pages, {found.events:,} events and {found.checkpoints:,} signed checkpoints agree."
    out.print(f"{told} The tree's root is {found.root_hash.hex()}.", markup=False, soft_wrap=True)
    if found.archived_months:
        where = "lie in archives and were not read: `aidc audit verify FOLDER` reads them"
        out.print(f"{', '.join(found.archived_months)} {where}.", markup=False, soft_wrap=True)
    return 0


@app.command()
def keys(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to put them.")],
    centre: Annotated[str, typer.Option(help="The centre's id.")] = "mudeung-ai",
) -> None:
    """Make the pair of keys of checkpoints, for AIDC_CHECKPOINT_KEY and for everybody who verifies."""
    private = make_keys(folder, f"aidc/{centre}")
    out.print(f"private: {private}\npublic:  {folder / PUBLIC}", markup=False, soft_wrap=True)


def export_lines(client: Client, scope: str) -> Iterator[forms.Line]:
    """The lines of an export, as they arrive. Raises `Failed`."""
    yield forms.Opening(version=forms.VERSION, scope=scope)
    for answer in client.stream(client.ledger.ExportEvents, ledger_api.ExportEventsRequest(name=scope)):
        match answer.WhichOneof("piece"):
            case "page":
                yield forms.PageLine(position=answer.page.position, page=answer.page.data.decode())
            case "leaf":
                yield leaf_line(answer.leaf)
            case "redacted":
                yield forms.RedactedLine(hashes=answer.redacted.hashes.hex())
            case "checkpoint":
                yield forms.Closing(note=answer.checkpoint.note)


def receipt_of(reservation: str, proof: ledger_api.Proof) -> forms.Receipt:
    """The proof that a reservation was confirmed, to be kept."""
    return forms.Receipt(
        version=forms.VERSION,
        reservation=reservation,
        leaf=leaf_line(proof.leaf),
        place=proof.leaf_index,
        hashes=tuple(node.hex() for node in proof.hashes),
        note=proof.checkpoint.note,
    )


def leaf_line(leaf: ledger_api.Leaf) -> forms.LeafLine:
    """A leaf as exports and receipts have it."""
    place = leaf.position, leaf.entry, leaf.index, leaf.time_micros
    return forms.LeafLine(
        position=leaf.position,
        entry=leaf.entry,
        index=leaf.index,
        time=leaf.time_micros,
        request=leaf.request_hash.hex(),
        event=leaf.event.decode(),
        hash=leaf_hash(*place, leaf.request_hash, leaf.event).hex(),
    )
