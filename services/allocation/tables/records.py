"""The records of the centre: its published terms, and how each company stands."""

from typing import assert_never

from msgspec.structs import replace

from services.allocation import events
from services.allocation.events import ConductEvent, RecordEvent
from services.allocation.values.arrears import Arrear
from services.allocation.values.conduct import Conduct, Exemption, Misuse, Strike
from services.allocation.values.correction import KEPT_MAX, Correction
from services.allocation.values.terms import Terms, terms_at


class Records:
    """Terms in the order of their publication, and the conduct and corrections of every company that has any."""

    def __init__(self) -> None:
        self.terms: list[Terms] = []
        self.conducts: dict[str, Conduct] = {}
        self.corrections: dict[str, dict[str, Correction]] = {}
        """The latest of each company, by their ids, in order."""

    def terms_at(self, at: int) -> Terms:
        """The terms that hold at a time in seconds."""
        return terms_at(self.terms, at)

    def conduct(self, company: str) -> Conduct:
        """A company's record; an empty one if there is nothing to tell."""
        return self.conducts.get(company) or Conduct(company=company)

    def came(self, company: str) -> None:
        """Somebody of a company came to use what it had reserved."""
        conduct = self.conduct(company)
        self.conducts[company] = replace(conduct, kept=conduct.kept + 1)

    def restore(self, company: str, conduct: Conduct | None) -> None:
        """Let a company's record be what it was, None for an empty one."""
        if conduct is None:
            self.conducts.pop(company, None)
        else:
            self.conducts[company] = conduct

    def correct(self, correction: Correction) -> Correction:
        """Keep a correction, and as many before it as may be reversed."""
        kept = self.corrections.setdefault(correction.company, {})
        kept[correction.id] = correction
        if len(kept) > KEPT_MAX:
            del kept[next(iter(kept))]
        return correction

    def apply(self, event: RecordEvent, at: int) -> Terms | Conduct | Correction:
        """Make an event true, at a time in seconds. Gives what it made or changed."""
        if isinstance(event, events.CorrectionPosted):
            return self.correct(event.correction)
        if isinstance(event, events.TermsPublished):
            self.terms.append(event.terms)
            return event.terms
        match event:
            case events.QualificationGranted(qualification=about) | events.OfficerAssigned(assignment=about):
                named = about.company
            case _:
                named = event.company
        conduct = self.conducts[named] = judged(self.conduct(named), event, at)
        return conduct


def judged(conduct: Conduct, event: ConductEvent, at: int) -> Conduct:
    """A company's record after an event, at a time in seconds."""
    match event:
        case events.QualificationGranted():
            return conduct.with_qualification(event.qualification)
        case events.QualificationRevoked():
            return conduct.without_qualification(event.resource)
        case events.OfficerAssigned():
            return conduct.with_officer(event.assignment)
        case events.OfficerDismissed():
            return conduct.without_officer(event.officer)
        case events.StrikeGiven():
            return conduct.struck(Strike(reservation_id=event.reservation_id, cause=event.cause, at=at))
        case events.StrikeForgiven():
            return conduct.forgiven(event.reservation_id)
        case events.ArrearsRecorded():
            arrear = Arrear(month=event.month, krw=event.krw, since=event.since, reference=event.reference)
            return conduct.with_arrear(arrear)
        case events.ArrearsReached():
            (arrear,) = (each for each in conduct.arrears if each.month == event.month)
            reached = (*arrear.reached, event.months)
            return conduct.with_arrear(replace(arrear, reached=reached, suspends=arrear.suspends or event.suspends))
        case events.ArrearsCleared():
            return conduct.without_arrear(event.month)
        case events.MisuseRecorded():
            misuse = Misuse(reason=event.reason, at=at, reference=event.reference, revokes=event.revokes)
            return replace(conduct, misuse=misuse)
        case events.ReviewExempted():
            return conduct.with_exemption(Exemption(at=event.at, reason=event.reason), at)
        case events.MisuseLifted():
            return replace(conduct, misuse=None)
        case events.SuspensionSet():
            return replace(conduct, suspended_until=event.until)
        case _:
            assert_never(event)
