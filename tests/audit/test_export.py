"""What may be done to a log by somebody who can write to it: each is found, and the first bad position named."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from services.allocation import events
from services.allocation.values.conduct import Cause, Qualification
from services.audit import forms
from services.audit.export import verify_export
from services.audit.faults import Fault
from services.audit.notes import read_checkpoint, read_folder
from tests.audit.conftest import OWN
from tests.audit.exports import NOON, Notarised
from tests.ledger.pages import HOUR, MONDAY, chained, company, confirmed, correction, entry, held, hours, pool

Lines = list[bytes]


def lines_of(pages: list[bytes], note: str) -> Lines:
    """An export of these pages, whatever they are."""
    body = [forms.PageLine(position=place, page=page.decode()) for place, page in enumerate(pages, 1)]
    opening = forms.Opening(version=forms.VERSION, scope=forms.WHOLE_CENTRE)
    return [forms.write(line) for line in (opening, *body, forms.Closing(note=note))]


def test_an_honest_export_verifies(small: Notarised) -> None:
    """All of it, with the checkpoints that were kept on the way."""
    kept = [read_checkpoint(small.note(place), small.public, f"kept {place}") for place in (1, 3, 5)]
    verdict = verify_export(small.whole(), small.public, kept)
    assert (verdict.events, verdict.agreeing, verdict.checkpoint.position) == (8, 3, 5)
    assert verify_export(small.of_company("CMP-0001", OWN), small.public, kept).agreeing == 3


@pytest.mark.parametrize(
    ("spoil", "position"),
    [
        (lambda pages: pages.__setitem__(2, pages[2].replace(b'"q1"', b'"q9"')), 3),
        (lambda pages: pages.pop(2), 2),
        (lambda pages: pages.insert(2, pages.pop(3)), 2),
        (lambda pages: pages.insert(2, pages[1]), 2),
        (lambda pages: pages.pop(0), 1),
        (lambda pages: pages.pop(), 5),
        (lambda pages: pages.__setitem__(4, pages[4].replace(b'"r3"', b'"r4"')), 5),
    ],
    ids=["edited", "dropped", "swapped", "repeated", "beginning cut off", "end cut off", "end edited"],
)
def test_pages_that_are_not_what_was_signed(
    small: Notarised, spoil: Callable[[list[bytes]], object], position: int
) -> None:
    """Edits, drops, swaps and truncation, by one who renumbers the pages but has no key."""
    pages, note = list(small.pages), small.note()
    spoil(pages)
    with pytest.raises(Fault) as fault:
        verify_export(lines_of(pages, note), small.public)
    assert fault.value.position == position


def test_a_chain_made_anew_is_not_what_was_signed(small: Notarised) -> None:
    """One who rewrites every page after the change, so that the chain holds, still has no signature for it."""
    entries = [(), (entry(pool(), company(), company("CMP-0002"), actor="operator"),), (), (), ()]
    with pytest.raises(Fault, match="signed for other pages"):
        verify_export(lines_of(chained(entries), small.note()), small.public)


def test_a_fork_signed_with_the_true_key_is_found_by_old_checkpoints(small: Notarised, tmp_path: Path) -> None:
    """Even the owner of the key cannot tell another story than the checkpoints that left the house."""
    kept = [read_checkpoint(small.note(3), small.public, "kept")]
    entries = [(), (entry(pool(), company(), actor="operator"),), (entry(confirmed("r1", held([5], hours(0, 1)))),)]
    fork = Notarised(chained(entries), small.public_file.parent)
    assert verify_export(fork.whole(), small.public).events == 3
    with pytest.raises(Fault, match="kept was signed for other pages") as fault:
        verify_export(fork.whole(), small.public, kept)
    assert fault.value.position == 3


def test_two_checkpoints_of_one_position_that_differ_are_a_fork(small: Notarised, tmp_path: Path) -> None:
    """Kept checkpoints are compared with one another as well."""
    fork = Notarised(chained([(), ()]), small.public_file.parent)
    (tmp_path / "a.txt").write_text(small.note(2))
    (tmp_path / "b.txt").write_text(fork.note(2))
    with pytest.raises(Fault, match="forked"):
        read_folder(tmp_path, small.public)


def test_an_end_cut_off_and_signed_again_is_found_by_old_checkpoints(small: Notarised) -> None:
    """Truncation by the owner of the key: the kept checkpoint lies beyond the end; only an honest older one may."""
    kept = [read_checkpoint(small.note(5), small.public, "kept")]
    short = Notarised(small.pages[:4], small.public_file.parent)
    with pytest.raises(Fault, match="pages are missing") as fault:
        verify_export(short.whole(), small.public, kept)
    assert fault.value.position == 5
    assert verify_export(short.whole(), small.public, kept, older=True).later == 1
    earlier = [read_checkpoint(small.note(5, NOON - timedelta(minutes=1)), small.public, "earlier")]
    with pytest.raises(Fault, match="pages are missing"):
        verify_export(short.whole(), small.public, earlier, older=True)


def test_another_key_is_not_believed(small: Notarised, tmp_path: Path) -> None:
    """A log signed by anybody else, under the same name, is no log of ours."""
    stranger = Notarised(small.pages, tmp_path / "other")
    with pytest.raises(Fault, match="not among yours"):
        verify_export(stranger.whole(), small.public)
    assert verify_export(stranger.whole(), [*small.public, *stranger.public]).events == 8


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_companys_export_with_anything_missing_fails(small: Notarised, cut: int) -> None:
    """Its own events and the hashes of others are all needed, in their order."""
    lines = small.of_company("CMP-0001", OWN)
    for spoiled in (lines[:cut] + lines[cut + 1 :], [*lines[:cut], lines[cut], *lines[cut:]]):
        with pytest.raises(Fault):
            verify_export(spoiled, small.public)
    if cut < 8:
        swapped = [*lines[:cut], lines[cut + 1], lines[cut], *lines[cut + 2 :]]
        with pytest.raises(Fault):
            verify_export(swapped, small.public)


def test_a_company_gets_no_others_events(small: Notarised) -> None:
    """An export that tells a company of another's booking is not taken for its own."""
    with pytest.raises(Fault, match="does not concern"):
        verify_export(small.of_company("CMP-0001", [*OWN[:5], True, *OWN[6:]]), small.public)


def test_what_names_a_company_is_its_own(tmp_path: Path) -> None:
    """A training, a strike and a correction are a company's, though they belong to none of its reservations."""
    training = Qualification(company="CMP-0001", resource="M01", start=MONDAY, end=MONDAY + HOUR)
    facts = (
        events.QualificationGranted(qualification=training),
        events.StrikeGiven(company="CMP-0001", reservation_id="older", cause=Cause.NO_SHOW),
        correction("c1", 5_000),
    )
    entries = (entry(pool(), company(), company("CMP-0002"), actor="operator"), entry(*facts, actor="operator"))
    log = Notarised(chained([entries]), tmp_path / "keys")
    own = [False, True, False, True, True, True]
    assert verify_export(log.of_company("CMP-0001", own), log.public).events == 6
    with pytest.raises(Fault, match=r"does not concern|not that of"):
        verify_export(log.of_company("CMP-0002", [False, False, True, False, False, True]), log.public)


@pytest.mark.parametrize("end", range(7))
def test_an_export_that_breaks_off_is_no_export(small: Notarised, end: int) -> None:
    """Without the line of its checkpoint an export proves nothing, wherever it ends."""
    lines = small.whole()
    with pytest.raises(Fault):
        verify_export(lines[:end], small.public)
    with pytest.raises(Fault):
        verify_export([*lines[: end + 1], lines[end]], small.public)
