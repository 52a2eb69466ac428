"""Takes a volume out of use for good, while everything else records on (K6): its cameras move, its keys die, its slots
are marked.

Steps, and what a stop after each leaves:
 1. It is refused where a hold names what lies on it, or where no other volume could take over: nothing is changed.
 2. `media.json` says that it is retired, and which hours are on it: from here on no start uses it again.
 3. Its cameras go on elsewhere; it leaves the recorder's shelf.
 4. The keys of all that lies on it are destroyed; what of those hours lies elsewhere is kept. The receipt is signed.
 5. Its slots are marked, as far as the medium still takes that, and it is closed.
The same order again goes on where a stop, or a fault, left it. This module must not know who may order it.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from kuramori import log
from kuramori.ending_messages import RetiredVolume, RetireVolumeRequest
from kuramori.erasure_messages import EraseRequest
from kuramori.lost_medium import LostMedium
from kuramori.media_forgetting import MediaForgetting
from kuramori.media_keeping import MediaKeeping, RetiredMedium
from kuramori.media_watch import MediaWatch
from kuramori.recorder import Recorder
from kuramori.texts import tr
from kuramori.volume_health import VolumeState
from kuramori.volume_lane import VolumeLane
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume

MOVE_SECONDS = 10.0  # how long its cameras may take to go elsewhere
EPOCH_SECONDS = 20.0  # and to go on under other keys
POLL_SECONDS = 0.1
RETIRED_EVENT = "volume_retired"


class MediumKept(Exception):
    """The volume stays; the sentence says why."""


class NotYetRetired(Exception):
    """It is out of use, but not everything is done: the same order again goes on."""


@dataclass(frozen=True, slots=True)
class LostKeys:
    """What was destroyed."""

    epochs: int
    segment_keys: int
    erasure_number: int
    tier: str


class Retiring:
    """Retires volumes, one at a time."""

    def __init__(self, recorder: Recorder, forgetting: MediaForgetting, watch: MediaWatch) -> None:
        self._recorder = recorder
        self._forgetting = forgetting
        self._watch = watch
        self._one_at_a_time = asyncio.Lock()

    @property
    def _keeping(self) -> MediaKeeping:
        return self._watch.keeping

    async def kept_because(self, path: Path) -> str:
        """Return why a volume cannot be retired now; "" where it can."""
        lane = self._lane(path)
        others = [one for one in self._recorder.lanes if one is not lane and one.health.is_good]
        if not others:
            return tr(
                f"{path} is the only volume that works: add another one first, or recording would end.",
                f"使用できる記録領域が {path} のほかにありません。先に別の記録領域を追加してください。",
            )
        if lane is None:
            away = [str(one) for one in self._recorder.vault.shelf.away if one != path]
            return _two_away(path, away[0]) if away else ""
        held = await self._recorder.books.call(self._forgetting.held_on, lane.volume)
        if held:
            return tr(
                f"{held} segments on {path} are held: lift those holds first, or wait until they end.",
                f"{path} には保存期間延長中の記録が {held} 件あります。延長を解除するか、期限を待ってください。",
            )
        return ""

    async def retire(self, order: RetireVolumeRequest) -> RetiredVolume:
        """Retire a volume. Raises MediumKept, NotYetRetired, KeystoreFault, LedgerFault, OSError."""
        async with self._one_at_a_time:
            medium = self._keeping.of_record(order.record)
            path = Path(order.volume)
            if medium is None:
                why = await self.kept_because(path)
                if why:
                    raise MediumKept(why)
                medium = await self._begin(order, path)
            volume = await self._leave(path)
            if volume is not None:
                medium = await self._note_epochs(medium, volume)
            complete = volume is not None or bool(
                self._recorder.vault.shelf.away
            )  # of others: nothing is known of them
            lost = await self._destroy(order, medium, complete)
            if volume is not None:
                await self._mark(path, volume)
            self._watch.forget(path)
            return RetiredVolume(
                order.volume,
                medium.volume_id,
                medium.size_bytes,
                lost.epochs,
                lost.segment_keys,
                lost.erasure_number,
                lost.tier,
            )

    async def _begin(self, order: RetireVolumeRequest, path: Path) -> RetiredMedium:
        """Step 2."""
        lane = self._lane(path)
        medium = RetiredMedium(order.volume, "", 0, order.record)
        if lane is not None:
            superblock = lane.volume.superblock
            medium = replace(medium, volume_id=superblock.volume_id.hex(), size_bytes=superblock.volume_bytes)
        log.get(volume=order.volume).warning("volume_retiring", record=order.record)
        if lane is not None:
            return await self._note_epochs(medium, lane.volume)
        await self._recorder.books.call(self._keeping.retire, medium)
        return medium

    async def _note_epochs(self, medium: RetiredMedium, volume: Volume) -> RetiredMedium:
        """Note which hours are on it: after its cameras left, those are all."""
        noted = replace(medium, epoch_ids=tuple(sorted(epoch_id.hex() for epoch_id in volume.epochs())))
        await self._recorder.books.call(self._keeping.retire, noted)
        return noted

    async def _leave(self, path: Path) -> Volume | None:
        """Step 3: the tick moves its cameras; then nobody knows it any more."""
        lane, shelf = self._lane(path), self._recorder.vault.shelf
        if lane is None:
            shelf.retire(path)
            self._recorder.problems.pop(f"volume {path}", None)
            return None
        lane.health.fail(VolumeState.RETIRED, "", self._recorder.clock.boot_ns())
        await self._until(lambda: not lane.writers and not lane.busy and not lane.is_returning, MOVE_SECONDS)
        if lane.writers or lane.busy:
            raise NotYetRetired(tr("its cameras have not moved yet", "カメラの切替えが完了していません"))
        self._recorder.lanes.remove(lane)
        shelf.retire(path)
        self._recorder.problems.pop(f"volume {path}", None)
        lane.thread.close(wait=False)
        return lane.volume

    async def _destroy(self, order: RetireVolumeRequest, medium: RetiredMedium, complete: bool) -> LostKeys:
        """Step 4."""
        recorder = self._recorder
        on_it = frozenset(bytes.fromhex(epoch_id) for epoch_id in medium.epoch_ids)
        writers = [camera.recording for camera in recorder.cameras.values()]
        writers += [lane.recording for lane in recorder.filled.values()]
        for recording in writers:
            recording.leave_epoch()
        await self._until(
            lambda: not any(recording.in_epoch(one) for recording in writers for one in on_it), EPOCH_SECONDS
        )
        in_use = frozenset(one for recording in writers for one in recording.epochs_in_use)
        if in_use & on_it:
            raise NotYetRetired(tr("a camera still records into one of its hours", "記録中の時間帯の鍵が残っています"))
        erasure = EraseRequest(
            _erasure_id(recorder.vault.identity.recorder_id, order.record), "", 0, 0, order.person, order.reason
        )
        receipt = await self._forgetting.destroy_lost(erasure, LostMedium(on_it, complete), in_use)
        await recorder.note(RETIRED_EVENT, volume=order.volume, record=order.record)
        if receipt is None:
            return LostKeys(0, 0, 0, recorder.vault.keystore.tier.value)
        epochs = sum(len(part.epoch_ids) for part in receipt.erased)
        segments = sum(len(part.segments) for part in receipt.erased)
        return LostKeys(epochs, segments, receipt.erasure_number, receipt.tier)

    async def _mark(self, path: Path, volume: Volume) -> None:
        """Step 5; a medium that fails keeps its marks as they are: without keys they say nothing."""
        try:
            await asyncio.to_thread(volume.retire)
        except StorageFault as fault:
            log.get(volume=str(path)).warning("slots_not_marked", detail=str(fault))
        await asyncio.to_thread(volume.close)

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not done() and loop.time() < deadline:
            await asyncio.sleep(POLL_SECONDS)

    def _lane(self, path: Path) -> VolumeLane | None:
        return next((lane for lane in self._recorder.lanes if lane.path == path), None)


def _two_away(path: Path, other: str) -> str:
    return tr(
        f"{path} cannot be read, and neither can {other}: bring that one back first, or its recordings would be lost "
        "too.",
        f"{path} のほかに {other} も読めません。その記録も失われるため、先に {other} を復旧してください。",
    )


def _erasure_id(recorder_id: bytes, record: int) -> str:
    """The same for each try of one order."""
    return hashlib.sha256(b"kuramori/v1/retire\0" + recorder_id + record.to_bytes(8, "big")).hexdigest()[:32]
