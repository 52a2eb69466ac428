"""An installer takes a camera into service over the API: tried, registered, written down; no shell, no picture."""

import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from kuramori.configuration_change import ChangeRefused, changing
from kuramori.simulator.rtsp_server import Mount, RtspServer
from kuramori_config.editing import with_removed_camera
from kuramori_config.enrolled import ENROLLED_NAME, ENROLLED_SECRETS_NAME
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration
from kuramori_config.secrets import read_secret
from tests.fakes.configuration import CAMERA, configuration_text
from tests.fakes.desk_room import ADMINISTRATOR, AUDITOR, HANDLER, INSTALLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import content, kinds
from tests.fakes.rtsp_camera import ACCOUNT, fast_material, running_camera

PLACE = "South gate, pole 3"


@dataclass
class Yard:
    """A desk with a configuration file, and a camera that nobody has taken into service."""

    room: DeskRoom
    config: Path
    camera: RtspServer

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.config.parent / "state"

    def wish(self, **changes: Any) -> dict[str, Any]:
        """Return the camera as an installer names it."""
        body = {
            "name": "south",
            "place": PLACE,
            "address": self.camera.url("/live"),
            "user": ACCOUNT.user,
            "password": ACCOUNT.password,
        }
        return body | changes

    async def take(self, person: str = INSTALLER, **changes: Any) -> httpx.Response:
        """Try to take it into service."""
        return await self.room.call("POST", "/v1/cameras", person, self.wish(**changes))

    async def refused(self, code: str, person: str = INSTALLER, **changes: Any) -> str:
        """Be refused with this code; nothing was written or registered. Return the sentence."""
        before = await kinds(self.room)
        answer = await self.take(person, **changes)
        assert answer.json().get("code") == code, answer.text
        assert not (self.state / ENROLLED_NAME).exists()
        assert not list(self.state.glob(f"{ENROLLED_SECRETS_NAME}/*"))
        assert await kinds(self.room) == before
        return str(answer.json()["detail"])


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    """A desk, its configuration with one camera, and another camera that asks for a password."""
    config = tmp_path / "kuramori.toml"
    config.write_text(configuration_text(CAMERA))
    (tmp_path / "state").mkdir(mode=0o700)
    async with DeskRoom(tmp_path) as room, running_camera(Mount("/live", fast_material(), account=ACCOUNT)) as camera:
        assert room.context is not None
        room.context.configuration_path = config
        yield Yard(room, config, camera)


async def test_a_trial_tells_what_the_camera_offers_and_changes_nothing(yard: Yard) -> None:
    """Codec and sound, before anything is decided."""
    answer = await yard.room.call("POST", "/v1/camera-trials", INSTALLER, yard.wish())
    (profile,) = content(answer)["profiles"]
    assert (profile["codec"], profile["audio"], profile["usable"]) == ("H264", False, True)
    assert not (yard.state / ENROLLED_NAME).exists()
    assert "camera_enrolled" not in await kinds(yard.room)


async def test_an_installer_takes_a_camera_into_service(yard: Yard) -> None:
    """Registered under the installer's name, in the configuration, the password apart for the service only."""
    made = content(await yard.take(), 201)
    assert (made["camera"]["name"], made["camera"]["enrolment"]) == ("south", 1)
    assert made["retention"] == "14 days"
    assert made["service"] == "not_running"
    found = load_configuration(yard.config).camera_named("south")
    assert found is not None
    assert (found.place, found.rtsp.url if found.rtsp else "") == (PLACE, yard.camera.url("/live"))
    assert found.password is not None
    secret = read_secret(found.password, credentials_directory=None, secrets_directory=found.secrets_directory)
    assert secret.reveal() == ACCOUNT.password
    enrolled = yard.state / ENROLLED_NAME
    assert stat.S_IMODE(enrolled.stat().st_mode) == 0o600
    assert ACCOUNT.password not in enrolled.read_text() + yard.config.read_text()
    assert "south" not in yard.config.read_text()
    entries = content(await yard.room.call("GET", "/v1/register", MANAGER))["entries"]
    (entry,) = [one for one in entries if one["kind"] == "camera_enrolled"]
    assert (entry["person"], entry["body"]["camera"]) == (INSTALLER, "south")


