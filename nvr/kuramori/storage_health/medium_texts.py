"""The sentences for evidence, lights and problems of media, in English and Japanese. Pure.

This module must not know how a light comes to be.
"""

from kuramori.camera_messages import Light
from kuramori.camera_texts import light_text
from kuramori.storage_health.medium_report import Evidence, MediumKind, MediumReport
from kuramori.texts import Said, tr

WORN_TOLD_PERCENT = 80.0  # beyond it a spare should lie ready

SENTENCES: dict[str, tuple[str, str]] = {
    "silent": (
        "the system has not answered for {value} s when asked about the device",
        "機器について問い合わせても {value} 秒間応答がない",
    ),
    "not_looked": ("not asked yet", "まだ確認していない"),
    "not_there": ("nothing lies at this path: {value}", "このパスに何もない: {value}"),
    "no_device": (
        "the system knows no disk under it ({value})",
        "対応するディスクをシステムが認識していない（{value}）",
    ),
    "several_devices": (
        "it lies on several disks ({value}): look at each of them",
        "複数のディスクにまたがる（{value}）。個別に確認すること",
    ),
    "too_high": ("too many layers lie between it and a disk", "ディスクまでの層が多すぎる"),
    "no_disk_below": (
        "the file system ({value}) names no disk",
        "ファイルシステム（{value}）からディスクを特定できない",
    ),
    "device_read_only": ("the device itself takes no writes any more", "機器自体が書込みを受け付けない"),
    "swapped": ("another medium than the accepted one ({value})", "承認済みの媒体（{value}）と異なる"),
    "sd_tells_nothing": (
        "an SD card has no health register; its state is inferred",
        "SDカードには劣化を示すレジスターがなく、状態は推定による",
    ),
    "registers_undefined": ("the registers for wear say nothing", "劣化レジスターに有効な値がない"),
    "life_time": ("life_time {value}", "life_time {value}"),
    "life_used_up": ("life_time {value}: its life is used up", "life_time {value}: 寿命を超過"),
    "reserve": ("pre_eol_info {value}: enough reserved blocks", "pre_eol_info {value}: 予備ブロックは十分"),
    "reserve_warning": (
        "pre_eol_info {value}: four fifths of the reserved blocks are used",
        "pre_eol_info {value}: 予備ブロックの8割を使用済み",
    ),
    "reserve_urgent": (
        "pre_eol_info {value}: the reserved blocks are all but used up",
        "pre_eol_info {value}: 予備ブロックがほぼ枯渇",
    ),
    "no_report": (
        "there is no report of the drive; kuramori-smart.timer writes it",
        "ドライブの報告がない（kuramori-smart.timer が作成）",
    ),
    "report_unreadable": ("the drive's report cannot be read", "ドライブの報告を読み取れない"),
    "report_ahead": ("the drive's report is dated in the future", "ドライブの報告の日時が未来になっている"),
    "report_foreign": ("the report found is of another drive", "報告が別のドライブのもの"),
    "report_stale": (
        "the drive's report is {value} h old; is kuramori-smart.timer running?",
        "ドライブの報告が {value} 時間前のもの。kuramori-smart.timer の動作を確認すること",
    ),
    "report_no_smartctl": (
        "smartctl is not installed (package smartmontools)",
        "smartctl がない（smartmontools パッケージを導入すること）",
    ),
    "report_no_answer": ("smartctl did not end in time", "smartctl が時間内に終了しなかった"),
    "drive_not_reached": ("smartctl does not reach the drive: {value}", "smartctl がドライブに到達できない: {value}"),
    "drive_failing": ("the drive says that it fails: {value}", "ドライブが故障を報告: {value}"),
    "unreadable_sectors": ("sectors that cannot be read: {value}", "読み取れないセクター: {value}"),
    "drive_worn": ("the drive counts {value} % of its life as used", "ドライブの申告では寿命の {value} % を消費"),
    "drive_passed": ("the drive passes its own check", "ドライブの自己診断は合格"),
    "drive_tells_nothing": ("the drive gives neither verdict nor wear", "ドライブが判定も消耗度も示さない"),
    "reallocated_sectors": ("sectors that the drive replaced: {value}", "代替処理済みセクター: {value}"),
    "media_errors": ("errors that the drive counted: {value}", "ドライブが数えたエラー: {value}"),
    "takes_nothing": ("it takes no recordings: {value}", "録画を書き込めない: {value}"),
    "io_errors": ("input/output errors that the recorder met: {value}", "録画機が遭遇した入出力エラー: {value} 件"),
    "bad_slots": ("slots set aside as bad: {value}", "不良として除外した区画: {value}"),
    "damaged": ("segments that did not read back as written: {value}", "書いたとおりに読み返せない区間: {value}"),
    "reads_nothing": ("nothing can be read back: {value}", "読み返しができない: {value}"),
    "slow": ("writes take {value} times as long as usual", "書込みに通常の {value} 倍の時間がかかる"),
    "pace": ("a commit takes {value} ms, as usual", "1回の書込みは {value} ミリ秒（通常どおり）"),
    "no_endurance": (
        "nothing tells its wear: give its rated endurance in the configuration (endurance)",
        "劣化を知る手段がない。設定の endurance に定格書込量を記入すること",
    ),
    "endurance": ("{value} % of its rated endurance is written", "定格書込量の {value} % を書込済み"),
}
SOURCES: dict[str, tuple[str, str]] = {
    "sysfs": ("system", "システム"),
    "smartctl": ("drive", "ドライブ"),
    "recorder": ("recorder", "録画機"),
    "scrub": ("reading back", "読み返し検査"),
    "configuration": ("configuration", "設定"),
}
KINDS: dict[MediumKind, tuple[str, str]] = {
    MediumKind.EMMC: ("eMMC", "eMMC"),
    MediumKind.SD: ("SD card", "SDカード"),
    MediumKind.SATA: ("SATA drive", "SATAドライブ"),
    MediumKind.NVME: ("NVMe drive", "NVMeドライブ"),
    MediumKind.OTHER: ("other", "その他"),
}
TOLD_ELSEWHERE = frozenset({"takes_nothing"})  # the watch over storage tells these itself, in more words


