"""When a camera is changed for a silent profile, when it is let be, and how one that streams nothing is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from kuramori.door.acquaintance import Acquaintance, AcquaintanceBook
from kuramori.door.inquiry import ProfileChanges
from kuramori.door.silencing import PROOF_SECONDS, TRIED_AGAIN_SECONDS, Silencing
from kuramori.messages import CameraState, CameraStatus
from kuramori_config.schema import Camera
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.models import (
    AudioFact,
    ClockReading,
    ClockSource,
    DeviceInformation,
    MediaProfile,
    StreamAddress,
    VideoEncoder,
)
from kuramori_onvif.profiles import Choice, Why
from kuramori_onvif.silent_profile import How, Silenced

MADE = "rtsp://192.168.10.5/made"


def _table(**keys: Any) -> Camera:
    return Camera(name="gate", place="x", retention="14 days", onvif="http://192.168.10.5/", **keys)


def _found(
    how: How, *, evidence: str = "", firmware: str = "1.0", token: str = "main", stream: str = MADE
) -> CameraDescription:
    video = VideoEncoder("video", "H264", 1280, 720, None, None, None)
    profile = MediaProfile(token, "Main", True, 2, video, AudioFact.CONFIGURED, "AAC")
    choice = Choice(profile, video, Why.VIDEO_ONLY, True)
    return CameraDescription(
        DeviceInformation("K", "C", firmware, "S1", ""),
        "urn:uuid:1",
        ClockReading(ClockSource.UNKNOWN, None, None, 0),
        choice,
        StreamAddress(stream, None),
        "digest",
        (),
        Silenced(choice, how, evidence),
        profiles=(profile,),
    )


def test_a_silent_camera_is_left_alone() -> None:
    """Chosen, made or not told: nothing is changed."""
    for how in (How.CHOSEN, How.MADE, How.EDITED, How.NOT_TOLD):
        assert Silencing().changes(_table(), _found(how), 0.0) is None


def test_a_failed_try_is_not_repeated_for_a_day() -> None:
    """What stood in the way is remembered; after a day, or for another configuration, it is tried once more."""
    silencing, loud = Silencing(), _found(How.NOT_SILENT)
    assert silencing.changes(_table(), loud, 10.0) == ProfileChanges(make=True)
    silencing.tried(_table(), _found(How.NOT_SILENT, evidence="It refuses."), 10.0)
    assert silencing.changes(_table(), loud, 610.0) is None
    silenced = silencing.remembered(loud).silenced
    assert silenced is not None
    assert silenced.evidence == "It refuses."
    assert silencing.changes(_table(edit_profile=True), loud, 610.0) == ProfileChanges(make=True, edit=True)
    assert silencing.changes(_table(), loud, 10.0 + TRIED_AGAIN_SECONDS) == ProfileChanges(make=True)


def test_other_firmware_other_profiles_or_an_operator_end_the_wait() -> None:
    """Each is a reason to believe that it goes now."""
    silencing, loud = Silencing(), _found(How.NOT_SILENT)
    silencing.tried(_table(), loud, 0.0)
    assert silencing.changes(_table(), _found(How.NOT_SILENT, firmware="1.1"), 1.0) is not None
    assert silencing.changes(_table(), _found(How.NOT_SILENT, token="other"), 1.0) is not None
    assert silencing.changes(_table(), loud, 1.0) is None
    assert silencing.has_given_up
    silencing.ask_again()
    assert silencing.changes(_table(), loud, 1.0) is not None


def _status(reason: str, durable_utc_ms: int | None = None, state: CameraState = CameraState.WAITING) -> CameraStatus:
    return CameraStatus("gate", 1, state, 0, last_durable_utc_ms=durable_utc_ms, gap_reason=reason)


def _proving() -> tuple[Silencing, CameraDescription]:
    silencing, made = Silencing(), _found(How.MADE)
    assert silencing.told(made, 1_000_000, 50.0)
    assert not silencing.told(made, 1_000_500, 50.5)  # once is enough
    return silencing, made


def test_a_made_profile_that_streams_nothing_is_shunned_and_deleted() -> None:
    """Its address is named and no picture comes: it is deleted, another is recorded, and none is made again."""
    silencing, made = _proving()
    assert not silencing.is_due(50.0 + PROOF_SECONDS - 0.1)
    assert silencing.is_due(50.0 + PROOF_SECONDS)
    assert silencing.judge(made, _status("camera_stalled", durable_utc_ms=999_999))
    assert silencing.changes(_table(), made, 200.0) == ProfileChanges(shun_made=True)
    loud = _found(How.NOT_SILENT, stream="rtsp://192.168.10.5/main")
    changes = silencing.changes(_table(edit_profile=True), loud, 200.0)
    assert changes == ProfileChanges(edit=True, shun_made=True)
    assert silencing.changes(_table(), _found(How.NOT_SILENT, firmware="1.1"), 200.0) == ProfileChanges(make=True)


def test_a_made_profile_that_shows_a_picture_is_proven_for_good() -> None:
    """A later failure is the camera's, not the profile's."""
    silencing, made = _proving()
    assert not silencing.judge(made, _status("", durable_utc_ms=1_000_001, state=CameraState.RECORDING))
    assert not silencing.told(made, 2_000_000, 100.0)
    assert not silencing.is_due(1e9)
    assert not silencing.judge(made, _status("camera_stalled"))


def test_neither_a_dead_network_nor_a_dead_disk_is_the_profiles_fault() -> None:
    """It is asked again in a later round."""
    silencing, made = _proving()
    for reason in ("camera_offline", "storage_fault", "maintenance", "no_custodians", "not_yet_started"):
        assert not silencing.judge(made, _status(reason))
    assert not silencing.judge(made, _status("camera_stalled", state=CameraState.PAUSED))
    assert silencing.is_due(1e9)


def test_what_is_shunned_is_remembered_over_a_restart(tmp_path: Path) -> None:
    """The book keeps the firmware; an older book without it is read too."""
    book = AcquaintanceBook(tmp_path / "book")
    known = Acquaintance("http://a/", "http://a/", "urn:uuid:1", "S1")
    book.note("gate", replace(known, shunned_firmware="1.0"))
    read = AcquaintanceBook(tmp_path / "book").of("gate", "http://a/")
    assert read is not None
    silencing = Silencing(read.shunned_firmware)
    assert silencing.shuns(_found(How.NOT_SILENT))
    text = (tmp_path / "book").read_text().replace('"shunned_firmware": "1.0"', '"other": 1')
    (tmp_path / "book").write_text(text)
    assert AcquaintanceBook(tmp_path / "book").of("gate", "http://a/") == known
