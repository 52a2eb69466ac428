"""Cameras that are asked over https: known by the first certificate, refused with another, accepted by an operator."""

from pathlib import Path

import pytest

from kuramori.door_client import DoorRefused
from kuramori.door_messages import DoorCamera, DoorCameraState
from kuramori.messages import FailureCode
from tests.fakes.certificates import TlsFront, make_certificate
from tests.nvr.door.test_door import Told, _camera, _configuration, _door, _serving, _until


def _port(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


def _found(camera: DoorCamera) -> bool:
    return camera.state is DoorCameraState.FOUND and camera.facts is not None


async def test_the_first_certificate_is_pinned_and_kept(tmp_path: Path) -> None:
    """Self-signed, nothing configured: the camera is found, and known by it also after a restart of the door."""
    tls, fingerprint, _ = make_certificate(tmp_path, "camera")
    camera, told = _camera(), Told()
    async with _serving(camera), TlsFront(_port(camera.device_url), tls) as front:
        configuration = _configuration(tmp_path, {"gate": f"https://127.0.0.1:{front.port}/onvif/device_service"})
        async with _door(configuration, told) as client:
            found = await _until(client, "gate", _found)
    assert found.certificate is not None
    assert (found.certificate.pinned, found.certificate.refused) == (fingerprint.hex(), "")
    assert found.facts is not None
    assert found.facts.certificate == f"pinned sha256:{fingerprint.hex()}"
    assert fingerprint.hex() in (tmp_path / "state" / "door_certificates.json").read_text()


async def test_another_certificate_gets_not_a_byte_until_it_is_accepted(tmp_path: Path) -> None:
    """Refused before anything is sent; said with how to accept it; only what was shown can be accepted."""
    tls, fingerprint, _ = make_certificate(tmp_path, "camera")
    other_tls, other, _ = make_certificate(tmp_path, "other")
    camera, told = _camera(), Told()
    async with _serving(camera):
        async with TlsFront(_port(camera.device_url), tls) as front:
            configuration = _configuration(tmp_path, {"gate": f"https://127.0.0.1:{front.port}/onvif/device_service"})
            async with _door(configuration, told) as client:
                await _until(client, "gate", _found)
        async with (
            TlsFront(_port(camera.device_url), other_tls, front.port) as changed,
            _door(configuration, told) as client,
        ):
            refused = await _until(client, "gate", lambda one: one.facts is not None)
            assert refused.state is DoorCameraState.REFUSED
            assert changed.connections > 0
            assert not changed.heard
            assert refused.certificate is not None
            assert (refused.certificate.pinned, refused.certificate.refused) == (fingerprint.hex(), other.hex())
            assert refused.facts is not None
            assert refused.facts.certificate == f"changed: sha256:{other.hex()} (refused)"
            assert any("accept-certificate gate" in concern for concern in refused.facts.concerns)
            for wrong in ("00" * 32, fingerprint.hex(), "rubbish"):
                with pytest.raises(DoorRefused) as refusal:
                    await client.accept_certificate("gate", wrong)
                assert refusal.value.code is FailureCode.CERTIFICATE
            await client.accept_certificate("gate", f"sha256:{other.hex()}")
            accepted = await _until(client, "gate", lambda one: one.state is DoorCameraState.FOUND)
            assert accepted.address.startswith("https:")
            known = await _until(client, "gate", lambda one: bool(one.certificate and not one.certificate.refused))
            assert known.certificate is not None
            assert known.certificate.pinned == other.hex()
            await told.until_facts("gate", lambda facts: facts.certificate == f"pinned sha256:{other.hex()}")


async def test_what_the_configuration_trusts_is_changed_only_there(tmp_path: Path) -> None:
    """A configured fingerprint: another certificate is refused, and no command accepts it."""
    tls, other, _ = make_certificate(tmp_path, "camera")
    camera = _camera()
    async with _serving(camera), TlsFront(_port(camera.device_url), tls) as front:
        urls = {"gate": f"https://127.0.0.1:{front.port}/onvif/device_service"}
        keys = f'tls_fingerprint = "sha256:{"00" * 32}"'
        async with _door(_configuration(tmp_path, urls, keys=keys)) as client:
            refused = await _until(client, "gate", lambda one: one.state is DoorCameraState.REFUSED)
            assert "certificate" in refused.detail
            with pytest.raises(DoorRefused, match="tls_fingerprint"):
                await client.accept_certificate("gate", other.hex())
        assert not front.heard
