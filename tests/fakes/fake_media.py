"""The media side of a fake recorder: which volumes are away, permitted or retired, and what was asked of them."""

from dataclasses import dataclass, field, replace
from typing import Any

from kuramori.ending_messages import (
    Media,
    MediaRequest,
    MediumStatus,
    PermitMediumRequest,
    RetiredVolume,
    RetireVolumeRequest,
    SnapshotRequest,
)
from kuramori.messages import Acknowledged, Failure, FailureCode
from kuramori.storage_health.medium_report import AcceptMediumRequest, MediaHealth, MediaHealthRequest, MediumReport

QUESTIONS = (
    SnapshotRequest,
    RetireVolumeRequest,
    PermitMediumRequest,
    MediaRequest,
    MediaHealthRequest,
    AcceptMediumRequest,
)


@dataclass(slots=True)
class FakeMedia:
    """Volumes by path."""

    volumes: dict[str, MediumStatus] = field(default_factory=dict)
    health: dict[str, MediumReport] = field(default_factory=dict)
    snapshots: int = 0
    refuses: str = ""  # why no volume is let go, although `media` did not say so before

    def answer(self, question: Any) -> Any:
        """Answer one of QUESTIONS."""
        if isinstance(question, SnapshotRequest):
            self.snapshots += 1
            return Acknowledged()
        if isinstance(question, MediaRequest):
            return Media(tuple(self.volumes.values()))
        if isinstance(question, MediaHealthRequest):
            return MediaHealth(0, tuple(self.health.values()))
        if isinstance(question, AcceptMediumRequest):
            report = self.health[question.volume]
            if report.identity != question.identity:
                return Failure(FailureCode.UNKNOWN_MEDIUM, "another one lies there")
            self.health[question.volume] = replace(report, swapped=False, accepted_identity=report.identity)
            return self.health[question.volume]
        known = self.volumes.get(question.volume, MediumStatus(question.volume))
        if isinstance(question, PermitMediumRequest):
            self.volumes[question.volume] = replace(known, permit=question.permit)
            return Acknowledged()
        if self.refuses:
            return Failure(FailureCode.MEDIUM_KEPT, self.refuses)
        self.volumes[question.volume] = replace(known, retired_record=question.record)
        return RetiredVolume(question.volume, "ab" * 16, 1 << 30, 24, 3, 7, "E2")
