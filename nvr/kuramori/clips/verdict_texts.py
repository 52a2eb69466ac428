"""One clear sentence for each verdict of a verification, in the reader's language, and the facts beside it.

Pure. Must not know how anything was found, nor the terminal. The page in a bundle says the same: `page/telling.js`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from kuramori.clips.found_marks import mark_words
from kuramori.clips.leaf_match import Break, BreakKind
from kuramori.clips.sound_match import SoundMatch, SoundVerdict
from kuramori.clips.verdict_words import FACTS, PARTICULARS, VERDICTS
from kuramori.clips.verify import ClipFinding, Report, Verdict
from kuramori.device_certificate import fingerprint
from kuramori.gap_texts import gap_text
from kuramori_segments.strict_document import printable

BREAKS_SHOWN = 10
GAPS_SHOWN = 20
_WRONG_SOUND = frozenset({SoundVerdict.ALTERED, SoundVerdict.UNREADABLE})
_OF_BREAK = {
    BreakKind.ALTERED: PARTICULARS["changed"],
    BreakKind.LEFT_OUT: PARTICULARS["left_out"],
    BreakKind.MOVED: PARTICULARS["moved"],
}
_OF_SOUND = {
    SoundVerdict.ABSENT: FACTS["sound_absent"],
    SoundVerdict.UNREADABLE: FACTS["sound_unreadable"],
    SoundVerdict.ALTERED: FACTS["sound_altered"],
    SoundVerdict.WHOLE: FACTS["sound_right"],
    SoundVerdict.PART: FACTS["sound_right"],
}


def verdict_sentence(report: Report, zone: tzinfo) -> str:
    """Return the verdict."""
    finding = _deciding(report)
    if finding is not None:
        return _clip_sentence(finding, zone)
    if report.verdict is Verdict.UNCHANGED:
        return VERDICTS["unchanged_files"].say()
    if report.verdict is Verdict.FORGED and report.detail == "certificate":
        return VERDICTS["wrong_key"].say()
    if report.verdict is Verdict.ALTERED:
        return VERDICTS["altered_file"].say(what=report.detail)
    words = VERDICTS["forged" if report.verdict is Verdict.FORGED else "damaged"]
    return words.say(what=report.detail)


def _deciding(report: Report) -> ClipFinding | None:
    return next((finding for finding in report.clips if finding.verdict is report.verdict), None)


def _clip_sentence(finding: ClipFinding, zone: tzinfo) -> str:
    camera = f"{finding.camera} {finding.place}".strip()
    span = f"{_clock(finding.from_utc_us, zone)} - {_clock(finding.to_utc_us, zone)}"
    if finding.verdict is Verdict.UNCHANGED:
        return VERDICTS["unchanged"].say(camera=camera, span=span)
    if finding.verdict is Verdict.GENUINE:
        return VERDICTS["genuine"].say(camera=camera, span=span)
    if finding.verdict is Verdict.GENUINE_PART:
        return VERDICTS["genuine_part"].say(camera=camera, span=span)
    if finding.verdict is Verdict.ALTERED and _only_sound_is_altered(finding):
        return VERDICTS["altered_sound"].say(camera=camera)
    if finding.verdict is Verdict.ALTERED and finding.match is not None and finding.match.breaks:
        return VERDICTS["altered"].say(place=_break_words(finding.match.breaks[0], zone), camera=camera)
    if finding.verdict is Verdict.ALTERED:
        return VERDICTS["altered_showing"].say(camera=camera, what=PARTICULARS["parameter_sets"].say())
    return VERDICTS["unknown"].say()


def _only_sound_is_altered(finding: ClipFinding) -> bool:
    pictures_are_right = finding.match is not None and finding.match.is_run and not finding.other_parameter_sets
    return pictures_are_right and finding.sound is not None and finding.sound.verdict in _WRONG_SOUND


def facts(report: Report, zone: tzinfo) -> Iterator[str]:
    """Yield what else should be known, a line each."""
    manifest = report.manifest
    if manifest is not None:
        span = f"{_clock(manifest.from_utc_ms * 1000, zone)} - {_clock(manifest.to_utc_ms * 1000, zone)}"
        yield FACTS["request"].say(request=manifest.request_id, site=manifest.site, span=span)
    if report.signer is not None and report.trusted is None:
        yield FACTS["compare"].say(fingerprint=fingerprint(report.signer.certificate))
    if manifest is not None:
        for camera in manifest.cameras:
            for one in camera.decisions:
                yield FACTS["decision"].say(camera=camera.camera, who=one.who, date=one.date, reason=one.reason)
            for gap in camera.gaps[:GAPS_SHOWN]:
                span = f"{_clock(gap.from_utc_ms * 1000, zone)} - {_clock(gap.to_utc_ms * 1000, zone)}"
                words = gap_text(gap.reason).words if gap.reason else PARTICULARS["erased"].say()
                yield FACTS["gap"].say(camera=camera.camera, span=span, words=words)
    for finding in report.clips:
        yield from _clip_facts(finding, zone)
    if report.extra_files:
        yield FACTS["extra"].say(names=", ".join(printable(name) for name in report.extra_files[:BREAKS_SHOWN]))


def _clip_facts(finding: ClipFinding, zone: tzinfo) -> Iterator[str]:
    match = finding.match
    if match is not None and len(match.breaks) > 1:
        for place in match.breaks[1:BREAKS_SHOWN]:
            yield FACTS["also"].say(place=_break_words(place, zone))
    if finding.other_tracks:
        yield FACTS["other_tracks"].say(kinds=", ".join(sorted(set(finding.other_tracks))))
    yield from mark_words(finding.marks)
    if finding.sound is not None:
        yield _sound_words(finding.sound)
    if finding.verdict in (Verdict.GENUINE, Verdict.GENUINE_PART):
        yield FACTS["times"].say()
    if finding.self_vouched:
        yield FACTS["self_vouched"].say(count=finding.self_vouched)


def _sound_words(sound: SoundMatch) -> str:
    """What is known of the sound, which the proof of the pictures does not cover."""
    return _OF_SOUND[sound.verdict].say(frames=sound.frames, strange=sound.strange)


def _break_words(place: Break, zone: tzinfo) -> str:
    span = f"{_clock(place.from_utc_us, zone)} - {_clock(place.to_utc_us, zone)}"
    first, last = place.from_picture, place.to_picture
    return _OF_BREAK[place.kind].say(span=span, numbers=f"{first}" if first == last else f"{first}-{last}")


def _clock(utc_us: int, zone: tzinfo) -> str:
    try:
        moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return "?"
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment:%Z}"
