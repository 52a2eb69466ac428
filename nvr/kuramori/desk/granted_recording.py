"""The recording that a granted request names: where its segments lie now, and both halves of their keys.

Used right before pictures are opened, whether to hand them over, to look at them or to mask them. Keys stand in memory
only. Must not know HTTP, media or the register.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kuramori.clips.job import CameraExtraction, SegmentInput
from kuramori.desk.fault import KeysDoNotFit, SegmentChanged
from kuramori.desk.granted import GrantedCamera, GrantedRequest
from kuramori.desk.recorder import Recorder, asking
from kuramori.messages import CoverageSpan, ExtractionPlan, SegmentExtent
from kuramori_segments.header import header_digest

DEK_BYTES = 32


@dataclass(frozen=True, slots=True)
class GrantedRecording:
    """One granted camera as it lies on disk now, without what is erased."""

    camera: GrantedCamera
    extents: tuple[SegmentExtent, ...]
    spans: tuple[CoverageSpan, ...]

    def extraction(self, deks: Mapping[bytes, bytes], k_segs: Mapping[bytes, bytes]) -> CameraExtraction:
        """Return what a worker needs to open it."""
        segments = tuple(
            SegmentInput(
                Path(extent.volume_path),
                extent.offset_bytes,
                extent.extent_bytes,
                extent.state,
                extent.header,
                extent.segment_uid,
                extent.sequence,
                deks[extent.segment_uid],
                k_segs[extent.segment_uid],
                extent.dated_by_ms,
            )
            for extent in self.extents
        )
        return CameraExtraction(self.camera.name, self.camera.number, self.camera.place, segments, self.spans)


async def find_granted(recorder: Recorder, granted: GrantedRequest, camera: GrantedCamera) -> GrantedRecording:
    """Return where the granted segments of a camera lie. Raises SegmentChanged, RecorderAway, RecorderDeclined."""
    async with asking(camera.name):
        plan: ExtractionPlan = await recorder.plan_extraction(camera.name, granted.from_utc_ms, granted.to_utc_ms)
    there = {extent.segment_uid: extent for extent in plan.segments if extent.epoch_alive}
    extents: list[SegmentExtent] = []
    for segment in granted.segments:
        extent = there.get(segment.segment_uid)
        if segment.camera_number != camera.number or extent is None:
            continue
        if header_digest(extent.header) != segment.header_digest:
            raise SegmentChanged(camera.name)
        extents.append(extent)
    return GrantedRecording(camera, tuple(sorted(extents, key=lambda extent: extent.sequence)), plan.spans)


def check_keys(deks: Mapping[bytes, bytes], uids: Sequence[bytes], granted: GrantedRequest) -> None:
    """Raise KeysDoNotFit unless the keys are those of granted segments, and none that still opens is missing."""
    allowed = {segment.segment_uid for segment in granted.segments}
    if not deks.keys() <= allowed or any(len(dek) != DEK_BYTES for dek in deks.values()):
        raise KeysDoNotFit(
            "Keys of other segments than the granted ones were handed in.", "決裁の範囲外の鍵が含まれています。"
        )
    missing = sum(uid not in deks for uid in uids)
    if missing:
        raise KeysDoNotFit(
            f"The keys of {missing} granted segments are missing.", f"{missing} 件のセグメントの鍵がありません。"
        )


async def k_segs_of(
    recorder: Recorder, request_id: str, granted: GrantedRequest, uids: tuple[bytes, ...]
) -> dict[bytes, bytes]:
    """Have the recorder release its half of the keys; the register must say so before. Raises DeskFault."""
    async with asking(", ".join(camera.name for camera in granted.cameras)):
        released = await recorder.release_keys(request_id, uids)
    found = {key.segment_uid: key.k_seg for key in released.keys}
    if found.keys() != set(uids):
        raise KeysDoNotFit("The recorder released other keys.", "録画機の鍵が一致しません。")
    return found
