"""A camera's life over the API: each step in the register before it counts, refusals that leave nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kuramori import messages
from kuramori.camera_messages import AudioFacts, CameraFacts, CardFacts, Light, PauseCameraRequest, SilenceBy
from kuramori.desk.audio_report import audio_line
from kuramori.desk.camera_book import AIMS_MOST, CameraBook
from kuramori.desk.camera_steps import Aimed, CameraEnrolled, EnrolledBy
from kuramori.desk.fault import AimingUsedUp, DeskFault
from kuramori.desk.register import RegisterUnwritable
from kuramori.desk.site import AudioDecision, SiteCamera
from kuramori.door_messages import DoorCamera, DoorCameraState
from kuramori.stills.still_wire import StillFailed
from tests.fakes.desk_room import (
    ADMINISTRATOR,
    DEPUTY,
    HANDLER,
    INSTALLER,
    MANAGER,
    MINUTE_MS,
    NOW_UTC_MS,
    SECOND_HANDLER,
    DeskRoom,
)
from tests.fakes.desk_steps import content, kinds
from tests.fakes.fake_stills import JPEG

BOTH = {"installer": INSTALLER, "handler": HANDLER}
STILL, ENROLMENT = "/v1/cameras/gate/still", "/v1/cameras/gate/enrolment"
REPLACED = {"how": "replaced", "address": "rtsp://127.0.0.1/new", "place": "North gate"}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk whose register knows its two cameras."""
    async with DeskRoom(tmp_path) as made:
        await made.open_desk.cameras.follow_configuration()
        yield made


async def listed(room: DeskRoom, name: str = "gate") -> dict[str, Any]:
    """Return a camera as the list shows it."""
    found = content(await room.call("GET", "/v1/cameras"))
    camera: dict[str, Any] = next(one for one in found["cameras"] + found["removed"] if one["name"] == name)
    return camera


async def newest_entry(room: DeskRoom) -> dict[str, Any]:
    """Return the last entry of the register."""
    entry: dict[str, Any] = content(await room.call("GET", "/v1/register", MANAGER))["entries"][-1]
    return entry


async def test_cameras_of_the_configuration_are_registered_once(room: DeskRoom) -> None:
    """Found ones, moved ones and removed ones; again and after a restart nothing more."""
    assert await kinds(room) == ["camera_enrolled", "camera_enrolled"]
    await room.open_desk.cameras.follow_configuration()
    await room.restart()
    await room.open_desk.cameras.follow_configuration()
    assert await kinds(room) == ["camera_enrolled", "camera_enrolled"]
    gate, park = room.site.cameras
    room.site.cameras = (replace(gate, address="rtsp://127.0.0.1/elsewhere"),)
    room.site.removed = (park,)
    await room.open_desk.cameras.follow_configuration()
    assert (await kinds(room))[2:] == ["camera_enrolled", "camera_retired"]
    assert (await listed(room))["enrolment"] == 2
    assert (await listed(room, "park"))["retired_utc_ms"] == NOW_UTC_MS


async def test_a_still_is_registered_before_it_leaves_and_never_cached(room: DeskRoom) -> None:
    """The picture, who looked and who was present; how many are left."""
    answer = await room.call("POST", STILL, HANDLER, BOTH)
    assert (answer.status_code, answer.content) == (200, JPEG)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["kuramori-aims-left"] == str(AIMS_MOST - 1)
    entry = await newest_entry(room)
    assert (entry["kind"], entry["person"]) == ("aimed", HANDLER)
    del entry["body"]["identified_by"]
    assert entry["body"] == {"camera": "gate", "enrolment": 1, "number": 1, **BOTH}


