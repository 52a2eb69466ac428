"""What people read for each reason of a gap: a letter for the picture, words in English and Japanese.

Letters are capital, unique, and part of what operators learn: they are not changed. This module must not know who
shows them.
"""

from dataclasses import dataclass

from kuramori.texts import tr
from kuramori_segments.gap_reason import GapReason


@dataclass(frozen=True, slots=True)
class GapText:
    """How one reason is shown. `expected` says that somebody wanted it so: no incident."""

    letter: str
    english: str
    japanese: str
    expected: bool = False

    @property
    def words(self) -> str:
        """The words in the reader's language."""
        return tr(self.english, self.japanese)


GAP_TEXTS: dict[GapReason, GapText] = {
    GapReason.CAMERA_OFFLINE: GapText("O", "camera not reachable", "カメラと通信できない"),
    GapReason.CAMERA_STALLED: GapText("S", "camera connected but sent nothing", "カメラは接続中だが映像が届かない"),
    GapReason.CAMERA_REFUSED: GapText("R", "camera refused the sign-in or the stream", "カメラが接続を拒否"),
    GapReason.STREAM_DAMAGED: GapText("D", "stream damaged, until the next key frame", "映像データの欠損"),
    GapReason.CODEC_CHANGED: GapText("C", "camera changed its video format", "カメラの映像形式の変更"),
    GapReason.STORAGE_FAULT: GapText("F", "storage did not take the data", "記録媒体の障害"),
    GapReason.RECORDER_STOPPED: GapText("P", "recorder was stopped", "録画装置の停止", expected=True),
    GapReason.RECORDER_CRASHED: GapText("X", "recorder crashed or lost power", "録画装置の異常終了・停電"),
    GapReason.MAINTENANCE: GapText("M", "planned maintenance", "計画保守", expected=True),
    GapReason.NO_CUSTODIANS: GapText(
        "K", "no valid custodians: nothing may be recorded", "有効な鍵管理者がいないため録画不可"
    ),
    GapReason.STREAM_ENDED: GapText("E", "camera ended the stream", "カメラが配信を終了"),
    GapReason.CLOCK_UNKNOWN: GapText("T", "recorded, but at an unknown time", "録画はあるが時刻が不明"),
    GapReason.NOT_YET_STARTED: GapText("N", "recording had not yet started", "録画開始前", expected=True),
}

UNKNOWN_REASON = GapText("?", "reason not known to this program", "このプログラムでは判別できない理由")


def gap_text(name: str) -> GapText:
    """Return how the reason of that lower-case name is shown; a name from a newer recorder is `UNKNOWN_REASON`."""
    reason = GapReason.__members__.get(name.upper())
    return UNKNOWN_REASON if reason is None else GAP_TEXTS[reason]
