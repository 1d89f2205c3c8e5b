"""The hash tree of RFC 9162, as a reader needs it: grow it leaf by leaf, and check proofs."""

from collections.abc import Sequence
from hashlib import sha256

from services.audit.faults import Fault


def hash_leaf(content: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + content).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows at its right edge: complete subtrees of falling sizes."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes, width: int = 1) -> None:
        """Add the hash of the next leaf, or of the next `width` leaves where these are a complete subtree."""
        self.size += width
        while self._edge and self._edge[-1][0] == width:
            leaf = hash_node(self._edge.pop()[1], leaf)
            width *= 2
        self._edge.append((width, leaf))

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self._edge:
            return sha256().digest()
        root = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            root = hash_node(left, root)
        return root


def demand_inclusion(leaf: bytes, place: int, size: int, hashes: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf stands at a place, from 0, of the tree with this root (RFC 9162, 2.1.3.2). Raises `Fault`."""
    if not 0 <= place < size:
        raise Fault(f"place {place} is not in a tree of {size} events")
    at, last, node = place, size - 1, leaf
    for neighbour in hashes:
        if last == 0:
            raise Fault("the proof is too long")
        if at % 2 or at == last:
            node = hash_node(neighbour, node)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            node = hash_node(node, neighbour)
        at, last = at // 2, last // 2
    if last:
        raise Fault("the proof is too short")
    if node != root:
        raise Fault("the event is not where the proof says: it, or its proof, is not what was signed")


def demand_growth(first: int, first_root: bytes, second: int, second_root: bytes, hashes: Sequence[bytes]) -> None:
    """Check that one tree begins with another (RFC 9162, 2.1.4.2). Raises `Fault`."""
    if not 0 < first <= second:
        raise Fault(f"a tree of {second} events cannot begin with one of {first}")
    if first == second:
        if hashes or first_root != second_root:
            raise Fault("two different trees of the same size: the log was forked")
        return
    path = [first_root, *hashes] if first & (first - 1) == 0 else list(hashes)
    if not path:
        raise Fault("the proof is too short")
    at, last = first - 1, second - 1
    while at % 2:
        at, last = at // 2, last // 2
    old = new = path[0]
    for neighbour in path[1:]:
        if last == 0:
            raise Fault("the proof is too long")
        if at % 2 or at == last:
            old, new = hash_node(neighbour, old), hash_node(neighbour, new)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            new = hash_node(new, neighbour)
        at, last = at // 2, last // 2
    if last or old != first_root or new != second_root:
        raise Fault("the later tree does not begin with the earlier one: the log was forked")
