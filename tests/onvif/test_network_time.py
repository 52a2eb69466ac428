"""The camera's time servers: read, set only when asked and only what is not so, read back, liars named.

No peer lets its time server be set; the camera of these tests is hand-built (`ClockCamera`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kuramori_onvif.device import Device
from kuramori_onvif.errors import CameraUnreachable, OnvifError
from kuramori_onvif.network_time import NetworkTime, NtpOutcome, NtpSetting
from tests.fakes.clock_camera import ClockCamera
from tests.fakes.hostile_camera import HostileCamera

SETTING = ["SetNTP", "SetSystemDateAndTime"]


@asynccontextmanager
async def _device(clock: ClockCamera) -> AsyncIterator[Device]:
    async with HostileCamera(clock.script) as camera, Device(camera.address, utc_ms=lambda: 0) as device:
        yield device


async def _set(clock: ClockCamera, server: str = "192.168.10.1") -> NtpSetting:
    async with _device(clock) as device:
        return await device.set_network_time(server)


def _sent(clock: ClockCamera) -> list[str]:
    return [name for name in clock.operations if name.startswith("Set")]


@pytest.mark.parametrize("server", ["192.168.10.1", "2001:db8::1", "ntp.example.jp"])
async def test_a_server_is_set_and_read_back(server: str) -> None:
    """Address or name each in its own field; the clock then follows NTP, daylight saving and zone untouched."""
    clock = ClockCamera()
    found = await _set(clock, server)
    assert (found.outcome, found.by_ntp) == (NtpOutcome.SET, True)
    assert found.network_time == NetworkTime(False, (server,))
    assert _sent(clock) == SETTING
    assert (clock.mode, clock.daylight, clock.zone_sent) == ("NTP", "true", False)


async def test_what_is_so_already_is_not_sent_again() -> None:
    """A flash memory is not written at each start; an IPv6 address in another spelling is the same one."""
    clock = ClockCamera(False, [("IPv6Address", "2001:DB8:0::1")], "NTP")
    assert (await _set(clock, "2001:db8::1")).outcome is NtpOutcome.ALREADY
    assert _sent(clock) == []


async def test_only_the_mode_is_set_where_the_server_is_right() -> None:
    """The server stands there, but the clock is set by hand."""
    clock = ClockCamera(False, [("IPv4Address", "192.168.10.1")])
    assert (await _set(clock)).outcome is NtpOutcome.SET
    assert _sent(clock) == ["SetSystemDateAndTime"]


@pytest.mark.parametrize("operation", SETTING)
async def test_a_camera_that_says_ok_and_changes_nothing_is_named(operation: str) -> None:
    """Read back, it is not so."""
    found = await _set(ClockCamera(lies=frozenset({operation})))
    assert found.outcome is NtpOutcome.IGNORED
    assert "time servers" in found.evidence


@pytest.mark.parametrize("operation", SETTING)
async def test_a_refusal_is_said_with_the_cameras_reason(operation: str) -> None:
    """The fault stands in the evidence."""
    found = await _set(ClockCamera(refuses=frozenset({operation})))
    assert found.outcome is NtpOutcome.REFUSED
    assert f"refuses {operation}" in found.evidence


async def test_what_is_done_counts_not_what_is_answered() -> None:
    """Rubbish for an answer, and yet it was done."""
    assert (await _set(ClockCamera(mumbles=frozenset(SETTING)))).outcome is NtpOutcome.SET


async def test_a_camera_without_the_question_is_left_alone() -> None:
    """What could not be read back is not set; asked only, it does not tell."""
    clock = ClockCamera(refuses=frozenset({"GetNTP"}))
    async with _device(clock) as device:
        assert await device.network_time() is None
    assert (await _set(clock)).outcome is NtpOutcome.REFUSED
    assert _sent(clock) == []


async def test_servers_of_dhcp_are_told_as_such() -> None:
    """Asked only, nothing is sent."""
    clock = ClockCamera(True, [("IPv4Address", "10.0.0.1"), ("DNSname", "a.example")])
    async with _device(clock) as device:
        assert await device.network_time() == NetworkTime(True, ("10.0.0.1", "a.example"))
    assert clock.operations == ["GetNTP"]


async def test_an_unreadable_answer_is_an_error() -> None:
    """Never "no time server"."""
    async with _device(ClockCamera(mumbles=frozenset({"GetNTP"}))) as device:
        with pytest.raises(OnvifError):
            await device.network_time()


async def test_a_camera_that_is_gone_is_unreachable_not_refusing() -> None:
    """What was sent before it went is not taken for done."""
    async with _device(ClockCamera()) as device:
        pass
    with pytest.raises(CameraUnreachable):
        await device.set_network_time("192.168.10.1")
