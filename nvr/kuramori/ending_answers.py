"""Answers what the desk asks about the end of machines and media: copies for a backup, retired and missing volumes.

This module must not know who may ask, nor what the register says.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kuramori.backup.snapshot import copy_ledger
from kuramori.ending_messages import (
    Media,
    MediaRequest,
    MediumStatus,
    PermitMediumRequest,
    RetiredVolume,
    RetireVolumeRequest,
    SnapshotRequest,
)
from kuramori.forgetting_values import OutOfReach
from kuramori.media_keeping import MediumPermit
from kuramori.media_watch import MediaWatch
from kuramori.messages import Acknowledged, Failure, FailureCode
from kuramori.places import Places
from kuramori.recorder import Recorder
from kuramori.retiring import MediumKept, NotYetRetired, Retiring
from kuramori_segments.ledger_records import DurableEnd


class EndingAnswers:
    """The part of the handler behind recorder.sock that is about machines and media."""

    def __init__(self, recorder: Recorder, retiring: Retiring, watch: MediaWatch) -> None:
        self._recorder = recorder
        self._retiring = retiring
        self._watch = watch

    @property
    def handlers(self) -> Mapping[type[Any], Callable[[Any], Awaitable[Any]]]:
        """What answers which question."""
        return {
            SnapshotRequest: self._snapshot,
            RetireVolumeRequest: self._retire,
            PermitMediumRequest: self._permit,
            MediaRequest: self._media,
        }

    async def _retire(self, order: RetireVolumeRequest) -> RetiredVolume | Failure:
        try:
            return await self._retiring.retire(order)
        except MediumKept as kept:
            return Failure(FailureCode.MEDIUM_KEPT, str(kept))
        except (NotYetRetired, OutOfReach, OSError) as fault:
            return Failure(FailureCode.STORAGE, f"{order.volume} is not wholly retired yet: {fault}")

    async def _permit(self, order: PermitMediumRequest) -> Acknowledged | Failure:
        permit = MediumPermit(order.volume, order.permit, order.until_utc_ms)
        try:
            await self._recorder.books.call(self._watch.keeping.permit, permit)
        except OSError as error:
            return Failure(FailureCode.STORAGE, f"the permit cannot be kept ({error.strerror})")
        return Acknowledged()

    async def _media(self, _question: MediaRequest) -> Media:
        found = [
            MediumStatus(str(path), since, self._watch.permit_of(path), 0, await self._retiring.kept_because(path))
            for path, since in self._watch.missing.items()
        ]
        retired = [MediumStatus(one.volume, None, 0, one.record) for one in self._watch.keeping.retired]
        return Media((*found, *retired))

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
