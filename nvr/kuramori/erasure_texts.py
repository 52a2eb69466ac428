"""What an erasure tier claims, in plain words, what would raise it, and why a place may not hold keys.

Said by `kuramori init` and `kuramori doctor`. Nothing more may be claimed than stands here. This module must not know
cells or disks.
"""

from kuramori.texts import both, tr
from kuramori_segments.keystore_faults import PlaceFault, PlaceRefused
from kuramori_segments.tier import ErasureTier, TierAssessment, TierReason


def tier_claim(tier: ErasureTier) -> str:
    """Return what this tier promises and what it does not."""
    if tier is ErasureTier.E2:
        return tr(
            "Erasure tier E2: the cell is a device of its own, apart from the recordings. A copy of the recording "
            "medium alone, whenever it was made, shows nothing after expiry.",
            "消去保証区分 E2: 消去可能領域は記録媒体とは別の装置にあります。記録媒体だけの複製は、"
            "いつ作成されたものでも、保存期間の経過後は何も読み取れません。",
        )
    return tr(
        "Erasure tier E0, best effort: after expiry the recorder itself can open nothing, but nothing is claimed "
        "about an image of the medium that was made before.",
        "消去保証区分 E0（最善努力）: 保存期間の経過後、この録画機では何も開けません。"
        "ただし、それ以前に作成された媒体の複製については何も保証しません。",
    )


def tier_advice(assessment: TierAssessment) -> str | None:
    """Return what would raise the tier; None where nothing would."""
    cell, recordings = ", ".join(assessment.cell_disks), ", ".join(assessment.recording_disks)
    if assessment.reason in (TierReason.SEPARATE_DISK, TierReason.TPM):
        return None
    if assessment.reason is TierReason.SAME_DISK:
        return tr(
            f"To raise it: put keystore.cell_directory on a device of its own, such as a second card or USB stick that "
            f"stays in place (now both use {cell}).",
            f"区分を上げるには、keystore.cell_directory を専用の装置（常設の別のカードやUSBメモリーなど）に置いて"
            f"ください（現在はどちらも {cell} 上）。",
        )
    if assessment.reason is TierReason.CELL_UNFIT:
        return tr(
            "To raise it: put keystore.cell_directory on an ext4, xfs or vfat file system on a device of its own, "
            "and remove keystore.for_trial. The present one keeps old contents; use it for trying out only.",
            "区分を上げるには、keystore.cell_directory を専用の装置上の ext4・xfs・vfat に置き、keystore.for_trial を"
            "削除してください。現在のファイルシステムは古い内容を残すため、試用に限ります。",
        )
    if assessment.reason is TierReason.SOFTWARE_TPM:
        return tr(
            f"To raise it: use a TPM that is a chip. This one ({cell}) is a program, and what it keeps lies in a file "
            "of this machine or of its host.",
            f"区分を上げるには、チップのTPMを使用してください。現在のTPM（{cell}）はソフトウェアで、内容はこの機器又はホストの"
            "ファイルにあります。",
        )
    unknown = cell if assessment.reason is TierReason.CELL_DISK_UNKNOWN else recordings
    return tr(
        "To raise it: let the device be seen. Which device lies under "
        + ("the cell" if assessment.reason is TierReason.CELL_DISK_UNKNOWN else "the recordings")
        + f" cannot be told{f' ({unknown})' if unknown else ''}, so the weaker tier is assumed.",
        "区分を上げるには、装置を識別できるようにしてください。"
        + ("消去可能領域" if assessment.reason is TierReason.CELL_DISK_UNKNOWN else "記録領域")
        + f"の装置を判別できない{f'（{unknown}）' if unknown else ''}ため、弱い区分とみなしています。",
    )


