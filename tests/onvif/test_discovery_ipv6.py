"""A camera with nothing but an IPv6 link-local address: found, and asked through the right cable."""

import json
import subprocess
import sys

import pytest

from tests.fakes.namespaces import cable
from tests.peers import require_program, require_root

pytestmark = pytest.mark.root

CAMERA = """
import asyncio, socket
from kuramori_onvif.discovery import group_socket, probe_socket
from kuramori_onvif.interfaces import list_interfaces
from kuramori_onvif.ws_discovery_message import Announcement, Probe, build_probe_matches, parse
from tests.fakes.hostile_camera import HostileCamera, always, soap

(interface,) = (one for one in list_interfaces() if one.name == "camera0")
information = "<tds:GetDeviceInformationResponse><tds:Model>Six</tds:Model></tds:GetDeviceInformationResponse>"

class Receiver(asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        message = parse(data)
        if isinstance(message, Probe):
            address = f"http://[{interface.ipv6}]:8080/onvif/device_service"
            device = Announcement("urn:uuid:six", ("dn:NetworkVideoTransmitter",), (), (address,))
            sender.sendto(build_probe_matches("m", message.message_id, (device,)), addr)

async def main():
    global sender
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Receiver, sock=group_socket(interface, socket.AF_INET6))
    sock = probe_socket(interface, socket.AF_INET6)
    sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=sock)
    camera = HostileCamera(always(soap(information)))
    await asyncio.start_server(camera._converse, "::", 8080)
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
ASK = """
import asyncio, sys
from kuramori_onvif.device import Device
async def main():
    async with Device(sys.argv[1], utc_ms=lambda: 0) as device:
        print((await device.information()).model)
asyncio.run(main())
"""


def test_a_link_local_camera_is_found_and_asked() -> None:
    """The address carries the interface on which it answered, and works."""
    require_root()
    require_program("ip")
    with cable() as network:
        subprocess.run(network.at_camera("ip", "-4", "addr", "flush", "dev", "camera0"), check=True, timeout=20)
        with subprocess.Popen(
            network.at_camera(sys.executable, "-c", CAMERA), stdout=subprocess.PIPE, text=True
        ) as camera:
            try:
                assert camera.stdout is not None
                assert camera.stdout.readline() == "ready\n"
                program = "from kuramori.cli.main import run; run()"
                search = network.at_ours(sys.executable, "-c", program, "discover", "--seconds", "1", "--json")
                (device,) = json.loads(subprocess.check_output(search, timeout=30))["devices"]
                assert device["address"].startswith("http://[fe80::")
                assert device["address"].endswith("%25ours0]:8080/onvif/device_service")
                asked = subprocess.check_output(
                    network.at_ours(sys.executable, "-c", ASK, device["address"]), text=True, timeout=30
                )
                assert asked == "Six\n"
            finally:
                camera.kill()
