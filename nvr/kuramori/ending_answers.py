"""Answers what the desk asks about the end of machines and media: copies for a backup, retired and missing volumes.

This module must not know who may ask, nor what the register says.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kuramori.backup.snapshot import copy_ledger
from kuramori.ending_messages import SnapshotRequest
from kuramori.messages import Acknowledged, Failure, FailureCode
from kuramori.places import Places
from kuramori.recorder import Recorder
from kuramori_segments.ledger_records import DurableEnd


class EndingAnswers:
    """The part of the handler behind recorder.sock that is about machines and media."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @property
    def handlers(self) -> Mapping[type[Any], Callable[[Any], Awaitable[Any]]]:
        """What answers which question."""
        return {SnapshotRequest: self._snapshot}

    async def _snapshot(self, _question: SnapshotRequest) -> Acknowledged | Failure:
        recorder = self._recorder
        folder = Places.of(recorder.configuration).backup_snapshot
        durable = {
            camera.recording.camera_number: DurableEnd(camera.durable.utc_ms, camera.durable.access_unit)
            for camera in recorder.cameras.values()
            if camera.durable is not None
        }
        vault = recorder.vault
        try:
            await recorder.books.call(copy_ledger, vault.ledger, vault.volumes, vault.floor, durable, folder)
        except OSError as error:
            return Failure(FailureCode.STORAGE, f"{folder} cannot be written ({error.strerror})")
        return Acknowledged()
