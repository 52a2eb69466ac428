"""The papers that go with a clip: the conditions told to the recipient (H6), and a receipt to be signed (H5).

Both languages on one sheet, as the recipient's is not known. Pure; must not know where they are printed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from kuramori.clips.job import ExtractionJob
from kuramori.clips.manifest import BundleFile
from kuramori.clips.sound_statement import sound_english, sound_japanese
from kuramori.desk.granted import GrantedRequest
from kuramori_segments.audio_track import AudioDecision

CONDITIONS_ENGLISH = """\
Conditions of the hand-over

1. Use these pictures only for the purpose named in the request.
2. Keep them so that nobody else can see, copy or take them.
3. Do not give them, or copies of them, to anybody else.
4. When the purpose is fulfilled, erase, return or destroy them and all copies, and report it in writing.
5. Report at once if they are lost or seen by others.
"""
CONDITIONS_JAPANESE = """\
画像データの提供条件

1 提供を受けた画像データは、申請書に記載された目的以外に使用しないこと。
2 第三者に閲覧、複写又は持ち出しをされないよう、適正に管理すること。
3 画像データ及びその複製を第三者に提供しないこと。
4 目的を達したときは、画像データ及び全ての複製を消去、返却又は廃棄し、書面により報告すること。
5 紛失又は漏えいがあったときは、直ちに報告すること。
"""


def conditions_text(job: ExtractionJob) -> str:
    """Return conditions.txt."""
    own = f"\nDecided for this request / 本件の条件:\n{job.conditions}\n" if job.conditions else ""
    return f"{CONDITIONS_JAPANESE}\n{CONDITIONS_ENGLISH}{own}"


@dataclass(frozen=True, slots=True)
class TrueRange:
    """What a clip really shows: its first and last picture."""

    file: str
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class ReceivedSound:
    """By whose written decisions there is sound (R3), and whether pictures come from a card and so without it."""

    decisions: tuple[AudioDecision, ...] = ()
    filled: bool = False


def printed(text: str) -> bytes:
    """Return a paper as a file that plain editors on any office machine show with its characters and lines."""
    return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()


def receipt_text(
    job: ExtractionJob,
    granted: GrantedRequest,
    files: Sequence[BundleFile],
    ranges: Sequence[TrueRange],
    sound: ReceivedSound,
    zone: tzinfo,
    certificate: str,
    *,
    marked: bool,
) -> str:
    """Return receipt.txt; `certificate` is the fingerprint that the recipient compares what signed with.

    `marked`: key pictures carry the hand-over mark.
    """
    recipient = granted.recipient
    spoken = (sound_japanese, sound_english)
    heard = " / ".join(words(sound.decisions, filled=sound.filled) for words in spoken)
    cameras = "、".join(f"{camera.camera} {camera.place}".strip() for camera in job.cameras)
    lines = [
        "受領書 / Receipt",
        "",
        f"設置者 / Site: {job.site_name}",
        f"申請番号 / Request: {job.request_id}    開封回数 / Opening: {job.opening}",
        f"文書番号 / Document: {granted.document_number}",
        f"カメラ / Cameras: {cameras}",
        f"申請範囲 / Range asked for: {_clock(job.from_utc_ms, zone)} - {_clock(job.to_utc_ms, zone)}",
        "実際の範囲 / True range:",
        *(f"  {one.file}: {_clock(one.from_utc_ms, zone)} - {_clock(one.to_utc_ms, zone)}" for one in ranges),
        f"音声 / Sound: {heard}",
        f"開封日時 / Opened: {_clock(job.opened_utc_ms, zone)}",
        f"提供先 / Recipient: {recipient.organisation} {recipient.title} {recipient.name}",
        f"本人確認 / Identity check: {recipient.identity_check}",
        f"目的 / Purpose: {granted.purpose}",
        "",
        "ファイル(SHA-256)/ Files (SHA-256):",
        *(f"  {file.name}  {file.size_bytes} bytes\n    {file.sha256.hex()}" for file in files),
        "",
        "録画装置の証明書 (SHA-256) / Certificate of the recorder (SHA-256):",
        f"  {certificate}",
        "  verify.html に表示される値と照合してください。 / Compare it with what verify.html shows.",
        "",
        *(_MARKED if marked else _NOT_MARKED),
        "",
        "上記の画像データを、提供条件を了承のうえ受領しました。",
        "I received these files and accept the conditions of the hand-over.",
        "",
        "日付 / Date: ____________________    署名 / Signature: ____________________",
        "",
        "消去・返却・廃棄の日 / Erased, returned or destroyed on: ____________________",
        "",
    ]
    return "\n".join(lines)


_MARKED = (
    "この写しの印(映像内の提供番号): 再圧縮しない複製や形式の変更では残り、再圧縮や除去用の道具では失われます。",
    "印がないことは、この提供に由来しないことの証明にはなりません。",
    "The mark of this copy (the hand-over's number, inside the video) stays when the file is copied or repacked,",
    "and is lost when it is encoded anew or stripped. A copy without it may still come from here.",
)
_NOT_MARKED = (
    "カメラ自身が映像に署名しているため、この写しに提供番号の印は入れていません。",
    "The camera signs its video itself, so no mark of this hand-over was put in.",
)


def _clock(utc_ms: int, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment:%Z}"
