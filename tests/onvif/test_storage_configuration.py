"""What storage a camera is configured with: type, path, vendors' words of its state; never a password.

No peer offers this operation; answers are written by hand.
"""

import pytest

from kuramori_onvif.device import Device
from kuramori_onvif.errors import AnswerMalformed
from kuramori_onvif.storage_configuration import StorageConfiguration
from tests.fakes.hostile_camera import HostileCamera, Script, always, by_operation, response, soap

CARD = (
    '<tds:StorageConfigurations token="SD_DISK"><tds:Data type="LocalStorage"><tds:LocalPath>/var/spool/storage/SD'
    "</tds:LocalPath><tds:Extension><v:DiskStatus xmlns:v='urn:v'>Read only</v:DiskStatus></tds:Extension></tds:Data>"
    "</tds:StorageConfigurations>"
)
SHARE = (
    '<tds:StorageConfigurations token="NAS"><tds:Data type="CIFS"><tds:StorageUri>smb://admin:hunter2@10.0.0.9/video'
    "</tds:StorageUri><tds:User><tds:UserName>admin</tds:UserName><tds:Password>hunter2</tds:Password>"
    "<tds:PasswordStatus>hunter2</tds:PasswordStatus></tds:User></tds:Data></tds:StorageConfigurations>"
)


async def _storages(script: Script) -> tuple[StorageConfiguration, ...] | None:
    async with HostileCamera(script) as camera, Device(camera.address, utc_ms=lambda: 0) as device:
        return await device.storage_configurations()


def _answer(content: str) -> bytes:
    return soap(f"<tds:GetStorageConfigurationsResponse>{content}</tds:GetStorageConfigurationsResponse>")


async def test_a_card_is_read_with_what_its_vendor_says_of_it() -> None:
    """Type, path, state; whether it is encrypted stays unknown."""
    found = await _storages(always(_answer(CARD)))
    assert found is not None
    (card,) = found
    assert (card.token, card.kind, card.local_path) == ("SD_DISK", "LocalStorage", "/var/spool/storage/SD")
    assert card.state == (("DiskStatus", "Read only"),)
    assert card.is_local
    assert card.encrypted is None


async def test_a_password_never_leaves_the_answer() -> None:
    """Neither out of the address nor out of the user, whatever stands there."""
    found = await _storages(always(_answer(SHARE)))
    assert found is not None
    assert "hunter2" not in repr(found)
    assert found[0].uri == "smb://10.0.0.9/video"
    assert not found[0].is_local


async def test_none_is_told_apart_from_not_told() -> None:
    """An empty list, against a camera that does not know the question."""
    assert await _storages(always(_answer(""))) == ()
    assert await _storages(by_operation({})) is None


async def test_an_unreadable_answer_is_an_error() -> None:
    """Never "no storage"."""
    with pytest.raises(AnswerMalformed):
        await _storages(always(response("<a>")))
