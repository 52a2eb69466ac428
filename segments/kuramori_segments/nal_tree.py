"""The Merkle tree over a segment's NAL units (RFC 9162 section 2.1), its root, and proofs for a run of leaves.

A clip is a contiguous run of the recorder's leaves: with the run's own leaf hashes and a short proof anyone
computes the signed root. This module must not know codecs, segments or keys.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
MAX_LEAVES = 1 << 48  # far beyond any segment; bounds the depth of a proof


class RangeProofInvalid(Exception):
    """The leaves and the proof do not lead to the root."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the proof does not lead to the signed root: {detail}")
        self.detail = detail


def leaf(salt: bytes, nal_unit: bytes | bytearray | memoryview) -> bytes:
    """Return the leaf hash of one NAL unit: SHA-256(0x00, salt, the unit without trailing zero bytes)."""
    return sha256(b"".join((b"\0", salt, bytes(nal_unit).rstrip(b"\0")))).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01, left, right)."""
    return sha256(b"\1" + left + right).digest()


class RunningRoot:
    """The root of a growing tree in logarithmic memory: what the writer needs."""

    def __init__(self) -> None:
        self._perfect: list[bytes] = []  # roots of perfect subtrees, largest first
        self._count = 0

    @property
    def count(self) -> int:
        """Return how many leaves there are."""
        return self._count

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf hash."""
        count = self._count
        perfect = self._perfect
        while count & 1:
            leaf_hash = sha256(b"\1" + perfect.pop() + leaf_hash).digest()
            count >>= 1
        perfect.append(leaf_hash)
        self._count += 1

    @property
    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self._perfect:
            return EMPTY_ROOT
        root = self._perfect[-1]
        for left in reversed(self._perfect[:-1]):
            root = node(left, root)
        return root


class NalTree:
    """All leaves of a segment, for proofs."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []
        self._running = RunningRoot()

    @property
    def count(self) -> int:
        """Return how many leaves there are."""
        return len(self._leaves)

    @property
    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return self._running.root

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf hash."""
        self._leaves.append(leaf_hash)
        self._running.append(leaf_hash)

    def leaves(self, first: int, count: int) -> tuple[bytes, ...]:
        """Return a run of leaf hashes."""
        return tuple(self._leaves[first : first + count])

    def range_proof(self, first: int, count: int) -> tuple[bytes, ...]:
        """Return the roots of the subtrees outside the run, from left to right.

        Raises ValueError for an empty run or one that leaves the tree.
        """
        if first < 0 or count < 1 or first + count > len(self._leaves):
            raise ValueError(f"leaves {first} to {first + count} of {len(self._leaves)}")
        proof: list[bytes] = []
        self._collect(0, len(self._leaves), first, first + count, proof)
        return tuple(proof)

    def _collect(self, start: int, end: int, first: int, last: int, proof: list[bytes]) -> None:
        if first <= start and end <= last:
            return
        if end <= first or last <= start:
            proof.append(self._subtree(start, end))
            return
        middle = start + _split(end - start)
        self._collect(start, middle, first, last, proof)
        self._collect(middle, end, first, last, proof)

    def _subtree(self, start: int, end: int) -> bytes:
        running = RunningRoot()
        for position in range(start, end):
            running.append(self._leaves[position])
        return running.root


def verify_range(
    root: bytes, leaves_total: int, first: int, leaf_hashes: Sequence[bytes], proof: Sequence[bytes]
) -> None:
    """Check that the leaf hashes stand at `first` in the tree of that root and size.

    Raises RangeProofInvalid. Any input is safe: work is bounded by the leaves and the proof handed in.
    """
    last = first + len(leaf_hashes)
    if not leaf_hashes or first < 0 or last > leaves_total or leaves_total > MAX_LEAVES:
        raise RangeProofInvalid(f"leaves {first} to {last} of {leaves_total}")
    if any(len(value) != HASH_BYTES for value in (*leaf_hashes, *proof)):
        raise RangeProofInvalid("a hash has the wrong length")
    rest = list(reversed(proof))

    def rebuild(start: int, end: int) -> bytes:
        if first <= start and end <= last:
            running = RunningRoot()
            for value in leaf_hashes[start - first : end - first]:
                running.append(value)
            return running.root
        if end <= first or last <= start:
            if not rest:
                raise RangeProofInvalid("the proof is too short")
            return rest.pop()
        middle = start + _split(end - start)
        left = rebuild(start, middle)
        return node(left, rebuild(middle, end))

    if rebuild(0, leaves_total) != root:
        raise RangeProofInvalid("the root differs")
    if rest:
        raise RangeProofInvalid("the proof is too long")


def _split(count: int) -> int:
    """Return the largest power of two smaller than the count (RFC 9162 section 2.1.1)."""
    return 1 << (count - 1).bit_length() - 1
