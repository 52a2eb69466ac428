"""The camera commands that need the desk: aiming, confirming, pausing, listing, certificates, the report on sound."""

import asyncio
import io
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import av
import pytest
import typer
from typer.testing import CliRunner, Result

from kuramori.camera_messages import AudioFacts, CameraFacts, CardFacts, Light, PauseCameraRequest, SilenceBy
from kuramori.cli import main
from kuramori.cli.client import CommandFailure
from kuramori.cli.picture import drawn
from kuramori.cli.picture_page import show_once
from kuramori.desk.site import AudioDecision
from kuramori.door_messages import DoorCamera, DoorCameraState
from tests.end_to_end.commands import contents
from tests.fakes.certificates import camera_certificate
from tests.fakes.configuration import CAMERA, configuration_text
from tests.fakes.desk_room import ADMINISTRATOR, HANDLER, INSTALLER, MANAGER, NOW_UTC_MS, DeskRoom
from tests.fakes.desk_steps import kinds
from tests.fakes.rtsp_camera import AudioKind, Mount, fast_material, running_camera

AIM = ["camera", "aim", "gate", "--installer", INSTALLER, "--handler", HANDLER]


@cache
def command_line() -> typer.Typer:
    """Return the command, built once."""
    return main.build()


class Desk:
    """A desk and the command line in front of it."""

    def __init__(self, room: DeskRoom, folder: Path) -> None:
        self.room = room
        self.config = folder / "kuramori.toml"
        self.write(CAMERA)

    def write(self, camera: str) -> None:
        """Write the configuration with one camera."""
        self.config.write_text(
            configuration_text(camera).replace('runtime_directory = "run"', 'runtime_directory = "."')
        )

    async def run(self, *words: str, person: str = "", language: str = "C.UTF-8") -> Result:
        """Run a command to its end, in a thread."""
        environment = {"KURAMORI_PERSON": person, "COLUMNS": "200", "LC_ALL": language}
        command = [*words, "--config", str(self.config)]
        return await asyncio.to_thread(CliRunner().invoke, command_line(), command, env=environment)

    async def good(self, *words: str, person: str = "", language: str = "C.UTF-8") -> str:
        """Run a command that must succeed; return what it printed."""
        result = await self.run(*words, person=person, language=language)
        assert result.exit_code == 0, result.output
        return result.output

    async def bad(self, *words: str, person: str = "") -> str:
        """Run a command that must be refused: exit code 2, one line. Return it."""
        result = await self.run(*words, person=person)
        assert result.exit_code == 2, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        (line,) = result.stderr.strip().splitlines()
        return line


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk whose register knows its cameras."""
    for name in ("KURAMORI_CONFIG", "KURAMORI_DESK_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    async with DeskRoom(tmp_path) as room:
        await room.open_desk.cameras.follow_configuration()
        yield Desk(room, tmp_path)


def jpeg_of(width: int, height: int) -> bytes:
    """Return a picture whose left half is red and whose right half is blue."""
    frame = av.VideoFrame(width, height, "rgb24")
    row = bytes((255, 0, 0)) * (width // 2) + bytes((0, 0, 255)) * (width - width // 2)
    plane = frame.planes[0]
    plane.update(b"".join(row.ljust(plane.line_size, b"\0") for _ in range(height)))
    file = io.BytesIO()
    with av.open(file, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        for packet in (*stream.encode(frame.reformat(format="yuvj420p")), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


async def test_a_still_goes_to_a_terminal_or_a_page_and_into_no_file(desk: Desk) -> None:
    """With standard output elsewhere it is refused before the camera is asked; nothing counts."""
    assert "it goes into no file" in await desk.bad(*AIM)
    assert desk.room.stills.asked == []
    assert "aimed" not in await kinds(desk.room)


async def test_a_still_is_shown_once_on_a_page_of_this_machine(desk: Desk, tmp_path: Path) -> None:
    """The page holds the picture, is not cached, and answers nobody twice; no file changes but the register's."""
    desk.room.stills.jpeg = jpeg_of(64, 36)
    before = contents(tmp_path)
    shown: list[str] = []
    visits: list[tuple[int, str, str]] = []

    def tell(line: str) -> None:
        shown.append(line)
        threading.Thread(target=visit, args=(line.rpartition(" ")[2],)).start()

    def visit(url: str) -> None:
        wrong = url.rpartition("/")[0] + "/guess"
        for address in (wrong, url, url):
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    visits.append((answer.status, answer.headers["Cache-Control"], answer.read().decode()))
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                visits.append((0, "", ""))

    answer = await desk.room.call(
        "POST", "/v1/cameras/gate/still", HANDLER, {"installer": INSTALLER, "handler": HANDLER}
    )
    await asyncio.to_thread(show_once, answer.content, "gate", patience_seconds=10.0, tell=tell)
    async with asyncio.timeout(10):
        while len(visits) < 3:
            await asyncio.sleep(0.01)
    assert [status for status, *_ in visits] == [0, 200, 0]
    assert visits[1][1] == "no-store"
    assert "data:image/jpeg;base64," in visits[1][2]
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} <= {"register.db-wal", "register.db-shm"}


