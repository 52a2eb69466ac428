"""What one viewing may show: the cameras and minutes of a granted request, checked again where plaintext is made.

Runs in the confined worker. Must not know pipes or processes.
"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.clips.grant_check import check_grant
from kuramori.clips.job import CameraExtraction, ExtractionFailed, ExtractionFault, ExtractionJob
from kuramori.clips.sealed_segment import ClipSource
from kuramori.viewing.camera_reel import CameraReel
from kuramori.viewing.picture_maker import Player, be_silent, storyboard
from kuramori.viewing.picture_wire import Ask, Detail, Piece
from kuramori_segments.cipher import check_commitment
from kuramori_segments.header import SegmentHeader
from kuramori_segments.segment_error import KeyCommitmentMismatch


class Watching:
    """Answers asks. Holds a player for each camera, so that what is watched on is not decoded twice."""

    def __init__(self, job: ExtractionJob) -> None:
        """Check the grant and every key. Raises ExtractionFailed."""
        be_silent()
        key = _device_key(job)
        check_grant(job, key)
        self._from_utc_ms, self._to_utc_ms = job.from_utc_ms, job.to_utc_ms
        self._reels = []
        for camera in job.cameras:
            _check_keys(camera)
            source = ClipSource(camera.camera, camera.camera_number, job.recorder_id, key)
            self._reels.append(CameraReel(camera, source))
        self._players: dict[int, Player] = {}

    def answer(self, ask: Ask) -> Piece:
        """Return the pictures of an ask, none outside the granted minutes. Raises ExtractionFailed."""
        reel = self._reels[ask.camera]
        begin = max(ask.from_utc_ms, self._from_utc_ms)
        end = min(ask.to_utc_ms, self._to_utc_ms, begin + ask.detail.piece_ms_most)
        if begin >= end:
            return Piece((), max(ask.to_utc_ms, ask.from_utc_ms + 1))
        if ask.detail is Detail.STORYBOARD:
            return storyboard(reel, (self._from_utc_ms, self._to_utc_ms), begin, end)
        player = self._players.get(ask.camera)
        if player is None or player.next_utc_ms != begin:
            player = self._players[ask.camera] = Player(reel, begin, self._to_utc_ms)
        piece = player.take(end)
        return piece if piece.next_utc_ms > ask.from_utc_ms else Piece(piece.pictures, ask.from_utc_ms + 1)


def _check_keys(camera: CameraExtraction) -> None:
    for given in camera.segments:
        header = SegmentHeader.unpack(given.header)
        try:
            check_commitment(header.key_commitment, given.dek, given.k_seg, given.segment_uid)
        except KeyCommitmentMismatch as fault:
            detail = f"{camera.camera}, segment {given.sequence}"
            raise ExtractionFailed(ExtractionFault.WRONG_KEYS, detail) from fault


def _device_key(job: ExtractionJob) -> ec.EllipticCurvePublicKey:
    """Return the recorder's public key; nothing is signed here."""
    try:
        key = x509.load_pem_x509_certificate(job.device_certificate_path.read_bytes()).public_key()
    except (OSError, ValueError) as fault:
        detail = f"the device certificate cannot be read ({type(fault).__name__})"
        raise ExtractionFailed(ExtractionFault.DAMAGED, detail) from fault
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ExtractionFailed(ExtractionFault.DAMAGED, "the device certificate is not for a P-256 key")
    return key
