"""Asking a camera about its own card, over a real connection. No peer offers these services: answers are hand-built."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kuramori_onvif.card_models import CardLight
from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.edge_storage import inspect_card
from kuramori_onvif.errors import CameraUnreachable, CredentialsRefused
from kuramori_onvif.event_messages import pulled as read_pulled
from kuramori_onvif.event_states import EventStates
from kuramori_onvif.soap import vet
from kuramori_onvif.transport import HttpAnswer
from tests.fakes.card_texts import information, job_state, jobs, listed, summary
from tests.fakes.hostile_camera import HostileCamera, always, response
from tests.fakes.talking_camera import (
    NOW_UTC_MS,
    Answers,
    asked,
    fault,
    message,
    pulled,
    refusing,
    said,
    scripted,
    services,
)

STORAGE = (
    '<tds:StorageConfigurations token="s"><tds:Data type="LocalStorage"><tds:LocalPath>/card</tds:LocalPath></tds:Data>'
    "</tds:StorageConfigurations>"
)
HALF_PAST = ("2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z")


def _card(camera: HostileCamera, **changed: bytes) -> Answers:
    """A camera whose card is well and records video only."""
    return {
        "GetServices": services(camera.port, "events", "recording", "search", "replay"),
        "GetRecordingSummary": summary(*HALF_PAST, 1),
        "GetRecordingJobState": job_state("Active"),
        "GetRecordingJobs": jobs("job-1"),
        "GetRecordings": said("trc:GetRecordingsResponse", listed("r1", "Video")),
        "GetStorageConfigurations": said("tds:GetStorageConfigurationsResponse", STORAGE),
    } | changed


@asynccontextmanager
async def _camera(**changed: bytes) -> AsyncIterator[tuple[HostileCamera, Device]]:
    async with HostileCamera(always(b"")) as camera:
        scripted(camera, _card(camera, **changed))
        async with Device(camera.address, Credentials("u", "hunter2"), utc_ms=lambda: NOW_UTC_MS) as device:
            yield camera, device


async def test_a_card_that_is_well() -> None:
    """Its light, what it holds, and that it records no sound."""
    async with _camera() as (_, device):
        found = await inspect_card(device)
    assert (found.light, found.records, found.records_audio, found.has_storage) == (CardLight.GREEN, True, False, True)
    assert (found.oldest_utc_ms, found.latest_utc_ms) == (NOW_UTC_MS, NOW_UTC_MS + 1_800_000)
    assert found.encrypted is None
    assert found.oddities == ()


async def test_a_failure_told_by_event_is_red_whatever_the_job_says() -> None:
    """The event is the strongest evidence there is."""
    told = pulled(message("tns1:Device/HardwareFailure/StorageFailure", "Failed=true", source="Token=SD"))
    content = vet("c", "PullMessages", HttpAnswer(200, (), told.partition(b"\r\n\r\n")[2]))
    async with _camera() as (_, device):
        found = await inspect_card(device, EventStates().after(read_pulled(content).events))
    assert found.light is CardLight.RED
    assert "storage has failed" in found.evidence


async def test_a_sound_track_is_asked_about_further() -> None:
    """It counts unless the camera says that nothing is in it; then nothing is known."""
    loud = said("trc:GetRecordingsResponse", listed("r1", "Video", "Audio"))
    full, empty = ("Audio", *HALF_PAST), ("Audio", HALF_PAST[0], HALF_PAST[0])
    for track, sound in ((full, True), (empty, None)):
        told = said("tse:GetRecordingInformationResponse", information("r1", ("Video", *HALF_PAST), track))
        async with _camera(GetRecordings=loud, GetRecordingInformation=told) as (_, device):
            assert (await inspect_card(device)).records_audio is sound


async def test_an_encrypted_card_says_so() -> None:
    """In the target of its recordings, where newer firmware tells it."""
    target = "<tt:Target><tt:Encryption><tt:Mode>CENC</tt:Mode></tt:Encryption></tt:Target>"
    told = said("trc:GetRecordingsResponse", listed("r1", "Video", target=target))
    async with _camera(GetRecordings=told) as (_, device):
        assert (await inspect_card(device)).encrypted is True


async def test_a_camera_that_has_none_of_this_is_unknown_and_no_more() -> None:
    """No oddities, no light: it still records with us."""
    async with HostileCamera(always(b"")) as camera:
        scripted(camera, {"GetServices": services(camera.port)})
        async with Device(camera.address, utc_ms=lambda: NOW_UTC_MS) as device:
            found = await inspect_card(device)
    assert (found.light, found.records, found.records_audio, found.has_storage) == (CardLight.UNKNOWN, None, None, None)
    assert found.oddities == ()


BROKEN = [response("<broken"), response(b"\xff"), response(""), response(b"<a/>" * 70_000), response("", "500 Sorry")]


@pytest.mark.parametrize("answer", BROKEN)
async def test_broken_answers_never_read_as_healthy_or_silent(answer: bytes) -> None:
    """Each costs itself, and is told."""
    operations = ("GetRecordingSummary", "GetRecordingJobs", "GetRecordingJobState", "GetRecordings")
    async with _camera(**dict.fromkeys(operations, answer)) as (_, device):
        found = await inspect_card(device)
    assert (found.light, found.records, found.records_audio) == (CardLight.UNKNOWN, None, None)
    assert len(found.oddities) == 3  # no job is known, so none is asked about


@pytest.mark.parametrize(
    ("operation", "empty"),
    [("GetRecordings", "trc:GetRecordingsResponse"), ("GetRecordingJobs", "trc:GetRecordingJobsResponse")],
)
async def test_an_empty_list_beside_a_full_card_concludes_nothing(operation: str, empty: str) -> None:
    """Whoever keeps its recordings elsewhere may keep sound there, and record."""
    async with _camera(**{operation: said(empty)}) as (_, device):
        found = await inspect_card(device)
    assert (found.records_audio if operation == "GetRecordings" else found.records) is None


async def test_a_question_that_this_user_may_not_ask_costs_only_itself() -> None:
    """Storage configurations are for administrators on many cameras."""
    async with _camera() as (camera, device):
        refuse = response("", "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"')
        refusing(camera, _card(camera), lambda request: b"GetStorageConfigurations" in request, refuse)
        found = await inspect_card(device)
    assert found.light is CardLight.GREEN
    assert found.oddities == ("It does not let this user ask about its storage.",)


async def test_a_refused_password_is_not_tried_at_every_question() -> None:
    """The first refusal ends the look."""
    async with _camera() as (camera, device):
        refuse = response("", "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"')
        refusing(camera, _card(camera), lambda request: b"GetServices" not in request, refuse)
        with pytest.raises(CredentialsRefused):
            await inspect_card(device)
        assert len(camera.requests) == 4  # services; then unsigned, Digest, token


async def test_a_camera_that_is_away_raises() -> None:
    """Nothing is known then, also not that something is unknown."""
    async with _camera() as (camera, device):
        await camera.__aexit__()
        with pytest.raises(CameraUnreachable):
            await inspect_card(device)


async def test_a_thousand_jobs_are_not_asked_one_by_one() -> None:
    """A camera does not keep us busy; what it then does is unknown."""
    async with _camera(GetRecordingJobs=jobs(*(f"j{number}" for number in range(1000)))) as (camera, device):
        found = await asyncio.wait_for(inspect_card(device), 10)
        assert asked(camera, "GetRecordingJobState") == []
    assert found.records is None


async def test_a_job_whose_state_is_refused_is_not_taken_for_resting() -> None:
    """One of two jobs does not tell."""
    async with _camera() as (camera, device):
        answers = _card(camera, GetRecordingJobs=jobs("idle", "mute"), GetRecordingJobState=job_state("Idle"))
        refusing(camera, answers, lambda request: b">mute<" in request, fault())
        found = await inspect_card(device)
    assert (found.light, found.records) == (CardLight.UNKNOWN, None)
