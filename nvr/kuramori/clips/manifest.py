"""manifest.json: what a clip is, where it came from, what is missing, and how each picture leads to a signature.

Canonical JSON (RFC 8785), signed as a whole by `cms`. Pure: facts in, bytes out. What a reader must know stands in
MANIFEST.md. Must not know files or how they are checked.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kuramori.clips.camera_clip import CameraClip, ClipPart, PartSound, Run, SegmentEvidence
from kuramori.clips.clock_statement import SOURCE, clock_state, clock_words
from kuramori.clips.job import ExtractionJob
from kuramori.clips.sound_statement import decisions_of, sound_english, sound_japanese
from kuramori.messages import CoverageSpan, SegmentState, SpanKind
from kuramori_segments.audio_track import AudioDecision
from kuramori_segments.canonical_json import canonical
from kuramori_segments.codes import Provenance
from kuramori_segments.records import CameraEventRecord

KIND = "clip manifest"
VERSION = 1
STATEMENT_ENGLISH = (
    "The pictures were not re-encoded; every coded picture is byte for byte as the camera sent it. {sound} "
    "The clip begins with the last key frame at or before the asked start, because decoding begins there; "
    "nothing is hidden by an edit list."
)
STATEMENT_JAPANESE = (
    "映像は再圧縮しておらず、カメラが送信した符号化データと1バイトも違いません。{sound}"
    "復号に必要なため、申請範囲の開始時刻以前の直近のキーフレームから始まります。"
    "編集リストにより隠された映像はありません。"
)
PROVEN = {
    SegmentState.CLOSED: "footer: each NAL unit leads to the root that the recorder signed when the segment was closed",
    SegmentState.RECOVERED: "recovered: the recorder crashed; its signature covers the sealed chunks after restart, "
    "the NAL units are vouched for by this manifest",
    SegmentState.DAMAGED: "damaged: parts of the segment are lost on the medium and left out; each chunk that is there "
    "was opened with its key, and the NAL units are vouched for by this manifest",
    SegmentState.OPEN: "open: the segment was still being written and has no signature of its own; chunks and NAL "
    "units are vouched for by this manifest",
}

MISSING = (SpanKind.GAP, SpanKind.ERASED, SpanKind.DAMAGED, SpanKind.AWAY)


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of the bundle, by its digest."""

    name: str
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class ClipFiles:
    """The names under which one clip stands in the bundle."""

    video: str
    subtitles: str
    leaves: str
    sound: str = ""  # none where no sound was recorded


def decisions_of_clips(clips: Sequence[CameraClip]) -> tuple[AudioDecision, ...]:
    """Return the written decisions by which there is sound in clips; none: there is no sound."""
    tracks = [part.track for clip in clips for part in clip.parts]
    return decisions_of(track.decision for track in tracks if track is not None)


def has_filled(clips: Sequence[CameraClip]) -> bool:
    """Tell whether pictures of clips were filled from a camera's card."""
    return any(item.provenance is Provenance.FILLED_FROM_CAMERA for clip in clips for item in clip.evidence)


def make_manifest(
    job: ExtractionJob,
    clips: Sequence[CameraClip],
    names: Sequence[Sequence[ClipFiles]],
    files: Sequence[BundleFile],
    granted_name: str,
) -> bytes:
    """Return the manifest; `names` holds those of each clip of each camera, `files` all but itself."""
    decisions, filled = decisions_of_clips(clips), has_filled(clips)
    document = {
        "kuramori": KIND,
        "version": VERSION,
        "recorder_id": _text(job.recorder_id),
        "site": job.site_name,
        "time_zone": job.time_zone,
        "request": {
            "id": job.request_id,
            "opening": job.opening,
            "opened_utc_ms": job.opened_utc_ms,
            "register_index": job.opened_index,
            "register_checkpoint": job.register_checkpoint,
            "document": granted_name,
            "document_signature": _text(job.granted_signature),
        },
        "asked": {"from_utc_ms": job.from_utc_ms, "to_utc_ms": job.to_utc_ms},
        "processing": {"re_encoded": False, "audio": bool(decisions)},
        "statement": {
            "en": STATEMENT_ENGLISH.format(sound=sound_english(decisions, filled=filled)),
            "ja": STATEMENT_JAPANESE.format(sound=sound_japanese(decisions, filled=filled)),
        },
        "files": [
            {"name": file.name, "bytes": file.size_bytes, "sha256": _text(file.sha256)}
            for file in sorted(files, key=lambda file: file.name)
        ],
        "cameras": [_camera(clip, its) for clip, its in zip(clips, names, strict=True)],
    }
    return canonical(document)


