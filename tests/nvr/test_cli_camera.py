"""`kuramori camera add`, `replace` and `remove` with real cameras; each refusal is one sentence and changes nothing."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from kuramori.camera_trial import TrialFailed, require_local
from kuramori.capture.source import Codec
from kuramori.cli import main
from kuramori.desk.camera_book import AIMS_MOST
from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.simulator.rtsp_server import Mount
from kuramori_config.addresses import RTSP_SHAPE, parse_address
from kuramori_config.load import load_configuration
from kuramori_config.schema import Network
from tests.end_to_end.commands import contents
from tests.fakes.certificates import camera_certificate
from tests.fakes.configuration import configuration_text
from tests.fakes.desk_room import DeskRoom
from tests.fakes.desk_steps import kinds
from tests.fakes.rtsp_camera import ACCOUNT as STREAM_ACCOUNT
from tests.fakes.rtsp_camera import fast_material, running_camera
from tests.nvr.door.test_door import ACCOUNT, _camera

MANAGER = "Sato Hanako"
HEAD = "# Kept by the section; change nothing without a note in the file.\n"
CLERK = '\n[[person]]\nname = "Kato Goro" # new since April\ntitle = "Clerk"\nroles = ["handler"]\n'


@cache
def command_line() -> typer.Typer:
    """Return the command, built once."""
    return main.build()


class Site:
    """A folder with a configuration, and the command line in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "site"
        self.folder.mkdir()
        self.file = self.folder / "kuramori.toml"
        text = configuration_text("").replace('runtime_directory = "run"', 'runtime_directory = ".."')
        self.file.write_text(HEAD + text.replace('"64 MiB"', '"1 TiB"') + CLERK)
        self.password = folder / "password"
        self.password.touch(mode=0o600)
        self.password.write_text(ACCOUNT.password + "\n")

    async def run(self, *words: object, person: str | None = MANAGER, given: str | None = None) -> Result:
        """Run a command to its end, in a thread."""
        command = [str(word) for word in words] + ["--config", str(self.file)]
        environment = {"KURAMORI_PERSON": person or "", "COLUMNS": "200"}
        return await asyncio.to_thread(CliRunner().invoke, command_line(), command, env=environment, input=given)

    async def good(self, *words: object, person: str | None = MANAGER, given: str | None = None) -> str:
        """Run a command that must succeed; return what it printed."""
        result = await self.run(*words, person=person, given=given)
        assert result.exit_code == 0, result.output
        return result.output

    async def bad(self, *words: object, person: str | None = MANAGER, given: str | None = None) -> str:
        """Run a command that must be refused: exit code 2, one line, nothing changed. Return the line."""
        before = contents(self.folder)
        result = await self.run(*words, person=person, given=given)
        assert result.exit_code == 2, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert contents(self.folder) == before
        (line,) = result.stderr.strip().splitlines()
        assert ACCOUNT.password not in result.output
        return line

    def add_words(self, url: str, **changes: str) -> list[object]:
        """The words that add a camera."""
        options = {"name": "park", "place": "公園 東口", "retention": "7 days", "url": url, "user": ACCOUNT.user}
        words: list[object] = ["camera", "add", "--yes"]
        for name, value in (options | changes).items():
            words += [f"--{name}", value]
        return [*words, "--password-file", self.password]

    def cameras(self) -> dict[str, dict[str, Any]]:
        """Return the cameras' tables as they stand in the file."""
        return {one["name"]: one for one in tomllib.loads(self.file.read_text())["camera"]}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A configuration without cameras, in English."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    for name in ("KURAMORI_CONFIG", "KURAMORI_DESK_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    return Site(tmp_path)


@asynccontextmanager
async def onvif_camera(**changes: Any) -> AsyncIterator[str]:
    """Run an ONVIF camera; yield its address."""
    camera = _camera(1, **changes)
    server = OnvifServer((camera,))
    await server.start()
    try:
        yield camera.device_url
    finally:
        await server.stop()


