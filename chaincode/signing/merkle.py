"""Merkle trees over the transactions of a block (RFC 6962, section 2.1, with SHA-256).

A leaf is hashed with a zero byte before it, a node with a one, so that neither can pass as the other. The
root is a block's data hash; an inclusion path of ⌈log₂ n⌉ hashes proves that one transaction is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one leaf."""
    return sha256(b"\0" + leaf).digest()


def root_hash(hashes: Sequence[bytes]) -> bytes:
    """The root over the leaf hashes; of no leaves it is the hash of nothing."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_path(hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The siblings from leaf `index` up to the root (RFC 6962, section 2.1.1)."""
    if not 0 <= index < len(hashes):
        raise IndexError(f"a tree of {len(hashes)} leaves has no leaf {index}")
    path = []
    level = list(hashes)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _parents(level)
        index //= 2
    return tuple(path)


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that `path` leads to from a leaf hash, None where the path does not fit the tree.

    RFC 9162, section 2.1.3.2: the side on which each sibling stands follows from index and size, so a path
    proves the position as well."""
    if not 0 <= index < size:
        return None
    root, last = leaf, size - 1
    siblings = iter(path)
    while last > 0:
        if index % 2 == 1 or index < last:
            sibling = next(siblings, None)
            if sibling is None or len(sibling) != HASH_BYTES:
                return None
            pair = sibling + root if index % 2 == 1 else root + sibling
            root = sha256(b"\1" + pair).digest()
        index //= 2
        last //= 2
    return root if next(siblings, None) is None else None


def _parents(level: list[bytes]) -> list[bytes]:
    """The next level; an odd hash at the end rises as it is, which yields RFC 6962's tree."""
    pairs = [sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
    return pairs if len(level) % 2 == 0 else [*pairs, level[-1]]
