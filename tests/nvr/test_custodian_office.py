"""The custodians of a recorder: taken from a chain that is signed, never from a file that was exchanged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori.custodian_office import CustodianOffice, CustodiansUnusable
from kuramori.places import Places
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.ledger import Ledger
from kuramori_segments.set_change import SetChain, SetChange, with_signatures
from tests.fakes.key_holders import custodian, custodian_set, keys_of, recovery

FIRST = custodian_set(2, 3)
SECOND = CustodianSet.of(2, [custodian(f"custodian {number}").card for number in (2, 3, 4)], recovery().card)
STRANGERS = CustodianSet.of(2, [custodian("stranger 1").card, custodian("stranger 2").card], recovery().card)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A state directory with the first set."""
    made = Places(
        state=tmp_path,
        runtime=tmp_path,
        secrets=tmp_path,
        volumes=(),
        cell=None,
        fallback_cell=None,
        ledger_mirror=None,
    )
    made.custodians.write_bytes(FIRST.to_bytes())
    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that remembers the first set."""
    with Ledger.create(tmp_path / "ledger.db", None, 1) as made:
        made.install_custodian_set(FIRST.set_id, threshold=2, custodians=3, document=FIRST.to_bytes(), now_utc_ms=1)
        yield made


def changed(signers: int = 2) -> SetChain:
    """Return the chain with the second set in it."""
    chain = SetChain(FIRST)
    change = SetChange(bytes(16), 1, FIRST.set_id, SECOND, (), "Sato Hanako", "April", 5)
    signed = with_signatures(chain, change, [change.sign(key) for key in keys_of(FIRST)[:signers]])
    return SetChain(FIRST, (signed,))


def test_a_signed_change_is_taken_over_while_it_runs(places: Places, ledger: Ledger) -> None:
    """The chain on disk grows: the new set is in use, and the ledger says since when."""
    office = CustodianOffice.read(places)
    office.settle(ledger, 2)
    assert office.current == FIRST
    places.custodian_chain.write_bytes(changed().to_bytes())
    assert office.reload(ledger, 3) == SECOND
    entry = ledger.custodian_set_in_use()
    assert entry is not None
    assert (entry.custodian_set_id, entry.installed_utc_ms, office.trouble) == (SECOND.set_id, 3, "")


def test_a_stop_between_the_two_files_costs_nothing(places: Places, ledger: Ledger) -> None:
    """The chain is written first: with the old set beside it the new one counts."""
    places.custodian_chain.write_bytes(changed().to_bytes())
    office = CustodianOffice.read(places)
    office.settle(ledger, 2)
    assert office.current == SECOND


def test_an_exchanged_set_is_not_sealed_to(places: Places, ledger: Ledger) -> None:
    """Somebody puts another set in place: at the start and at a reload the one that the ledger knows goes on."""
    office = CustodianOffice.read(places)
    office.settle(ledger, 2)
    places.custodians.write_bytes(STRANGERS.to_bytes())
    assert office.reload(ledger, 3) == FIRST
    assert office.trouble
    again = CustodianOffice.read(places)
    again.settle(ledger, 4)
    assert again.current == FIRST
    assert again.trouble


def test_a_change_without_enough_signatures_is_not_taken(places: Places, ledger: Ledger) -> None:
    """Running: the old set goes on, loudly. At the start: the file is named."""
    office = CustodianOffice.read(places)
    office.settle(ledger, 2)
    places.custodian_chain.write_bytes(changed(signers=1).to_bytes())
    assert office.reload(ledger, 3) == FIRST
    assert office.trouble
    with pytest.raises(CustodiansUnusable) as refused:
        CustodianOffice.read(places)
    assert refused.value.path == places.custodian_chain
