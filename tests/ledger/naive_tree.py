"""RFC 9162 as its text has it, by recursion over whole lists: slow, and written from the RFC alone."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(content: bytes) -> bytes:
    """MTH({d[0]}) of section 2.1.1."""
    return sha256(b"\x00" + content).digest()


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH(D_n) of section 2.1.1, over leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = largest_power_below(len(leaves))
    return sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def inclusion_path(place: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D_n) of section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = largest_power_below(len(leaves))
    if place < split:
        return [*inclusion_path(place, leaves[:split]), tree_hash(leaves[split:])]
    return [*inclusion_path(place - split, leaves[split:]), tree_hash(leaves[:split])]


def consistency_path(first: int, leaves: Sequence[bytes], known: bool = True) -> list[bytes]:
    """PROOF(m, D_n), which is SUBPROOF(m, D_n, true), of section 2.1.4.1."""
    if first == len(leaves):
        return [] if known else [tree_hash(leaves)]
    split = largest_power_below(len(leaves))
    if first <= split:
        return [*consistency_path(first, leaves[:split], known), tree_hash(leaves[split:])]
    return [*consistency_path(first - split, leaves[split:], False), tree_hash(leaves[:split])]


def largest_power_below(size: int) -> int:
    """The largest power of two smaller than n."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power
