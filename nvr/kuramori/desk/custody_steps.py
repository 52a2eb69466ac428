"""What happens to custody, as the register knows it: changes of custodians, hand-on, drills, use of the recovery key.

Frozen values with what the register must tell in years; who and when stand beside them. Must not know the recorder.
"""

from dataclasses import dataclass

from kuramori.wire import WireBytes


@dataclass(frozen=True, slots=True)
class CustodyProposed:
    """The manager proposes another custodian set; nothing is changed by it."""

    number: int  # of the change, 1 for a recorder's first
    set_id: WireBytes
    threshold: int
    custodians: tuple[str, ...]  # name and title of each
    joining: tuple[str, ...]
    leaving: tuple[str, ...]
    lost: tuple[str, ...]  # whose key is lost
    recovery_replaced: bool
    reason: str


@dataclass(frozen=True, slots=True)
class CustodyWithdrawn:
    """The proposal is taken back."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class CustodyChanged:
    """Another custodian set is in use from here on: new segments are sealed to it."""

    set_id: WireBytes
    threshold: int
    custodians: tuple[str, ...]  # name and title of each
    number: int = 0  # 0: the set that the recorder was set up with
    custodian_ids: tuple[WireBytes, ...] = ()
    signed_by: tuple[str, ...] = ()  # custodians of the set before
    recovery_key: WireBytes = b""


@dataclass(frozen=True, slots=True)
class HandedOn:
    """A custodian of an earlier set handed shares on to the set in use. No key was put together."""

    custodian_id: WireBytes
    name: str
    set_id: WireBytes  # to whom
    segments: int


@dataclass(frozen=True, slots=True)
class HandOnDiscarded:
    """What a custodian handed on to the set in use is thrown away, to be done anew, by them or another."""

    custodian_id: WireBytes
    name: str
    set_id: WireBytes
    segments: int
    reason: str


@dataclass(frozen=True, slots=True)
class CustodiansReleased:
    """Earlier sets are dismissed: whoever is in none of the sets left has no duty any more."""

    set_ids: tuple[WireBytes, ...]
    released: tuple[str, ...]  # who has no duty any more: name and title


@dataclass(frozen=True, slots=True)
class CustodyDrilled:
    """A custodian showed key file and passphrase."""

    custodian_id: WireBytes
    name: str
    drill_id: WireBytes


@dataclass(frozen=True, slots=True)
class RecoveryBegun:
    """Break-glass: the recovery key is about to be put together from its sheets for a granted request."""

    recovery_key: WireBytes
    granted_digest: WireBytes
    reason: str
    present: tuple[str, ...] = ()  # who is there, the acting person first; empty in entries from before


@dataclass(frozen=True, slots=True)
class RecoveryOpened:
    """The recovery key opened exactly these granted segments, to the request's extraction key. It must be replaced."""

    recovery_key: WireBytes
    granted_digest: WireBytes
    segment_uids: tuple[WireBytes, ...]


CUSTODY_STEPS = (
    CustodyProposed,
    CustodyWithdrawn,
    CustodyChanged,
    HandedOn,
    HandOnDiscarded,
    CustodiansReleased,
    CustodyDrilled,
    RecoveryBegun,
    RecoveryOpened,
)

CustodyStep = (
    CustodyProposed
    | CustodyWithdrawn
    | CustodyChanged
    | HandedOn
    | HandOnDiscarded
    | CustodiansReleased
    | CustodyDrilled
    | RecoveryBegun
    | RecoveryOpened
)
