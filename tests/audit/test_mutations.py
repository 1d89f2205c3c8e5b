"""Soundness by mutation: whatever byte of an export or of a receipt is changed, it is found."""

from collections.abc import Callable, Iterator

import pytest

from services.audit.export import verify_export
from services.audit.faults import Fault
from services.audit.receipt import verify_receipt
from tests.audit.conftest import OWN
from tests.audit.exports import Notarised


def changed(data: bytes) -> Iterator[bytes]:
    """The data with each byte in turn changed: in one bit, in its case, into a digit, a space, and removed."""
    for place, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 0x20, ord("0") + byte % 10, ord(" ")} - {byte}:
            yield data[:place] + bytes([other]) + data[place + 1 :]
        yield data[:place] + data[place + 1 :]


def survivors(data: bytes, verify: Callable[[bytes], object]) -> list[bytes]:
    """The changed ones that pass."""
    passed = []
    for mutant in changed(data):
        try:
            verify(mutant)
        except Fault:
            continue
        passed.append(mutant)
    return passed


def test_every_byte_of_a_whole_export_counts(small: Notarised) -> None:
    """No single byte of an export of everything can be changed or taken out."""
    data = b"".join(small.whole())
    assert verify_export(data.splitlines(keepends=True), small.public).events == 8
    assert survivors(data, lambda mutant: verify_export(mutant.splitlines(keepends=True), small.public)) == []


def test_every_byte_of_a_companys_export_counts(small: Notarised) -> None:
    """Nor of a company's, its hashes of others included."""
    data = b"".join(small.of_company("CMP-0001", OWN))
    assert verify_export(data.splitlines(keepends=True), small.public).own_events == 5
    assert survivors(data, lambda mutant: verify_export(mutant.splitlines(keepends=True), small.public)) == []


@pytest.mark.parametrize(("place", "name"), [(3, "r1"), (7, "r3")])
def test_every_byte_of_a_receipt_counts(small: Notarised, place: int, name: str) -> None:
    """Nor of a receipt."""
    data = small.receipt(place, f"companies/CMP-0001/reservations/{name}")
    assert verify_receipt(data, small.public)[0].place == place
    assert survivors(data, lambda mutant: verify_receipt(mutant, small.public)) == []
