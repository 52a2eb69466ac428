"""Makes a volume of an installation longer, or adds one, and writes it into the configuration. Blocking.

The service must be stopped for growing: the volume is locked. Order: the medium first, the configuration last; a stop
in between leaves a volume that is longer than its table says (`kuramori grow` again writes the rest), or a finished
volume that no table names (`kuramori volume add` again takes it where it is empty and the recorder's own). This module
must not know the terminal.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from kuramori.capacity.capacity_texts import size_text
from kuramori.configuration_change import ConfigurationFile
from kuramori.durable_file import make_private_folder
from kuramori.identity import read_identity
from kuramori.places import Places
from kuramori.texts import tr
from kuramori_config.editing import with_volume, with_volume_size
from kuramori_config.quantities import Size
from kuramori_segments.codes import SlotState
from kuramori_segments.disk import FileDisk
from kuramori_segments.growth import Growth, grow, grown_slot_count
from kuramori_segments.slot_table import SlotTable
from kuramori_segments.storage_fault import VolumeExists
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from kuramori_segments.volume_head import read_superblocks, read_tables

UUID_BYTES = 16


class GrowthRefused(Exception):
    """It cannot be done as asked; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class GrownVolume:
    """What became of a volume, for whoever tells it."""

    path: Path
    slots_before: int
    slots: int
    size_bytes: int


def grow_volume(file: ConfigurationFile, path: Path, size: Size) -> GrownVolume:
    """Grow a volume of the configuration to at most that size. Raises GrowthRefused, ChangeRefused, ConfigurationFault,
    VolumeRefused, StorageFault, IdentityFault, OSError."""
    position = _position(file, path)
    table = file.configuration.volumes[position]
    recorder_id = read_identity(Places.of(file.configuration).identity).recorder_id
    file.try_edit(lambda text: with_volume_size(text, position, size_text(size.total_bytes)))
    disk = FileDisk.open(table.path, writable=True)
    try:
        superblock = read_superblocks(disk.read_at, str(table.path)).superblock
        _require_own(superblock.recorder_id, recorder_id, table.path)
        slots = grown_slot_count(superblock, size.total_bytes)
        if slots == superblock.slot_count and table.size < size:  # grown before, and stopped before this was written
            growth = Growth(slots, superblock)
        else:
            growth = grow(disk, slots, str(table.path))
    finally:
        disk.close()
    file.apply(lambda text: with_volume_size(text, position, size_text(size.total_bytes)))
    return GrownVolume(table.path, growth.slots_before, growth.slots, growth.superblock.volume_bytes)


def add_volume(file: ConfigurationFile, path: Path, size: Size, utc_ms: int) -> GrownVolume:
    """Make a volume more, as a new file, and name it in the configuration. Raises as `grow_volume` does."""
    path = (file.path.parent / path).resolve()
    if any(table.path.resolve() == path for table in file.configuration.volumes):
        raise GrowthRefused(
            tr(
                f"{path} is a volume of this recorder already; to enlarge it: kuramori grow",
                f"{path} は登録済みの保存領域です。広げるには kuramori grow を実行してください。",
            )
        )
    identity = read_identity(Places.of(file.configuration).identity)
    edit = {"path": str(path), "size": size_text(size.total_bytes)}
    file.try_edit(lambda text: with_volume(text, edit))
    if not path.parent.exists():
        make_private_folder(path.parent)
    try:
        volume = Volume.create_file(
            path,
            size_bytes=size.total_bytes,
            volume_id=secrets.token_bytes(UUID_BYTES),
            recorder_id=identity.recorder_id,
            created_utc_ms=utc_ms,
        )
        superblock = volume.superblock
        volume.close()
    except VolumeExists:
        superblock = _unused_volume(path, identity.recorder_id)
    _give_to_the_service(path, file.configuration.volumes[0].path)
    file.apply(lambda text: with_volume(text, edit))
    return GrownVolume(path, 0, superblock.slot_count, superblock.volume_bytes)


def _position(file: ConfigurationFile, path: Path) -> int:
    wanted = (file.path.parent / path).resolve()
    for position, table in enumerate(file.configuration.volumes):
        if table.path == path or table.path.resolve() == wanted or table.path.name == str(path):
            return position
    known = ", ".join(str(table.path) for table in file.configuration.volumes)
    raise GrowthRefused(
        tr(
            f"{path} is no volume of this recorder; there are: {known}",
            f"{path} は登録された保存領域ではありません（登録: {known}）",
        )
    )


def _require_own(recorder_id: bytes, own_id: bytes, path: Path) -> None:
    if recorder_id != own_id:
        raise GrowthRefused(
            tr(f"{path} belongs to another recorder; it was left alone.", f"{path} は別の録画機の保存領域です。")
        )


def _unused_volume(path: Path, own_id: bytes) -> Superblock:
    """Return the superblock of a volume that an earlier attempt made and no table names. Raises VolumeRefused."""
    disk = FileDisk.open(path, writable=True)
    try:
        superblock = read_superblocks(disk.read_at, str(path)).superblock
        _require_own(superblock.recorder_id, own_id, path)
        copies = read_tables(disk.read_at, superblock)
    finally:
        disk.close()
    states = SlotTable.merge(superblock.slot_count, copies.copy_a, copies.copy_b).states
    if states.count(SlotState.EMPTY) != superblock.slot_count:
        raise VolumeExists(str(path))
    return superblock


def _give_to_the_service(path: Path, other: Path) -> None:
    """Made by root: it gets the owner of the volume that the service writes already."""
    if os.geteuid() == 0 and other.exists():
        status = other.stat()
        os.chown(path, status.st_uid, status.st_gid)
