"""Verifies a receipt: this reservation was confirmed, in these words, in the log that was signed."""

from collections.abc import Sequence

from services.audit import forms
from services.audit.company import leaf_of, read_event
from services.audit.faults import Fault
from services.audit.forms import Receipt
from services.audit.keys import PublicKey
from services.audit.notes import Checkpoint, read_checkpoint
from services.audit.tree import demand_inclusion


def verify_receipt(
    data: bytes, keys: Sequence[PublicKey], kept: Sequence[Checkpoint] = ()
) -> tuple[Receipt, Checkpoint]:
    """Give the receipt and the checkpoint that signs for it. Raises `Fault`."""
    receipt = forms.read_receipt(data)
    if receipt.version != forms.VERSION:
        raise Fault(f"this is no receipt of version {forms.VERSION}")
    checkpoint = read_checkpoint(receipt.note, keys, "the receipt's checkpoint")
    for other in kept:
        same_tree = other.size != checkpoint.size or other.root == checkpoint.root
        if other.origin != checkpoint.origin or not same_tree:
            raise Fault(f"the receipt's checkpoint and {other.source} differ: the log was forked", other.position)
    _demand_confirmation(receipt)
    hashes = [forms.unhex(text, "a hash of the proof") for text in receipt.hashes]
    demand_inclusion(leaf_of(receipt.leaf), receipt.place, checkpoint.size, hashes, checkpoint.root)
    return receipt, checkpoint


def _demand_confirmation(receipt: Receipt) -> None:
    event = read_event(receipt.leaf)
    name = f"companies/{event.get('company')}/reservations/{event.get('reservation_id')}"
    if event.get("type") != "reservation_confirmed" or receipt.reservation != name:
        raise Fault(f"the receipt is for {receipt.reservation}, its event is not the confirmation of that")
