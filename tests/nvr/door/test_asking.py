"""The inquirer: a process that lives while there is something to ask, and whose death or captivity costs one answer."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.certificate_book import CertificateBook
from kuramori.door.asking import Asker
from kuramori.door.camera_access import Access
from kuramori.door.inquiry import Inquiry, LineUnreadable, Reply, Unanswered, decode_inquiry, decode_reply, encode
from kuramori.door_messages import DoorCameraState
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.timebase import SystemClock
from kuramori_config.schema import Camera
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.models import VideoEncoder
from tests.fakes.hostile_camera import HostileCamera, always, response
from tests.nvr.door.test_door import ACCOUNT, _camera

UNREACHABLE, UNSUITABLE = DoorCameraState.UNREACHABLE, DoorCameraState.UNSUITABLE


RATES = st.none() | st.floats(0.1, 1000)  # what a camera's digits can say; never infinite
st.register_type_strategy(VideoEncoder, lambda kind: st.builds(kind, frames_per_second=RATES))


def _table(**keys: Any) -> Camera:
    return Camera(name="gate", place="x", retention="14 days", onvif="http://127.0.0.1/", **keys)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder with one password."""
    secret = tmp_path / "account"
    secret.write_text(ACCOUNT.password)
    secret.chmod(0o600)
    return tmp_path


def _asker(secrets: Path, **options: Any) -> Asker:
    return Asker(secrets, CertificateBook(secrets / "certificates.json", SystemClock().utc_ms), **options)


async def _asked(asker: Asker, *cameras: OnvifCamera) -> list[CameraDescription | Unanswered]:
    table = _table(user=ACCOUNT.user, password="account")
    server = OnvifServer(cameras)
    await server.start()
    try:
        return await asyncio.gather(*(asker.ask(table, camera.device_url) for camera in cameras))
    finally:
        await server.stop()


async def test_cameras_are_asked_side_by_side_by_a_process_that_ends_when_idle(secrets: Path) -> None:
    """Three answers from one inquirer; nothing to ask for a while, and it is gone; asked again, it is back."""
    asker = _asker(secrets, idle_seconds=0.05)
    try:
        answers = await _asked(asker, _camera(1), _camera(2), _camera(3))
        serials = [one.information.serial for one in answers if isinstance(one, CameraDescription) and one.information]
        assert serials == ["SIM-0001", "SIM-0002", "SIM-0003"]
        async with asyncio.timeout(20):
            while asker.running:
                await asyncio.sleep(0.02)
        assert isinstance((await _asked(asker, _camera(4)))[0], CameraDescription)
    finally:
        await asker.close()


async def test_a_failure_comes_back_as_state_and_sentence(secrets: Path) -> None:
    """Rubbish, nobody there, no secret: each its own state."""
    asker = _asker(secrets)
    try:
        async with HostileCamera(always(response("<html/>"))) as camera:
            rubbish = await asker.ask(_table(), camera.address)
        nobody = await asker.ask(_table(), camera.address)
        no_secret = await asker.ask(_table(user="u", password="absent"), camera.address)
    finally:
        await asker.close()
    assert isinstance(rubbish, Unanswered)
    assert rubbish.state is UNSUITABLE
    assert isinstance(nobody, Unanswered)
    assert (nobody.state, "Connection refused" in nobody.detail) == (UNREACHABLE, True)
    assert isinstance(no_secret, Unanswered)
    assert no_secret.state is DoorCameraState.REFUSED


@pytest.mark.parametrize(
    ("program", "state"),
    [
        ("import time; time.sleep(60)", UNREACHABLE),
        ("import sys; sys.stdin.readline(); sys.exit(3)", UNSUITABLE),
        ("import sys; sys.stdin.readline(); print('rubbish', flush=True); sys.stdin.read()", UNSUITABLE),
    ],
    ids=["held", "died", "rubbish"],
)
async def test_an_inquirer_that_fails_costs_one_answer(secrets: Path, program: str, state: DoorCameraState) -> None:
    """Held, dead or talking nonsense: killed, said, and the next question gets a fresh one."""
    asker = _asker(
        secrets, command=(sys.executable, "-c", program), answer_seconds=0.3 if state is UNREACHABLE else 20.0
    )
    try:
        for _ in range(2):
            answer = await asker.ask(_table(), "http://127.0.0.1/")
            assert isinstance(answer, Unanswered)
            assert answer.state is state
    finally:
        await asker.close()
    assert not asker.running


async def test_a_program_that_cannot_be_started_is_said(secrets: Path) -> None:
    """Not an end of the door."""
    asker = _asker(secrets, command=("/nonexistent/program",))
    answer = await asker.ask(_table(), "http://127.0.0.1/")
    assert isinstance(answer, Unanswered)
    assert "cannot be started" in answer.detail
    await asker.close()


@given(st.integers(0, 2**31), st.from_type(Inquiry), st.from_type(Reply))
def test_what_crosses_the_pipe_comes_out_the_same(number: int, inquiry: Inquiry, reply: Reply) -> None:
    """Any inquiry, any reply."""
    assert decode_inquiry(encode(number, inquiry)) == (number, inquiry)
    assert decode_reply(encode(number, reply)) == (number, reply)


@given(st.binary(max_size=80))
def test_any_line_is_read_or_refused(line: bytes) -> None:
    """No line raises anything but LineUnreadable."""
    for decode in (decode_inquiry, decode_reply):
        try:
            decode(line)
        except LineUnreadable:
            continue


def test_the_password_of_an_inquiry_is_not_shown() -> None:
    """Not by its repr."""
    assert "hunter2" not in repr(Inquiry(Access("http://h/", user="u", password="hunter2")))
