"""A still of a real stream: a picture that decodes, nothing on any disk, and each failure as a sentence."""

import io
import os
import sys
import tempfile
from pathlib import Path

import av
import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.rtsp_server import Mount
from kuramori.stills import taking
from kuramori.stills.still_wire import KeyFrame, StillFailed, encode_frame, parse_still
from kuramori.stills.taking import take_still
from tests.end_to_end.commands import contents
from tests.fakes.clips import clip_units
from tests.fakes.configuration import configuration_text
from tests.fakes.rtsp_camera import ACCOUNT, clip_material, running_camera

CAMERA = """
[[camera]]
name = "gate"
place = "North gate"
retention = "14 days"
rtsp = "{url}"
user = "{user}"
password = "gate"
transport = "{transport}"
"""


def configured(folder: Path, url: str, password: str = ACCOUNT.password, transport: str = "native") -> Path:
    """Write a configuration with one camera and its secret."""
    path = folder / "kuramori.toml"
    path.write_text(configuration_text(CAMERA.format(url=url, user=ACCOUNT.user, transport=transport)))
    (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    secret = folder / "secrets" / "gate"
    secret.touch(mode=0o600)
    secret.write_text(password)
    return path


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
async def test_a_still_shows_the_picture_and_leaves_nothing_behind(tmp_path: Path, codec: Codec) -> None:
    """A JPEG of the stream's size; no file anywhere is new; the camera's sound is never set up."""
    mount = Mount("/cam", clip_material(codec), AudioKind.AAC, ACCOUNT)
    async with running_camera(mount) as server:
        path = configured(tmp_path, server.url("/cam"))
        before, temporary = contents(tmp_path), set(os.listdir(tempfile.gettempdir()))
        still = await take_still(path, "gate")
        assert contents(tmp_path) == before
        assert not [name for name in set(os.listdir(tempfile.gettempdir())) - temporary if "kuramori" in name]
        assert server.statistics.audio_setups == 0
    assert (still.width, still.height) == (320, 180)
    with av.open(io.BytesIO(still.jpeg), format="jpeg_pipe") as container:
        (picture,) = container.decode(video=0)
    assert (picture.width, picture.height) == (320, 180)
    assert picture.to_ndarray(format="gray").std() > 5  # not an empty surface


async def test_a_wrong_password_and_an_absent_camera_are_said(tmp_path: Path) -> None:
    """Each with its reason; nothing of the password in it."""
    async with running_camera(Mount("/cam", clip_material(Codec.H264), AudioKind.NONE, ACCOUNT)) as server:
        path = configured(tmp_path, server.url("/cam"), "wr0ng-pass")
        with pytest.raises(StillFailed) as caught:
            await take_still(path, "gate")
        assert caught.value.reason == "refused"
        assert "wr0ng-pass" not in str(caught.value)
        url = server.url("/cam")
    with pytest.raises(StillFailed) as caught:
        await take_still(configured(tmp_path, url), "gate")
    assert caught.value.reason == "unreachable"
    for camera, file in (("none", path), ("gate", tmp_path / "absent.toml")):
        with pytest.raises(StillFailed) as caught:
            await take_still(file, camera)
        assert caught.value.reason == "configuration"


async def decoded(frame: KeyFrame) -> bytes:
    """Run the confined decoder alone."""
    return await taking._run(taking.DECODER_MODULE, encode_frame(frame), 1 << 24, 20, {})


async def test_rubbish_in_a_key_frame_is_a_failure_and_nothing_else() -> None:
    """Random bytes, a cut picture, no picture: our failure from the confined decoder, or what can be seen of it."""
    units = clip_units(Codec.H264)[0]
    payload = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    assert parse_still(await decoded(KeyFrame(Codec.H264, (), payload))).width == 320
    for bad in (os.urandom(4000), payload[:30], b"\0\0\0\1\x65", b"\0\0\x0f\xa0" + os.urandom(4000)):
        with pytest.raises(StillFailed):
            parse_still(await decoded(KeyFrame(Codec.H264, (), bad)))


async def test_a_child_that_hangs_or_floods_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too slow: killed; endless: killed; mute: said."""
    real = taking.asyncio.create_subprocess_exec
    script = ""

    async def instead(*_words: str, **options: object) -> object:
        return await real(sys.executable, "-c", script, **options)

    monkeypatch.setattr(taking.asyncio, "create_subprocess_exec", instead)
    cases = {
        "import time; time.sleep(60)": "too-slow",
        "while True: print('x' * 65536)": "garbled",
        "raise SystemExit(3)": "died",
    }
    for script, reason in cases.items():  # noqa: B007 - read by `instead`
        with pytest.raises(StillFailed) as caught:
            await taking._run("x", b"", 1 << 20, 1.0, {})
        assert caught.value.reason == reason
