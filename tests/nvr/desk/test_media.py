"""Disposal records and permits at the desk: registered before anything happens, and open until filled in (K6, K7)."""

import datetime
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kuramori.ending_messages import MediumStatus
from kuramori.storage_health.medium_report import MediumReport
from tests.fakes.desk_room import ADMINISTRATOR, HANDLER, MANAGER, NOW_UTC_MS, DeskRoom

VOLUME, OTHER = "/srv/volume0", "/srv/volume1"
RETIRE = {"volume": VOLUME, "reason": "replaced"}
COMPLETE = {"method": "crushing", "date": "2026-11-23", "person": "Ito", "witness": "Abe"}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk whose recorder has two volumes."""
    room = DeskRoom(tmp_path)
    room.site.volumes = (VOLUME, OTHER)
    for path in room.site.volumes:
        room.recorder.media.volumes[path] = MediumStatus(path)
    async with room:
        yield room


def kinds(room: DeskRoom) -> list[str]:
    assert room.desk is not None
    return [record.entry.kind for record in room.desk.journal.register.records()]


async def test_a_retirement_is_ordered_then_carried_out_then_completed(room: DeskRoom) -> None:
    """Two entries and an open record; the third closes it; the same record is not filled in twice."""
    done = await room.call("POST", "/v1/disposals", MANAGER, RETIRE)
    assert done.status_code == 201, done.text
    record = done.json()
    assert (record["record"], record["open"], record["epochs"]) == (1, True, 24)
    assert kinds(room)[-2:] == ["retirement_ordered", "volume_retired"]
    status = (await room.call("GET", "/v1/status", "")).json()
    assert [one["record"] for one in status["open_disposals"]] == [1]
    day = _today().isoformat()
    filled = await room.call("POST", "/v1/disposals/1/completion", MANAGER, {**COMPLETE, "date": day})
    assert filled.json()["witness"] == "Abe"
    again = await room.call("POST", "/v1/disposals/1/completion", MANAGER, {**COMPLETE, "date": day})
    assert again.status_code == 404
    assert (await room.call("GET", "/v1/status", "")).json()["open_disposals"] == []


def _today() -> datetime.date:
    return datetime.datetime.fromtimestamp(NOW_UTC_MS / 1000, ZoneInfo("Asia/Tokyo")).date()


async def test_an_order_that_a_stop_interrupted_is_carried_out_later(room: DeskRoom) -> None:
    """The recorder did not answer in time: the order stands, and housekeeping carries it out under its number."""
    room.recorder.media.refuses = "a hold came between"
    refused = await room.call("POST", "/v1/disposals", MANAGER, RETIRE)
    assert refused.status_code == 409
    assert kinds(room)[-1] == "retirement_ordered"
    room.recorder.media.refuses = ""
    await room.restart()
    assert room.desk is not None
    await room.desk.media.follow()
    assert kinds(room)[-1] == "volume_retired"
    assert room.desk.media.book.disposals[1].retired is not None


async def test_what_the_recorder_would_refuse_is_not_even_ordered(room: DeskRoom) -> None:
    """A hold on it is said before anything is registered."""
    before = kinds(room)
    room.recorder.media.volumes[VOLUME] = MediumStatus(VOLUME, kept_because="3 segments are held")
    refused = await room.call("POST", "/v1/disposals", MANAGER, RETIRE)
    assert (refused.status_code, refused.json()["code"]) == (409, "medium-kept")
    assert kinds(room) == before


async def test_missing_media_are_registered_with_and_without_permission(room: DeskRoom) -> None:
    """Gone: an entry without permit; permitted: the recorder knows it; back: an entry. Nothing twice."""
    assert room.desk is not None
    room.recorder.media.volumes[VOLUME] = MediumStatus(VOLUME, missing_since_utc_ms=NOW_UTC_MS)
    await room.desk.media.follow()
    await room.desk.media.follow()
    body = {"volume": OTHER, "carrier": "Abe", "until_utc_ms": NOW_UTC_MS + 86_400_000, "reason": "repair"}
    permitted = await room.call("POST", "/v1/medium-permits", MANAGER, body)
    assert permitted.status_code == 201, permitted.text
    assert room.recorder.media.volumes[OTHER].permit == 1
    room.recorder.media.volumes[OTHER] = MediumStatus(OTHER, missing_since_utc_ms=NOW_UTC_MS, permit=1)
    await room.desk.media.follow()
    room.recorder.media.volumes[VOLUME] = MediumStatus(VOLUME)
    await room.desk.media.follow()
    listed = [kind for kind in kinds(room) if kind.startswith("medium")]
    assert listed == ["medium_missed", "medium_permitted", "medium_missed", "medium_back"]
    missed = room.desk.media.book.missed[OTHER]
    assert missed.permit == 1


async def test_an_exchanged_card_is_accepted_in_the_register_before_the_recorder_is_told(room: DeskRoom) -> None:
    """Who, where, which one, which before; not a second time, not by an administrator, not for an unknown place."""
    swapped = MediumReport(VOLUME, identity="cid:new", accepted_identity="cid:old", swapped=True)
    room.recorder.media.health[VOLUME] = swapped
    refused = await room.call("POST", "/v1/storage/acceptances", HANDLER, {"volume": VOLUME})
    assert refused.status_code == 403
    nowhere = await room.call("POST", "/v1/storage/acceptances", MANAGER, {"volume": "/nowhere"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "volume-unknown")
    before = kinds(room)
    done = await room.call("POST", "/v1/storage/acceptances", MANAGER, {"volume": VOLUME})
    assert (done.status_code, done.json()["swapped"]) == (201, False), done.text
    assert kinds(room) == [*before, "medium_accepted"]
    assert room.desk is not None
    taken = list(room.desk.journal.register.records())[-1]
    assert taken.content is not None
    assert "cid:new" in str(taken.content)
    assert "cid:old" in str(taken.content)
    again = await room.call("POST", "/v1/storage/acceptances", MANAGER, {"volume": VOLUME})
    assert again.status_code == 201
    assert kinds(room)[-1:] == ["medium_accepted"]
    assert len(kinds(room)) == len(before) + 1


async def test_a_backup_is_registered_before_it_is_copied(room: DeskRoom) -> None:
    """The copies stand in a private folder beside the register, and the recorder was asked for its own."""
    made = await room.call("POST", "/v1/backup-copies", ADMINISTRATOR, {"with_secrets": True})
    assert made.status_code == 201, made.text
    folder = Path(made.json()["folder"])
    assert {path.name for path in folder.iterdir()} == {"register.db", "requests.db", "custody.db"}
    assert folder.stat().st_mode & 0o077 == 0
    assert kinds(room)[-1] == "backed_up"
    assert room.recorder.media.snapshots == 1
    await room.restart()
    assert not folder.exists()  # what nobody fetched is cleared at the next start
