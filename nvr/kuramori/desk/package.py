"""What a custodian's client looks at before it opens a single share, and how it then approves.

The desk is not trusted here: the granted request must carry the recorder's signature and stand in the register as
*decided*; every segment header must be one that was granted, of a granted camera and within the granted time. Only
then are the custodian's own shares opened, on the custodian's machine, and sealed to the extraction key. Imports
nothing that exists on Linux only and no media library; must not know sockets or files.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.desk.approval import Approval, ResealedShare, signed_message
from kuramori.desk.granted import GrantedRequest, GrantedSegment, GrantInvalid, check_signature, read_granted
from kuramori.desk.handed_segment import Handed, HandedSegment, check_handed
from kuramori.desk.merkle_log import leaf_hash, verify_inclusion
from kuramori.desk.register_entry import Entry, EntryInvalid, EntryKind, body_digest
from kuramori.desk.signed_note import Checkpoint
from kuramori_segments.custodian_key import CustodianKey
from kuramori_segments.custodian_set import CustodianSet
from kuramori_segments.custody import ExtractionBinding, Share, ShareBinding, open_share, reseal_share
from kuramori_segments.format_error import FormatError
from kuramori_segments.hand_on import take_over
from kuramori_segments.header import SegmentHeader, header_digest
from kuramori_segments.key_faults import KeyFault
from kuramori_segments.set_change import read_chain

SEGMENT_SPAN_MOST_MS = 3_660_000  # an epoch ends within an hour, a segment at most 10 s later; rest is for clocks
REACH_BACK_MS = 30_000  # a clip begins at a key frame before the granted time, never so far back


class PackageRefused(Exception):
    """The client does not approve this. One sentence in both languages; `reason` is stable."""

    def __init__(self, reason: str, english: str, japanese: str) -> None:
        super().__init__(english)
        self.reason = reason
        self.english = english
        self.japanese = japanese


@dataclass(frozen=True, slots=True)
class DecidedProof:
    """The register entry of the decision, its body, and the proof that the checkpoint covers it."""

    entry: bytes
    salt: bytes
    body: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """What the desk hands to a custodian's client."""

    granted: bytes
    signature: bytes
    decided: DecidedProof
    headers: tuple[bytes, ...]  # 4096 bytes each
    checkpoint: str  # signed note that covers the decision; `decided.path` leads to it
    chain: bytes = b""  # the chain of custodian sets, where anything was handed on
    handed: tuple[HandedSegment, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A package that may be approved."""

    granted: GrantedRequest
    headers: tuple[SegmentHeader, ...]
    undated: int  # segments whose time the recorder did not know
    handed: dict[bytes, Handed] = field(default_factory=dict)  # checked, by segment uid
    sets: dict[bytes, CustodianSet] = field(default_factory=dict)  # of the chain, by id


def review(
    package: Package,
    *,
    device_key: ec.EllipticCurvePublicKey,
    checkpoint: Checkpoint,
    camera_names: Mapping[int, str],
    allow_undated: bool = False,
) -> Review:
    """Check a package; `checkpoint` has been verified, `camera_names` is what this client saw before.

    Raises PackageRefused.
    """
    try:
        granted = read_granted(package.granted)
        check_signature(package.granted, package.signature, device_key)
    except GrantInvalid as error:
        raise PackageRefused(
            "grant", f"The granted request cannot be trusted: {error}.", f"決裁文書が信頼できません: {error}"
        ) from None
    _check_decided(package.decided, granted, checkpoint)
    for camera in granted.cameras:
        if camera_names.get(camera.number, camera.name) != camera.name:
            raise PackageRefused(
                "camera-renamed",
                f"Camera number {camera.number} was called {camera_names[camera.number]} so far, now {camera.name}.",
                f"カメラ番号 {camera.number} は以前 {camera_names[camera.number]} でしたが、"
                f"今回は {camera.name} となっています。",
            )
    headers = _headers(package.headers, granted)
    handed, sets = _handed(package, headers, granted)
    undated = _check_times(headers, granted)
    if undated and not allow_undated:
        raise PackageRefused(
            "undated",
            f"The recorder did not know the time of {undated} segments: if the request means them, add --undated.",
            f"時刻が不明なまま録画されたセグメントが {undated} 件あります。含める場合は --undated を指定してください。",
        )
    return Review(granted, headers, undated, handed, sets)


def approve(reviewed: Review, key: CustodianKey, utc_ms: int) -> tuple[Approval, bytes]:
    """Open the custodian's shares, seal them to the extraction key, sign. Raises PackageRefused."""
    granted = reviewed.granted
    digest = granted.digest
    shares: list[ResealedShare] = []
    held_by = {segment.segment_uid: segment.custodian_set_id for segment in granted.segments}
    mine = key.custodian_id
    for header in reviewed.headers:
        binding = ExtractionBinding(digest, header.segment_uid)
        try:
            share = _own_share(header, reviewed.handed if held_by[header.segment_uid] else {}, key, mine)
            if share is None:
                continue  # sealed for others
            sealed = reseal_share(share, granted.extraction_key, binding, mine)
        except KeyFault as fault:
            raise PackageRefused("share", f"A share does not open: {fault}.", f"分散鍵を開けません: {fault}") from None
        shares.append(ResealedShare(header.segment_uid, sealed))
    if not shares:
        raise PackageRefused(
            "no-share",
            f"{key.card.name} holds no share of these recordings.",
            f"{key.card.name} はこの記録の分散鍵を持っていません。",
        )
    approval = Approval(granted.request_id, digest, key.custodian_id, utc_ms, tuple(shares))
    document = approval.to_bytes()
    return approval, key.sign(signed_message(document))


def _own_share(header: SegmentHeader, handed: Mapping[bytes, Handed], key: CustodianKey, mine: bytes) -> Share | None:
    """Open the custodian's share, from the header or from what was handed on; None without one. Raises KeyFault."""
    found = handed.get(header.segment_uid)
    if found is not None:
        number = found.custodians.share_number(mine)
        return take_over(found.pieces(number), found.binding, number, key.opening_private) if number else None
    if not any(share.custodian_id == mine for share in header.shares):
        return None
    return open_share(header.shares, mine, key.opening_private, ShareBinding.of(header))


def _handed(
    package: Package, headers: Sequence[SegmentHeader], granted: GrantedRequest
) -> tuple[dict[bytes, Handed], dict[bytes, CustodianSet]]:
    """Return what was handed on, checked: the chain of sets, each contribution, and that none is missing."""
    if not package.chain:
        if package.handed or any(segment.custodian_set_id for segment in granted.segments):
            raise _handed_wrong("the chain of custodian sets is missing")
        return {}, {}
    by_header = {header.segment_uid: header for header in headers}
    try:
        chain = read_chain(package.chain)
        found = {one.segment_uid: check_handed(one, by_header[one.segment_uid], chain) for one in package.handed}
    except (KeyFault, KeyError) as fault:
        raise _handed_wrong(str(fault)) from None
    for segment in granted.segments:
        one = found.get(segment.segment_uid)
        named = segment.custodian_set_id
        if named and (one is None or one.custodians.set_id != named or one.custodians.k != segment.threshold):
            raise _handed_wrong(f"segment {segment.sequence}")
    return found, {custodians.set_id: custodians for custodians in chain.sets}


def _handed_wrong(what: str) -> PackageRefused:
    return PackageRefused(
        "handed-on",
        f"What earlier custodians handed on is not proven ({what}): nothing is opened.",
        f"前任の鍵管理者からの引継ぎを確認できません({what})。開封しません。",
    )


def check_approved(
    proof: DecidedProof, granted: GrantedRequest, custodian_id: bytes, signature: bytes, checkpoint: Checkpoint
) -> None:
    """The custodian's own approval stands in the register that the checkpoint covers. Raises PackageRefused."""
    try:
        entry, body = Entry.parse(proof.entry), json.loads(proof.body)
        stands = (
            entry.kind == EntryKind.APPROVED
            and entry.request == granted.request_id
            and entry.body_digest == body_digest(proof.salt, proof.body)
            and base64.b64decode(body["custodian_id"]) == custodian_id
            and base64.b64decode(body["signature"]) == signature
            and verify_inclusion(leaf_hash(proof.entry), entry.index, checkpoint.size, proof.path, checkpoint.root)
        )
    except (EntryInvalid, ValueError, KeyError, TypeError, AttributeError):
        stands = False
    if not stands:
        raise PackageRefused(
            "approval-not-registered",
            "The desk took the approval, but its register does not hold it: tell the manager.",
            "受付は承認を受け取りましたが、記録簿にありません。管理責任者に連絡してください。",
        )


def _check_decided(proof: DecidedProof, granted: GrantedRequest, checkpoint: Checkpoint) -> None:
    """The decision stands in the register that the checkpoint covers."""
    try:
        entry = Entry.parse(proof.entry)
        stands = (
            entry.kind == EntryKind.DECIDED
            and entry.request == granted.request_id
            and entry.person == granted.decision.person
            and entry.body_digest == body_digest(proof.salt, proof.body)
            and json.loads(proof.body).get("granted") == granted.document()
            and verify_inclusion(leaf_hash(proof.entry), entry.index, checkpoint.size, proof.path, checkpoint.root)
        )
    except (EntryInvalid, ValueError, AttributeError):
        stands = False
    if not stands:
        raise PackageRefused(
            "not-registered",
            "The register does not hold this decision: nothing is opened.",
            "この決裁が記録簿にありません。開封しません。",
        )


def _headers(blocks: Sequence[bytes], granted: GrantedRequest) -> tuple[SegmentHeader, ...]:
    """Return the headers: each of them granted by its digest, all of the granted ones, nothing twice."""
    wanted = {segment.segment_uid: segment for segment in granted.segments}
    found: list[SegmentHeader] = []
    for block in blocks:
        try:
            header = SegmentHeader.unpack(block)
        except FormatError as fault:
            raise _outside(f"a header is damaged ({fault})") from None
        segment = wanted.pop(header.segment_uid, None)
        if segment is None or not _fits(header, block, segment, granted):
            raise _outside(f"camera {header.camera_name}, segment {header.sequence}")
        found.append(header)
    if wanted:
        raise _outside(f"{len(wanted)} granted segments are missing")
    return tuple(found)


def _fits(header: SegmentHeader, block: bytes, segment: GrantedSegment, granted: GrantedRequest) -> bool:
    names = {camera.number: camera.name for camera in granted.cameras}
    return (
        header_digest(block) == segment.header_digest
        and header.recorder_id == granted.recorder_id
        and header.camera_number == segment.camera_number
        and names.get(header.camera_number) == header.camera_name
        and header.sequence == segment.sequence
        and (bool(segment.custodian_set_id) or header.k == segment.threshold)
    )


def _check_times(headers: Sequence[SegmentHeader], granted: GrantedRequest) -> int:
    """Refuse segments that cannot hold granted minutes; return how many have no time of their own.

    A segment ends where the next one of its camera begins, and nowhere later than an epoch allows.
    """
    dated = sorted(
        (header for header in headers if not header.time_unknown),
        key=lambda header: (header.camera_number, header.start_utc_ms),
    )
    for header, following in zip(dated, [*dated[1:], None], strict=False):
        ends_most = header.start_utc_ms + SEGMENT_SPAN_MOST_MS
        if following is not None and following.camera_number == header.camera_number:
            ends_most = min(ends_most, following.start_utc_ms)
        if header.start_utc_ms >= granted.to_utc_ms or ends_most <= granted.from_utc_ms - REACH_BACK_MS:
            raise _outside(f"camera {header.camera_name}, segment {header.sequence}: another time")
    return len(headers) - len(dated)


def _outside(what: str) -> PackageRefused:
    return PackageRefused(
        "outside",
        f"The desk asks for recordings outside the granted request ({what}): nothing is opened.",
        f"決裁の範囲外の記録が求められています({what})。開封しません。",
    )