async def test_adding_an_onvif_camera_tries_it_and_writes_it_down(site: Site) -> None:
    """Its profiles are shown, its password gets a file of its own, comments stay, what is left to do is said."""
    before = site.file.read_text()
    site.file.chmod(0o640)
    async with onvif_camera() as url:
        output = await site.good(*site.add_words(url))
    for word in ("1280x720 15/s", "H264", "2000 kbit/s", "none", "* proposed: main", "Capacity: 1 cameras"):
        assert word in output
    assert "No service runs" in output
    assert "Put up a notice" in output
    assert "Report place, direction and purpose" in output
    assert site.file.read_text().startswith(before)
    assert site.file.stat().st_mode & 0o777 == 0o640
    table = site.cameras()["park"]
    assert table == {
        "name": "park",
        "place": "公園 東口",
        "retention": "7 days",
        "onvif": url,
        "user": ACCOUNT.user,
        "password": "park",
        "expected_mbit_per_second": 2.0,
    }
    secret = site.folder / "secrets" / "park"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (ACCOUNT.password, 0o600)
    assert ACCOUNT.password not in output


async def test_adding_a_stream_describes_it(site: Site) -> None:
    """Codec and sound as the stream offers them; nothing is set up; the answer is for a program."""
    site.password.write_text(STREAM_ACCOUNT.password)
    mount = Mount("/cam", fast_material(Codec.H265), AudioKind.AAC, STREAM_ACCOUNT)
    async with running_camera(mount) as server:
        words = site.add_words(server.url("/cam"), user=STREAM_ACCOUNT.user)
        output = await site.good(*words, "--json")
        assert server.statistics.video_setups == server.statistics.audio_setups == 0
    found = json.loads(output)
    (profile,) = found["trial"]["profiles"]
    assert (profile["codec"], profile["audio"], profile["audio_encoding"]) == ("H265", True, "MPEG4-GENERIC")
    assert (found["service"], found["registered"], found["capacity"]["fits"]) == ("not_running", False, True)
    assert len(found["checklist"]) == 4
    assert load_configuration(site.file).cameras[0].name == "park"


async def test_a_password_comes_from_standard_input_too(site: Site) -> None:
    """`--password-file -`; one newline at its end is none of it."""
    async with onvif_camera() as url:
        words = site.add_words(url)[:-1]
        await site.good(*words, "-", given=ACCOUNT.password + "\n")
    assert (site.folder / "secrets" / "park").read_text() == ACCOUNT.password


async def test_a_wrong_password_is_said_and_leaves_nothing(site: Site) -> None:
    """Neither over ONVIF nor over RTSP; not a word of it."""
    site.password.write_text("wrong")
    async with onvif_camera() as url:
        assert "refuses the user and password" in await site.bad(*site.add_words(url))
    async with running_camera(Mount("/cam", fast_material(), AudioKind.NONE, STREAM_ACCOUNT)) as server:
        assert "wrong user name or password" in await site.bad(*site.add_words(server.url("/cam")))
        url = server.url("/cam")
    assert "cannot be taken like this" in await site.bad(*site.add_words(url))


async def test_what_can_be_refused_without_the_camera_is_refused_first(site: Site) -> None:
    """Rules, names, roles, addresses: in a sentence each, before anything is sent anywhere."""
    nowhere = "http://127.0.0.1:9/onvif/device_service"
    assert "expected at most" in await site.bad(*site.add_words(nowhere, retention="400 days"))
    assert "lower-case letters" in (await site.run(*site.add_words(nowhere, name="Park!"))).stderr
    assert "no user or password in the address" in await site.bad(*site.add_words("http://u:p@127.0.0.1/"))
    assert "no network in the clear" in await site.bad(*site.add_words("rtsp://203.0.113.5/s"))
    assert "no network in the clear" in await site.bad(*site.add_words("http://203.0.113.5/onvif/device_service"))
    assert "cannot be reached" in await site.bad(*site.add_words(nowhere))
    assert "Say who acts" in await site.bad(*site.add_words(nowhere), person=None)
    assert "has no duties" in await site.bad(*site.add_words(nowhere), person="Nobody")
    assert "takes the role" in await site.bad(*site.add_words(nowhere), person="Kato Goro")
    assert "Name --url" in await site.bad("camera", "add", "--yes")
    site.password.chmod(0o644)
    assert "Others can read the password file" in await site.bad(*site.add_words(nowhere))
    assert "belongs to https or rtsps" in await site.bad(
        *site.add_words("rtsp://127.0.0.1/s", user="", fingerprint="ab" * 32)[:-2]
    )


