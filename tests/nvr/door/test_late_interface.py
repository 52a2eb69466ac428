"""A network that comes up after the start takes part in the search: a cable is plugged in while the door listens."""

import sys
import time
from contextlib import ExitStack

import pytest

from tests.fakes.namespaces import Cable, cable, second_camera
from tests.onvif.test_discovery_interfaces import CAMERA, PATIENCE_SECONDS, Program
from tests.peers import require_program, require_root

pytestmark = pytest.mark.root

EAR = """
import asyncio, json
from kuramori.door.ear import Ear, chosen_interfaces

def came(device):
    print(json.dumps([device.endpoint_id, device.interface]), flush=True)

asyncio.run(Ear(came, lambda: chosen_interfaces(False, True), probe_seconds=0.3).run())
"""


def _until_heard(ours: Program, wanted: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ours.next() != wanted:
        assert time.monotonic() < deadline


def test_an_interface_that_comes_up_later_is_searched_too() -> None:
    """The camera behind the first is found; a second cable is laid then, and the camera behind it is found too."""
    require_root()
    require_program("ip")
    with ExitStack() as stack:

        def start(command: list[str]) -> Program:
            program = Program(command)
            stack.enter_context(program.process)
            stack.callback(program.process.kill)
            return program

        def camera(network: Cable, tag: str) -> None:
            start(network.at_camera(sys.executable, "-c", CAMERA, tag))

        one = stack.enter_context(cable())
        ours = start(one.at_ours(sys.executable, "-c", EAR))
        camera(one, "first")
        _until_heard(ours, ["urn:uuid:first-4", "ours0"])
        two = stack.enter_context(second_camera(one))
        camera(two, "second")
        _until_heard(ours, ["urn:uuid:second-4", "ours1"])
        _until_heard(ours, ["urn:uuid:second-6", "ours1"])