async def test_a_name_is_never_used_again(yard: Yard) -> None:
    """Neither that of a camera in service nor that of one that was removed."""
    assert "gate" in await yard.refused("camera-exists", name="gate")
    content(await yard.take(), 201)
    assert (await yard.take()).json()["code"] == "camera-exists"
    retired = {"name": "south", "place": PLACE, "removed": _a_day(), "retention": "14 days"}
    with changing(yard.config) as file:
        file.turn_to("south")
        file.apply(lambda text: with_removed_camera(text, "south", retired))
        file.drop_secret("enrolled.south")
    assert load_configuration(yard.config).camera_named("south") is None
    assert not list((yard.state / ENROLLED_SECRETS_NAME).iterdir())
    assert (await yard.take()).json()["code"] == "camera-exists"


def _a_day() -> object:
    from datetime import date

    return date(2026, 11, 23)


async def test_a_camera_that_refuses_the_password_is_not_taken(yard: Yard) -> None:
    """The sentence names the camera and never the password."""
    said = await yard.refused("camera-trial-failed", password="a wrong one")
    assert "127.0.0.1" in said
    assert "a wrong one" not in said


@pytest.mark.parametrize(
    "address", ["rtsp://203.0.113.9/live", "rtsps://203.0.113.9/live", "https://203.0.113.9/onvif/device_service"]
)
async def test_nobody_looks_around_elsewhere_through_the_desk(yard: Yard, address: str) -> None:
    """An address beyond the cameras' networks is not even asked, encrypted or not."""
    answer = await yard.room.call("POST", "/v1/camera-trials", INSTALLER, yard.wish(address=address))
    assert answer.json()["code"] in {"camera-not-local", "camera-unsound"}
    await yard.refused(answer.json()["code"], address=address)


async def test_how_long_pictures_are_kept_is_not_the_installers_decision(yard: Yard) -> None:
    """What the site keeps already may be named; another time takes the manager."""
    await yard.refused("request-invalid", retention="30 days")
    assert content(await yard.take(MANAGER, retention="10 days"), 201)["retention"] == "10 days"
    found = load_configuration(yard.config).camera_named("south")
    assert str(found.retention if found else "") == "10 days"


@pytest.mark.parametrize("person", [HANDLER, AUDITOR])
async def test_others_take_no_camera_into_service(yard: Yard, person: str) -> None:
    """Neither handlers nor auditors."""
    await yard.refused("role-missing", person)


async def test_an_administrator_may(yard: Yard) -> None:
    """As with the command."""
    content(await yard.take(ADMINISTRATOR), 201)


async def test_a_state_directory_that_takes_no_file_leaves_it_to_be_tried_again(yard: Yard) -> None:
    """Refused in a sentence; the next attempt succeeds under the same name."""
    (yard.state / ENROLLED_NAME).mkdir()
    answer = await yard.take()
    assert answer.json()["code"] == "camera-unsound", answer.text
    (yard.state / ENROLLED_NAME).rmdir()
    assert content(await yard.take(), 201)["camera"]["name"] == "south"


async def test_a_damaged_file_of_the_desk_is_named(yard: Yard) -> None:
    """The configuration is refused as a whole, by the name of the file that is wrong."""
    content(await yard.take(), 201)
    enrolled = yard.state / ENROLLED_NAME
    enrolled.write_text(enrolled.read_text().replace("14 days", "for ever"))
    with pytest.raises(ConfigurationFault, match=ENROLLED_NAME) as caught:
        load_configuration(yard.config)
    assert "retention" in str(caught.value)


async def test_the_desks_file_holds_cameras_and_nothing_else(yard: Yard) -> None:
    """Who gets hold of the desk's account makes nobody manager with it."""
    (yard.state / ENROLLED_NAME).write_text('[[person]]\nname = "Mallory"\ntitle = "x"\nroles = ["manager"]\n')
    with pytest.raises(ConfigurationFault, match="unknown key"):
        load_configuration(yard.config)


async def test_a_camera_enrolled_twice_in_the_two_files_is_refused(yard: Yard) -> None:
    """One name is one camera, in whichever file it stands."""
    content(await yard.take(), 201)
    with pytest.raises(ConfigurationFault), changing(yard.config) as file:
        file.apply(lambda text: text + CAMERA.replace('"gate"', '"south"'))
    with changing(yard.config) as file:
        file.turn_to_enrolled()
        with pytest.raises((ConfigurationFault, ChangeRefused)):
            file.apply(lambda text: text + CAMERA)
