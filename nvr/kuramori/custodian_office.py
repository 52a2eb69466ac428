"""Which custodians segments are sealed to: the chain of sets, checked at the start and whenever it grows.

`custodians.json` is the set in use, `custodian_chain.json` shows how it came to be: each set signed by k custodians of
the one before. The ledger remembers which set was in use; one that does not follow from it is not taken: recording
goes on for the custodians that the ledger knows, loudly. This module must not know segments or sockets.
"""

from pathlib import Path

from kuramori import log
from kuramori.places import Places
from kuramori.texts import tr
from kuramori_segments.custodian_set import MAX_SET_BYTES, CustodianSet, read_set
from kuramori_segments.key_faults import ChangeOfAnotherSet, KeyFault
from kuramori_segments.ledger import Ledger
from kuramori_segments.set_change import MAX_CHAIN_BYTES, SetChain, read_chain

CHANGE_EVENT = "custodians_changed"


class CustodiansUnusable(Exception):
    """The custodian set is damaged: nothing is sealed to nobody, so nothing is recorded."""

    def __init__(self, path: Path, fault: KeyFault) -> None:
        super().__init__(f"{path} holds no custodian set ({fault}): restore it from a copy")
        self.path = path


def read_custody(custodians: Path, chain: Path) -> SetChain:
    """Read set and chain and check all of it. Raises CustodiansUnusable, OSError."""
    try:
        in_use = read_set(_content(custodians, MAX_SET_BYTES))
    except KeyFault as fault:
        raise CustodiansUnusable(custodians, fault) from fault
    if not chain.exists():
        return SetChain(in_use)
    try:
        found = read_chain(_content(chain, MAX_CHAIN_BYTES))
        if found.set_of(in_use.set_id) is None:
            raise ChangeOfAnotherSet
    except KeyFault as fault:
        raise CustodiansUnusable(chain, fault) from fault
    return found


class CustodianOffice:
    """The custodians of a running recorder. `settle` and `reload` block and touch the ledger."""

    def __init__(self, places: Places, chain: SetChain) -> None:
        self._places = places
        self.chain = chain
        self.trouble = ""  # a sentence while the set on disk is not one to be taken

    @classmethod
    def read(cls, places: Places) -> "CustodianOffice":
        """Read what is on disk. Raises CustodiansUnusable, OSError."""
        return cls(places, read_custody(places.custodians, places.custodian_chain))

    @property
    def current(self) -> CustodianSet:
        """The set that the next segment is sealed to."""
        return self.chain.current

    def settle(self, ledger: Ledger, now_utc_ms: int) -> None:
        """Compare with the set that the ledger remembers, and have it remember this one. Raises LedgerFault."""
        known = ledger.custodian_set_in_use()
        if known is not None and self.chain.set_of(known.custodian_set_id) is None:
            self._refuse()
            try:
                self.chain = SetChain(read_set(known.document))
            except KeyFault as fault:
                log.get().error("custodians_of_ledger_unreadable", detail=str(fault))
            return
        self._install(ledger, now_utc_ms)

    def reload(self, ledger: Ledger, now_utc_ms: int) -> CustodianSet:
        """Read the chain anew; one that does not follow from this one is not taken. Raises LedgerFault."""
        try:
            found = read_custody(self._places.custodians, self._places.custodian_chain)
        except (CustodiansUnusable, OSError) as fault:
            log.get().error("custodians_not_reloaded", detail=str(fault))
            self._refuse()
            return self.current
        if found.set_of(self.current.set_id) is None:
            self._refuse()
            return self.current
        self.chain, self.trouble = found, ""
        self._install(ledger, now_utc_ms)
        return self.current

    def _install(self, ledger: Ledger, now_utc_ms: int) -> None:
        current = self.current
        ledger.install_custodian_set(
            current.set_id,
            threshold=current.k,
            custodians=current.n,
            document=current.to_bytes(),
            now_utc_ms=now_utc_ms,
        )

    def _refuse(self) -> None:
        self.trouble = tr(
            "The custodian set on disk does not follow from the one in use: it was exchanged or damaged; "
            "new segments are sealed to the old one. Restore custodians.json and custodian_chain.json.",
            "鍵管理者の組のファイルが現在の組に続くものではありません(差替え又は破損の疑い)。録画は従前の組で継続しています。"
            "custodians.json と custodian_chain.json を復元してください。",
        )
        log.get().error("custodians_exchanged", detail=self.trouble)


def _content(path: Path, limit_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit_bytes + 1)
