"""The Merkle tree is RFC 9162's, its range proofs prove exactly their run, and leaves cover what they should."""

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.codes import VideoCodec
from kuramori_segments.nal_leaves import COVERED, LeafHasher
from kuramori_segments.nal_tree import (
    EMPTY_ROOT,
    MAX_LEAVES,
    NalTree,
    RangeProofInvalid,
    RunningRoot,
    leaf,
    node,
    verify_range,
)
from kuramori_segments.segment_error import AccessUnitMalformed
from tests.fakes.segments import length_prefixed

SALT = bytes(range(32))


def leaves_of(count: int) -> list[bytes]:
    """Return some leaf hashes."""
    return [sha256(str(number).encode()).digest() for number in range(count)]


def tree_of(count: int) -> NalTree:
    """Return a tree of some leaves."""
    tree = NalTree()
    for value in leaves_of(count):
        tree.append(value)
    return tree


def naive_root(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 9162 section 2.1.1 defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node(naive_root(leaves[:split]), naive_root(leaves[split:]))


@pytest.mark.parametrize("count", range(40))
def test_the_root_is_the_rfcs(count: int) -> None:
    """Both ways to the root agree with the definition, at every size."""
    running = RunningRoot()
    for value in leaves_of(count):
        running.append(value)
    assert running.root == tree_of(count).root == naive_root(leaves_of(count))
    assert running.count == count


def test_the_root_of_a_published_tree() -> None:
    """The tree of Certificate Transparency's published test data has the published root."""
    entries = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    running = RunningRoot()
    for entry in entries:
        running.append(sha256(b"\0" + bytes.fromhex(entry)).digest())
    assert running.root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 13])
def test_every_run_of_a_tree_is_provable(count: int) -> None:
    """For each run, the proof leads to the root; its length is logarithmic."""
    tree = tree_of(count)
    for first in range(count):
        for length in range(1, count - first + 1):
            proof = tree.range_proof(first, length)
            verify_range(tree.root, count, first, tree.leaves(first, length), proof)
            assert len(proof) <= 2 * count.bit_length()


@given(st.data())
def test_a_wrong_run_is_never_proven(data: st.DataObject) -> None:
    """Another leaf, place, size, root or proof does not verify."""
    count = data.draw(st.integers(2, 20))
    tree = tree_of(count)
    first = data.draw(st.integers(0, count - 1))
    length = data.draw(st.integers(1, count - first))
    run, proof = tree.leaves(first, length), tree.range_proof(first, length)
    other = sha256(b"other").digest()
    changed = data.draw(st.integers(0, length - 1))
    forgeries = [
        (tree.root, count, first, (*run[:changed], other, *run[changed + 1 :]), proof),
        (other, count, first, run, proof),
        (tree.root, count, first, run, (*proof, other)),
        (tree.root, count, first + 1, run, proof),
        (tree.root, count, first, (), proof),
        (tree.root, MAX_LEAVES + 1, first, run, proof),
        (tree.root, count, first, (*run[:-1], b"short"), proof),
    ]
    if proof:
        forgeries.append((tree.root, count, first, run, proof[:-1]))
        forgeries.append((tree.root, count, first, run, (other, *proof[1:])))
    for root, total, start, leaves, steps in forgeries:
        with pytest.raises(RangeProofInvalid):
            verify_range(root, total, start, leaves, steps)


@given(
    st.integers(-5, MAX_LEAVES * 2),
    st.integers(-5, MAX_LEAVES * 2),
    st.lists(st.binary(max_size=32) | st.just(bytes(32)), max_size=5),
    st.lists(st.binary(max_size=32) | st.just(bytes(32)), max_size=60),
)
def test_any_proof_is_answered(total: int, first: int, leaves: list[bytes], proof: list[bytes]) -> None:
    """Whatever is handed in, the answer is quick: RangeProofInvalid, as nothing leads to this root."""
    with pytest.raises(RangeProofInvalid):
        verify_range(EMPTY_ROOT, total, first, leaves, proof)


def test_a_proof_is_only_made_for_leaves_that_are_there() -> None:
    """An empty run or one beyond the tree is a programming error."""
    for first, count in ((0, 0), (-1, 1), (2, 2)):
        with pytest.raises(ValueError):
            tree_of(3).range_proof(first, count)


def test_leaves_are_salted_and_trailing_zeros_do_not_count() -> None:
    """A remuxer that cuts trailing zeros keeps the leaf; another salt or byte makes another."""
    assert leaf(SALT, b"\x65picture\0\0") == leaf(SALT, b"\x65picture")
    assert len({leaf(SALT, b"\x65picture"), leaf(SALT[:31] + b"x", b"\x65picture"), leaf(SALT, b"\x65pictur")}) == 3


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20), st.integers(0, 3)), max_size=6))
def test_the_hasher_agrees_with_the_definition(units: list[tuple[int, bytes, int]]) -> None:
    """For any NAL units the hasher gives the leaves of the covered ones, in order."""
    nals = [bytes([first]) + body + bytes(zeros) for first, body, zeros in units]
    payload = memoryview(length_prefixed(*nals))
    for codec in VideoCodec:
        expected = [leaf(SALT, nal) for nal in nals if COVERED[codec][nal[0]]]
        assert LeafHasher(codec, SALT).leaves(payload, len(nals)) == expected


def test_slices_and_sei_are_covered_and_nothing_else() -> None:
    """H.264: types 1 to 6. H.265: types 0 to 31, 39 and 40. Whatever the other bits of the first byte."""
    h264 = {first & 31 for first in range(256) if COVERED[VideoCodec.H264][first]}
    h265 = {first >> 1 & 63 for first in range(256) if COVERED[VideoCodec.H265][first]}
    assert h264 == {1, 2, 3, 4, 5, 6}
    assert h265 == {*range(32), 39, 40}


@given(st.binary(max_size=40), st.integers(0, 5))
def test_any_payload_is_hashed_or_malformed(payload: bytes, nal_count: int) -> None:
    """Whatever the bytes, there are leaves, or AccessUnitMalformed."""
    with suppress(AccessUnitMalformed):
        assert len(LeafHasher(VideoCodec.H264, SALT).leaves(memoryview(payload), nal_count)) <= nal_count


@pytest.mark.parametrize(
    ("payload", "nal_count"),
    [
        (b"\0\0\0\1", 1),
        (b"\0\0\0\2\x65", 1),
        (b"\0\0\0\0\x65", 1),
        (b"\0\0\0\1\x65\0\0", 1),
        (b"\0\0\0\1\x65", 2),
        (b"", 1),
    ],
)
def test_lengths_that_do_not_add_up_are_malformed(payload: bytes, nal_count: int) -> None:
    """Cut lengths, empty units, left-over bytes and wrong counts are told."""
    with pytest.raises(AccessUnitMalformed):
        LeafHasher(VideoCodec.H264, SALT).leaves(memoryview(payload), nal_count)
