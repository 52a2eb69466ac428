"""instructions.txt: what the recipient has in hands, how to play it, what is missing, how to see that it is genuine.

Japanese first, then English, on one sheet, as the recipient's language is not known (H6). Pure; must not know where it
is printed.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from kuramori.clips.camera_clip import CameraClip
from kuramori.clips.clock_statement import clock_state, clock_words
from kuramori.clips.job import ExtractionJob
from kuramori.clips.manifest import MISSING, ClipFiles, decisions_of_clips, has_filled
from kuramori.clips.sound_statement import sound_english, sound_japanese
from kuramori.gap_texts import gap_text
from kuramori.messages import CoverageSpan, SpanKind
from kuramori_segments.codes import VideoCodec

SPANS_SHOWN = 50
_KINDS = {
    SpanKind.GAP: ("not recorded", "記録なし"),
    SpanKind.ERASED: ("erased on time", "期限による消去"),
    SpanKind.DAMAGED: ("damaged on the medium", "記録媒体上で破損"),
    SpanKind.AWAY: ("its medium is not there", "記録媒体が接続されていない"),
}

FILES = (
    ("*.mp4", "映像（カメラが符号化したまま）", "the pictures, as the camera coded them"),
    ("*.srt", "毎秒の現地時刻・カメラ名の字幕", "subtitles: local time and camera for each second"),
    ("verify.html", "真正性を確認するページ（通信不要）", "page that tells whether it is genuine; works offline"),
    ("manifest.json", "目録（範囲、欠落、時計の状態等）", "manifest: ranges, gaps, state of the clock"),
    ("manifest.p7s", "目録に対する録画装置の署名", "the recorder's signature over the manifest"),
    ("*.leaves, *.sound", "映像・音声の照合用の値", "values that pictures and sound are compared with"),
    ("granted-request.json", "許可された申請", "the request as it was granted"),
    ("conditions.txt", "提供条件（必ずお読みください）", "the conditions of the hand-over: please read them"),
    ("receipt.txt", "受領書（署名のうえ返送してください）", "receipt: please sign and return it"),
)

JAPANESE = """\
防犯カメラ画像データ 取扱説明

申請番号 {request}（{opening} 回目の提供）　設置者 {site}

1 ファイル
{files_ja}

2 映像
{clips_ja}
映像は再圧縮していません。復号に必要なため、申請範囲より少し前から始まることがあります。
{h265_ja}字幕は、同じ名前の映像と同じフォルダーに置けば、多くの再生ソフト（VLC media player 等）で自動的に表示されます。
{sound_ja}

3 欠落・補完
{missing_ja}

4 時刻
{clock_ja}

5 真正性の確認
(1) verify.html をダブルクリックし、ブラウザーでこのフォルダーを選びます。ファイルはどこにも送信されません。
(2) 表示される証明書の値が、受領書に記載された次の値と一致することを確かめてください。
    {fingerprint}
(3) 再圧縮せずに切り出し・形式変換した MP4 も、同じページで元の記録の一部であることを確認できます。
    再圧縮（編集、画面の録画等）したものは確認できません。原本を保管してください。
(4) このページを使わない方法（OpenSSL）:
    openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -noverify -out manifest.checked
    openssl pkcs7 -inform DER -in manifest.p7s -print_certs -out signer.pem
    openssl x509 -in signer.pem -noout -fingerprint -sha256
    その後、manifest.json の sha256（base64）と各ファイルの SHA-256 を照合します。

6 提供条件
conditions.txt のとおりです。目的を達したときは、消去、返却又は廃棄し、書面により報告してください。
{own}"""

ENGLISH = """\
About these security camera pictures

Request {request} (copy {opening}), {site}

1 Files
{files_en}

2 Pictures
{clips_en}
They were not re-encoded. A clip may begin a little before the range that was asked for, because decoding begins there.
{h265_en}Most players (VLC media player among them) show the subtitles by themselves, if they lie beside the clip.
{sound_en}

3 What is missing, and what was filled
{missing_en}

4 Times
{clock_en}

5 Is it genuine?
(1) Open verify.html and choose this folder. No file is sent anywhere.
(2) Compare the certificate's fingerprint that it shows with the one on the receipt:
    {fingerprint}
(3) An MP4 that was cut or repacked without re-encoding can be checked on the same page.
    One that was encoded again (edited, filmed from a screen) cannot: keep the original.
(4) Without that page, with OpenSSL:
    openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -noverify -out manifest.checked
    openssl pkcs7 -inform DER -in manifest.p7s -print_certs -out signer.pem
    openssl x509 -in signer.pem -noout -fingerprint -sha256
    then compare sha256 (base64) in manifest.json with the SHA-256 of each file.

