"""Overriding: an operator books what a rule of policy forbids, and says which rule and why. Both are in the log."""

from collections.abc import Sequence

from msgspec.structs import replace

from services.allocation.commands import CreateReservation
from services.allocation.rejections import OVERRIDABLE, Reason, Violation, refuse
from services.allocation.reservations import Override
from services.allocation.units.want import Want

CLOSED = frozenset({Reason.OUTSIDE_OPENING_HOURS, Reason.CLOSED_DAY})
"""Whoever opens a closed piece of equipment for somebody holds it for the whole interval."""


def check_override(command: CreateReservation) -> None:
    """Raises `Rejected` for an override of what no operator may override, without a justification, or of a hold."""
    override = command.override
    if override is None:
        return
    never = ", ".join(sorted(set(override.reasons) - OVERRIDABLE))
    if never or not override.reasons:
        some = ", ".join(sorted(OVERRIDABLE))
        raise refuse(
            Reason.INVALID_OVERRIDE, f"Nobody overrides {never or 'nothing'}; an operator may override {some}."
        )
    if not override.because.strip():
        raise refuse(Reason.INVALID_OVERRIDE, "An override needs a justification: say why it is right here.")
    if command.hold_seconds:
        raise refuse(Reason.INVALID_OVERRIDE, "What overrides a rule is booked at once, and not only held.")


def opened(command: CreateReservation, wants: tuple[Want, ...], violations: Sequence[Violation]) -> tuple[Want, ...]:
    """The wants, held for all of their lines' time if an override lets them begin or end while something is closed."""
    asked = set(command.override.reasons) if command.override else set()
    if not CLOSED & asked & {violation.reason for violation in violations}:
        return wants
    windows = {
        want.resource.id: want.line.within(command.start, command.end) for want in wants if not want.companion_of
    }
    return tuple(replace(want, spans=(windows[want.companion_of or want.resource.id],)) for want in wants)


def left_standing(command: CreateReservation, violations: Sequence[Violation]) -> list[Violation]:
    """The violations that an override does not cover."""
    asked = command.override.reasons if command.override else ()
    return [each for each in violations if each.fixed or each.reason not in asked]


def overridden(command: CreateReservation, violations: Sequence[Violation]) -> Override | None:
    """What a booking that is granted breaks, and why it may; only what it really breaks."""
    if command.override is None or not violations:
        return None
    broken = tuple(sorted({violation.reason.value for violation in violations}))
    return Override(reasons=broken, because=command.override.because)
