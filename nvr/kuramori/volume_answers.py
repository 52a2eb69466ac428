"""How each volume is, as `status` tells it: those in use with their slots, those away with the reason.

Reads what the recorder knows already; nothing here waits for a medium. Must not know messages other than these.
"""

from pathlib import Path

from kuramori.messages import ScrubStatus, VolumeStatus
from kuramori.recorder import Recorder
from kuramori.storage_fault_texts import storage_fault_text
from kuramori.volume_health import NS_PER_SECOND
from kuramori_segments.volume import Volume


def volume_states(recorder: Recorder) -> tuple[VolumeStatus, ...]:
    """Return one for each configured volume."""
    boot_ns = recorder.clock.boot_ns()
    found = []
    for lane in recorder.lanes:
        volume, usage = lane.volume, lane.volume.usage()
        found.append(
            VolumeStatus(
                path=lane.name,
                slot_bytes=volume.superblock.slot_bytes,
                slot_count=volume.superblock.slot_count,
                filled_slots=usage.usable,
                free_slots=usage.empty,
                held_slots=len(volume.held_slots()),
                bad_slots=usage.bad + usage.doubtful,
                healthy=lane.health.is_sound(boot_ns) and not usage.bad and not usage.doubtful,
                detail=lane.health.detail,
                scrub=_scrub(recorder, volume),
                permitted=_is_excused(recorder, lane.path, lane.health.since_boot_ns),
            )
        )
    for path, why in recorder.vault.shelf.away.items():
        text, permitted = storage_fault_text(why), _is_excused(recorder, path, 0)
        found.append(VolumeStatus(str(path), 0, 0, 0, 0, 0, 0, healthy=False, detail=text, permitted=permitted))
    return tuple(found)


def _is_excused(recorder: Recorder, path: Path | None, since_boot_ns: int) -> bool:
    seconds = (recorder.clock.boot_ns() - since_boot_ns) / NS_PER_SECOND
    return path is not None and recorder.media is not None and recorder.media.excuses(path, seconds)


def _scrub(recorder: Recorder, volume: Volume) -> ScrubStatus | None:
    its = recorder.scrub_figures.get(volume.superblock.volume_id)
    if its is None:
        return None
    return ScrubStatus(
        segments=its.segments,
        unverified=its.unverified,
        damaged=its.damaged,
        oldest_unverified_utc_ms=its.oldest_unverified_utc_ms,
        last_pass_utc_ms=its.last_pass_utc_ms,
        fault=its.fault,
    )
