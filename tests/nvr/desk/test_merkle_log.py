"""The register's tree against the RFC's own recursive definition, and against forged proofs."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.merkle_log import (
    EMPTY_ROOT,
    MerkleLog,
    ProofImpossible,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)

SIZES = st.integers(1, 70)


def split(count: int) -> int:
    """The largest power of two smaller than count, by counting."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def naive_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1, word for word."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*naive_path(index, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(index - k, entries[k:]), naive_root(entries[:k])]


def naive_proof(old: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1, word for word."""
    if old == len(entries):
        return [] if whole else [naive_root(entries)]
    k = split(len(entries))
    if old <= k:
        return [*naive_proof(old, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_proof(old - k, entries[k:], False), naive_root(entries[:k])]


def entries_of(count: int) -> list[bytes]:
    """Distinct entries."""
    return [b"entry %d" % number for number in range(count)]


def log_of(count: int) -> MerkleLog:
    """A log over them."""
    return MerkleLog(leaf_hash(entry) for entry in entries_of(count))


def test_roots_of_every_size_are_those_of_the_definition() -> None:
    """A log of 130 entries knows the root of each of its earlier sizes."""
    log, entries = log_of(130), entries_of(130)
    assert log.root(0) == EMPTY_ROOT == naive_root([])
    for size in range(1, 131):
        assert log.root(size) == naive_root(entries[:size])


def test_the_next_root_is_known_before_the_leaf_is_appended() -> None:
    """What root_with foretells is the root after the append, at every size."""
    log = MerkleLog()
    for entry in entries_of(130):
        foretold = log.root_with(leaf_hash(entry))
        log.append(leaf_hash(entry))
        assert log.root() == foretold


def test_the_published_example_has_its_known_root() -> None:
    """The seven leaves used by Certificate Transparency implementations give the published roots."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ]
    log = MerkleLog()
    for leaf, root in zip(leaves, roots, strict=True):
        log.append(leaf_hash(bytes.fromhex(leaf)))
        assert log.root().hex() == root


@given(SIZES, st.data())
def test_inclusion_proofs_are_those_of_the_definition_and_verify(size: int, data: st.DataObject) -> None:
    """Every leaf of every size is provable, with exactly the RFC's path."""
    index = data.draw(st.integers(0, size - 1))
    log, entries = log_of(70), entries_of(size)
    path = log.inclusion_proof(index, size)
    assert path == naive_path(index, entries)
    assert verify_inclusion(leaf_hash(entries[index]), index, size, path, log.root(size))


@given(SIZES, st.data())
def test_consistency_proofs_are_those_of_the_definition_and_verify(size: int, data: st.DataObject) -> None:
    """Every earlier size is provably a beginning of every later one."""
    old = data.draw(st.integers(1, size))
    log, entries = log_of(70), entries_of(size)
    proof = log.consistency_proof(old, size)
    assert proof == naive_proof(old, entries)
    assert verify_consistency(old, log.root(old), size, log.root(size), proof)


@given(SIZES, st.data())
def test_a_forged_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    """Another leaf, index, size, root, or a path with one bit flipped, a part too few or too many: refused."""
    index = data.draw(st.integers(0, size - 1))
    log = log_of(70)
    leaf, path, root = log.leaf(index), log.inclusion_proof(index, size), log.root(size)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, path, root)
    assert not verify_inclusion(leaf, index, size, path, leaf_hash(b"another"))
    assert not verify_inclusion(leaf, index, size, [*path, root], root)
    assert not verify_inclusion(leaf, size, size, path, root)
    assert not verify_inclusion(leaf, -1, size, path, root)
    if path:
        assert not verify_inclusion(leaf, index, size, path[:-1], root)
        victim = data.draw(st.integers(0, len(path) - 1))
        forged = list(path)
        forged[victim] = bytes([forged[victim][0] ^ 1]) + forged[victim][1:]
        assert not verify_inclusion(leaf, index, size, forged, root)
        assert not verify_inclusion(leaf, index, size, [*path[:-1], path[-1][:31]], root)


@given(SIZES, st.data())
def test_a_rewritten_history_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    """If any entry below the old size is changed, the old root no longer fits the honest proof."""
    old = data.draw(st.integers(1, size))
    victim = data.draw(st.integers(0, old - 1))
    log = log_of(70)
    entries = entries_of(size)
    entries[victim] = b"rewritten"
    rewritten = MerkleLog(leaf_hash(entry) for entry in entries)
    proof = rewritten.consistency_proof(old, size)
    assert not verify_consistency(old, log.root(old), size, rewritten.root(), proof)
    assert not verify_consistency(old, log.root(old), size, rewritten.root(), log.consistency_proof(old, size))


@given(st.integers(-2, 40), st.integers(-2, 40), st.lists(st.binary(min_size=30, max_size=33), max_size=7))
def test_any_proof_is_judged_without_an_error(old: int, size: int, proof: list[bytes]) -> None:
    """Whatever is handed in, the verifiers answer yes or no, and never yes for rubbish."""
    log = log_of(40)
    old_root = log.root(max(0, old))
    root = log.root(max(0, size))
    honest = 0 <= old <= size and log.consistency_proof(old, size) == proof
    assert verify_consistency(old, old_root, size, root, proof) == honest
    assert not verify_inclusion(leaf_hash(b"absent"), old, size, proof, root)


def test_proofs_beyond_the_tree_do_not_exist() -> None:
    """Indices and sizes outside the tree are our error, not a wrong proof."""
    log = log_of(5)
    for ask in (
        lambda: log.inclusion_proof(5),
        lambda: log.inclusion_proof(-1),
        lambda: log.inclusion_proof(3, 3),
        lambda: log.inclusion_proof(0, 6),
        lambda: log.consistency_proof(6),
        lambda: log.consistency_proof(-1),
        lambda: log.root(6),
        lambda: log.leaf(5),
    ):
        with pytest.raises(ProofImpossible):
            ask()
    with pytest.raises(ValueError, match="32 bytes"):
        log.append(b"short")
