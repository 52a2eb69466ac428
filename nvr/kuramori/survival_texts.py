"""Whether pictures would survive the machine's death, said beforehand: by `kuramori init` and `kuramori doctor`.

Nothing more may be said than `kuramori open-offline` does. This module must not know cells or disks.
"""

from kuramori.texts import tr
from kuramori_segments.tier import TierAssessment, TierReason

IN_THE_MACHINE = (TierReason.TPM, TierReason.SOFTWARE_TPM)


def survives(assessment: TierAssessment) -> bool:
    """Tell whether pictures can outlive the machine: where the cell can be taken out of it."""
    return assessment.reason not in IN_THE_MACHINE


def survival_claim(assessment: TierAssessment) -> str:
    """Return what becomes of the pictures when the machine dies."""
    if not survives(assessment):
        return tr(
            "If this machine dies, its pictures die with it: the cell is in its TPM, which cannot be taken out.",
            "この機器が故障すると、記録済みの画像も開けなくなります（消去可能領域が機器内のTPMにあるため）。",
        )
    if assessment.reason is TierReason.SAME_DISK:
        disks = ", ".join(assessment.cell_disks)
        return tr(
            f"If this machine dies, its pictures survive as long as this disk does ({disks}): keystore and cell are on "
            "it too. With k custodians, `kuramori open-offline` opens them on another machine.",
            f"この機器が故障しても、ディスク（{disks}）が無事なら画像は残ります（鍵保管庫と消去可能領域も同じディスク上）。"
            "必要数の鍵管理者がいれば、`kuramori open-offline` により別の機器で開けます。",
        )
    return tr(
        "If this machine dies, its pictures survive where all three are rescued: the volumes, the keystore in the "
        "state directory, and the cell's device. With k custodians, `kuramori open-offline` opens them on another "
        "machine.",
        "この機器が故障しても、記録領域・状態フォルダー内の鍵保管庫・消去可能領域の装置のすべてを取り出せれば、画像は残ります。"
        "必要数の鍵管理者がいれば、`kuramori open-offline` により別の機器で開けます。",
    )


def survival_advice() -> str:
    """Return what to do beforehand in any case."""
    return tr(
        "`kuramori backup` keeps settings, register and ledger for another machine; it holds no picture's key",
        "`kuramori backup` により設定・記録簿・台帳を別の機器へ引き継げます（画像の鍵は含まれません）",
    )
