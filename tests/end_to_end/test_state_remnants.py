"""Whoever kept all that ever stood in the state directory opens nothing erased, with all custodians' keys.

A whole service with hours that end: ledger, register, requests, keystore and every small file are copied again and
again while it records, holds, files, erases by order and by retention, and is started anew. Afterwards everything is
tried on the erased segments: each 32 bytes as their key and as their epoch's key, the roots that exist now on each
copy of the keystore; and their true keys and all roots that ever were are looked for, as bytes and as text.
"""

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kuramori_segments.cipher import key_commitment, segment_key
from kuramori_segments.erasable_cell import CELL_NAMES, FileCell
from kuramori_segments.header import SegmentHeader
from kuramori_segments.store_files import DirectoryFiles
from kuramori_segments.tier import TierAssessment
from tests.end_to_end.opening import FOREVER_UTC_MS, dek_of
from tests.end_to_end.test_forgetting import HANDLER, HOUR, MANAGER, Site, site, span
from tests.fakes.keystore_machine import SEPARATE
from tests.segments.test_remnants import KEY_BYTES, opened_with

__all__ = ["site"]
COPY_EVERY_SECONDS = 0.05
FILES_TRIED = {"ledger.db", "register.db", "requests.db"}  # must be among what was copied


@dataclass(slots=True)
class Thief:
    """Copies of everything in a folder, each content once, and of the roots that lay in the cell elsewhere."""

    state: Path
    cell: Path
    kept: dict[str, set[bytes]] = field(default_factory=dict)
    roots: set[bytes] = field(default_factory=set)

    def copy(self) -> None:
        """Take what is there now; what vanishes meanwhile was there a moment ago."""
        for path in [one for one in self.state.rglob("*") if one.is_file()]:
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            self.kept.setdefault(path.relative_to(self.state).as_posix(), set()).add(content)
        self.roots |= set(roots_now(self.cell))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Copy again and again while something goes on."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(COPY_EVERY_SECONDS):
                self.copy()

        worker = threading.Thread(target=work)
        worker.start()
        try:
            yield
        finally:
            over.set()
            worker.join()
            self.copy()

    def windows(self) -> set[bytes]:
        """Return everything of 32 bytes that was ever there, but for runs of one byte."""
        found: set[bytes] = set()
        for contents in self.kept.values():
            for data in contents:
                found |= {data[at : at + KEY_BYTES] for at in range(len(data) - KEY_BYTES + 1)}
        return {one for one in found if one.count(one[0]) < KEY_BYTES}

    def has(self, secret: bytes) -> list[str]:
        """Return the files in which a secret ever stood, as bytes or as text."""
        forms = [secret, secret.hex().encode(), secret.hex().upper().encode()]
        forms += [base64.b64encode(secret).rstrip(b"="), base64.urlsafe_b64encode(secret).rstrip(b"=")]
        return [
            name for name, contents in self.kept.items() if any(form in data for data in contents for form in forms)
        ]


def roots_now(cell: Path) -> list[bytes]:
    """Return the roots that a cell's folder holds."""
    files = DirectoryFiles(cell)
    assessment: TierAssessment = SEPARATE
    return [root for name in CELL_NAMES if (root := FileCell(files, name, assessment).read()) is not None]


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as k custodians and the recorder together open it."""

    header: SegmentHeader
    dek: bytes
    k_seg: bytes


async def living(of: Site) -> dict[bytes, Segment]:
    """Return every segment that opens now, by its uid, with its keys; what opens is checked."""
    recorder = of.installation.recorder
    plan = await recorder.plan_extraction("gate", 0, FOREVER_UTC_MS)
    uids = tuple(one.segment_uid for one in plan.segments if one.epoch_alive)
    released = {key.segment_uid: key.k_seg for key in (await recorder.release_keys("test", uids)).keys}
    headers = [SegmentHeader.unpack(one.header) for one in plan.segments if one.segment_uid in released]
    found = {
        header.segment_uid: Segment(header, dek_of(of.installation, header), released[header.segment_uid])
        for header in headers
    }
    assert all(opens(one, one.k_seg) for one in found.values())
    return found


def opens(segment: Segment, k_seg: bytes) -> bool:
    """Tell whether this is the recorder's half of a segment's key."""
    return key_commitment(segment.dek, k_seg, segment.header.segment_uid) == segment.header.key_commitment


async def lived(of: Site, thief: Thief) -> tuple[dict[bytes, Segment], dict[bytes, Segment]]:
    """Two runs with an order to erase, a hold that ends, an hour that ends; return what ever opened, and what does."""
    of.move(trusted=True)
    with thief.at_work():
        async with of.running():
            await of.more_pictures()
            await of.end_segment()
            await of.more_pictures()
            ever = await living(of)
            await _file(of)
            now_utc_ms = (await of.installation.recorder.status()).utc_ms
            order = (
                "erase",
                "--camera",
                "gate",
                *span(now_utc_ms - 1500, now_utc_ms - 500),
                "--reason",
                "order",
                "--yes",
            )
            await of.good(*order)
            await of.more_pictures()
            ever |= await living(of)
        of.move(trusted=True, wall_seconds=2.1 * HOUR, boot_seconds=2.1 * HOUR)
        async with of.running():
            await of.more_pictures()
            left = await living(of)
    return ever, left


async def _file(of: Site) -> None:
    """Have a request in the books, with its hold, and refuse it: the hold ends before the order to erase."""
    told = await of.typed(
        *("request", "--as", HANDLER, "--config", of.installation.config_path, "--camera", "gate", *await of.now()),
        *("--ground", "investigation", "--document", "No. 1", "--recipient", "Takahashi", "--purpose", "theft"),
        *("--identity-check", "police ID"),
        *("--witness", MANAGER, "--out-key", of.installation.folder.parent / "extraction.key"),
    )
    assert told.code == 0, told.err
    number = re.search(r"\d{8}-\d+", told.out)
    assert number is not None
    await of.good("decide", number[0], "--refuse", "--reason", "not in order")


@pytest.mark.slow
@pytest.mark.timeout(600)  # it takes half a minute of work; a busy machine takes its time
async def test_all_that_ever_stood_in_the_state_directory_opens_nothing_erased(site: Site) -> None:
    """The erased segments stay closed. With roots that nobody has any more they would not: the tools work."""
    places = site.installation.places
    assert places.cell is not None
    thief = Thief(places.state, places.cell)
    ever, left = await lived(site, thief)
    erased = [one for uid, one in ever.items() if uid not in left]
    assert len(erased) >= 2
    assert set(thief.kept) >= FILES_TRIED
    assert len(thief.roots) >= 3, "the thief saw rotations"
    snapshots = [
        (name.rpartition("/")[2], data)
        for name, contents in thief.kept.items()
        if name.startswith("keystore/snapshot")
        for data in contents
    ]
    gone = {one.header.epoch_id for one in erased} - {one.header.epoch_id for one in left.values()}
    today = roots_now(places.cell)
    assert any(gone & opened_with(root, snapshots) for root in thief.roots - set(today)), "the thief's tools work"
    assert not any(gone & opened_with(root, snapshots) for root in today)
    for one in erased:
        assert thief.has(one.k_seg) == []
    for root in thief.roots:
        assert thief.has(root) == []
    windows = thief.windows()
    print(f"{sum(map(len, thief.kept.values()))} copies of {len(thief.kept)} files, {len(windows)} windows of 32 bytes")
    for one in erased:
        for window in windows:
            assert not opens(one, window)
            assert not opens(one, segment_key(window, one.header.segment_uid))
