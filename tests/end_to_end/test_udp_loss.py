"""UDP between two network namespaces, with packets thrown away by the kernel on the way: GStreamer sends nothing else.

How many were thrown away is counted by the rule that does it, so that what FFmpeg reports is held against the truth.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import opened
from tests.fakes.gstreamer_peer import GStreamerCamera
from tests.fakes.namespaces import Cable, cable
from tests.peers import require_gstreamer_rtsp, require_program, require_root

pytestmark = pytest.mark.root

ONE_IN = 40
THROWN_LEAST = 20
LOCAL = '[network]\nlocal_networks = ["10.99.0.0/24"]\n'
PATIENCE_SECONDS = 90.0
RULES = f"""
table ip loss {{
    chain way {{
        type filter hook input priority 0; policy accept;
        ip saddr 10.99.0.2 meta l4proto udp meta length > 200 numgen inc mod {ONE_IN} 7 counter drop
    }}
}}
"""


@pytest.fixture
def network() -> Iterator[Cable]:
    """The cable, without loss."""
    require_root()
    require_program("ip")
    require_program("nft")
    with cable() as made:
        yield made


def _thrown_away(network: Cable) -> int:
    listed = json.loads(subprocess.check_output(network.at_ours("nft", "-j", "list", "ruleset"), timeout=20))
    (rule,) = (entry["rule"] for entry in listed["nftables"] if "rule" in entry)
    return next(int(part["counter"]["packets"]) for part in rule["expr"] if "counter" in part)


def test_what_the_way_swallows_is_told(tmp_path: Path, network: Cable) -> None:
    """A camera with UDP only is recorded; its loss is counted, damaged pictures are marked, the rest is all there."""
    python = require_gstreamer_rtsp()
    with ExitStack() as stack:
        camera = GStreamerCamera(
            python, tmp_path / "gate", "live", udp=True, host=network.camera_address, inside=network.at_camera()
        )
        stack.callback(camera.stop)
        reached = [CameraAt("gate", camera.start().until_serving().url, "av")]
        site = Installation(tmp_path / "site", reached, "300 MiB", LOCAL, inside=network.at_ours()).make()
        stack.callback(site.kill)
        site.start()
        asyncio.run(_lossy(site, network))
        site.stop()


async def _lossy(site: Installation, network: Cable) -> None:
    await site.until_recording()
    assert (await site.recorder.statistics()).cameras[0].lost_packets == 0
    subprocess.run(network.at_ours("nft", "-f", "-"), input=RULES.encode(), check=True, timeout=20)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (thrown := _thrown_away(network)) < THROWN_LEAST:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    subprocess.run(network.at_ours("nft", "flush", "ruleset"), check=True, timeout=20)
    before = (await site.recorder.statistics()).cameras[0].access_units
    while (figures := (await site.recorder.statistics()).cameras[0]).access_units < before + 45:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    units = [unit for segment in await opened(site, "gate") for unit in segment.units]
    marked = [unit for unit in units if unit.lost_packets_before]
    print("thrown away", thrown, "told", figures.lost_packets, "marked", len(marked), "of", len(units))
    assert thrown - 2 <= figures.lost_packets <= thrown + 2  # the rule may throw on between the reading and its end
    assert sum(unit.lost_packets_before for unit in marked) == figures.lost_packets
    assert all(unit.is_damaged and unit.is_discontinuity for unit in marked)
    assert not figures.reconnects_by_reason