def evidence_text(evidence: Evidence) -> Said:
    """Return what was seen, in the reader's language; its source stands in brackets."""
    english, japanese = SENTENCES.get(evidence.key, (evidence.key + " {value}", evidence.key + " {value}"))
    source = tr(*SOURCES.get(evidence.source, (evidence.source, evidence.source)))
    english, japanese = (text.replace("{value}", evidence.value) for text in (english, japanese))
    return tr(f"{english} [{source.english}]", f"{japanese}〔{source.japanese}〕")


def kind_text(kind: MediumKind) -> str:
    """Return what a medium is, in the reader's language."""
    return tr(*KINDS[kind])


def report_title(report: MediumReport) -> str:
    """Return light, volume and device of a medium in one line."""
    device = report.device or tr("no disk known", "ディスク不明")
    return f"{light_text(report.light)}  {report.volume}  ({kind_text(report.kind)}, {device})"


def report_problems(report: MediumReport) -> list[str]:
    """Return what an operator must do about a medium; empty where nothing."""
    problems: list[str] = []
    red = [one for one in report.evidence if one.light is Light.RED and one.key not in TOLD_ELSEWHERE]
    name = f"{report.volume} ({report.device})" if report.device else report.volume
    if red:
        why = evidence_text(red[0])
        problems.append(
            tr(
                f"The medium under {name} is failing: {why.english}. Have a spare ready and replace it soon; "
                "kuramori storage shows all evidence.",
                f"{name} の記録媒体に異常があります: {why.japanese}。予備を用意し、早めに交換してください"
                "（詳細は kuramori storage）。",
            )
        )
    elif report.worn_percent is not None and report.worn_percent > WORN_TOLD_PERCENT:
        problems.append(
            tr(
                f"The medium under {name} is worn: {report.worn_percent:.0f} % of its life is used. "
                "Have a spare ready and plan the exchange.",
                f"{name} の記録媒体が消耗しています（寿命の {report.worn_percent:.0f} %）。"
                "予備を用意し、交換を計画してください。",
            )
        )
    if report.swapped:
        problems.append(
            tr(
                f"Another medium lies under {name} than before. If that is right, the manager says so: "
                f"kuramori storage --accept {report.volume}. If not, find the old one.",
                f"{name} の記録媒体が以前と異なります。正当な交換であれば、管理責任者が "
                f"kuramori storage --accept {report.volume} で承認してください。"
                "そうでなければ元の媒体を捜してください。",
            )
        )
    return problems
