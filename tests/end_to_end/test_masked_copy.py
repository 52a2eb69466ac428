"""A masked copy with the real service and its commands: what is stored stays as it is, what leaves was looked at."""

import asyncio
import hashlib
import io
import json
import os
import re
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
from PIL import Image

from kuramori.cli.client import open_desk
from kuramori.clips.cms import verify_detached
from tests.end_to_end.test_request_path import HANDLER, MANAGER, Office, office, written

__all__ = ["office"]  # a fixture

RECORDED_SECONDS = 8
CITIZEN = ("--ground", "disclosure", "--document", "No. 9", "--recipient", "Aoki Hana", "--identity-check", "licence")


async def approved(office: Office, begin: float, end: float, key: Path) -> str:
    """File a disclosure, grant, approve twice; return the number."""
    words = ["--as", HANDLER, "--camera", "gate", "--from", written(begin), "--to", written(end), *CITIZEN]
    filed = await office.good("request", *words, "--purpose", "own data", "--witness", MANAGER, "--out-key", key)
    found = re.search(r"\d{8}-\d+", filed)
    assert found is not None
    await office.good("decide", found[0], "--as", MANAGER, "--grant", "--reason", "in order")
    for custodian in (1, 2):
        await office.approve(found[0], custodian)
    return found[0]


def boxes(begin: float, end: float) -> bytes:
    """A box that stands still for the whole range."""
    box = {"left": 0.5, "top": 0.5, "width": 0.25, "height": 0.4}
    points = [{"at": datetime.fromtimestamp(at, UTC).isoformat(), **box} for at in (begin, end)]
    return json.dumps({"kuramori": "boxes", "version": 1, "camera": "gate", "keep": [{"points": points}]}).encode()


async def stored(office: Office, begin: float, end: float) -> dict[tuple[str, int, int], bytes]:
    """Return the digest of everything that is stored of a range, by volume, place and length."""
    plan = await office.installation.recorder.plan_extraction("gate", int(begin * 1000), int(end * 1000))
    places = [(str(one.volume_path), one.offset_bytes, one.extent_bytes) for one in plan.segments]
    return {place: digest_at(*place) for place in places}


def digest_at(volume: str, offset_bytes: int, length_bytes: int) -> bytes:
    """Return the digest of a stretch of a volume."""
    descriptor = os.open(volume, os.O_RDONLY)
    try:
        return hashlib.sha256(os.pread(descriptor, length_bytes, offset_bytes)).digest()
    finally:
        os.close(descriptor)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_masked_copy_leaves_what_is_stored_as_it_is(office: Office) -> None:
    """Made, looked through, confirmed, released, taken: a signed masked video, and not a stored byte changed."""
    begin = time.time()
    await asyncio.sleep(RECORDED_SECONDS)
    end = begin + RECORDED_SECONDS - 1
    key, drawn, seen = (office.folder / name for name in ("extraction.key", "boxes.json", "seen"))
    drawn.write_bytes(boxes(begin, end))
    number = await approved(office, begin, end, key)
    before = await stored(office, begin, end)
    assert before
    make = ("mask", "make", number, "--as", HANDLER, "--boxes", drawn, "--extraction-key", key, "--witness", MANAGER)
    done = await office.run(*make, "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)["made"]  # how far it is goes to standard error
    await office.good("mask", "sheets", number, 1, "--as", MANAGER, "--out", seen)
    assert {width_of(sheet) for sheet in seen.iterdir()} == {4 * 480}
    own = await office.run("mask", "confirm", number, 1, "--as", HANDLER, "--sheets", seen)
    assert own.exit_code == 1
    await office.good("mask", "confirm", number, 1, "--as", MANAGER, "--sheets", seen)
    await office.good("mask", "release", number, 1, "--as", HANDLER)
    files = await asyncio.to_thread(taken, office, number)
    verify_detached(files["manifest.json"], files["manifest.p7s"])
    manifest = json.loads(files["manifest.json"])
    assert (manifest["kuramori"], manifest["masked_copy"]["number"]) == ("masked copy manifest", 1)
    assert hashlib.sha256(files["masked-copy.mp4"]).hexdigest() == made["file_sha256"]
    with av.open(io.BytesIO(files["masked-copy.mp4"])) as copy:
        assert [stream.type for stream in copy.streams] == ["video"]
        assert sum(1 for _ in copy.decode(video=0)) == made["pictures"]
    assert {place: digest_at(*place) for place in before} == before
    listed = json.loads(await office.good("register", "--as", MANAGER, "--request", number, "--json"))
    steps = [entry["kind"] for entry in listed if entry["kind"].startswith("masked") or entry["kind"] == "released"]
    assert steps == ["masked_copy_begun", "masked_copy_confirmed", "released"]
    assert "none changed or removed" in await office.good("register", "--as", MANAGER, "--verify")


def width_of(sheet: Path) -> int:
    """Return the width of a picture."""
    with Image.open(sheet) as picture:
        return picture.width


def taken(office: Office, number: str) -> dict[str, bytes]:
    """Take the bundle that waits, as the handler."""
    with (
        open_desk(configuration=office.installation.config_path, person=HANDLER) as desk,
        tarfile.open(fileobj=io.BytesIO(desk.get_file(f"/v1/requests/{number}/bundle"))) as archive,
    ):
        members = ((member.name, archive.extractfile(member)) for member in archive.getmembers())
        return {name: file.read() for name, file in members if file is not None}