def test_a_page_that_nobody_opens_goes() -> None:
    """After a while the picture is gone, and that is said."""
    with pytest.raises(CommandFailure, match="Nobody opened"):
        show_once(b"x", "gate", patience_seconds=0.05, tell=lambda _: None)


def test_a_picture_is_drawn_in_half_blocks() -> None:
    """Two pixels a character, at most as wide and high as asked, in the picture's colours."""
    lines = list(drawn(jpeg_of(64, 36), 20, 10))
    assert 1 <= len(lines) <= 10
    assert all(1 <= line.count("▀") <= 20 for line in lines)
    red, _, blue = (int(one) for one in lines[0].partition("38;2;")[2].partition("m")[0].split(";"))
    assert red > 200 > 100 > blue
    with pytest.raises(CommandFailure):
        list(drawn(b"not a picture", 20, 10))


async def test_a_confirmed_view_is_listed_with_its_date(desk: Desk) -> None:
    """Not confirmed before; by whom and when afterwards; only by a handler."""
    assert "NOT confirmed" in await desk.good("camera", "list")
    assert "takes the role handler" in await desk.bad("camera", "confirm-view", "gate", "--handler", INSTALLER)
    output = await desk.good("camera", "confirm-view", "gate", "--handler", HANDLER)
    assert f"confirmed by {HANDLER}" in output
    status = (await desk.run("status")).output
    assert "Nobody has confirmed yet that no private space is visible: park." in status
    listed = await desk.good("camera", "list")
    assert listed.count("NOT confirmed") == 1
    assert HANDLER in listed
    assert "未確認" in await desk.good("camera", "list", language="ja_JP.UTF-8")
    assert '"confirmed_by"' in await desk.good("camera", "list", "--json")


