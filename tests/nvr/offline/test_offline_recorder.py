"""What a dead recorder answers: nothing is promised that a disk open for reading only cannot keep."""

import re
from pathlib import Path

import pytest

from kuramori.desk.fault import HoldRefused
from kuramori.messages import PlaceHoldRequest
from kuramori.offline.evidence import Evidence
from kuramori.offline.evidence_keys import EvidenceKeys
from kuramori.offline.offline_recorder import OfflineRecorder
from tests.fakes.clock import ToldClock
from tests.fakes.key_holders import custodian_set
from tests.nvr.offline.test_evidence_keys import BEGAN, RETENTION_MS, dead

__all__ = ["dead"]
RECORDER_ID = bytes(range(16))


def asked(request_id: str) -> PlaceHoldRequest:
    return PlaceHoldRequest(
        "0" * 32, ("gate",), BEGAN, BEGAN + 60_000, BEGAN + RETENTION_MS, request_id, "Sato Hanako", "lawyer"
    )


async def test_a_hold_is_refused_with_its_reason_unless_a_request_stands_behind_it(
    dead: tuple[Path, Path, bytes, bytes],
) -> None:
    """A manager's own hold would keep nothing: refused in both languages. A request's hold goes with the request."""
    keystore, cell, *_ = dead
    keys = EvidenceKeys(keystore, cell, lambda _camera: RETENTION_MS, lambda: BEGAN)
    recorder = OfflineRecorder(Evidence((), RECORDER_ID), keys, custodian_set(), RECORDER_ID, None, ToldClock(BEGAN))
    try:
        with pytest.raises(HoldRefused, match="open for reading only") as refused:
            await recorder.place_hold(asked(""))
        assert re.search("読取専用", refused.value.japanese)
        assert (await recorder.holds()).holds == ()
        placed = await recorder.place_hold(asked("20251124-1"))
        assert (await recorder.holds()).holds == (placed,)
        await recorder.lift_hold(placed.hold_id, "Sato Hanako", "done")
        assert (await recorder.holds()).holds == ()
    finally:
        keys.close()