async def test_names_that_lead_beyond_the_declared_networks_are_not_signed_in_to() -> None:
    """Where a name leads is asked before a password goes there unencrypted (O5)."""
    address = parse_address("rtsp://localhost/s", ("rtsp",), RTSP_SHAPE)
    await require_local(address, Network())
    outside = parse_address("rtsp://203.0.113.5/s", ("rtsp",), RTSP_SHAPE)
    with pytest.raises(TrialFailed, match="outside network"):
        await require_local(outside, Network())
    await require_local(outside, Network(vpn="city"))


async def test_a_self_signed_certificate_is_pinned_at_the_first_use(site: Site, tmp_path: Path) -> None:
    """Shown, taken, written down; another one later is refused; one that was named beforehand has to be it."""
    site.password.write_text(STREAM_ACCOUNT.password)
    context, fingerprint = camera_certificate(tmp_path)
    mount = Mount("/cam", fast_material(), AudioKind.NONE, STREAM_ACCOUNT)
    async with running_camera(mount, tls=context) as server:
        words = site.add_words(server.url("/cam"), user=STREAM_ACCOUNT.user)
        assert "not trusted" in await site.bad(*words, "--fingerprint", "ab" * 32)
        assert "64 hexadecimal digits" in await site.bad(*words, "--fingerprint", "abc")
        output = await site.good(*words)
    assert fingerprint.hex() in output
    assert site.cameras()["park"]["tls_fingerprint"] == f"sha256:{fingerprint.hex()}"


async def test_replacing_a_camera_keeps_its_name_and_all_that_was_decided(site: Site) -> None:
    """Address, account and password change; place, retention and other cameras stay; the old secret goes."""
    async with onvif_camera() as url:
        await site.good(*site.add_words(url))
        await site.good(*site.add_words(url, name="gate"))
    before = site.cameras()
    site.password.write_text(STREAM_ACCOUNT.password)
    async with running_camera(Mount("/cam", fast_material(), AudioKind.NONE, STREAM_ACCOUNT)) as server:
        words = ["camera", "replace", "park", "--url", server.url("/cam"), "--user", STREAM_ACCOUNT.user, "--yes"]
        output = await site.good(*words, "--password-file", site.password)
        url = server.url("/cam")
    assert "park is in the configuration" in output
    after = site.cameras()
    assert after["gate"] == before["gate"]
    assert after["park"] == {
        "name": "park",
        "place": "公園 東口",
        "retention": "7 days",
        "rtsp": url,
        "user": STREAM_ACCOUNT.user,
        "password": "park.2",
        "expected_mbit_per_second": 2.0,
    }
    assert sorted(path.name for path in (site.folder / "secrets").iterdir()) == ["gate", "park.2"]
    assert HEAD in site.file.read_text()
    assert "no camera none" in await site.bad("camera", "replace", "none", "--url", url, "--yes")