async def test_without_an_entry_there_is_no_picture(room: DeskRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A register that cannot be written shows nothing."""

    def refuse(*_: Any, **__: Any) -> None:
        raise RegisterUnwritable("the disk is full")

    monkeypatch.setattr(room.open_desk.journal.register, "append", refuse)
    answer = await room.call("POST", STILL, INSTALLER, BOTH)
    assert content(answer, 503)["code"] == "register-unusable"
    assert JPEG not in answer.content


async def test_twelve_stills_and_no_more_until_the_manager_enrols_anew(room: DeskRoom) -> None:
    """Asked for all at once, and after a restart too; the camera is not even asked for a thirteenth."""
    calls = [room.call("POST", STILL, INSTALLER, BOTH) for _ in range(AIMS_MOST + 3)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*calls))
    assert statuses == [200] * AIMS_MOST + [409] * 3
    await room.restart()
    assert content(await room.call("POST", STILL, INSTALLER, BOTH), 409)["code"] == "aiming-used-up"
    assert len(room.stills.asked) == AIMS_MOST
    content(await room.call("POST", ENROLMENT, ADMINISTRATOR, REPLACED), 201)
    assert (await room.call("POST", STILL, INSTALLER, BOTH)).status_code == 409
    content(await room.call("POST", ENROLMENT, MANAGER, REPLACED), 201)
    assert (await room.call("POST", STILL, INSTALLER, BOTH)).status_code == 200
    assert (await listed(room))["aims"] == 1


@pytest.mark.parametrize(
    ("caller", "body"),
    [
        (HANDLER, {"installer": HANDLER, "handler": HANDLER}),
        (HANDLER, {"installer": SECOND_HANDLER, "handler": HANDLER}),
        (INSTALLER, {"installer": INSTALLER, "handler": INSTALLER}),
        (INSTALLER, {"installer": INSTALLER, "handler": MANAGER}),
        (INSTALLER, {"installer": INSTALLER, "handler": "Nobody"}),
        (SECOND_HANDLER, BOTH),
    ],
)
async def test_aiming_takes_an_installer_and_a_handler_who_is_present(
    room: DeskRoom, caller: str, body: dict[str, str]
) -> None:
    """Two people with these duties, one of whom asks; else the camera is not touched."""
    assert content(await room.call("POST", STILL, caller, body), 403)["code"] == "aiming-refused"
    assert room.stills.asked == []


async def test_a_camera_that_gives_no_picture_costs_no_count(room: DeskRoom) -> None:
    """One sentence, no entry."""
    room.stills.failure = StillFailed("refused", "wrong user name or password (401)")
    problem = content(await room.call("POST", STILL, INSTALLER, BOTH), 502)
    assert (problem["code"], problem["reason"]) == ("still-missing", "refused")
    assert "wrong user name or password" in problem["detail"]
    assert (await listed(room))["aims"] == 0


async def test_the_confirmation_of_a_view_has_its_date_until_the_camera_changes(room: DeskRoom) -> None:
    """Shown with who and when, also after a restart; another device has to be looked at again."""
    assert (await listed(room))["confirmed_utc_ms"] is None
    content(await room.call("POST", "/v1/cameras/gate/view-confirmation", HANDLER), 201)
    await room.restart()
    shown = await listed(room)
    assert (shown["confirmed_utc_ms"], shown["confirmed_by"]) == (NOW_UTC_MS, HANDLER)
    content(await room.call("POST", ENROLMENT, MANAGER, REPLACED), 201)
    assert (await listed(room))["confirmed_utc_ms"] is None


async def test_a_pause_is_registered_then_told_to_the_recorder_and_ends_by_itself(room: DeskRoom) -> None:
    """With its end, who and why; resumed by the same message with an end of 0."""
    until = NOW_UTC_MS + 10 * MINUTE_MS
    body = {"until_utc_ms": until, "reason": "new lamp"}
    pause = content(await room.call("POST", "/v1/cameras/gate/pause", MANAGER, body), 201)
    assert (pause["until_utc_ms"], pause["person"]) == (until, MANAGER)
    assert room.recorder.asked[-1] == PauseCameraRequest("gate", until, MANAGER, "new lamp")
    assert (await listed(room))["paused_until_utc_ms"] == until
    room.clock.pass_ms(11 * MINUTE_MS)
    assert (await listed(room))["paused_until_utc_ms"] is None
    content(await room.call("POST", "/v1/cameras/gate/resumption", ADMINISTRATOR, {"reason": "done"}))
    assert room.recorder.asked[-1] == PauseCameraRequest("gate", 0, ADMINISTRATOR, "done")
    assert (await kinds(room))[-2:] == ["camera_paused", "camera_resumed"]


async def test_a_pause_that_the_recorder_does_not_take_is_registered_as_ended(room: DeskRoom) -> None:
    """The register never says that a camera rests while it records."""
    await room.stop_recorder()
    body = {"until_utc_ms": NOW_UTC_MS + MINUTE_MS, "reason": "r"}
    assert (
        content(await room.call("POST", "/v1/cameras/gate/pause", MANAGER, body), 503)["code"] == "recorder-unreachable"
    )
    assert (await kinds(room))[-2:] == ["camera_paused", "camera_resumed"]
    assert (await listed(room))["paused_until_utc_ms"] is None


@pytest.mark.parametrize("until", [0, NOW_UTC_MS, NOW_UTC_MS + 32 * 24 * 60 * MINUTE_MS])
async def test_a_pause_ends_in_the_near_future(room: DeskRoom, until: int) -> None:
    """Never in the past, never open-ended."""
    body = {"until_utc_ms": until, "reason": "r"}
    assert content(await room.call("POST", "/v1/cameras/gate/pause", MANAGER, body), 422)["field"] == "until_utc_ms"


async def test_a_removed_camera_is_out_of_service_for_good(room: DeskRoom) -> None:
    """Its name is refused for every step from then on, adding it again included."""
    content(await room.call("POST", "/v1/cameras/park/retirement", DEPUTY, {"reason": "the park is closed"}))
    body = {"how": "added", "address": "rtsp://127.0.0.1/p", "place": "x"}
    again = await room.call("POST", "/v1/cameras/park/enrolment", MANAGER, body)
    assert content(again, 409)["code"] == "camera-removed"
    still = await room.call("POST", "/v1/cameras/park/still", INSTALLER, BOTH)
    assert content(still, 409)["code"] == "camera-removed"
    body = {"until_utc_ms": NOW_UTC_MS + MINUTE_MS, "reason": "r"}
    assert content(await room.call("POST", "/v1/cameras/none/pause", MANAGER, body), 404)["code"] == "camera-unknown"


async def test_recordings_of_a_removed_camera_can_still_be_asked_for(room: DeskRoom) -> None:
    """They stay until their retention ends, and so does the way to them."""
    room.site.cameras, room.site.removed = room.site.cameras[:1], room.site.cameras[1:]
    content(await room.call("POST", "/v1/requests", HANDLER, room.request_body(cameras=["park"])), 201)
    span = {"from_utc_ms": room.from_utc_ms, "to_utc_ms": room.to_utc_ms}
    content(await room.call("GET", "/v1/coverage", camera="park", **span))


async def test_an_accepted_certificate_is_registered_with_the_one_before(room: DeskRoom) -> None:
    """Both fingerprints; a text that is none is refused."""
    new, old = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
    path = "/v1/cameras/gate/certificate"
    content(await room.call("POST", path, ADMINISTRATOR, {"fingerprint": new, "before": old}), 201)
    assert (await newest_entry(room))["body"]["fingerprint"] == new
    assert (await room.call("POST", path, MANAGER, {"fingerprint": "abc"})).status_code == 422


async def test_a_certificate_that_nobody_was_shown_is_not_trusted(room: DeskRoom) -> None:
    """Where the service remembers what it saw: only the very certificate that was shown and refused."""
    shown = "sha256:" + "ab" * 32
    path = "/v1/cameras/gate/certificate"
    refused = await room.call("POST", path, MANAGER, {"fingerprint": shown})
    assert content(refused, 409)["code"] == "certificate-refused"
    assert (await newest_entry(room))["body"]["before"] == shown
    room.door.shown = shown
    content(await room.call("POST", path, MANAGER, {"fingerprint": shown}), 201)
    assert room.door.accepted == ["gate"]
    assert (await newest_entry(room))["body"]["fingerprint"] == shown


async def test_a_camera_is_asked_again_on_order(room: DeskRoom) -> None:
    """The door is told, recording is not; an unknown camera and a door that is away are said."""
    path = "/v1/cameras/gate/inquiry"
    content(await room.call("POST", path, ADMINISTRATOR), 202)
    assert room.door.asked == ["gate"]
    assert (await room.call("POST", "/v1/cameras/nowhere/inquiry", MANAGER)).status_code == 404
    room.door.cameras = None
    assert (await room.call("POST", path, MANAGER)).json()["code"] == "door-away"
    assert room.door.asked == ["gate"]


async def test_the_audio_report_says_what_is_known_and_what_is_not(room: DeskRoom) -> None:
    """Offered and never set up; decided in writing; not told is unknown."""
    gate, park = room.site.cameras
    room.site.cameras = (gate, replace(park, audio=AudioDecision("mayor", "2026-04-01", "threats")))
    audio = AudioFacts(("p1",), ("AAC",), "p2", SilenceBy.MADE, "read back")
    card = CardFacts(Light.RED, "it records sound", True, True, True)
    known = CameraFacts("gate", NOW_UTC_MS, audio, card)
    room.door.cameras = (DoorCamera("gate", DoorCameraState.FOUND, "http://x/", facts=known),)
    report = content(await room.call("GET", "/v1/audio-report"))
    first, second = report["lines"]
    assert (first["verdict"], first["silence"], first["profile_encodings"]) == ("unknown", "made", ["AAC"])
    assert (first["card"]["light"], first["card"]["records_audio"]) == ("red", True)
    assert first["facts_utc_ms"] == NOW_UTC_MS
    assert (second["silence"], second["card"]["light"], second["decision"]["who"]) == ("not_told", "unknown", "mayor")
    facts = content(await room.call("GET", "/v1/cameras/facts"))["cameras"]
    assert facts[0]["facts"]["audio"]["encodings"] == ["AAC"]
    assert facts[1]["facts"] is None


async def test_reports_are_given_while_door_and_recorder_are_away(room: DeskRoom) -> None:
    """Everything unknown, with a sentence for each of the two."""
    room.door.cameras = None
    await room.stop_recorder()
    report = content(await room.call("GET", "/v1/audio-report"))
    assert [line["verdict"] for line in report["lines"]] == ["unknown", "unknown"]
    assert len(report["problems"]) == 2


@pytest.mark.parametrize(
    ("offered", "setups", "decided", "verdict"),
    [
        ((), ("video",), False, "silent"),
        (("PCMU",), ("video",), False, "not_recorded"),
        (("AAC",), ("video", "audio"), True, "recorded"),
        (("AAC",), ("video",), True, "decided"),
        (("AAC",), ("video", "audio"), False, "violated"),
    ],
)
def test_the_verdict_on_sound(offered: tuple[str, ...], setups: tuple[str, ...], decided: bool, verdict: str) -> None:
    """By what was seen on the wire and what is written, in that order."""
    status = messages.CameraStatus(
        "gate", 1, messages.CameraState.RECORDING, 1, codec="h264", audio_offered=offered, setups=setups
    )
    camera = SiteCamera("gate", "x", "", AudioDecision("m", "2026-04-01", "r") if decided else None)
    assert audio_line(camera, status, None).verdict.value == verdict


def test_the_book_takes_no_step_out_of_order() -> None:
    """A number left out, a thirteenth, a camera that nobody enrolled, an older enrolment."""
    book = CameraBook()
    enrolled = CameraEnrolled("gate", 1, EnrolledBy.ADDED, "", "", new_count=True)
    aimed = Aimed("gate", 1, 1, "i", "h")
    for step in (aimed, replace(enrolled, enrolment=2)):
        with pytest.raises(DeskFault):
            book.judge(step)
    book.judge(enrolled)
    book.apply(enrolled, "m", 1)
    with pytest.raises(AimingUsedUp):
        book.judge(replace(aimed, number=2))
    for number in range(1, AIMS_MOST + 1):
        book.judge(replace(aimed, number=number))
        book.apply(replace(aimed, number=number), "h", 2)
    with pytest.raises(AimingUsedUp):
        book.judge(replace(aimed, number=AIMS_MOST + 1))
    with pytest.raises(DeskFault):
        book.judge(replace(aimed, enrolment=2))
