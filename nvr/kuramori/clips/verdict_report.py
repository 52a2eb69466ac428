"""The answer of a verification for programs: `kuramori verify --json`, and the same from the page in a bundle.

Pure. Names and verdicts are stable; `sentence` and `facts` are for people, in their language. Must not know files.
"""

from datetime import tzinfo
from typing import Any

from kuramori.clips.leaf_match import LeafMatch
from kuramori.clips.verdict_texts import facts, verdict_sentence
from kuramori.clips.verify import ClipFinding, Report
from kuramori.device_certificate import fingerprint


def verdict_report(report: Report, zone: tzinfo) -> dict[str, Any]:
    """Return the answer as JSON values. `certificate.trusted` is null where none was given to compare with."""
    manifest, signer = report.manifest, report.signer
    return {
        "verdict": report.verdict.value,
        "detail": str(report.detail),
        "sentence": str(verdict_sentence(report, zone)),
        "facts": [str(line) for line in facts(report, zone)],
        "request": None
        if manifest is None
        else {
            "id": manifest.request_id,
            "site": manifest.site,
            "from_utc_ms": manifest.from_utc_ms,
            "to_utc_ms": manifest.to_utc_ms,
        },
        "certificate": None
        if signer is None
        else {"sha256": fingerprint(signer.certificate), "trusted": report.trusted},
        "clips": [_clip(finding) for finding in report.clips],
        "extra_files": list(report.extra_files),
    }


def _clip(finding: ClipFinding) -> dict[str, Any]:
    sound = finding.sound
    return {
        "verdict": finding.verdict.value,
        "camera": finding.camera,
        "place": finding.place,
        "file": finding.file,
        "from_utc_us": finding.from_utc_us,
        "to_utc_us": finding.to_utc_us,
        **_match(finding.match),
        "other_tracks": list(finding.other_tracks),
        "other_parameter_sets": finding.other_parameter_sets,
        "marks": [
            {
                "request": one.mark.request_id,
                "opening": one.mark.opening,
                "register_entry": one.mark.opened_index,
                "signed": one.signed,
            }
            for one in finding.marks
        ],
        "sound": None
        if sound is None
        else {"verdict": sound.verdict.value, "frames": sound.frames, "strange": sound.strange},
        "segments_vouched_by_the_manifest": finding.self_vouched,
    }


def _match(match: LeafMatch | None) -> dict[str, Any]:
    return {
        "units": match.units if match is not None else 0,
        "known": match.known if match is not None else 0,
        "places": [
            {
                "kind": place.kind.value,
                "from_utc_us": place.from_utc_us,
                "to_utc_us": place.to_utc_us,
                "from_picture": place.from_picture,
                "to_picture": place.to_picture,
            }
            for place in (match.breaks if match is not None else ())
        ],
    }
