"""Every fault of a medium or a volume file in one sentence for a person, with what to do.

Callers choose by type; here a type becomes a sentence in both languages. This module must not know volumes or threads.
"""

from collections.abc import Callable
from errno import errorcode
from typing import Any

from kuramori.texts import Said, both, tr
from kuramori_segments import storage_fault as faults

Sentences = Callable[[Any], tuple[str, str]]

_OPERATIONS = {"read": "読出し", "write": "書込み", "sync": "保存の確定", "open": "開く処理"}

_ADVICE: dict[type[faults.StorageFault], str] = {
    faults.MediumFull: (
        "ファイルシステムの空きを確保してください。"
        "コピーオンライトやシンプロビジョニングの媒体に保存領域を置かないでください。"
    ),
    faults.MediumReadOnly: "システムログで原因を調べ、ファイルシステムを検査し、書込み可能で再マウントしてください。",
    faults.BeyondEnd: "保存領域が切り詰められたか、作成時とは別の媒体です。",
}
_ADVICE_ELSE = "媒体（ケーブル、消耗、システムログ）を確認し、再発する場合は交換してください。"

_REFUSED: dict[type, Sentences] = {
    faults.VolumeTooSmall: lambda f: (
        f"{f.place}: {f.size_bytes} bytes are too few for a volume; {f.needed_bytes} is the least.",
        f"{f.place}: {f.size_bytes} バイトでは保存領域を作成できません（最小 {f.needed_bytes} バイト）。",
    ),
    faults.NoSpace: lambda f: (
        (
            f"{f.place}: the volume needs {f.needed_bytes} bytes, but only {f.free_bytes} are free. "
            f"Free {max(0, f.needed_bytes - f.free_bytes)} bytes or ask for a smaller volume."
        ),
        (
            f"{f.place}: 保存領域に {f.needed_bytes} バイト必要ですが、空きは {f.free_bytes} バイトです。"
            "空きを増やすか、容量の指定を小さくしてください。"
        ),
    ),
    faults.VolumeExists: lambda f: (
        f"{f.place} exists already. Name another place, or remove it if it may be lost.",
        f"{f.place} は既に存在します。別の場所を指定するか、不要であれば削除してください。",
    ),
    faults.VolumeInUse: lambda f: (
        f"{f.place} is in use by another process. Stop the recorder that writes it first.",
        f"{f.place} は別のプロセスが使用中です。書き込んでいる録画機を先に停止してください。",
    ),
    faults.NotAVolume: lambda f: (
        f"{f.place} is not a volume, or the start of it is destroyed ({f.detail}).",
        f"{f.place} は保存領域ではないか、先頭部分が壊れています（{f.detail}）。",
    ),
    faults.VolumeCut: lambda f: (
        f"{f.place} has {f.size_bytes} bytes, but its superblock says {f.said_bytes}: it was cut.",
        f"{f.place} は {f.size_bytes} バイトですが、管理情報では {f.said_bytes} バイトです。切り詰められています。",
    ),
    faults.VolumeNotGrown: lambda f: (
        (
            f"{f.place} has {f.size_bytes} bytes already; to grow, it needs {f.least_bytes} at least. "
            "A volume never shrinks."
        ),
        (
            f"{f.place} は既に {f.size_bytes} バイトです。"
            f"拡張には {f.least_bytes} バイト以上が必要です（縮小はできません）。"
        ),
    ),
}


def storage_fault_text(fault: Exception) -> Said:
    """Return the sentence; a fault that is none of a medium or volume keeps its own words in both languages."""
    if isinstance(fault, faults.StorageFault):
        return _failed(fault)
    sentences = next((_REFUSED[kind] for kind in type(fault).__mro__ if kind in _REFUSED), None)
    if sentences is not None:
        return tr(*sentences(fault))
    told = both(fault.args[0] if fault.args and isinstance(fault.args[0], str) else str(fault))
    return tr(told.english, told.japanese)


def _failed(fault: faults.StorageFault) -> Said:
    name = errorcode.get(fault.errno, str(fault.errno))
    told = fault.extents[: faults.EXTENTS_TOLD]
    place = ", ".join(f"{offset}+{length}" for offset, length in told) or "no extent"
    more = len(fault.extents) - len(told)
    operation = _OPERATIONS.get(fault.operation, fault.operation)
    return tr(
        f"{fault.operation} failed with {name} at {place}{f' and {more} more' if more else ''}. {fault.advice}",
        f"{operation}に失敗しました（{name}、位置 {place if told else '-'}{f' 他{more}件' if more else ''}）。"
        f"{_ADVICE.get(type(fault), _ADVICE_ELSE)}",
    )
