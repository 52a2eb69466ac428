"""What is red: one function says so; keys stay while figures change, and names keep problems apart."""

from dataclasses import replace

from kuramori.camera_messages import Light, Pause
from kuramori.messages import CameraState, CameraStatus, RecorderStatus, VolumeStatus
from kuramori.site_state import RECORDER, SiteFacts, SiteState, one_line, site_state

NOW = 1_790_000_000_000
GATE = CameraStatus("gate", 1, CameraState.RECORDING, NOW - 900_000, last_durable_utc_ms=NOW - 1000)
VOLUME = VolumeStatus("/srv/v0", 16 << 20, 100, 100, 50, 0, 0, healthy=True)
STATUS = RecorderStatus(b"r" * 16, NOW, NOW, True, b"s" * 16, 2, 3, "E2", True, (GATE,), (VOLUME,))


def state(**changes: object) -> SiteState:
    return site_state(SiteFacts(replace(STATUS, **changes)))  # type: ignore[arg-type]


def test_green_has_no_problem() -> None:
    """A camera that records, a volume that is well."""
    assert state() == SiteState(Light.GREEN, ())


def test_a_camera_that_is_not_recorded_is_red_unless_it_rests() -> None:
    """With the reason in both languages."""
    off = replace(GATE, state=CameraState.WAITING, gap_reason="camera_offline")
    (problem,) = state(cameras=(off,)).problems
    assert "gate is not recorded: camera not reachable" in problem.english
    assert "通信できない" in problem.japanese
    resting = replace(GATE, state=CameraState.PAUSED, pause=Pause("gate", NOW, NOW + 1, "Sato", "lens"))
    assert state(cameras=(resting,)).light is Light.GREEN


def test_no_camera_at_all_is_urgent_and_stands_first() -> None:
    """More than one camera's pictures are at stake."""
    cameras = tuple(replace(GATE, name=name, state=CameraState.WAITING) for name in ("a", "b"))
    found = state(cameras=cameras)
    assert found.problems[0].urgent
    assert len(found.problems) == 3


def test_pictures_that_do_not_become_durable_are_red() -> None:
    """Recording that only claims to be one."""
    old = replace(GATE, last_durable_utc_ms=NOW - 120_000)
    assert "durable" in state(cameras=(old,)).problems[0].english


def test_a_recorder_that_does_not_answer_is_red() -> None:
    """And nothing is said of its cameras."""
    found = site_state(SiteFacts(None, "no answer in time"))
    assert [problem.key for problem in found.problems] == [RECORDER]
    assert found.problems[0].urgent


def test_a_volume_is_told_once() -> None:
    """The recorder's own sentence names it already."""
    sick = replace(VOLUME, healthy=False, detail="EIO")
    assert state(volumes=(sick,)).problems[0].key == "volume /srv/v0"
    assert state(volumes=(replace(sick, permitted=True),)).light is Light.GREEN
    assert len(state(volumes=(sick,), problems=("Volume /srv/v0 fails.",)).problems) == 1


def test_a_sentence_keeps_its_key_while_its_figures_change() -> None:
    """Ninety or ninety-one days are the same problem; another camera is another."""
    key = state(problems=("gate: the camera's clock is off by +9.5 s",)).problems[0].key
    assert state(problems=("gate: the camera's clock is off by -12.0 s",)).problems[0].key == key
    cameras = (replace(GATE, name="1"), replace(GATE, name="2"), replace(GATE, name="gate-2"))
    sentences = tuple(f"{camera.name}: tampering" for camera in cameras)
    assert len(state(cameras=cameras, problems=sentences).problems) == 3


def test_a_process_that_is_down_is_red() -> None:
    """The recorder is told by its silence."""
    found = site_state(SiteFacts(STATUS, processes_down=("door", "recorder")))
    assert [problem.key for problem in found.problems] == ["process door"]


def test_foreign_text_is_one_printable_line() -> None:
    """Whatever a device says."""
    assert one_line("a\r\nBcc: x\x00\x1b[31m\u2028b") == "a Bcc: x [31m b"
    assert len(one_line("x" * 10_000)) == 400
