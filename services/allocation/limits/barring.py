"""Who books nothing new at all, whatever it is: whoever has not paid for long, and whoever misused it."""

from collections.abc import Iterator

from services.allocation.rejections import Reason, Violation
from services.allocation.values.conduct import Conduct


def barred(conduct: Conduct) -> Iterator[Violation]:
    """That a company books nothing new: while it has not paid, or what it had was revoked."""
    if conduct.revoked:
        yield Violation(
            reason=Reason.REVOKED,
            description=f"All that {conduct.company} had was revoked for misuse, and it books nothing more until an "
            "operator lifts that.",
            subject=conduct.company,
        )
    months = [each.month for each in conduct.arrears if each.suspends]
    if months:
        yield Violation(
            reason=Reason.ARREARS,
            description=f"{conduct.company} is suspended from booking until it has paid what is long overdue: "
            f"{', '.join(months)}. Once that is paid, an operator clears it.",
            subject=conduct.company,
        )
