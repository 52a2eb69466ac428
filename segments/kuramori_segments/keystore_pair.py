"""The keystore in force and, where its cell once could not be reached, a second one beside it, as one.

The *main* store is the one that was set up. The *fallback* is made when main cannot be opened at a start: new keys go
there, under its own cell and with its own tier, so that recording goes on. Both stay apart for good, because what was
once sealed under the weaker cell is erased as weakly as that cell allows; each key dies in its own store, with that
store's receipt. The fallback ends when it holds nothing any more. While main is away its keys can neither open nor be
erased: `erasure_pending`. This module must not know what cells are, or when keys die.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from kuramori_segments.key_records import Epoch, ErasureReceipt, KeepRequest, KeptKey, Moment
from kuramori_segments.keystore import Keystore
from kuramori_segments.keystore_faults import EpochKeyGone, KeystoreFault
from kuramori_segments.tier import ErasureTier


class KeystorePair:
    """Answers and acts as one keystore; `new_epoch` goes to the main store where that is open. See Keystore."""

    def __init__(
        self,
        main: Keystore | None,
        fallback: Keystore | None = None,
        *,
        open_main: Callable[[], Keystore] | None = None,
        main_fault: str = "",
    ) -> None:
        """Join the stores that are open, at least one. `open_main` is tried again while main is away."""
        if main is None and fallback is None:
            raise ValueError("no keystore is open")
        self._main = main
        self._fallback = fallback
        self._open_main = open_main
        self.main_fault = main_fault  # why main is away, for the operator; "" where it is not

    def __repr__(self) -> str:
        return f"KeystorePair({self._main!r}, {self._fallback!r})"

    @property
    def stores(self) -> tuple[Keystore, ...]:
        """Return the open stores, the one in force first."""
        return tuple(store for store in (self._main, self._fallback) if store is not None)

    @property
    def in_force(self) -> Keystore:
        """Return the store that new keys go to."""
        return self.stores[0]

    @property
    def on_fallback(self) -> bool:
        """Tell whether main is away."""
        return self._main is None

    def close(self) -> None:
        """Close what is open. May be called twice."""
        for store in self.stores:
            store.close()

    def find_main(self) -> bool:
        """Try to open main again where it is away; tell whether it is in force now."""
        if self._main is None and self._open_main is not None:
            try:
                self._main = self._open_main()
                self.main_fault = ""
            except KeystoreFault as fault:
                self.main_fault = str(fault)
        return self._main is not None

    def end_fallback(self) -> bool:
        """Destroy a fallback that holds nothing any more while main is in force; tell whether that was done now.

        Its receipts must be written elsewhere by then. Raises RotationFailed.
        """
        store = self._fallback
        if store is None or self._main is None or store.epochs() or store.kept() or store.erasure_pending:
            return False
        store.end()
        self._fallback = None
        return True

    # ---- asking ------------------------------------------------------------------------------------------

    @property
    def tier(self) -> ErasureTier:
        """Return the weakest tier of all open stores that hold keys, and of the one in force."""
        holding = [store.tier for store in self.stores if store.epochs() or store.kept()]
        return min((self.in_force.tier, *holding), key=lambda tier: tier.value)

    @property
    def erasure_pending(self) -> bool:
        """Tell whether keys may exist that should not: an old root, or all that is in a store that is away."""
        return self._main is None or any(store.erasure_pending for store in self.stores)

    @property
    def rotation_wanted(self) -> bool:
        """Tell whether something waits for the next rotation."""
        return any(store.rotation_wanted for store in self.stores)

    @property
    def reference(self) -> Moment | None:
        """Return the reference of the store in force, or, as long as it has none, of the other."""
        return next((store.reference for store in self.stores if store.reference is not None), None)

    @property
    def erasures(self) -> tuple[ErasureReceipt, ...]:
        """Return the last receipts of all open stores, oldest first, those not yet true included."""
        return _in_order(receipt for store in self.stores for receipt in store.erasures)

    @property
    def sure_erasures(self) -> tuple[ErasureReceipt, ...]:
        """Return the last receipts of all open stores that are true already, oldest first."""
        return _in_order(receipt for store in self.stores for receipt in store.sure_erasures)

    def epochs(self) -> tuple[Epoch, ...]:
        """Return all epochs whose key is alive and can be reached."""
        return tuple(epoch for store in self.stores for epoch in store.epochs())

    def decryptable(self) -> tuple[Epoch, ...]:
        """Return all epochs whose key exists under any root that can be reached."""
        return tuple(epoch for store in self.stores for epoch in store.decryptable())

    def kept(self) -> tuple[KeptKey, ...]:
        """Return all kept segment keys."""
        return tuple(kept for store in self.stores for kept in store.kept())

    def segment_key(self, epoch_id: bytes, segment_uid: bytes) -> bytes:
        """Return K_seg. Raises EpochKeyGone."""
        for store in self.stores:
            try:
                return store.segment_key(epoch_id, segment_uid)
            except EpochKeyGone:
                continue
        raise EpochKeyGone(epoch_id, segment_uid)

    # ---- changing ----------------------------------------------------------------------------------------

    def new_epoch(self, camera_number: int, first_utc_ms: int, first_boot_ms: int) -> Epoch:
        """Make an epoch in the store in force."""
        return self.in_force.new_epoch(camera_number, first_utc_ms, first_boot_ms)

    def new_filmed_epoch(self, camera_number: int, first_utc_ms: int, first_boot_ms: int | None) -> Epoch:
        """Make an epoch for pictures that were filmed earlier."""
        return self.in_force.new_filmed_epoch(camera_number, first_utc_ms, first_boot_ms)

    def keep_segment_keys(self, requests: Sequence[KeepRequest]) -> None:
        """Keep segments' keys, each in the store that has it. Raises EpochKeyGone before anything is kept."""
        shares: dict[int, list[KeepRequest]] = {}
        for request in requests:
            shares.setdefault(self._place_of(request), []).append(request)
        for place, share in shares.items():
            self.stores[place].keep_segment_keys(share)

    def _place_of(self, request: KeepRequest) -> int:
        for place, store in enumerate(self.stores):
            try:
                store.segment_key(request.epoch_id, request.segment_uid)
            except EpochKeyGone:
                continue
            return place
        raise EpochKeyGone(request.epoch_id, request.segment_uid)

    def drop_hold(self, hold_id: bytes) -> int:
        """Forget a hold's keys in every open store."""
        return sum(store.drop_hold(hold_id) for store in self.stores)

    def rotate(
        self,
        destroy: Collection[bytes],
        now_utc_ms: int,
        *,
        now_boot_ms: int | None = None,
        time_trusted: bool = True,
        confirmed_utc_ms: int | None = None,
    ) -> tuple[ErasureReceipt, ...]:
        """Rotate every open store, and return the receipt of each; `joined` makes one of them.

        A store that fails does not keep the other from erasing: its receipt is then among `sure_erasures`. Raises the
        first fault.
        """
        receipts: list[ErasureReceipt] = []
        faults: list[KeystoreFault] = []
        for store in self.stores:
            try:
                receipts.append(
                    store.rotate(
                        destroy,
                        now_utc_ms,
                        now_boot_ms=now_boot_ms,
                        time_trusted=time_trusted,
                        confirmed_utc_ms=confirmed_utc_ms,
                    )
                )
            except KeystoreFault as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
        return tuple(receipts)


def joined(receipts: Sequence[ErasureReceipt]) -> ErasureReceipt:
    """Return one receipt for rotations of several stores at one moment: the weakest tier of those that lost keys."""
    telling = [receipt for receipt in receipts if receipt.epochs or receipt.keeps] or receipts[:1]
    if len(telling) == 1:
        return telling[0]
    return ErasureReceipt(
        generation=telling[0].generation,
        erased_utc_ms=telling[0].erased_utc_ms,
        tier=min((receipt.tier for receipt in telling), key=lambda tier: tier.value),
        cell=" + ".join(receipt.cell for receipt in telling),
        epochs=tuple(epoch for receipt in telling for epoch in receipt.epochs),
        keeps=tuple(kept for receipt in telling for kept in receipt.keeps),
    )


def _in_order(receipts: Iterable[ErasureReceipt]) -> tuple[ErasureReceipt, ...]:
    return tuple(sorted(receipts, key=lambda receipt: receipt.erased_utc_ms))
