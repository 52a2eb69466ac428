"""The tree that makes a log tamper-evident: RFC 9162 section 2.1 (SHA-256), grown leaf by leaf.

Pure: leaf hashes in, roots and proofs out. `MerkleLog` keeps every complete subtree's hash, 64 bytes a leaf, so
that an append costs a few hashes and a proof a few look-ups. Must not know what an entry is or where it is kept.
"""

import hashlib
from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class ProofImpossible(ValueError):
    """A proof was asked for that does not exist: an index or a size beyond the tree."""


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleLog:
    """An append-only tree; any earlier size of it can still be asked for."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        # _levels[h] holds the hashes of all complete subtrees of 2^h leaves, 32 bytes each, from the left.
        self._levels: list[bytearray] = [bytearray()]
        for leaf in leaf_hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash (32 bytes)."""
        if len(leaf) != HASH_BYTES:
            raise ValueError(f"a leaf hash has {HASH_BYTES} bytes, not {len(leaf)}")
        carried = leaf
        position = self.size
        height = 0
        self._levels[0] += leaf
        while position & 1:  # this leaf completes a subtree: the left half waits in the level below
            carried = node_hash(self._node(height, position - 1), carried)
            height += 1
            position >>= 1
            if height == len(self._levels):
                self._levels.append(bytearray())
            self._levels[height] += carried

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash at `index`."""
        if not 0 <= index < self.size:
            raise ProofImpossible(f"leaf {index} of {self.size}")
        return self._node(0, index)

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` leaves (all of them by default). Raises ProofImpossible."""
        size = self._checked_size(size)
        return self._range_root(0, size) if size else EMPTY_ROOT

    def root_with(self, leaf: bytes) -> bytes:
        """Return the root that appending this leaf hash would give, without appending it."""
        root = leaf
        size = self.size
        for height in range(size.bit_length()):  # the complete subtrees on the right, smallest first
            if size >> height & 1:
                root = node_hash(self._node(height, (size >> height) - 1), root)
        return root

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the audit path of leaf `index` in the tree of `size` (RFC 9162 section 2.1.3.1)."""
        size = self._checked_size(size)
        if not 0 <= index < size:
            raise ProofImpossible(f"leaf {index} in a tree of {size}")
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range_root(middle, end))
                end = middle
            else:
                path.append(self._range_root(start, middle))
                start = middle
        path.reverse()
        return path

    def consistency_proof(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Return the proof that the tree of `size` extends that of `old_size` (RFC 9162 section 2.1.4.1)."""
        size = self._checked_size(size)
        if not 0 <= old_size <= size:
            raise ProofImpossible(f"from size {old_size} to {size}")
        if old_size in (0, size):
            return []
        proof: list[bytes] = []
        start, end = 0, size
        while old_size != end:  # the part that both trees share ends inside [start, end)
            middle = start + _split(end - start)
            if old_size <= middle:
                proof.append(self._range_root(middle, end))
                end = middle
            else:
                proof.append(self._range_root(start, middle))
                start = middle
        if start:  # else the old tree is itself the leftmost subtree, and the verifier knows its root
            proof.append(self._range_root(start, end))
        proof.reverse()
        return proof

    def _checked_size(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise ProofImpossible(f"size {size} of a tree of {self.size}")
        return size

    def _node(self, height: int, position: int) -> bytes:
        return bytes(self._levels[height][position * HASH_BYTES : (position + 1) * HASH_BYTES])

    def _range_root(self, start: int, end: int) -> bytes:
        """Root over leaves [start, end): `start` is a multiple of the largest power of two below the length."""
        parts: list[bytes] = []
        while start < end:
            height = (end - start).bit_length() - 1
            parts.append(self._node(height, start >> height))
            start += 1 << height
        root = parts.pop()
        while parts:
            root = node_hash(parts.pop(), root)
        return root


def _split(leaves: int) -> int:
    """The largest power of two smaller than `leaves` (RFC 9162 section 2.1.1)."""
    return 1 << ((leaves - 1).bit_length() - 1)


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `path` proves the leaf hash at `index` under `root` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size or not _hashes(path):
        return False
    position, last = index, size - 1
    computed = leaf
    for part in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            computed = node_hash(part, computed)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, part)
        position >>= 1
        last >>= 1
    return last == 0 and computed == root


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether `proof` shows the tree of `size` to extend that of `old_size` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old_size <= size or not _hashes(proof):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    if old_size == size:
        return not proof and old_root == root
    parts = list(proof)
    if old_size & (old_size - 1) == 0:  # the old tree is a complete subtree: its root is the first part
        parts.insert(0, old_root)
    if not parts:
        return False
    position, last = old_size - 1, size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old_computed = computed = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_computed = node_hash(part, old_computed)
            computed = node_hash(part, computed)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, part)
        position >>= 1
        last >>= 1
    return last == 0 and old_computed == old_root and computed == root


def _hashes(parts: Sequence[bytes]) -> bool:
    return all(len(part) == HASH_BYTES for part in parts)
