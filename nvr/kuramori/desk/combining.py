"""The handler's side of an opening: re-sealed shares become the keys of exactly the granted segments.

Runs on the handler's machine, with the extraction key that never leaves it. Imports nothing that exists on Linux
only; must not know sockets or files.
"""

from collections.abc import Sequence

from kuramori.desk.approval import Approval, read_approval
from kuramori.desk.extraction_key import ExtractionKey
from kuramori.desk.fault import ApprovalRefused
from kuramori.desk.granted import GrantedSegment, GrantInvalid, read_granted
from kuramori.desk.recovery_opening import RecoveryOpening, read_recovery_opening
from kuramori_segments.custody import ExtractionBinding, Share, combine, open_resealed, open_resealed_dek
from kuramori_segments.key_faults import KeyFault, SharesTooFew


class CombiningFault(Exception):
    """The shares do not give the keys; one sentence in both languages."""

    def __init__(self, english: str, japanese: str) -> None:
        super().__init__(english)
        self.english = english
        self.japanese = japanese


def combine_shares(granted: bytes, approvals: Sequence[bytes], key: ExtractionKey) -> dict[bytes, bytes]:
    """Return the DEK of each granted segment, by segment uid. Raises CombiningFault."""
    try:
        request = read_granted(granted)
        handed_in = [_read(document) for document in approvals]
    except (GrantInvalid, ApprovalRefused) as error:
        raise CombiningFault(f"The desk's answer is damaged: {error}", f"受付の応答が不正です: {error}") from error
    if request.extraction_key != key.public_bytes:
        raise CombiningFault(
            f"This is not the extraction key of request {request.request_id}.",
            f"請求 {request.request_id} の抽出鍵ではありません。",
        )
    digest = request.digest
    return {
        segment.segment_uid: _dek(segment, digest, [one for one in handed_in if one.granted_digest == digest], key)
        for segment in request.segments
    }


def _read(document: bytes) -> Approval | RecoveryOpening:
    try:
        return read_approval(document)
    except ApprovalRefused:
        return read_recovery_opening(document)


def _recovered(segment: GrantedSegment, opening: RecoveryOpening, binding: ExtractionBinding, private: bytes) -> bytes:
    for dek in opening.deks:
        if dek.segment_uid == segment.segment_uid:
            try:
                return open_resealed_dek(dek.sealed, private, binding)
            except KeyFault as fault:
                raise CombiningFault(
                    f"What the recovery key opened does not open with this key ({fault}).",
                    f"復旧鍵による開封データを、この抽出鍵では開けません({fault})。",
                ) from fault
    return b""


def _dek(
    segment: GrantedSegment, digest: bytes, handed_in: Sequence[Approval | RecoveryOpening], key: ExtractionKey
) -> bytes:
    binding = ExtractionBinding(digest, segment.segment_uid)
    approvals: list[Approval] = []
    for one in handed_in:
        if isinstance(one, Approval):
            approvals.append(one)
        elif dek := _recovered(segment, one, binding, key.private_bytes):
            return dek
    shares: list[Share] = []
    for approval in approvals:
        for share in approval.shares:
            if share.segment_uid != segment.segment_uid:
                continue
            try:
                opened = open_resealed(share.sealed, key.private_bytes, binding, approval.custodian_id)
            except KeyFault as fault:
                raise CombiningFault(
                    f"A custodian's share does not open with this key ({fault}).",
                    f"鍵管理者の分散鍵を開けません({fault})。",
                ) from fault
            shares.append(opened)
    try:
        return combine(shares, segment.threshold)
    except SharesTooFew as fault:
        raise CombiningFault(
            f"{fault.given} of {fault.needed} shares are there: more custodians have to approve.",
            f"分散鍵が {fault.needed} 件中 {fault.given} 件しかありません。鍵管理者の承認が必要です。",
        ) from fault
    except KeyFault as fault:
        raise CombiningFault(
            f"The custodians' shares do not belong together ({fault}): approve anew.",
            f"鍵管理者の分散鍵が一致しません({fault})。改めて承認してください。",
        ) from fault
