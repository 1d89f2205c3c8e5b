"""Exports and receipts made by hand, from pages and the naive tree: what an honest ledger would give out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from services.audit import forms
from services.audit.keys import PUBLIC, PublicKey, make_keys, read_public_keys
from services.eventlog.page import page_hash
from services.ledger.proving.leaves import Leaf, leaves_of
from services.ledger.proving.notes import Signer, Standing
from tests.ledger import naive_tree
from tests.ledger.pages import CENTRE

ORIGIN = f"aidc/{CENTRE}"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Notarised:
    """A log of pages, a key, and what is signed with it."""

    def __init__(self, pages: Sequence[bytes], folder: Path, origin: str = ORIGIN) -> None:
        self.pages = list(pages)
        self.signer = Signer.read(make_keys(folder, origin), origin)
        self.public_file = folder / PUBLIC
        self.public: list[PublicKey] = read_public_keys(self.public_file)
        self.leaves = [leaf for place, page in enumerate(self.pages, 1) for leaf in leaves_of(place, page)]

    def note(self, position: int | None = None, time: datetime = NOON) -> str:
        """What is signed at a position; at the end by default."""
        end = len(self.pages) if position is None else position
        hashes = [leaf.hash for leaf in self.leaves if leaf.position <= end]
        root = naive_tree.tree_hash(hashes)
        standing = Standing(position=end, size=len(hashes), root=root, page=page_hash(self.pages[end - 1]))
        return self.signer.sign(standing, time)

    def whole(self) -> list[bytes]:
        """The lines of an export of everything."""
        pages = [forms.PageLine(position=position, page=page.decode()) for position, page in enumerate(self.pages, 1)]
        opening = forms.Opening(version=forms.VERSION, scope=forms.WHOLE_CENTRE)
        return [forms.write(line) for line in (opening, *pages, forms.Closing(note=self.note()))]

    def of_company(self, company: str, own: Sequence[bool]) -> list[bytes]:
        """The lines of a company's export; `own` says which events are its."""
        body = [
            leaf_line(leaf) if mine else forms.RedactedLine(hashes=leaf.hash.hex())
            for leaf, mine in zip(self.leaves, own, strict=True)
        ]
        opening = forms.Opening(version=forms.VERSION, scope=f"companies/{company}")
        return [forms.write(line) for line in (opening, *body, forms.Closing(note=self.note()))]

    def receipt(self, place: int, reservation: str) -> bytes:
        """The receipt for the event at a place, from 0."""
        path = naive_tree.inclusion_path(place, [leaf.hash for leaf in self.leaves])
        return forms.write(
            forms.Receipt(
                version=forms.VERSION,
                reservation=reservation,
                leaf=leaf_line(self.leaves[place]),
                place=place,
                hashes=tuple(node.hex() for node in path),
                note=self.note(),
            )
        )


def leaf_line(leaf: Leaf) -> forms.LeafLine:
    """A leaf in full."""
    return forms.LeafLine(
        position=leaf.position,
        entry=leaf.entry,
        index=leaf.index,
        time=leaf.time,
        request=leaf.request.hex(),
        event=leaf.event.decode(),
        hash=leaf.hash.hex(),
    )
