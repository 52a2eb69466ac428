"""What goes with a masked copy: its manifest, the sheet for who receives it, the receipt.

The manifest is canonical JSON (RFC 8785), signed by the recorder like that of a bundle; it says in its first words that
this is a masked copy and not the original (MASKING.md). No member of staff is named: that stands in the register. Pure.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from kuramori.clips.handover_texts import conditions_text
from kuramori.clips.job import ExtractionJob
from kuramori.clips.manifest import BundleFile
from kuramori.desk.granted import GrantedRequest
from kuramori.masking.boxes import Drawing
from kuramori.masking.masking_job import Confirmation, MadeCopy
from kuramori_segments.canonical_json import canonical

KIND = "masked copy manifest"
VERSION = 1
VIDEO = "masked-copy.mp4"
STATEMENT_ENGLISH = (
    "This is a masked copy, not the original. The pictures were opened, everything outside the boxes that staff drew "
    "was replaced by a coarse mosaic, a mark was burnt in, and all of it was encoded anew. Sound and every other part "
    "of the original stream were left out. A second person looked through the result before it was released. The "
    "signature shows that this copy was not changed since; it does not show that its pictures are the camera's."
)
STATEMENT_JAPANESE = (
    "これはマスキング済みの写しであり、原本ではありません。職員が指定した範囲以外は復元できないモザイクに置き換え、"
    "写しである旨を画面に表示し、再圧縮しています。音声その他の情報は含みません。提供前に別の職員が確認しています。"
    "署名は、この写しが作成後に変更されていないことを示すもので、カメラの記録そのものであることを示すものではありません。"
)


@dataclass(frozen=True, slots=True)
class CopyPapers:
    """Everything that the papers are made from."""

    job: ExtractionJob
    granted: GrantedRequest
    number: int
    drawing: Drawing
    drawing_sha256: bytes
    made: MadeCopy
    confirmation: Confirmation

    @property
    def title(self) -> tuple[str, str]:
        """Which copy it is, in Japanese and English."""
        return f"マスキング済み写し 第{self.number}号", f"masked copy no. {self.number}"


def manifest_of(papers: CopyPapers, files: Sequence[BundleFile]) -> bytes:
    """Return the manifest; `files` are all but itself and its signature."""
    job, made, camera = papers.job, papers.made, papers.job.cameras[0]
    document = {
        "kuramori": KIND,
        "version": VERSION,
        "statement": {"en": STATEMENT_ENGLISH, "ja": STATEMENT_JAPANESE},
        "recorder_id": base64.b64encode(job.recorder_id).decode("ascii"),
        "site": job.site_name,
        "time_zone": job.time_zone,
        "request": {
            "id": job.request_id,
            "opening": job.opening,
            "opened_utc_ms": job.opened_utc_ms,
            "granted_sha256": papers.granted.digest.hex(),
        },
        "asked": {"from_utc_ms": job.from_utc_ms, "to_utc_ms": job.to_utc_ms},
        "masked_copy": {
            "number": papers.number,
            "camera": camera.camera,
            "place": camera.place,
            "first_utc_ms": made.first_utc_ms,
            "last_utc_ms": made.last_utc_ms,
            "pictures": made.pictures,
            "undecodable": made.undecodable,
            "width": made.width,
            "height": made.height,
            "outside": papers.drawing.outside.value,
            "blocks": papers.drawing.blocks,
            "boxes_sha256": papers.drawing_sha256.hex(),
            "strips_sha256": made.sheets_sha256.hex(),
        },
        "confirmed": {
            "register_index": papers.confirmation.register_index,
            "register_checkpoint": papers.confirmation.register_checkpoint,
            "utc_ms": papers.confirmation.utc_ms,
        },
        "files": [{"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256.hex()} for file in files],
    }
    return canonical(document)


def instructions_of(papers: CopyPapers) -> str:
    """Return the sheet for who receives the copy, with the conditions (H6)."""
    japanese, english = papers.title
    return "\n".join(
        (
            f"{japanese}について",
            "",
            STATEMENT_JAPANESE,
            f"{VIDEO} は、一般の再生ソフト(H.264 / MP4)で再生できます。",
            "変更の有無は、次のコマンドで確認できます(manifest.json に各ファイルの SHA-256 があります)。",
            "",
            f"About {english}",
            "",
            STATEMENT_ENGLISH,
            f"{VIDEO} plays in any player (H.264 in MP4).",
            "Whether it was changed is checked by (manifest.json holds the SHA-256 of each file):",
            "",
            "  openssl cms -verify -inform DER -in manifest.p7s -content manifest.json -binary -noverify -out out",
            f"  sha256sum {VIDEO}",
            "",
            conditions_text(papers.job),
        )
    )


def receipt_of(papers: CopyPapers, files: Sequence[BundleFile], zone: tzinfo) -> str:
    """Return the receipt, to be signed (H5)."""
    job, granted, recipient = papers.job, papers.granted, papers.granted.recipient
    japanese, english = papers.title
    camera, made = job.cameras[0], papers.made
    lines = (
        f"受領書({japanese}) / Receipt ({english})",
        "",
        "原本ではなく、マスキング済みの写しです。 / A masked copy, not the original.",
        f"設置者 / Site: {job.site_name}",
        f"申請番号 / Request: {job.request_id}    開封回数 / Opening: {job.opening}",
        f"文書番号 / Document: {granted.document_number}",
        f"カメラ / Camera: {camera.camera} {camera.place}".rstrip(),
        f"範囲 / Range: {_clock(made.first_utc_ms, zone)} - {_clock(made.last_utc_ms, zone)}",
        "音声 / Sound: なし / none",
        f"提供先 / Recipient: {recipient.organisation} {recipient.title} {recipient.name}",
        f"本人確認 / Identity check: {recipient.identity_check}",
        f"目的 / Purpose: {granted.purpose}",
        "",
        "ファイル(SHA-256)/ Files (SHA-256):",
        *(f"  {file.name}  {file.size_bytes} bytes\n    {file.sha256.hex()}" for file in files),
        "",
        "上記の写しを、提供条件を了承のうえ受領しました。",
        "I received this copy and accept the conditions of the hand-over.",
        "",
        "日付 / Date: ____________________    署名 / Signature: ____________________",
        "",
        "消去・返却・廃棄の日 / Erased, returned or destroyed on: ____________________",
        "",
    )
    return "\n".join(lines)


def _clock(utc_ms: int, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone)
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment:%Z}"
