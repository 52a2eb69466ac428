"""One clear sentence for each verdict of a verification, in the reader's language, and the facts beside it.

Pure. Must not know how anything was found, nor the terminal.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from kuramori.clips.leaf_match import Break, BreakKind
from kuramori.clips.sound_match import SoundMatch, SoundVerdict
from kuramori.clips.verify import ClipFinding, Report, Verdict
from kuramori.gap_texts import gap_text
from kuramori.texts import tr
from kuramori_segments.strict_document import printable

BREAKS_SHOWN = 10
GAPS_SHOWN = 20
_WRONG_SOUND = frozenset({SoundVerdict.ALTERED, SoundVerdict.UNREADABLE})


def verdict_sentence(report: Report, zone: tzinfo) -> str:
    """Return the verdict."""
    finding = _deciding(report)
    if finding is not None:
        return _clip_sentence(finding, zone)
    if report.verdict is Verdict.UNCHANGED:
        return tr("UNCHANGED: the signature and every file are intact.", "改変なし: 署名及び全てのファイルは真正です。")
    what = printable(report.detail)
    if report.verdict is Verdict.ALTERED:
        return tr(
            f"ALTERED: {what} is not the file that the recorder signed.",
            f"改変あり: {what} は録画装置が署名したファイルではありません。",
        )
    if report.verdict is Verdict.FORGED and report.detail == "certificate":
        return tr(
            "NOT GENUINE: it was signed by another key than that of the given certificate.",
            "真正ではない: 指定された証明書の鍵による署名ではありません。",
        )
    if report.verdict is Verdict.FORGED:
        return tr(
            f"NOT GENUINE: signature or proof does not fit ({what}).",
            f"真正ではない: 署名又は証明が一致しません({what})。",
        )
    return tr(
        f"NOT VERIFIABLE: this is no whole bundle ({what}).", f"検証不能: 提供データ一式が揃っていません({what})。"
    )


def _deciding(report: Report) -> ClipFinding | None:
    return next((finding for finding in report.clips if finding.verdict is report.verdict), None)


def _clip_sentence(finding: ClipFinding, zone: tzinfo) -> str:
    camera = f"{finding.camera} {finding.place}".strip()
    span = f"{_clock(finding.from_utc_us, zone)} - {_clock(finding.to_utc_us, zone)}"
    if finding.verdict is Verdict.UNCHANGED:
        return tr(
            f"UNCHANGED: exactly as the recorder handed it over ({camera}, {span}).",
            f"改変なし: 録画装置が提供したものと完全に一致します({camera}、{span})。",
        )
    if finding.verdict is Verdict.GENUINE:
        return tr(
            f"GENUINE: repacked into another file, but every picture is the recorder's ({camera}, {span}).",
            f"真正: ファイル形式は変換されていますが、全ての映像が録画装置のものです({camera}、{span})。",
        )
    if finding.verdict is Verdict.GENUINE_PART:
        return tr(
            f"GENUINE PART: cut out, without changes, of what was handed over ({camera}, {span}).",
            f"真正な一部: 提供された映像の一部を切り出したもので、改変はありません({camera}、{span})。",
        )
    if finding.verdict is Verdict.ALTERED and _only_sound_is_altered(finding):
        return tr(
            f"ALTERED: the sound is not the one that the recorder handed over ({camera}); the pictures are.",
            f"改変あり: 音声が録画装置の提供したものと異なります({camera})。映像は録画装置のものです。",
        )
    if finding.verdict is Verdict.ALTERED and finding.match is not None and finding.match.breaks:
        place = _break_words(finding.match.breaks[0], zone)
        return tr(f"ALTERED: {place} ({camera}).", f"改変あり: {place}({camera})。")
    if finding.verdict is Verdict.ALTERED:
        return tr(
            f"ALTERED: the way in which the pictures are shown was changed ({camera}, parameter sets).",
            f"改変あり: 映像の表示方法が変更されています({camera}、パラメータセット)。",
        )
    return tr("UNKNOWN: no picture in it is of this recording.", "該当なし: この録画に含まれる映像ではありません。")


def _only_sound_is_altered(finding: ClipFinding) -> bool:
    pictures_are_right = finding.match is not None and finding.match.is_run and not finding.other_parameter_sets
    return pictures_are_right and finding.sound is not None and finding.sound.verdict in _WRONG_SOUND


def facts(report: Report, zone: tzinfo) -> Iterator[str]:
    """Yield what else should be known, a line each."""
    manifest = report.manifest
    if manifest is not None:
        asked = f"{_clock(manifest.from_utc_ms * 1000, zone)} - {_clock(manifest.to_utc_ms * 1000, zone)}"
        yield tr(
            f"Request {manifest.request_id}, {manifest.site}, asked for {asked}.",
            f"申請番号 {manifest.request_id}、{manifest.site}、申請範囲 {asked}",
        )
    if report.signer is not None and report.trusted is None:
        from kuramori.device_certificate import fingerprint

        yield tr(
            f"Compare with what the site publishes: {fingerprint(report.signer.certificate)}",
            f"設置者が公表する証明書の値と照合してください: {fingerprint(report.signer.certificate)}",
        )
    if manifest is not None:
        for camera in manifest.cameras:
            for decision in camera.decisions:
                said = f"{decision.who}, {decision.date}: {decision.reason}"
                yield tr(
                    f"Sound, {camera.camera}: recorded by written decision ({said}).",
                    f"音声 {camera.camera}: 書面による決定に基づき録音({said})",
                )
            for gap in camera.gaps[:GAPS_SHOWN]:
                span = f"{_clock(gap.from_utc_ms * 1000, zone)} - {_clock(gap.to_utc_ms * 1000, zone)}"
                words = gap_text(gap.reason).words if gap.reason else tr("erased on time", "期限による消去")
                yield tr(f"Gap, {camera.camera}: {span}: {words}.", f"欠落 {camera.camera}: {span}: {words}")
    for finding in report.clips:
        yield from _clip_facts(finding, zone)
    if report.extra_files:
        names = ", ".join(printable(name) for name in report.extra_files[:BREAKS_SHOWN])
        yield tr(f"Not part of what was signed: {names}.", f"署名の対象外のファイル: {names}")


def _clip_facts(finding: ClipFinding, zone: tzinfo) -> Iterator[str]:
    match = finding.match
    if match is not None and len(match.breaks) > 1:
        for place in match.breaks[1:BREAKS_SHOWN]:
            yield tr(f"Also: {_break_words(place, zone)}.", f"ほかに: {_break_words(place, zone)}")
    if finding.other_tracks:
        kinds = ", ".join(sorted(set(finding.other_tracks)))
        yield tr(
            f"The file holds other tracks that the recorder did not make: {kinds}.",
            f"録画装置が作成したものではないトラックが含まれています: {kinds}",
        )
    if finding.sound is not None:
        yield _sound_words(finding.sound)
    if finding.verdict in (Verdict.GENUINE, Verdict.GENUINE_PART):
        yield tr(
            "The times above are the recorder's; those inside a repacked file prove nothing.",
            "上記の時刻は録画装置の記録によるものです。変換後のファイル内の時刻は証明の対象ではありません。",
        )
    if finding.self_vouched:
        yield tr(
            f"{finding.self_vouched} segments were still open, recovered after a crash or damaged in part: their "
            "pictures are vouched for by the recorder's signature at extraction only.",
            f"記録中、障害後に復旧、又は一部が破損したセグメントが {finding.self_vouched} 件あります。"
            "これらの映像は、抽出時の録画装置の署名のみにより保証されます。",
        )


def _sound_words(sound: SoundMatch) -> str:
    """What is known of the sound, which the proof of the pictures does not cover."""
    if sound.verdict is SoundVerdict.ABSENT:
        return tr("The sound that was handed over is not in it.", "提供された音声は含まれていません。")
    if sound.verdict is SoundVerdict.UNREADABLE:
        return tr(
            "The sound was repacked or replaced: it is not AAC any more and cannot be compared.",
            "音声が変換又は差し替えられています。AACではないため照合できません。",
        )
    if sound.verdict is SoundVerdict.ALTERED:
        return tr(
            f"The sound was changed: of its {sound.frames} frames {sound.strange} are not the recorder's; "
            "if all are, some were left out or moved.",
            f"音声が変更されています。{sound.frames}フレームのうち{sound.strange}フレームが録画装置のものではありません"
            "（0の場合は抜き取り又は移動）。",
        )
    return tr(
        "The sound is as the recorder handed it over; the proof of the pictures does not cover it, the recorder "
        "vouches for it by its signature at extraction only.",
        "音声は録画装置が提供したものと一致します。ただし映像の証明は音声に及ばず、"
        "抽出時の録画装置の署名のみにより保証されます。",
    )


def _break_words(place: Break, zone: tzinfo) -> str:
    span = f"{_clock(place.from_utc_us, zone)} - {_clock(place.to_utc_us, zone)}"
    if place.kind is BreakKind.ALTERED:
        return tr(f"pictures were changed at {span}", f"{span} の映像が変更されています")
    if place.kind is BreakKind.LEFT_OUT:
        return tr(f"pictures were left out at {span}", f"{span} の映像が抜き取られています")
    return tr(f"pictures of {span} were moved or repeated", f"{span} の映像が移動又は重複しています")


def _clock(utc_us: int, zone: tzinfo) -> str:
    try:
        moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return "?"
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment:%Z}"
