"""Merkle trees against RFC 6962's own definition and published example roots."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaincode.signing.merkle import inclusion_path, leaf_hash, root_from_path, root_hash


def defined(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word: split at the largest power of two below the size."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\1" + defined(leaves[:half]) + defined(leaves[half:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=40))
def test_the_root_is_as_defined(leaves: list[bytes]) -> None:
    """Whatever the size, the level-by-level root is the recursive one."""
    assert root_hash([leaf_hash(leaf) for leaf in leaves]) == defined(leaves)


def test_known_roots() -> None:
    """The test vectors of the Certificate Transparency reference implementation."""
    leaves = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43"]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    }
    for size, root in roots.items():
        assert root_hash([leaf_hash(leaf) for leaf in leaves[:size]]).hex() == root


@given(st.integers(1, 70), st.data())
def test_paths_lead_to_the_root_and_nowhere_else(size: int, data: st.DataObject) -> None:
    """A path proves its leaf at its place; not another leaf, place, size or path."""
    index = data.draw(st.integers(0, size - 1))
    hashes = [leaf_hash(bytes((number,))) for number in range(size)]
    root, path = root_hash(hashes), inclusion_path(hashes, index)
    assert root_from_path(hashes[index], index, size, path) == root
    assert root_from_path(leaf_hash(b"other"), index, size, path) != root
    other = data.draw(st.integers(-1, size + 1))
    if other != index:
        assert root_from_path(hashes[index], other, size, path) != root
    assert root_from_path(hashes[index], index, size, (*path, bytes(32))) is None
    if path:
        assert root_from_path(hashes[index], index, size, path[:-1]) is None
        assert root_from_path(hashes[index], index, size, (path[0][:-1], *path[1:])) is None


def test_a_leaf_that_is_not_there() -> None:
    """No path is made for a place outside the tree."""
    with pytest.raises(IndexError):
        inclusion_path([leaf_hash(b"")], 1)
