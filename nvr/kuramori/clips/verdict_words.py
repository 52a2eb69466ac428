"""The words of a verification in both languages: one place for `kuramori verify` and the page that goes with a clip.

Names in braces are the facts that are put in. Pure; must not know how a fact is found or shown.
"""

from dataclasses import dataclass

from kuramori.texts import Said, both, tr


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence with places for facts."""

    english: str
    japanese: str

    def say(self, **facts: object) -> Said:
        """Return the sentence with its facts; a fact in two languages goes into each in its own."""
        texts = {name: both(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
        english = {name: getattr(fact, "english", fact) for name, fact in texts.items()}
        japanese = {name: getattr(fact, "japanese", fact) for name, fact in texts.items()}
        return tr(self.english.format(**english), self.japanese.format(**japanese))


VERDICTS = {
    "unchanged_files": Words(
        "UNCHANGED: the signature and every file are intact.", "改変なし: 署名及び全てのファイルは真正です。"
    ),
    "altered_file": Words(
        "ALTERED: {what} is not the file that the recorder signed.",
        "改変あり: {what} は録画装置が署名したファイルではありません。",
    ),
    "wrong_key": Words(
        "NOT GENUINE: it was signed by another key than that of the given certificate.",
        "真正ではない: 指定された証明書の鍵による署名ではありません。",
    ),
    "forged": Words(
        "NOT GENUINE: signature or proof does not fit ({what}).",
        "真正ではない: 署名又は証明が一致しません({what})。",
    ),
    "damaged": Words(
        "NOT VERIFIABLE: this is no whole bundle ({what}).", "検証不能: 提供データ一式が揃っていません({what})。"
    ),
    "unchanged": Words(
        "UNCHANGED: exactly as the recorder handed it over ({camera}, {span}).",
        "改変なし: 録画装置が提供したものと完全に一致します({camera}、{span})。",
    ),
    "genuine": Words(
        "GENUINE: repacked into another file, but every picture is the recorder's ({camera}, {span}).",
        "真正: ファイル形式は変換されていますが、全ての映像が録画装置のものです({camera}、{span})。",
    ),
    "genuine_part": Words(
        "GENUINE PART: cut out, without changes, of what was handed over ({camera}, {span}).",
        "真正な一部: 提供された映像の一部を切り出したもので、改変はありません({camera}、{span})。",
    ),
    "altered_sound": Words(
        "ALTERED: the sound is not the one that the recorder handed over ({camera}); the pictures are.",
        "改変あり: 音声が録画装置の提供したものと異なります({camera})。映像は録画装置のものです。",
    ),
    "altered": Words("ALTERED: {place} ({camera}).", "改変あり: {place}({camera})。"),
    "altered_showing": Words(
        "ALTERED: the way in which the pictures are shown was changed ({camera}, {what}).",
        "改変あり: 映像の表示方法が変更されています({camera}、{what})。",
    ),
    "unknown": Words(
        "UNKNOWN: no picture in it is of this recording.", "該当なし: この録画に含まれる映像ではありません。"
    ),
}

PARTICULARS = {
    "changed": Words(
        "pictures were changed at {span} (picture {numbers} of the clip as handed over)",
        "{span} の映像(提供時の{numbers}枚目)が変更されています",
    ),
    "left_out": Words(
        "pictures were left out at {span} (picture {numbers} of the clip as handed over)",
        "{span} の映像(提供時の{numbers}枚目)が抜き取られています",
    ),
    "moved": Words(
        "pictures of {span} were moved or repeated (picture {numbers} of the clip as handed over)",
        "{span} の映像(提供時の{numbers}枚目)が移動又は重複しています",
    ),
    "parameter_sets": Words("parameter sets", "パラメータセット"),
    "edit_list": Words("edit list", "編集リスト"),
    "missing": Words("{name} is missing", "{name} がありません"),
    "no_file": Words("{name} is no file", "{name} はファイルではありません"),
    "too_long": Words("{name} is too long", "{name} が長すぎます"),
    "cut_off": Words("{name} is cut off", "{name} が途中で切れています"),
    "segment": Words("{camera}, segment {sequence}", "{camera}、セグメント {sequence}"),
    "erased": Words("erased on time", "期限による消去"),
}

FACTS = {
    "request": Words("Request {request}, {site}, asked for {span}.", "申請番号 {request}、{site}、申請範囲 {span}"),
    "compare": Words(
        "Compare with what the site publishes: {fingerprint}",
        "設置者が公表する証明書の値と照合してください: {fingerprint}",
    ),
    "decision": Words(
        "Sound, {camera}: recorded by written decision ({who}, {date}: {reason}).",
        "音声 {camera}: 書面による決定に基づき録音({who}, {date}: {reason})",
    ),
    "gap": Words("Gap, {camera}: {span}: {words}.", "欠落 {camera}: {span}: {words}"),
    "extra": Words("Not part of what was signed: {names}.", "署名の対象外のファイル: {names}"),
    "also": Words("Also: {place}.", "ほかに: {place}"),
    "other_tracks": Words(
        "The file holds other tracks that the recorder did not make: {kinds}.",
        "録画装置が作成したものではないトラックが含まれています: {kinds}",
    ),
    "times": Words(
        "The times above are the recorder's; those inside a repacked file prove nothing.",
        "上記の時刻は録画装置の記録によるものです。変換後のファイル内の時刻は証明の対象ではありません。",
    ),
    "self_vouched": Words(
        "{count} segments were still open, recovered after a crash or damaged in part: their "
        "pictures are vouched for by the recorder's signature at extraction only.",
        "記録中、障害後に復旧、又は一部が破損したセグメントが {count} 件あります。"
        "これらの映像は、抽出時の録画装置の署名のみにより保証されます。",
    ),
    "mark_signed": Words(
        "Hand-over mark: request {request}, copy {opening}, register entry {entry}; signed by the recorder.",
        "提供標識: 請求番号 {request}、{opening} 回目の提供、記録簿 {entry} 番。録画装置の署名があります。",
    ),
    "mark_made_up": Words(
        "Hand-over mark: request {request}, copy {opening}, register entry {entry}; NOT signed by the recorder: it was "
        "made up.",
        "提供標識: 請求番号 {request}、{opening} 回目の提供、記録簿 {entry} 番。"
        "録画装置の署名ではなく、偽造されたものです。",
    ),
    "mark_unchecked": Words(
        "Hand-over mark: request {request}, copy {opening}, register entry {entry}; whether the recorder signed it, "
        "the site's certificate would tell (--certificate).",
        "提供標識: 請求番号 {request}、{opening} 回目の提供、記録簿 {entry} 番。"
        "録画装置の署名は、設置者の証明書(--certificate)により確認できます。",
    ),
    "marks_mixed": Words(
        "It carries marks of different hand-overs: it was put together from several copies.",
        "異なる提供の標識が混在しています。複数の複製をつなぎ合わせたものです。",
    ),
    "sound_absent": Words("The sound that was handed over is not in it.", "提供された音声は含まれていません。"),
    "sound_unreadable": Words(
        "The sound was repacked or replaced: it is not AAC any more and cannot be compared.",
        "音声が変換又は差し替えられています。AACではないため照合できません。",
    ),
    "sound_altered": Words(
        "The sound was changed: of its {frames} frames {strange} are not the recorder's; "
        "if all are, some were left out or moved.",
        "音声が変更されています。{frames}フレームのうち{strange}フレームが録画装置のものではありません"
        "（0の場合は抜き取り又は移動）。",
    ),
    "sound_right": Words(
        "The sound is as the recorder handed it over; the proof of the pictures does not cover it, the recorder "
        "vouches for it by its signature at extraction only.",
        "音声は録画装置が提供したものと一致します。ただし映像の証明は音声に及ばず、"
        "抽出時の録画装置の署名のみにより保証されます。",
    ),
}

PAGE = {
    "not_mp4": Words(
        "NOT READ: this page reads MP4 only. Use kuramori verify, or repack the file without re-encoding "
        "(ffmpeg -i FILE -c copy NEW.mp4) and choose the new one.",
        "確認できません: このページで読み取れるのはMP4のみです。kuramori verify を使用するか、再圧縮せずにMP4へ変換"
        "(ffmpeg -i ファイル -c copy 新しい名前.mp4)して選び直してください。",
    ),
    "no_cryptography": Words(
        "NOT VERIFIED: this browser has no cryptography for pages from files. Use a current browser.",
        "確認できません: このブラウザーでは、ファイルから開いたページの暗号機能が使えません。"
        "最新のブラウザーをご利用ください。",
    ),
    "no_fingerprint": Words(
        "The fingerprint is not complete: it has 64 digits (0-9, a-f).",
        "証明書の値が正しく入力されていません。0-9及びa-fの64桁です。",
    ),
    "no_folder": Words(
        "This browser does not open a dropped folder here. Drop the files in it, or choose the folder with the button.",
        "このブラウザーでは、ドラッグしたフォルダーを開けません。中のファイルをドラッグするか、ボタンでフォルダーを選んでください。",
    ),
    "failed": Words(
        "NOT VERIFIED: the page could not finish ({what}).", "確認できません: 処理を完了できませんでした({what})。"
    ),
}