def _camera(clip: CameraClip, names: Sequence[ClipFiles]) -> dict[str, Any]:
    camera, clock = clip.camera, clock_words(clock_state(clip))
    holes = [hole for part in clip.parts for hole in _holes(part, camera.spans)]
    return {
        "camera": camera.camera,
        "number": camera.camera_number,
        "place": camera.place,
        "clips": [_clip(part, its) for part, its in zip(clip.parts, names, strict=True)],
        "sound": _sound_said(clip),
        "coverage": [_span(span) for span in camera.spans],
        "filled": [_span(span) for span in camera.spans if span.filled],
        "gaps": [_span(span) for span in camera.spans if span.kind in MISSING],
        "holes": holes,
        "left_out": {"pictures_without_key_frame": clip.undecodable_units},
        "clock": {
            "source": SOURCE,
            "statement": {"en": clock.english, "ja": clock.japanese},
            "time_unknown_segments": [item.sequence for item in clip.evidence if item.time_unknown],
            "dated_later": [
                {"sequence": item.sequence, "by_ms": item.dated_by_ms} for item in clip.evidence if item.dated_by_ms
            ],
            "events": [
                {"event": event.event, "utc_ms": event.utc_ms, "facts": dict(event.facts)} for event in clip.events
            ],
            "events_left_out": clip.events_left_out,
        },
        "reported": {
            "events": [_reported(event) for event in sorted(clip.camera_events, key=lambda event: event.utc_ms)],
            "events_left_out": clip.camera_events_left_out,
        },
        "segments": [_segment(item) for item in clip.evidence],
    }


def _reported(event: CameraEventRecord) -> dict[str, Any]:
    """What the camera reported, without its own words: those come from a stranger and say nothing more."""
    return {"kind": event.kind, "utc_ms": event.utc_ms, "begins": event.begins, "camera_utc_ms": event.camera_utc_ms}


def _clip(part: ClipPart, names: ClipFiles) -> dict[str, Any]:
    return {
        "file": names.video,
        "leaves": names.leaves,
        "subtitles": names.subtitles,
        "codec": part.codec.text,
        "pictures": part.pictures,
        "first_utc_us": part.first_utc_us,
        "last_utc_us": part.last_utc_us,
        "origin_us": part.muxer.origin_us,
        "damaged_pictures": part.damaged_pictures,
        "lost_packets": part.lost_packets,
        "parameter_sets": [_text(one) for one in part.parameter_sets],
        "parameter_sets_put_in": part.muxer.sets_put_in,
        "marks": part.muxer.marks,
        "presentation_times_moved": part.muxer.pictures_moved,
        "sound": _sound(part.sound, names.sound),
    }


def _sound_said(clip: CameraClip) -> dict[str, Any]:
    """What was offered, what was done with it, and by whose decision: `said` as it stands in the segments."""
    decisions, filled = decisions_of_clips([clip]), has_filled([clip])
    silent = [span for span in clip.camera.spans if span.filled and decisions]
    return {
        "recorded": bool(decisions),
        "statement": {"en": sound_english(decisions, filled=filled), "ja": sound_japanese(decisions, filled=filled)},
        "missing": [{"from_utc_ms": span.from_utc_ms, "to_utc_ms": span.to_utc_ms} for span in silent],
        "decisions": [_decision(one) for one in decisions],
        "said": sorted({item.audio_text for item in clip.evidence}),
    }


def _sound(sound: PartSound | None, name: str) -> dict[str, Any] | None:
    if sound is None:
        return None
    track = sound.track
    return {
        "frames_file": name,
        "codec": "aac",
        "sample_rate_hz": track.sample_rate_hz,
        "channels": track.channels,
        "frames": sound.frames,
        "lost_packets": sound.lost_packets,
        "first_utc_us": sound.first_utc_us,
        "last_utc_us": sound.last_utc_us,
        "decision": _decision(track.decision),
    }


def _decision(decision: AudioDecision) -> dict[str, str]:
    return {"who": decision.who, "date": decision.date, "reason": decision.reason}


def _holes(part: ClipPart, spans: Sequence[CoverageSpan]) -> list[dict[str, Any]]:
    """Say where the clip has no pictures, and what the recorder knows about it."""
    found = []
    for _, _, from_us, to_us in part.subtitles.gaps:
        why = {
            span.reason or span.kind.value
            for span in spans
            if span.kind is not SpanKind.RECORDED
            and span.from_utc_ms * 1000 < to_us
            and span.to_utc_ms * 1000 > from_us
        }
        found.append({"from_utc_us": from_us, "to_utc_us": to_us, "reasons": sorted(why)})
    return found


def _span(span: CoverageSpan) -> dict[str, Any]:
    return {
        "from_utc_ms": span.from_utc_ms,
        "to_utc_ms": span.to_utc_ms,
        "kind": span.kind.value,
        "reason": span.reason,
        "filled": span.filled,
    }


def _segment(item: SegmentEvidence) -> dict[str, Any]:
    return {
        "clip": item.clip,
        "sequence": item.sequence,
        "segment_uid": _text(item.segment_uid),
        "state": item.state.value,
        "provenance": item.provenance.name.lower(),
        "proven": PROVEN[item.state],
        "header_digest": _text(item.header_digest),
        "start_utc_ms": item.start_utc_ms,
        "time_unknown": item.time_unknown,
        "dated_by_ms": item.dated_by_ms,
        "audio": item.audio.name.lower(),
        "footer": _text(item.footer.pack()) if item.footer is not None else "",
        "nal_salt": _text(item.nal_salt),
        "nal_root": _text(item.nal_root),
        "nal_leaves": item.nal_leaves,
        "chain_digest": _text(item.chain_digest),
        "chunks": item.chunks,
        "runs": [_run(run) for run in item.runs],
    }


def _run(run: Run) -> dict[str, Any]:
    return {"first": run.first, "count": run.count, "proof": [_text(value) for value in run.proof]}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
