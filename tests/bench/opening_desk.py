"""From the last approval to the complete bundle on disk: the desk over its socket, the real worker, real keys.

What the recorder answers over its socket is what a recorder would: headers, places on the volume, K_seg. What lies on
the volume was sealed for the custodians who approve. Timed is what happens after the last approval was accepted: the
shares are fetched and opened, the keys put together, the bundle made, taken and synced.
"""

import os
import time
import urllib.parse
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.serialization import Encoding

from kuramori import messages
from kuramori.api.headers import PERSON_HEADER
from kuramori.clips.extraction import run_worker
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.device_certificate import key_to_pem
from tests.bench import opening
from tests.fakes.desk_room import HANDLER, NOW_UTC_MS, DeskRoom
from tests.fakes.desk_steps import approved, handed_deks
from tests.fakes.fake_recorder import FakeRecorder, FakeSegment
from tests.fakes.fake_worker import FakeWorkers
from tests.fakes.key_holders import custodian_set
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording

END_UTC_MS = START_UTC_MS + opening.SECONDS * 1000


@dataclass(frozen=True, slots=True)
class DeskSample:
    """One hand-over."""

    keys_seconds: float  # shares fetched, opened, put together
    complete_seconds: float  # until the bundle stands on disk, synced


@dataclass(slots=True)
class SealedRecorder(FakeRecorder):
    """Answers for what really lies on a volume."""

    recording: SealedRecording | None = None
    extents: list[messages.SegmentExtent] = field(default_factory=list)

    def hold(self, recording: SealedRecording) -> None:
        """Take the segments of one recording as its own."""
        count = len(recording.segments)
        for at, one in enumerate(recording.segments):
            begins, ends = (START_UTC_MS + place * opening.SECONDS * 1000 // count for place in (at, at + 1))
            self.segments.append(
                FakeSegment(recording.name, one.header, one.segment_uid, one.sequence, begins, ends, one.dek, one.k_seg)
            )
            self.extents.append(
                messages.SegmentExtent(
                    str(one.volume_path),
                    one.offset_bytes,
                    one.extent_bytes,
                    one.header,
                    one.segment_uid,
                    one.sequence,
                    one.state,
                    True,
                    begins,
                    ends,
                )
            )

    def _plan(self, question: messages.PlanRequest) -> Any:
        plan = FakeRecorder._plan(self, question)
        return replace(plan, segments=tuple(self.extents)) if question.camera == "gate" else plan


class RealWorkers(FakeWorkers):
    """Workers that do what they are told."""

    async def run_worker(self, job: Any) -> Any:
        """Start one."""
        return await run_worker(job)


async def hand_over(folder: Path, recording: SealedRecording, rounds: int) -> list[DeskSample]:
    """File, decide, approve and open, once for each round; the samples."""
    (folder / "spool").mkdir(parents=True)
    room = DeskRoom(folder)
    room.custodians = custodian_set()
    numbers = {recording.name: recording.number, "park": 2}
    room.recorder = SealedRecorder(recording.recorder_id, room.custodians, numbers, now_utc_ms=NOW_UTC_MS)
    room.recorder.hold(recording)
    room.site = replace(room.site, recorder_id=recording.recorder_id)
    room.workers = cast("FakeWorkers", RealWorkers())
    room.places.device_key.write_bytes(key_to_pem(recording.key))
    room.places.device_certificate.write_bytes(recording.certificate.public_bytes(Encoding.PEM))
    async with room:
        return [await _once(room, folder / "bundle.tar") for _ in range(rounds)]


async def _once(room: DeskRoom, target: Path) -> DeskSample:
    number = await approved(room, from_utc_ms=START_UTC_MS, to_utc_ms=END_UTC_MS)
    began = time.perf_counter()
    deks = await handed_deks(room, number)
    keys = time.perf_counter() - began
    call = room.client().build_request
    async with room.client() as client:
        request = call("POST", f"/v1/requests/{number}/bundle", json={"deks": deks}, headers=_as_person(HANDLER))
        answer = await client.send(request, stream=True)
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError((await answer.aread()).decode())
        with target.open("wb") as file:
            async for piece in answer.aiter_raw(1 << 20):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    complete = time.perf_counter() - began
    verdict = verify_bundle(target).verdict
    target.unlink()
    if verdict is not Verdict.UNCHANGED:
        raise RuntimeError(f"the bundle does not verify: {verdict}")
    return DeskSample(keys, complete)


def _as_person(person: str) -> dict[str, str]:
    return {PERSON_HEADER: urllib.parse.quote(person, safe="")}
