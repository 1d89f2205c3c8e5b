"""Verifies an export, line by line: in order, nothing missing, nothing altered, and all of it what was signed."""

from collections.abc import Iterable, Sequence

from services.audit import forms
from services.audit.company import COMPANIES, OneCompany
from services.audit.faults import Fault
from services.audit.forms import Closing, Line, Opening
from services.audit.keys import PublicKey
from services.audit.notes import Checkpoint, read_checkpoint
from services.audit.reading import Reading, Verdict
from services.audit.whole import WholeCentre


def verify_export(
    lines: Iterable[bytes], keys: Sequence[PublicKey], kept: Sequence[Checkpoint] = (), older: bool = False
) -> Verdict:
    """Verify an export against public keys and the checkpoints kept elsewhere. Raises `Fault` at the first bad place.

    The export must reach every kept checkpoint, unless it may be `older` than some.
    """
    reading: Reading | None = None
    closing: Checkpoint | None = None
    for number, data in enumerate(lines, 1):
        where = f" (after {reading.where})" if reading else ""
        line = forms.read_line(data, f"line {number}{where}")
        if reading is None:
            reading = _open(line, kept)
        elif closing is not None:
            raise Fault(f"line {number} comes after the end")
        elif isinstance(line, Closing):
            closing = read_checkpoint(line.note, keys, "the checkpoint at the end")
            reading.close(closing)
        else:
            reading.take(line)
    if reading is None or closing is None:
        raise Fault(f"the export is cut off after {reading.where if reading else 'nothing'}: its checkpoint is missing")
    return reading.verdict(closing, older)


def _open(line: Line, kept: Sequence[Checkpoint]) -> "Reading":
    if not isinstance(line, Opening) or line.version != forms.VERSION:
        raise Fault(f"this is no export of version {forms.VERSION}")
    if line.scope == forms.WHOLE_CENTRE:
        return WholeCentre(line.scope, kept)
    if not line.scope.startswith(COMPANIES):
        raise Fault(f"this is no export: {line.scope} is no company")
    return OneCompany(line.scope, kept)
