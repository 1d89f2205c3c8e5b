"""What placement speaks of: the parts of a line, and the bins that are chosen for them."""

from msgspec import Struct


class Part(Struct, frozen=True, gc=False):
    """So many nodes, each giving `bins` bins with `amount` units in each."""

    nodes: int
    bins: int
    amount: int


class Place(Struct, frozen=True, gc=False):
    """Bins and the units taken of each."""

    bins: tuple[int, ...]
    amounts: tuple[int, ...]
