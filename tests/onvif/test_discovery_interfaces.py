"""Two networks on one recorder, IPv4 and IPv6 on each: Hello, Bye and answers are heard everywhere, and from where.

The networks are cables between namespaces; the kernel's multicast carries everything.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.fakes.namespaces import Cable, cable, second_camera
from tests.peers import require_program, require_root

pytestmark = pytest.mark.root

PATIENCE_SECONDS = 20.0
CAMERA = """
import asyncio, socket, sys
from kuramori_onvif.discovery import GROUP_IPV4, GROUP_IPV6, PORT, group_socket, probe_socket
from kuramori_onvif.interfaces import list_interfaces
from kuramori_onvif.ws_discovery_message import *

(interface,) = (one for one in list_interfaces() if one.name == "camera0")

class Side(asyncio.DatagramProtocol):
    def __init__(self, family):
        six = family == socket.AF_INET6
        host = f"[{interface.ipv6}]" if six else interface.ipv4
        self.group = (GROUP_IPV6, PORT, 0, interface.index) if six else (GROUP_IPV4, PORT)
        self.sender = probe_socket(interface, family)
        address = f"http://{host}/onvif/device_service"
        self.device = Announcement(f"urn:uuid:{sys.argv[1]}-{6 if six else 4}", (TYPE_CAMERA,), (), (address,))

    def datagram_received(self, data, addr):
        message = parse(data)
        if isinstance(message, Probe):
            answer = build_probe_matches(new_message_id(), message.message_id, (self.device,))
            self.sender.sendto(answer, addr)

async def main():
    loop, sides = asyncio.get_running_loop(), []
    for family in (socket.AF_INET, socket.AF_INET6):
        sides.append(Side(family))
        await loop.create_datagram_endpoint(lambda: sides[-1], sock=group_socket(interface, family))
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        build = build_hello if word == "hello" else build_bye
        for side in sides:
            side.sender.sendto(build(new_message_id(), side.device), side.group)
asyncio.run(main())
"""
LISTENER = """
import asyncio, json, sys
from kuramori_onvif.discovery import DiscoverySession
from kuramori_onvif.interfaces import choose_interfaces, list_interfaces

def told(kind):
    def tell(device):
        print(json.dumps([kind, device.endpoint_id, device.interface, device.address]), flush=True)
    return tell

async def main():
    chosen, _ = choose_interfaces(list_interfaces(), ())
    session = DiscoverySession(chosen, on_device=told("came"), on_gone=told("went"))
    await session.start()
    print(json.dumps(["listening", session.problems]), flush=True)
    while (await asyncio.to_thread(sys.stdin.readline)).strip():
        session.probe()
asyncio.run(main())
"""
EVERYONE = {
    ("urn:uuid:first-4", "ours0", "http://10.99.0.2/"),
    ("urn:uuid:first-6", "ours0", "http://[fe80::"),
    ("urn:uuid:second-4", "ours1", "http://10.98.0.2/"),
    ("urn:uuid:second-6", "ours1", "http://[fe80::"),
}


class Program:
    """A program in a namespace: lines in, JSON lines out."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._lines: queue.Queue[list[str]] = queue.Queue()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")

    def next(self) -> list[str]:
        return self._lines.get(timeout=PATIENCE_SECONDS)


@pytest.fixture
def programs() -> Iterator[tuple[Program, list[Program]]]:
    """The listening recorder's side and a camera on each of its two networks."""
    require_root()
    require_program("ip")
    with ExitStack() as stack:
        one = stack.enter_context(cable())
        two = stack.enter_context(second_camera(one))

        def start(command: list[str]) -> Program:
            program = Program(command)
            stack.enter_context(program.process)
            stack.callback(program.process.kill)
            return program

        def camera(network: Cable, tag: str) -> Program:
            return start(network.at_camera(sys.executable, "-c", CAMERA, tag))

        ours = start(one.at_ours(sys.executable, "-c", LISTENER))
        yield ours, [camera(one, "first"), camera(two, "second")]


def _told(ours: Program, kind: str) -> set[tuple[str, str, str]]:
    """Read as many reports of that kind as there are cameras."""
    found = set()
    for _ in EVERYONE:
        said, endpoint_id, interface, address = ours.next()
        assert said == kind
        head = address[: len("http://[fe80::")] if "[" in address else address.removesuffix("onvif/device_service")
        found.add((endpoint_id, interface, head))
    return found


def test_both_families_are_heard_on_both_networks(programs: tuple[Program, list[Program]]) -> None:
    """Hello without being asked, Bye, and answers to a probe: four cameras, each with the interface it is behind."""
    ours, cameras = programs
    assert ours.next() == ["listening", []]
    for kind, word in (("came", "hello"), ("went", "bye")):
        for camera in cameras:
            camera.say(word)
        assert _told(ours, kind) == EVERYONE
    ours.say("probe")
    assert _told(ours, "came") == EVERYONE
