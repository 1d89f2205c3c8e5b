"""The Ledger service: every method of the proto, who answers it, and who may call it."""

import grpc

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.proving.proof_api import ProofApi
from services.ledger.reporting.books_api import BooksApi
from services.ledger.reporting.year_api import YearApi
from services.runtime.doors import Doors, StreamHandler, UnaryHandler
from services.runtime.identity import Role

SERVICE = wire.DESCRIPTOR.services_by_name["Ledger"]
ROLES = {method.name: frozenset(Role) for method in SERVICE.methods} | {
    # It reads everything there is.
    "VerifyLog": frozenset({Role.OPERATOR, Role.AUDITOR}),
    # It tells of every company.
    "GetYearReport": frozenset({Role.OPERATOR, Role.AUDITOR}),
}


def methods(doors: Doors, books: BooksApi, years: YearApi, proofs: ProofApi) -> grpc.GenericRpcHandler:
    """The service, behind its doors."""
    handlers: dict[str, UnaryHandler | StreamHandler] = {
        "GetBalance": books.get_balance,
        "GetStatement": books.get_statement,
        "GetChanges": books.get_changes,
        "ListTransfers": books.list_transfers,
        "ExportTable": books.export_table,
        "GetYearReport": years.get_year_report,
        "ListEquipmentUse": years.list_equipment_use,
        "GetHistory": books.get_history,
        "GetCheckpoint": proofs.get_checkpoint,
        "GetProof": proofs.get_proof,
        "ExportEvents": proofs.export_events,
        "VerifyLog": proofs.verify_log,
    }
    return doors.serve_methods(SERVICE, handlers, ROLES)
