"""Who was seen: addresses are bound to the source, lists are capped, nobody speaks for another."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_onvif.sightings import (
    DATAGRAMS_PER_SECOND,
    DATAGRAMS_PER_SOURCE_AND_SECOND,
    DEVICES_IN_ALL,
    DEVICES_PER_LOOPBACK_SOURCE,
    DEVICES_PER_SOURCE,
    DatagramBudget,
    Sightings,
    describe,
    is_camera,
)
from kuramori_onvif.ws_discovery_message import Announcement

CAMERA = Announcement(
    "urn:uuid:1",
    ("dn:NetworkVideoTransmitter",),
    (
        "onvif://www.onvif.org/name/Front%20gate",
        "onvif://www.onvif.org/hardware/X-100",
        "onvif://www.onvif.org/manufacturer/Some%20Maker",
    ),
    ("http://192.0.2.7/onvif/device_service",),
)


def test_an_address_of_the_source_is_kept() -> None:
    """The XAddr whose host is the sender is taken as it is."""
    other_first = replace(CAMERA, addresses=("http://198.51.100.9/x", *CAMERA.addresses))
    device = describe(other_first, "192.0.2.7", "eth0")
    assert (device.address, device.address_replaced) == ("http://192.0.2.7/onvif/device_service", False)


def test_an_address_elsewhere_is_replaced_by_the_source() -> None:
    """Who answers for another host is asked itself, and this is shown."""
    device = describe(CAMERA, "192.0.2.66", "eth0")
    assert (device.address, device.address_replaced) == ("http://192.0.2.66/onvif/device_service", True)


@pytest.mark.parametrize("address", ["", "ftp://192.0.2.7/x", "http://", "http://[::1", "\\\\evil\\x"])
def test_without_usable_address_the_usual_one_of_the_source_is_tried(address: str) -> None:
    """Rubbish instead of an XAddr still leads to the sender only."""
    device = describe(replace(CAMERA, addresses=(address,)), "192.0.2.7", "eth0")
    assert (device.address, device.address_replaced) == ("http://192.0.2.7/onvif/device_service", True)


def test_credentials_in_an_address_are_dropped() -> None:
    """No user or password of an XAddr is kept."""
    device = describe(replace(CAMERA, addresses=("http://u:p@192.0.2.7/x?user=u&password=p&a=1",)), "192.0.2.7", "e")
    assert device.address == "http://192.0.2.7/x?a=1"


def test_a_link_local_source_keeps_its_zone() -> None:
    """An IPv6 link-local camera is addressed through the interface on which it answered."""
    device = describe(replace(CAMERA, addresses=("http://[fe80::5]/x",)), "fe80::5%eth0", "eth0")
    assert (device.address, device.address_replaced) == ("http://[fe80::5%25eth0]/x", False)


def test_vendor_model_and_name_come_from_the_scopes() -> None:
    """What a camera tells everybody is shown, decoded."""
    device = describe(CAMERA, "192.0.2.7", "eth0")
    assert (device.vendor, device.model, device.name) == ("Some Maker", "X-100", "Front gate")


@given(st.lists(st.text(max_size=80), max_size=4).map(tuple), st.lists(st.text(max_size=80), max_size=4).map(tuple))
def test_any_words_make_a_device_of_the_source(scopes: tuple[str, ...], addresses: tuple[str, ...]) -> None:
    """Whatever is claimed, the address leads to the sender and the texts are one line."""
    device = describe(Announcement("e", (), scopes, addresses), "192.0.2.7", "eth0")
    assert device.address.split("/")[2].split(":")[0] == "192.0.2.7"
    assert all(word.isprintable() for word in (device.vendor, device.model, device.name))


@pytest.mark.parametrize(
    ("announcement", "expected"),
    [
        (CAMERA, True),
        (replace(CAMERA, types=("tds:Device",)), True),
        (replace(CAMERA, types=()), True),
        (Announcement("p", ("wsdp:Device", "wprt:PrintDeviceType"), (), ("http://192.0.2.9/wsd",)), False),
        (Announcement("p", ("pub:Computer",), (), ()), False),
        (Announcement("p"), False),
    ],
)
def test_only_cameras_are_listed(announcement: Announcement, expected: bool) -> None:
    """Printers and computers that speak WS-Discovery are left out."""
    assert is_camera(announcement) is expected


def test_a_second_answer_is_no_second_device() -> None:
    """The same endpoint from the same source counts once, and is new once."""
    seen = Sightings()
    assert seen.add(CAMERA, "192.0.2.7", "eth0") is not None
    assert seen.add(CAMERA, "192.0.2.7", "eth0") is None
    assert len(seen.devices()) == 1


def test_a_changed_announcement_replaces_the_old_one() -> None:
    """A camera that comes back on another port is reported again."""
    seen = Sightings()
    seen.add(CAMERA, "192.0.2.7", "eth0")
    moved = replace(CAMERA, addresses=("http://192.0.2.7:8000/onvif/device_service",))
    changed = seen.add(moved, "192.0.2.7", "eth0")
    assert changed is not None
    assert seen.devices() == (changed,)


def test_nobody_overwrites_or_removes_another_sources_entry() -> None:
    """A liar with the same endpoint id gets an entry of its own, and its Bye removes only that."""
    seen = Sightings()
    honest = seen.add(CAMERA, "192.0.2.7", "eth0")
    seen.add(CAMERA, "192.0.2.66", "eth0")
    assert seen.remove(CAMERA.endpoint_id, "192.0.2.99") is None
    assert seen.remove(CAMERA.endpoint_id, "192.0.2.66") is not None
    assert seen.devices() == (honest,)


def test_one_source_fills_only_its_share() -> None:
    """A responder that claims to be 214 cameras gets its cap; the rest is counted as dropped."""
    seen = Sightings()
    for number in range(214):
        seen.add(replace(CAMERA, endpoint_id=f"urn:uuid:{number}"), "192.0.2.7", "eth0")
    assert len(seen.devices()) == DEVICES_PER_SOURCE
    assert seen.dropped == 214 - DEVICES_PER_SOURCE
    assert seen.add(CAMERA, "192.0.2.8", "eth0") is not None


def test_the_loopback_may_hold_many_simulated_cameras() -> None:
    """On the loopback only this machine answers."""
    seen = Sightings()
    for number in range(64):
        seen.add(replace(CAMERA, endpoint_id=f"urn:uuid:{number}"), "127.0.0.1", "lo")
    assert len(seen.devices()) == 64 <= DEVICES_PER_LOOPBACK_SOURCE


def test_the_whole_list_is_capped() -> None:
    """Many sources together cannot grow the list beyond its limit."""
    seen = Sightings()
    for number in range(DEVICES_IN_ALL + 100):
        seen.add(CAMERA, f"10.0.{number // 256}.{number % 256}", "eth0")
    assert len(seen.devices()) == DEVICES_IN_ALL


def test_a_flood_is_not_read() -> None:
    """Beyond its share of a second a source's datagrams are dropped unread; others are still heard."""
    budget = DatagramBudget()
    admitted = sum(budget.admits("192.0.2.66", 1) for _ in range(1000))
    assert admitted == DATAGRAMS_PER_SOURCE_AND_SECOND
    assert budget.admits("192.0.2.7", 1)
    assert budget.admits("192.0.2.66", 2)


def test_all_sources_together_have_a_share_too() -> None:
    """A flood from forged sources ends at the total."""
    budget = DatagramBudget()
    assert sum(budget.admits(f"10.0.{n // 250}.{n % 250}", 1) for n in range(5000)) == DATAGRAMS_PER_SECOND
