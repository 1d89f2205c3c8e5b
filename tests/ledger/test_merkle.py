"""The tree and its proofs against RFC 9162 read word by word."""

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.proving.merkle import Frontier, Range, Subtree, consistency, hash_node, inclusion, subtrees
from tests.ledger import naive_tree

SIZE_MAX = 70
LEAVES = [naive_tree.leaf_hash(str(number).encode()) for number in range(SIZE_MAX)]


def ranges_hashed(ranges: list[Range]) -> list[bytes]:
    """What a proof of these ranges consists of."""
    return [naive_tree.tree_hash(LEAVES[start:end]) for start, end in ranges]


@given(st.lists(st.integers(0, 20), max_size=12))
def test_a_tree_that_grows_bit_by_bit_is_the_tree(steps: list[int]) -> None:
    """However many leaves come at once, the root is that of the RFC, and every complete subtree comes once."""
    frontier, nodes, size = Frontier(), dict[Subtree, bytes](), 0
    leaves = LEAVES * 4
    for step in steps:
        for level, index, node in frontier.extend(leaves[size : size + step]):
            assert Subtree(level, index) not in nodes
            nodes[Subtree(level, index)] = node
        size += step
        assert (frontier.size, frontier.root) == (size, naive_tree.tree_hash(leaves[:size]))
    for subtree, node in nodes.items():
        first, end = subtree.index << subtree.level, subtree.index + 1 << subtree.level
        assert node == naive_tree.tree_hash(leaves[first:end])
    assert len(nodes) == sum(size >> level for level in range(1, 10))


def test_every_inclusion_proof_is_that_of_the_rfc() -> None:
    """For every leaf of every small tree."""
    for size in range(1, SIZE_MAX + 1):
        for place in range(size):
            assert ranges_hashed(inclusion(place, size)) == naive_tree.inclusion_path(place, LEAVES[:size])


def test_every_consistency_proof_is_that_of_the_rfc() -> None:
    """For every pair of small trees."""
    for second in range(1, SIZE_MAX + 1):
        for first in range(1, second + 1):
            assert ranges_hashed(consistency(first, second)) == naive_tree.consistency_path(first, LEAVES[:second])


def test_ranges_of_proofs_consist_of_few_complete_subtrees() -> None:
    """Whatever the size of the tree, a proof needs no more nodes than the square of its height."""
    size = 123_456_789
    for place in (0, 1, size // 3, size - 2, size - 1):
        parts = [part for leaves in inclusion(place, size) for part in subtrees(leaves)]
        assert len(parts) <= 2 * size.bit_length()
        assert all(part.index + 1 << part.level <= size for part in parts)


def test_neighbours_are_hashed_in_order() -> None:
    """Left and right are told apart."""
    assert hash_node(LEAVES[0], LEAVES[1]) != hash_node(LEAVES[1], LEAVES[0])
