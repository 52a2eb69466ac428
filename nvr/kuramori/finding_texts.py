"""What people read for each finding of the checker: what it is, what it means for recordings, in two languages.

This module must not know how anything is found, nor who shows it.
"""

from dataclasses import dataclass

from kuramori.texts import tr
from kuramori_segments.finding import FindingKind


@dataclass(frozen=True, slots=True)
class FindingText:
    """How one kind of finding is shown."""

    english: str
    japanese: str

    @property
    def words(self) -> str:
        """The words in the reader's language."""
        return tr(self.english, self.japanese)


FINDING_TEXTS: dict[FindingKind, FindingText] = {
    FindingKind.NO_SUPERBLOCK: FindingText("no volume, or its head is destroyed", "記録領域ではない、または先頭が破損"),
    FindingKind.SUPERBLOCK_COPY: FindingText(
        "one copy of the head is damaged; the next start mends it", "先頭情報の一方が破損(次回起動時に修復)"
    ),
    FindingKind.SUPERBLOCKS_DISAGREE: FindingText(
        "the two copies of the head describe different volumes", "先頭情報の二つの写しが一致しない"
    ),
    FindingKind.VOLUME_CUT: FindingText("the volume was cut short", "記録領域の末尾が失われている"),
    FindingKind.TABLE_UNREADABLE: FindingText(
        "a block of the slot table cannot be read", "スロット表の一部を読み取れない"
    ),
    FindingKind.TABLE_PADDING: FindingText(
        "bytes behind the slot table are not zero", "スロット表の余白に不正なデータ"
    ),
    FindingKind.ENTRY_COPY: FindingText(
        "one copy of a table entry is damaged; the next start mends it",
        "スロット表の一方の項目が破損(次回起動時に修復)",
    ),
    FindingKind.ENTRY_LOST: FindingText(
        "both copies of a table entry are damaged; the next start asks the slot itself",
        "スロット表の項目が両方とも破損(次回起動時にスロットから復元)",
    ),
    FindingKind.ENTRIES_DISAGREE: FindingText(
        "the two copies of a table entry contradict each other", "スロット表の二つの項目が矛盾"
    ),
    FindingKind.ENTRY_IMPLAUSIBLE: FindingText("a table entry says what cannot be", "スロット表の項目の内容が不正"),
    FindingKind.SLOT_UNREADABLE: FindingText(
        "a part of the segment cannot be read from the medium", "記録媒体から読み取れない部分がある"
    ),
    FindingKind.SLOT_BAD: FindingText(
        "a broken place, given up: plan to replace the medium", "書き込めないスロット(使用停止)。媒体の交換を検討"
    ),
    FindingKind.HEADER_OF_ANOTHER: FindingText(
        "another segment stands where the table says this one is", "スロット表と異なるセグメントが記録されている"
    ),
    FindingKind.RECORDER_OF_ANOTHER: FindingText("made by another recorder", "別の録画機が作成したセグメント"),
    FindingKind.FOOTER_ABSENT: FindingText(
        "a finished segment without its footer", "終了したセグメントに末尾ブロックがない"
    ),
    FindingKind.STATE_DISAGREES: FindingText(
        "table and footer disagree whether it was closed in order", "終了状態がスロット表と末尾ブロックで異なる"
    ),
    FindingKind.EXTENT_DISAGREES: FindingText(
        "the segment ends elsewhere than the table says", "セグメントの終わりの位置がスロット表と異なる"
    ),
    FindingKind.TIMES_DISAGREE: FindingText(
        "the table claims other times than the segment", "時刻がスロット表と異なる"
    ),
    FindingKind.DEVICE_KEY_UNKNOWN: FindingText(
        "signed by a key that is not this recorder's", "この録画機の装置署名鍵ではない鍵による署名"
    ),
    FindingKind.SIGNATURE: FindingText("the signature is not valid: altered or forged", "署名が無効(改ざんの疑い)"),
    FindingKind.CHAIN_BROKEN: FindingText(
        "does not go on from the segment before it: one of them was replaced", "直前のセグメントとのつながりが不正"
    ),
    FindingKind.SEQUENCE_TWICE: FindingText("two segments bear one number", "同じ番号のセグメントが二つある"),
    FindingKind.SEGMENT_TWICE: FindingText("one segment stands in two slots", "同じセグメントが二つのスロットにある"),
    FindingKind.HEADER: FindingText(
        "the segment's header is damaged: it cannot be opened", "セグメントの先頭ブロックが破損し開けない"
    ),
    FindingKind.CHUNK_HEAD: FindingText("a part is missing or damaged", "セグメントの一部が欠落または破損"),
    FindingKind.CHUNK_FOREIGN: FindingText(
        "a part of an older recording stands here", "古いセグメントの一部が残っている"
    ),
    FindingKind.CHUNK_ORDER: FindingText("parts stand in the wrong order", "セグメント各部の順序が不正"),
    FindingKind.CHUNK_CUT: FindingText("a part is cut off", "セグメントの一部が途切れている"),
    FindingKind.CHUNK_CHECKSUM: FindingText("a part is damaged or altered", "セグメントの一部が破損または改変"),
    FindingKind.PADDING: FindingText("bytes that must be zero are not", "余白に不正なデータ"),
    FindingKind.UNFINISHED_COMMIT: FindingText("the end was written in part only", "末尾の書き込みが未完了"),
    FindingKind.CHUNKS_BEHIND_END: FindingText("parts stand behind a hole", "欠落箇所の後ろにセグメントの一部がある"),
    FindingKind.FINAL_MISSING: FindingText("the final part is missing", "セグメントの最終部がない"),
    FindingKind.FOOTER: FindingText("the footer is damaged", "末尾ブロックが破損"),
    FindingKind.FOOTER_MISMATCH: FindingText(
        "the footer contradicts the segment: damaged or altered", "末尾ブロックと内容が矛盾(破損または改変)"
    ),
}
