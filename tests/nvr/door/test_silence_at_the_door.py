"""Nothing is changed in a camera before it is known whose it is, and what is of no use is not tried in each round."""

import asyncio
from pathlib import Path
from typing import Any

from kuramori import messages
from kuramori.camera_messages import SilenceBy
from kuramori.door import keeper, silencing
from kuramori.door_messages import CameraStream, DoorCameraState
from kuramori.messages import CameraState, CameraStatus
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif_camera import OnvifCamera
from tests.nvr.door.test_door import (
    PATIENCE_SECONDS,
    Told,
    _announced,
    _camera,
    _configuration,
    _door,
    _serving,
    _until,
)

CHANGES = ("Create", "Add", "Remove", "Delete", "Set")


def _changes(camera: OnvifCamera) -> list[str]:
    """Everything that was asked of a camera and changes it."""
    return [operation for operation in camera.operations if operation.startswith(CHANGES)]


def _loud(number: int, endpoint_id: str = "") -> OnvifCamera:
    camera = _camera(number, AudioKind.AAC, endpoint_id)
    camera.media.refuses_profiles = False
    return camera


async def _asked(camera: OnvifCamera, operation: str, times: int = 1) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while camera.operations.count(operation) < times:
            await asyncio.sleep(0.02)


async def test_a_stranger_at_a_claimed_place_is_only_looked_at(tmp_path: Path) -> None:
    """It claims the camera's identity and offers only sound: nothing is written into it."""
    camera = _camera(1)
    stranger = _loud(2, camera.endpoint_id)
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url}, keys="edit_profile = true")
        told = Told()
        async with _door(configuration, told):
            await told.next()
    async with _serving(stranger), _announced(stranger), _door(configuration) as client:
        await _asked(stranger, "GetStreamUri")
        await client.refresh("gate")
        await _asked(stranger, "GetStreamUri", 2)
        await _until(client, "gate", lambda one: one.state is DoorCameraState.UNREACHABLE)
    assert _changes(stranger) == []


async def test_a_camera_that_moved_is_silenced_where_it_proves_to_be(tmp_path: Path) -> None:
    """First looked at, then changed: at its new place its own silent profile is made."""
    camera, told = _loud(1), Told()
    camera.media.refuses_profiles = True
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _door(configuration, told):
            await told.next()
    camera.media.refuses_profiles = False
    camera.operations.clear()
    async with _serving(camera), _announced(camera), _door(configuration, told):
        assert not (await told.next()).audio_encoder
    assert _changes(camera) == ["CreateProfile"]
    before = camera.operations[: camera.operations.index("CreateProfile")]
    assert "GetDeviceInformation" in before


async def test_a_camera_that_makes_no_profile_is_not_asked_to_in_each_round(tmp_path: Path) -> None:
    """Asked once; in the next rounds only looked at; an operator's refresh tries again."""
    camera, told = _loud(1), Told()
    camera.media.refuses_profiles = True
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _door(configuration, told) as client:
            first = await told.until_facts("gate", lambda one: one.audio.silence is SilenceBy.NOT_SILENT)
            tried = _changes(camera).count("CreateProfile")
            assert tried >= 1
            looks = camera.operations.count("GetStreamUri")
            async with _announced(camera):  # nothing new
                await client.refresh("gate")
                await _asked(camera, "GetStreamUri", looks + 1)
                await _until(client, "gate", lambda one: _changes(camera).count("CreateProfile") == 2 * tried)
    assert "no more profiles" in first.audio.evidence


class _Blind(Told):
    """A recorder that gets no picture from a profile of ours."""

    async def answer(self, question: Any) -> Any:
        if not isinstance(question, messages.StatusRequest):
            return await super().answer(question)
        status = CameraStatus("gate", 1, CameraState.WAITING, 0, gap_reason="camera_stalled", detail="no packet")
        return messages.RecorderStatus(bytes(16), 0, 0, False, bytes(16), 2, 3, "E0", True, (status,))


async def test_a_made_profile_that_streams_nothing_gives_way(tmp_path: Path, monkeypatch: Any) -> None:
    """The recorder gets no picture from it: it is deleted, the camera's own is recorded, and an operator is told."""
    monkeypatch.setattr(silencing, "PROOF_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "PROOF_SECONDS", -1.0)
    camera, told = _loud(1), _Blind()
    async with _serving(camera):
        configuration = _configuration(tmp_path, {"gate": camera.device_url})
        async with _door(configuration, told):
            made = await told.next()
            later: CameraStream = await told.next()
            facts = await told.until_facts("gate", lambda one: any("no pictures" in text for text in one.concerns))
    assert (made.audio_encoder, later.audio_encoder, later.profile) == (False, True, "main")
    assert facts.audio.silence is SilenceBy.NOT_SILENT
    assert [one.token for one in camera.profiles] == ["main"]