def erasure_problem(detail: str, *, on_fallback: bool) -> str:
    """Return what is wrong with erasing, for the operator."""
    why = both(detail)
    if on_fallback:
        return tr(
            f"The keystore's cell cannot be reached ({why.english}). Recording goes on under the fallback cell, with "
            "its own tier; earlier recordings can neither be opened nor erased until the cell is back.",
            f"鍵保管庫の消去可能領域に接続できません（{why.japanese}）。予備の領域により録画を継続しています"
            "（消去保証区分は予備の"
            "もの）。復旧するまで、以前の録画は開封も消去もできません。",
        )
    return tr(
        f"Keys that are due cannot be destroyed: {why.english}. Recording goes on; it is tried again every minute.",
        f"期限の来た鍵を破棄できません: {why.japanese}。録画は継続し、1分ごとに再試行します。",
    )


def overdue_problem(hours: int) -> str:
    """Return what is wrong while only an untrusted clock says that recordings are due."""
    return tr(
        f"{hours} hours of recordings are overdue by a clock that nobody vouches for. They open no more and are "
        "overwritten first. Synchronise the clock and they are destroyed, or have custodians vouch (kuramori overdue).",
        f"未同期の時計によれば、{hours}時間分の録画が保存期間を過ぎています。開封できず、最初に上書きされます。"
        "時刻を同期すると消去されます。同期できない場合は、鍵管理者の時刻確認(kuramori overdue)により消去できます。",
    )


_PLACE_TEXTS: dict[PlaceFault, tuple[str, str]] = {
    PlaceFault.MISSING: (
        "it is not there; make it, or mount its device",
        "存在しません。作成するか、装置を接続してください",
    ),
    PlaceFault.NOT_A_DIRECTORY: ("it is not a folder", "フォルダーではありません"),
    PlaceFault.NOT_A_FILE: ("it is not an ordinary file", "通常のファイルではありません"),
    PlaceFault.FOREIGN_OWNER: (
        "it belongs to another account; give it to the one that runs kuramori",
        "別の利用者の所有です。kuramoriを実行する利用者に変更してください",
    ),
    PlaceFault.OPEN_TO_OTHERS: ("others may enter it: chmod 0700", "他者が利用できます。chmod 0700 としてください"),
    PlaceFault.CHANGED: (
        "another device is mounted there than before; mount the right one",
        "以前とは別の装置が接続されています。正しい装置を接続してください",
    ),
    PlaceFault.COPY_ON_WRITE: (
        "its file system keeps old contents when it overwrites; use ext4, xfs or vfat on a device of its own",
        "上書きしても古い内容が残るファイルシステムです。専用の装置の ext4・xfs・vfat を使用してください",
    ),
    PlaceFault.SNAPSHOT: (
        "the device below keeps old blocks (LVM snapshot or thin pool); use a plain partition on a device of its own",
        "下位の装置が古い内容を残します（LVMのスナップショット・シンプール）。専用の装置の通常の区画を使用してください",
    ),
    PlaceFault.NETWORK: (
        "it lies on a network; use a local device",
        "ネットワーク上にあります。本体の装置を使用してください",
    ),
    PlaceFault.VOLATILE: (
        "it lies in memory and would be gone at the next power cut, with every recording",
        "メモリー上にあり、停電で失われると全ての録画が開けなくなります",
    ),
    PlaceFault.DATA_JOURNAL: (
        "its file system keeps copies in its journal (data=journal); mount it with data=ordered",
        "ジャーナルに複製が残ります（data=journal）。data=ordered で接続してください",
    ),
    PlaceFault.UNKNOWN_FILE_SYSTEM: (
        "its file system is not known to overwrite in place; use ext4, xfs or vfat",
        "上書き動作を確認できないファイルシステムです。ext4・xfs・vfat を使用してください",
    ),
}


def place_refusal(refused: PlaceRefused) -> str:
    """Return why a place may not hold keys, and what to do."""
    english, japanese = _PLACE_TEXTS[refused.reason]
    detail = f" ({refused.detail})" if refused.detail else ""
    return tr(f"{refused.place}{detail}: {english}", f"{refused.place}{detail}: {japanese}")
