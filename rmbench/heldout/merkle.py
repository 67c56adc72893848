"""A Merkle tree (RFC 6962, section 2.1). Leaves and nodes are hashed under prefixes: no node can pass for a leaf."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

LEAF, NODE = b"\x00", b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf, 32 bytes."""
    return hashlib.sha256(LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others, 32 bytes."""
    return hashlib.sha256(NODE + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over hashes of leaves, in order; that of no leaves is the hash of nothing, as in RFC 6962."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    middle = _split(len(leaves))
    return node_hash(root_of(leaves[:middle]), root_of(leaves[middle:]))


def path_of(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What shows that leaf `index` (from 0) is under the root: the hashes beside its way up, from the bottom.

    With it and the salt of one leaf, one item can be shown while all others stay secret. Raises IndexError.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"there is no leaf {index} among {len(leaves)}")
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*path_of(leaves[:middle], index), root_of(leaves[middle:])]
    return [*path_of(leaves[middle:], index - middle), root_of(leaves[:middle])]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a path shows that a leaf's hash stands at `index` of `size` leaves under the root."""
    if not 0 <= index < size:
        return False
    turns: list[bool] = []  # whether the leaf lies to the left, from the top
    while size > 1:
        middle = _split(size)
        turns.append(index < middle)
        index, size = (index, middle) if index < middle else (index - middle, size - middle)
    if len(turns) != len(path):
        return False
    found = leaf
    for left, beside in zip(reversed(turns), path, strict=True):
        found = node_hash(found, beside) if left else node_hash(beside, found)
    return found == root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return int(1 << (size - 1).bit_length() - 1)