async def test_a_camera_is_paused_and_resumed(desk: Desk) -> None:
    """Until a time that a person writes; refused without end, reason or duty."""
    pause = ["camera", "pause", "gate", "--until", "+2h", "--reason", "new lamp"]
    await desk.bad(*pause)
    assert "takes the role" in await desk.bad(*pause, person=INSTALLER)
    assert "is not a time" in await desk.bad(*pause[:4], "someday", *pause[5:], person=MANAGER)
    assert "no camera none" in await desk.bad(*pause[:2], "none", *pause[3:], person=MANAGER)
    assert "within 31 days" in await desk.bad(*pause[:4], "+400d", *pause[5:], person=MANAGER)
    asked = desk.room.recorder.asked
    assert not [one for one in asked if isinstance(one, PauseCameraRequest)]
    until = datetime.fromtimestamp(NOW_UTC_MS / 1000 + 7200, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    output = await desk.good(*pause[:4], until, *pause[5:], person=MANAGER)
    assert "then it records again by itself" in output
    assert asked[-1] == PauseCameraRequest("gate", NOW_UTC_MS // 1000 * 1000 + 7_200_000, MANAGER, "new lamp")
    assert "paused until" in await desk.good("camera", "list")
    assert "records again" in await desk.good("camera", "resume", "gate", person=ADMINISTRATOR)
    assert asked[-1] == PauseCameraRequest("gate", 0, ADMINISTRATOR, "work finished")


async def test_a_camera_is_asked_again(desk: Desk) -> None:
    """The door has the order; who has no duty for cameras is refused."""
    assert "kuramori camera list" in await desk.good("camera", "ask", "gate", person=MANAGER)
    assert desk.room.door.asked == ["gate"]
    assert await desk.bad("camera", "ask", "gate", person=HANDLER)
    assert await desk.bad("camera", "ask", "nowhere", person=MANAGER)
    assert desk.room.door.asked == ["gate"]


async def test_another_certificate_is_accepted_after_it_was_shown(desk: Desk, tmp_path: Path) -> None:
    """The pinned one and the shown one stand side by side; the configuration and the register change together."""
    context, fingerprint = camera_certificate(tmp_path)
    accept = ["camera", "accept-certificate", "gate", "--yes"]
    assert "not reached over https or rtsps" in await desk.bad(*accept, person=MANAGER)
    async with running_camera(Mount("/cam", fast_material(), AudioKind.NONE), tls=context) as server:
        camera = CAMERA.replace("rtsp://127.0.0.1:554/stream1", server.url("/cam"))
        desk.write(camera + f'tls_fingerprint = "sha256:{"ab" * 32}" # from the label\n')
        assert "has no duties" in await desk.bad(*accept, person=HANDLER)
        output = await desk.good(*accept, person=MANAGER)
        assert f"sha256:{'ab' * 32}" in output
        assert f"sha256:{fingerprint.hex()}" in output
        assert f'tls_fingerprint = "sha256:{fingerprint.hex()}"' in desk.config.read_text()
        assert (await kinds(desk.room))[-1] == "certificate_accepted"
        assert "already" in await desk.bad(*accept, person=MANAGER)
        desk.write(camera)  # the service remembers what it saw
        assert "not a certificate that gate shows" in await desk.bad(*accept, person=MANAGER)
        desk.room.door.shown = f"sha256:{fingerprint.hex()}"
        await desk.good(*accept, person=MANAGER)
        assert desk.room.door.accepted == ["gate"]


async def test_without_a_desk_the_commands_say_so(desk: Desk) -> None:
    """One sentence, nothing half done."""
    await desk.room.stop_desk()
    for words in (["camera", "list"], ["camera", "pause", "gate", "--until", "+1h", "--reason", "r"]):
        assert "The desk is not running" in await desk.bad(*words, person=MANAGER)


async def test_the_report_on_sound_states_evidence_and_time(desk: Desk) -> None:
    """Offered, chosen, kept on the card, decided; in both languages; exit code 1 where a card keeps sound."""
    gate, park = desk.room.site.cameras
    desk.room.site.cameras = (gate, replace(park, audio=AudioDecision("mayor Yamada", "2026-04-01", "threats")))
    audio = AudioFacts(("p1",), ("AAC",), "p2", SilenceBy.MADE, "profile p2 read back without audio encoder")
    facts = CameraFacts(
        "gate", NOW_UTC_MS, audio, CardFacts(Light.GREEN, "recording summary advances", True, True, False)
    )
    desk.room.door.cameras = (DoorCamera("gate", DoorCameraState.FOUND, "http://x/", facts=facts),)
    output = await desk.good("audio-report")
    for words in (
        "profiles with sound: p1 (AAC)",
        "in use: p2, a profile without sound was made and read back (profile p2 read back without audio encoder)",
        "its own card: green, records, without sound (recording summary advances)",
        "decision: mayor Yamada, 2026-04-01: threats",
        "unknown: the stream was not seen yet",
    ):
        assert words in output
    japanese = await desk.good("audio-report", language="ja_JP.UTF-8")
    assert "カメラ内のカード: 緑、録画あり、音声なし" in japanese
    assert "決定: mayor Yamada" in japanese
    loud = replace(facts, card=replace(facts.card, light=Light.RED, records_audio=True))
    desk.room.door.cameras = (DoorCamera("gate", DoorCameraState.FOUND, "http://x/", facts=loud),)
    result = await desk.run("audio-report")
    assert result.exit_code == 1
    assert "WITH SOUND" in result.output
    assert (await desk.run("audio-report", "--json")).exit_code == 1