async def test_a_removed_camera_leaves_its_name_and_retention(site: Site) -> None:
    """Until when its recordings stay is said; the name is never given again; the secret is gone."""
    async with onvif_camera() as url:
        await site.good(*site.add_words(url))
        remove = ["camera", "remove", "park", "--reason", "the park is closed"]
        assert "Nothing was done" in (await site.run(*remove, given="n\n")).stderr
        assert "park" in site.cameras()
        output = await site.good(*remove, "--yes")
        assert re.search(r"stays until its retention ends, on \d{4}-\d\d-\d\d", output)
        again = await site.bad(*site.add_words(url))
    assert "a name that no removed camera had" in again
    (retired,) = load_configuration(site.file).retired_cameras
    assert (retired.name, retired.place, str(retired.retention)) == ("park", "公園 東口", "7 days")
    assert list((site.folder / "secrets").iterdir()) == []
    assert HEAD in site.file.read_text()
    assert "was removed" in await site.bad(*remove, "--yes")


async def test_the_desk_registers_each_step_before_the_configuration_changes(site: Site) -> None:
    """Added, replaced, removed, by the person; what the desk refuses changes nothing."""
    async with DeskRoom(site.folder.parent) as room, onvif_camera() as url:
        found = json.loads(await site.good(*site.add_words(url), "--json"))
        assert found["registered"] is True
        words = ["camera", "replace", "park", "--url", url, "--user", ACCOUNT.user, "--password-file", site.password]
        await site.good(*words, "--yes")
        assert await kinds(room) == ["camera_enrolled", "camera_enrolled"]
        life = room.open_desk.cameras.book.of("park")
        assert life is not None
        assert (life.enrolment, life.address, AIMS_MOST) == (2, url, life.aims_left)
        await site.good("camera", "remove", "park", "--reason", "closed", "--yes")
        assert (await kinds(room))[-1] == "camera_retired"
        text = site.file.read_text()
        site.file.write_text(text[: text.index("[[retired_camera]]")])  # somebody tidied up
        assert "was removed, and its name is never used again" in await site.bad(*site.add_words(url))


def test_somebody_at_a_terminal_is_asked(site: Site) -> None:
    """Everything that was not named, the password without echo, and once more before anything is written."""
    port_file = site.folder.parent / "port"
    serve = (
        "import asyncio,sys\n"
        "from kuramori.simulator.onvif_server import OnvifServer\n"
        "from tests.nvr.door.test_door import _camera\n"
        "async def run():\n"
        "    camera = _camera(1); server = OnvifServer((camera,)); await server.start()\n"
        "    open(sys.argv[1], 'w').write(camera.device_url); await asyncio.sleep(60)\n"
        "asyncio.run(run())\n"
    )
    with subprocess.Popen([sys.executable, "-c", serve, str(port_file)], cwd=Path(__file__).parents[2]) as server:
        try:
            while not port_file.exists() or not port_file.read_text():
                assert server.poll() is None
            answers = [
                ("Address", port_file.read_text()),
                ("Name", "gate"),
                ("Place", "North gate"),
                ("Retention", ""),
                ("User", ACCOUNT.user),
                ("Password of", ACCOUNT.password),
                ("into service", "y"),
            ]
            output = talk(["camera", "add", "--as", MANAGER, "--config", str(site.file)], answers)
        finally:
            server.kill()
    assert "gate is in the configuration" in output
    assert ACCOUNT.password not in output
    assert site.cameras()["gate"]["retention"] == "14 days"


def talk(words: list[str], answers: list[tuple[str, str]]) -> str:
    """Run a command at a terminal of its own, answering each prompt; return what it showed."""
    ours, its = os.openpty()
    environment = {**os.environ, "KURAMORI_PERSON": "", "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    command = [sys.executable, "-m", "kuramori.cli", *words]
    shown = ""
    with subprocess.Popen(
        command, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True
    ) as process:
        os.close(its)
        waiting = list(answers)
        since = 0
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece.decode("utf-8", "replace")
            if waiting and waiting[0][0] in shown[since:] and shown.rstrip().endswith((":", "]:")):
                since = len(shown)
                os.write(ours, waiting.pop(0)[1].encode() + b"\n")
    os.close(ours)
    assert process.returncode == 0, shown
    assert waiting == [], shown
    return shown
