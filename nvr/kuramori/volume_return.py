"""Looks at a volume that failed, or was away, and opens it again when it is sound and ours. Blocking, no decisions.

A medium that works again under the same file is probed and its torn segments get their end. Another file at its path
(mounted anew, plugged in again) is opened like at a start: recovery, and it must be this recorder's own. This module
must not know cameras or the loop.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kuramori.texts import tr
from kuramori_segments.footer import Signer
from kuramori_segments.recovery import RecoveryReport, recover, recover_slots
from kuramori_segments.storage_fault import StorageFault, VolumeRefused
from kuramori_segments.volume import Volume


class VolumeAway(Exception):
    """A volume is not where the configuration says."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            tr(
                f"the volume {path} is not there: mount its device, or name its place in the configuration",
                f"保存領域 {path} がありません。装置をマウントするか、設定で場所を指定してください。",
            )
        )
        self.path = path


class VolumeForeign(VolumeRefused):
    """The volume was made by another recorder, or is another one than before."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            tr(
                f"{path} is a volume of another recorder, or another one than before: nothing is written to it",
                f"{path} は別の録画機の保存領域か、以前とは別の保存領域です。書込みは行いません。",
            )
        )
        self.path = path


@dataclass(frozen=True, slots=True)
class Returned:
    """A volume that may be recorded into, and what recovery found where it was opened anew."""

    volume: Volume
    report: RecoveryReport | None


def open_volume(path: Path, signer: Signer, recorder_id: bytes) -> Returned:
    """Open and repair a volume of this recorder. Raises VolumeAway, VolumeRefused, StorageFault."""
    if not path.exists():
        raise VolumeAway(path)
    volume = Volume.open_file(path)
    try:
        if volume.superblock.recorder_id != recorder_id:
            raise VolumeForeign(path)
        return Returned(volume, recover(volume, signer))
    except (VolumeRefused, StorageFault):
        volume.close()
        raise


def bring_back(
    volume: Volume, path: Path | None, left: Mapping[int, int | None], doubtful: Iterable[int], signer: Signer
) -> Returned:
    """Look at a volume that failed. Raises VolumeAway, VolumeRefused, StorageFault: it stays out of use.

    `left`: slots that cameras left, with their acknowledged bytes; `doubtful`: those of failed commits.
    """
    if path is None or volume.is_at(path):
        volume.retract(left)
        volume.probe()
        recover_slots(volume, sorted({*left, *doubtful}), signer)
        volume.flush()
        return Returned(volume, None)
    volume.close()
    returned = open_volume(path, signer, volume.superblock.recorder_id)
    if returned.volume.superblock.volume_id != volume.superblock.volume_id:
        returned.volume.close()
        raise VolumeForeign(path)
    returned.volume.take_over(volume)
    return returned


def reads(volume: Volume) -> bool:
    """Tell whether the medium still answers: then its recordings can be opened, although nothing is written."""
    try:
        volume.require_readable()
    except StorageFault:
        return False
    return True
