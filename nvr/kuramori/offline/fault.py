"""Why evidence cannot be opened: a sentence for the person in both languages, chosen by type.

EvidenceFault
├── CellGone             no root: the pictures cannot be opened by anybody
├── EvidenceUnusable     a volume, a keystore or a part of the state is missing or damaged
└── AnotherRecorder      volume, state and configuration are not of one recorder

This module must not know files or keys.
"""

from kuramori.texts import tr


class EvidenceFault(Exception):
    """The sentence is in both languages; `str` is the reader's."""

    def __init__(self, english: str, japanese: str) -> None:
        super().__init__(tr(english, japanese))
        self.english = english
        self.japanese = japanese


class CellGone(EvidenceFault):
    """There is no root in the cell, or none that fits: what it opened is erased."""

    def __init__(self, cell: str) -> None:
        super().__init__(
            f"The cell {cell} holds no root for this keystore, so these pictures cannot be opened by anybody. That is "
            "by design: destroying the root is how recordings are erased, and no copy of it exists.",
            f"消去用領域 {cell} にこの鍵保管庫の根鍵がないため、画像は誰にも開けません。根鍵の破棄により画像を消去する"
            "設計であり、根鍵の写しは存在しません。",
        )


class EvidenceUnusable(EvidenceFault):
    """A part that is needed is missing or damaged. `part` names it."""

    def __init__(self, part: str, detail: str) -> None:
        self.part = part
        super().__init__(f"{part} cannot be used: {detail}", f"{part} を使用できません: {detail}")


class AnotherRecorder(EvidenceFault):
    """What was put together does not belong together."""

    def __init__(self, part: str) -> None:
        super().__init__(
            f"{part} belongs to another recorder than the state that is used with it.",
            f"{part} は、併せて指定された状態フォルダーとは別の録画機のものです。",
        )
