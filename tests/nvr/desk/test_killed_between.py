"""Killed between an entry and its effect (H5): whatever took effect stands in the register, and the rest is finished.

The desk runs in a process of its own with a recorder that kills it with SIGKILL at the moment the effect arrives.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kuramori.desk.register import Register
from kuramori.desk.register_entry import EntryKind
from tests.fakes.desk_room import RECORDER_ID, DeskRoom

# What the process does: a step over the API; its recorder kills it when this question arrives.
_PROCESS = """
import asyncio, os, signal, sys
from pathlib import Path
from kuramori import messages
from tests.fakes.desk_room import MANAGER, DeskRoom
from tests.fakes.desk_steps import approved, filed, handed_deks, open_bundle

effect = getattr(messages, sys.argv[2])


async def live():
    async with DeskRoom(Path(sys.argv[1])) as room:
        def kill(question):
            if isinstance(question, effect):
                os.kill(os.getpid(), signal.SIGKILL)

        if effect is messages.ReleaseKeysRequest:
            number = await approved(room)
            deks = await handed_deks(room, number)
        room.recorder.on_question = kill
        span = {"from_utc_ms": room.from_utc_ms, "to_utc_ms": room.to_utc_ms, "reason": "r"}
        if effect is messages.ReleaseKeysRequest:
            await open_bundle(room, number, deks)
        elif effect is messages.EraseRequest:
            await room.call("POST", "/v1/erasures", MANAGER, {"camera": "gate", **span})
        else:
            until = {"until_utc_ms": room.clock.utc_ms() + 86_400_000}
            await room.call("POST", "/v1/holds", MANAGER, {"cameras": ["gate"], **span, **until})


asyncio.run(live())
"""


def killed_at(effect: str, folder: Path) -> list[str]:
    """Run the process until it is killed; return the kinds of what the register holds then, verified."""
    command = [sys.executable, "-c", _PROCESS, str(folder), effect]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=Path(__file__).parents[3])
    assert done.returncode == -signal.SIGKILL, done.stderr
    register = Register.open(folder / "register.db", folder / "register_key.pem", RECORDER_ID)
    register.verify()
    kinds = [record.entry.kind for record in register.records()]
    register.close()
    return kinds


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        ("ReleaseKeysRequest", EntryKind.OPENED),
        ("EraseRequest", EntryKind.ERASE_ORDERED),
        ("PlaceHoldRequest", EntryKind.HOLD_PLACED),
    ],
)
async def test_what_takes_effect_is_in_the_register_before_and_is_finished_afterwards(
    tmp_path: Path, effect: str, kind: EntryKind
) -> None:
    """The entry is there although nobody was answered; the next desk tells the recorder what it was never told."""
    assert killed_at(effect, tmp_path)[-1] == kind
    (tmp_path / "desk.sock").unlink()
    async with DeskRoom(tmp_path) as room:
        assert room.open_desk.journal.register.size
        if effect == "ReleaseKeysRequest":
            return  # nobody got anything; taking it again is another opening
        await room.open_desk.tidy()
        if effect == "PlaceHoldRequest":
            assert len(room.recorder.held) == 1
        else:
            assert room.recorder.receipts