6 Conditions
They stand in conditions.txt. When the purpose is fulfilled, erase, return or destroy everything, and report it in
writing.
{own}"""

H265_JAPANESE = """\
【ご注意】{names} は H.265（HEVC）形式です。Windows 標準のプレーヤーでは再生できないことがあります。
VLC media player 又は HEVC に対応した再生ソフトをご利用ください。再変換したものは、真正性を確認できなくなります。
"""
H265_ENGLISH = """\
NOTE: {names}: this is H.265 (HEVC). The player that comes with Windows may not show it. Use VLC media player or another
one that knows HEVC. What was converted cannot be proven genuine any more.
"""


def instructions_text(
    job: ExtractionJob,
    clips: Sequence[CameraClip],
    names: Sequence[Sequence[ClipFiles]],
    zone: tzinfo,
    fingerprint: str,
) -> str:
    """Return instructions.txt; `names` holds the files of each clip of each camera."""
    parts = [
        (clip, part, its)
        for clip, of_clip in zip(clips, names, strict=True)
        for part, its in zip(clip.parts, of_clip, strict=True)
    ]
    h265 = ", ".join(its.video for _, part, its in parts if part.codec is VideoCodec.H265)
    decisions, filled = decisions_of_clips(clips), has_filled(clips)
    clocks = [(clip.camera.camera, clock_words(clock_state(clip))) for clip in clips if clip.parts]
    width = max(len(name) for name, _, _ in FILES)
    heads = [(f"  {its.video}  {_camera(clip)}  {part.codec.text.upper()}", part) for clip, part, its in parts]
    ranges = [(head, part.pictures, _range(part.first_utc_us, part.last_utc_us, zone)) for head, part in heads]
    facts = {
        "request": job.request_id,
        "opening": job.opening,
        "site": job.site_name,
        "fingerprint": fingerprint,
        "own": f"{job.conditions}\n" if job.conditions else "",
        "files_ja": "\n".join(f"  {name:<{width}}  {japanese}" for name, japanese, _ in FILES),
        "files_en": "\n".join(f"  {name:<{width}}  {english}" for name, _, english in FILES),
        "clips_ja": "\n".join(f"{head}  {count}枚\n    実際の範囲 {span}" for head, count, span in ranges),
        "clips_en": "\n".join(f"{head}  {count} pictures\n    true range {span}" for head, count, span in ranges),
        "h265_ja": H265_JAPANESE.format(names=h265) if h265 else "",
        "h265_en": H265_ENGLISH.format(names=h265) if h265 else "",
        "sound_ja": sound_japanese(decisions, filled=filled),
        "sound_en": sound_english(decisions, filled=filled),
        "missing_ja": "\n".join(_missing(clips, zone, japanese=True)),
        "missing_en": "\n".join(_missing(clips, zone, japanese=False)),
        "clock_ja": "\n".join(f"  {camera}: {words.japanese}" for camera, words in clocks),
        "clock_en": "\n".join(f"  {camera}: {words.english}" for camera, words in clocks),
    }
    return f"{JAPANESE.format(**facts)}\n{'-' * 72}\n\n{ENGLISH.format(**facts)}"


def _camera(clip: CameraClip) -> str:
    return f"{clip.camera.camera} {clip.camera.place}".strip()


def _missing(clips: Sequence[CameraClip], zone: tzinfo, *, japanese: bool) -> Iterator[str]:
    """Yield a line for each stretch without pictures, and for each that was fetched from the camera's card."""
    found = [(clip, span) for clip in clips for span in clip.camera.spans if span.kind in MISSING or span.filled]
    for clip, span in found[:SPANS_SHOWN]:
        moments = _range(span.from_utc_ms * 1000, span.to_utc_ms * 1000, zone)
        yield f"  {clip.camera.camera}  {moments}  {_why(span, japanese=japanese)}"
    if len(found) > SPANS_SHOWN:
        yield "  残りは目録に記載しています。" if japanese else "  The rest stands in the manifest."
    if not found:
        yield "  ありません。" if japanese else "  Nothing."


def _why(span: CoverageSpan, *, japanese: bool) -> str:
    if span.filled:
        return (
            "カメラのメモリーカードから後で補完（撮影時刻はカメラによる）"
            if japanese
            else "filled later from the camera's own card (the time of filming is the camera's word)"
        )
    if not span.reason:
        return _KINDS[span.kind][japanese]
    words = gap_text(span.reason)
    return words.japanese if japanese else words.english


def _range(from_utc_us: int, to_utc_us: int, zone: tzinfo) -> str:
    return f"{_clock(from_utc_us, zone)} - {_clock(to_utc_us, zone)}"


def _clock(utc_us: int, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC).astimezone(zone)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment:%Z}"
