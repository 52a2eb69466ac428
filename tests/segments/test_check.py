"""The checker names each broken invariant, and finds nothing where nothing is broken."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori_segments.check import check_slot, check_volume
from kuramori_segments.codes import SlotState
from kuramori_segments.damage import DamageKind
from kuramori_segments.device_key import DeviceSigner, device_key_id
from kuramori_segments.finding import FindingKind
from kuramori_segments.footer import SegmentFooter
from kuramori_segments.header import SegmentHeader
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.slot_entry import SLOT_ENTRY_BYTES, SlotEntry
from kuramori_segments.superblock import Superblock
from kuramori_segments.volume import Volume
from tests.fakes.faulty_disk import FaultyDisk
from tests.fakes.segment_maker import RECORDER_ID, SegmentMaker
from tests.fakes.segments import DEVICE_KEY, SIGNER

SLOT_BYTES = 128 << 10
SLOTS = 8
NOW = 1_800_000_000_000
KEYS = {device_key_id(DEVICE_KEY.public_key()): DEVICE_KEY.public_key()}
OTHER_KEY = ec.derive_private_key(0xBAD, ec.SECP256R1())


class Recorded:
    """A ring with finished segments of two cameras, and the means to break it."""

    def __init__(self) -> None:
        geometry = Superblock(SLOTS, b"v" * 16, RECORDER_ID, NOW, slot_bytes=SLOT_BYTES)
        self.disk = FaultyDisk(geometry.volume_bytes)
        self.volume = Volume.create(
            self.disk,
            slot_count=SLOTS,
            slot_bytes=SLOT_BYTES,
            volume_id=b"v" * 16,
            recorder_id=RECORDER_ID,
            created_utc_ms=NOW,
        )
        maker = SegmentMaker(self.volume, 2, random.Random(7), NOW)
        for _ in range(16):
            maker.tick()
        maker.tick(close=True)
        self.volume.flush()
        self.first = self.volume.overlapping(1, 0, 1 << 60)[0]
        self.second = self.volume.overlapping(1, 0, 1 << 60)[1]
        self.start = self.volume.superblock.slot_offset(self.first.slot)

    def kinds(self) -> list[FindingKind]:
        """Check, and return what was found; every finding must point into the volume."""
        findings = check_volume(self.disk.read_at, self.disk.size_bytes, device_keys=KEYS)
        assert all(0 <= finding.offset_bytes <= self.disk.size_bytes for finding in findings)
        return [finding.kind for finding in findings]

    def entry(self) -> SlotEntry:
        entry = self.volume.entry(self.first.slot)
        assert entry is not None
        return entry

    def flip(self, offset_bytes: int) -> None:
        """Change one bit."""
        self.disk.corrupt(offset_bytes, bytes([self.disk.read_at(offset_bytes, 1)[0] ^ 1]))

    def set_entry(self, entry: SlotEntry) -> None:
        """Write an entry into both copies of the table."""
        superblock = self.volume.superblock
        for table_offset in (superblock.table_a_offset, superblock.table_b_offset):
            self.disk.corrupt(table_offset + self.first.slot * SLOT_ENTRY_BYTES, entry.pack())

    def footer_offset(self) -> int:
        return self.start + (self.entry().extent_blocks - 1) * BLOCK_BYTES

    def set_footer(self, change: Callable[[SegmentFooter], SegmentFooter]) -> None:
        footer = SegmentFooter.unpack(self.disk.read_at(self.footer_offset(), BLOCK_BYTES))
        self.disk.corrupt(self.footer_offset(), change(footer).pack())

    def set_header(self, change: Callable[[SegmentHeader], SegmentHeader]) -> None:
        header = SegmentHeader.unpack(self.disk.read_at(self.start, BLOCK_BYTES))
        self.disk.corrupt(self.start, change(header).pack())


def test_finds_nothing_in_what_was_recorded() -> None:
    """A volume after an orderly stop is clean, with signatures and without."""
    recorded = Recorded()
    assert recorded.kinds() == []
    assert check_volume(recorded.disk.read_at, recorded.disk.size_bytes) == []


def test_tells_how_far_it_is() -> None:
    """Progress counts the slots in use to the end."""
    recorded = Recorded()
    steps: list[tuple[int, int]] = []
    check_volume(
        recorded.disk.read_at, recorded.disk.size_bytes, progress=lambda done, all_: steps.append((done, all_))
    )
    used = recorded.volume.usage().closed
    assert steps == [(number, used) for number in range(1, used + 1)]


def twin_slot(recorded: Recorded) -> None:
    """Put a copy of the first segment into an empty slot."""
    superblock = recorded.volume.superblock
    entries = ((slot, recorded.volume.entry(slot)) for slot in range(SLOTS))
    free = next(slot for slot, entry in entries if entry is not None and entry.state is SlotState.EMPTY)
    content = recorded.disk.read_at(recorded.start, SLOT_BYTES)
    recorded.disk.corrupt(superblock.slot_offset(free), content)
    entry = replace(recorded.entry(), generation=99)
    for table_offset in (superblock.table_a_offset, superblock.table_b_offset):
        recorded.disk.corrupt(table_offset + free * SLOT_ENTRY_BYTES, entry.pack())


def swap_segment(recorded: Recorded) -> None:
    """Replace the first segment's end of the chain: sign another digest under it, as root with the device key can."""
    recorded.set_footer(lambda footer: replace(footer, chain_digest=b"?" * 32).signed_by(SIGNER))


def superblock_of_another_volume(recorded: Recorded) -> None:
    other = replace(recorded.volume.superblock, volume_id=b"o" * 16, generation=0)
    recorded.disk.corrupt(BLOCK_BYTES, other.pack())


def zeros(length: int) -> bytes:
    return bytes(length)


K = FindingKind
BREAKS: list[tuple[str, Callable[[Recorded], object], set[FindingKind]]] = [
    ("both superblocks", lambda r: (r.flip(100), r.flip(BLOCK_BYTES + 100)), {K.NO_SUPERBLOCK}),
    ("one superblock", lambda r: r.flip(100), {K.SUPERBLOCK_COPY}),
    ("superblocks of two volumes", superblock_of_another_volume, {K.SUPERBLOCKS_DISAGREE}),
    (
        "one copy of an entry",
        lambda r: r.flip(r.volume.superblock.table_a_offset + r.first.slot * SLOT_ENTRY_BYTES + 20),
        {K.ENTRY_COPY},
    ),
    (
        "both copies of an entry",
        lambda r: (
            r.flip(r.volume.superblock.table_a_offset + r.first.slot * SLOT_ENTRY_BYTES + 20),
            r.flip(r.volume.superblock.table_b_offset + r.first.slot * SLOT_ENTRY_BYTES + 21),
        ),
        {K.ENTRY_LOST},
    ),
    (
        "two entries of one generation",
        lambda r: r.disk.corrupt(
            r.volume.superblock.table_b_offset + r.first.slot * SLOT_ENTRY_BYTES,
            replace(r.entry(), end_utc_ms=r.entry().end_utc_ms - 1).pack(),
        ),
        {K.ENTRIES_DISAGREE},
    ),
    (
        "the table's padding",
        lambda r: r.flip(r.volume.superblock.table_b_offset - 1),
        {K.TABLE_PADDING},
    ),
    (
        "a table block that cannot be read",
        lambda r: r.disk.bad_sectors.add(r.volume.superblock.table_b_offset // 512),
        {K.TABLE_UNREADABLE, K.ENTRY_COPY, K.TABLE_PADDING},
    ),
    ("a closed entry without an end", lambda r: r.set_entry(replace(r.entry(), end_utc_ms=0)), {K.ENTRY_IMPLAUSIBLE}),
    (
        "a closed entry longer than a slot",
        lambda r: r.set_entry(replace(r.entry(), extent_blocks=33)),
        {K.ENTRY_IMPLAUSIBLE, K.EXTENT_DISAGREES},
    ),
    (
        "an empty entry with facts",
        lambda r: r.set_entry(replace(r.entry(), state=SlotState.EMPTY)),
        {K.ENTRY_IMPLAUSIBLE},
    ),
    (
        "an open entry with an end",
        lambda r: r.set_entry(replace(r.entry(), state=SlotState.OPEN)),
        {K.ENTRY_IMPLAUSIBLE},
    ),
    (
        "an entry of no camera",
        lambda r: r.set_entry(replace(r.entry(), camera_number=0)),
        {K.ENTRY_IMPLAUSIBLE, K.HEADER_OF_ANOTHER},
    ),
    ("a slot given up", lambda r: r.set_entry(replace(r.entry(), state=SlotState.BAD)), {K.SLOT_BAD}),
    ("a slot that cannot be read", lambda r: r.disk.bad_sectors.add(r.start // 512 + 10), {K.SLOT_UNREADABLE}),
    ("the header", lambda r: r.flip(r.start + 30), {K.HEADER}),
    ("no header", lambda r: r.disk.corrupt(r.start, zeros(BLOCK_BYTES)), {K.HEADER}),
    (
        "another segment in the slot",
        lambda r: r.set_entry(replace(r.entry(), sequence=77)),
        {K.HEADER_OF_ANOTHER},
    ),
    (
        "a segment of another recorder",
        lambda r: r.set_header(lambda header: replace(header, recorder_id=b"x" * 16)),
        {K.RECORDER_OF_ANOTHER, K.FOOTER, K.FOOTER_ABSENT},
    ),
    ("a chunk", lambda r: r.flip(r.start + BLOCK_BYTES + 200), {K.CHUNK_CHECKSUM}),
    ("no first chunk", lambda r: r.disk.corrupt(r.start + BLOCK_BYTES, zeros(BLOCK_BYTES)), {K.CHUNK_HEAD}),
    ("the footer", lambda r: r.flip(r.footer_offset() + 50), {K.FOOTER, K.FOOTER_ABSENT}),
    ("no footer", lambda r: r.disk.corrupt(r.footer_offset(), zeros(BLOCK_BYTES)), {K.FOOTER_ABSENT}),
    (
        "the footer's counts",
        lambda r: r.set_footer(lambda footer: replace(footer, access_units=1).signed_by(SIGNER)),
        {K.FOOTER_MISMATCH},
    ),
    (
        "the signature",
        lambda r: r.set_footer(lambda footer: replace(footer, signature=b"s" * 64)),
        {K.SIGNATURE},
    ),
    (
        "the key that signed",
        lambda r: r.set_footer(lambda footer: footer.signed_by(DeviceSigner(OTHER_KEY))),
        {K.DEVICE_KEY_UNKNOWN},
    ),
    (
        "the extent in the table",
        lambda r: r.set_entry(replace(r.entry(), extent_blocks=r.entry().extent_blocks - 1)),
        {K.EXTENT_DISAGREES},
    ),
    (
        "closed or recovered",
        lambda r: r.set_entry(replace(r.entry(), state=SlotState.RECOVERED)),
        {K.STATE_DISAGREES},
    ),
    (
        "another start",
        lambda r: r.set_entry(replace(r.entry(), start_utc_ms=5)),
        {K.TIMES_DISAGREE},
    ),
    (
        "a later end",
        lambda r: r.set_entry(replace(r.entry(), end_utc_ms=r.entry().end_utc_ms + 60_000)),
        {K.TIMES_DISAGREE},
    ),
    ("the chain", swap_segment, {K.FOOTER_MISMATCH, K.CHAIN_BROKEN}),
    ("a segment in two slots", twin_slot, {K.SEGMENT_TWICE, K.SEQUENCE_TWICE}),
]


@pytest.mark.parametrize(("destroy", "expected"), [pytest.param(b, e, id=name) for name, b, e in BREAKS])
def test_names_what_is_broken(destroy: Callable[[Recorded], object], expected: set[FindingKind]) -> None:
    """Break one thing: exactly its findings appear."""
    recorded = Recorded()
    destroy(recorded)
    assert set(recorded.kinds()) == expected


def test_names_a_volume_that_was_cut() -> None:
    """A copy that is too short is a finding, and so are the segments it lost."""
    recorded = Recorded()
    size = recorded.start + SLOT_BYTES // 4
    short = FaultyDisk(size)
    short.corrupt(0, recorded.disk.snapshot()[:size])
    kinds = {finding.kind for finding in check_volume(short.read_at, size)}
    assert kinds == {FindingKind.VOLUME_CUT, FindingKind.SLOT_UNREADABLE}


def test_every_damage_has_its_name() -> None:
    """Whatever the scan can find, the checker can name."""
    assert {FindingKind.of_damage(kind).value for kind in DamageKind} == {kind.value for kind in DamageKind}


def test_a_slot_left_open_is_no_finding() -> None:
    """What is being written, or waits for recovery, is not judged."""
    recorded = Recorded()
    recorded.set_entry(replace(recorded.entry(), state=SlotState.OPEN, end_utc_ms=0, extent_blocks=0))
    recorded.disk.corrupt(recorded.start, b"half written")
    assert recorded.kinds() == []


def test_a_slot_that_is_overwritten_meanwhile_gives_no_finding() -> None:
    """Checked while the recorder runs, a slot that is taken during the check is not called damaged."""
    recorded = Recorded()
    recorded.flip(recorded.start + BLOCK_BYTES + 200)
    taken = False

    def read_while_recording(offset: int, length: int) -> bytes:
        nonlocal taken
        data = recorded.disk.read_at(offset, length)
        if recorded.start <= offset < recorded.start + SLOT_BYTES and not taken:
            taken = True
            recorded.set_entry(SlotEntry(SlotState.EMPTY, generation=recorded.entry().generation + 1))
        return data

    assert check_volume(read_while_recording, recorded.disk.size_bytes, device_keys=KEYS) == []
    assert taken


def test_a_segment_recorded_without_a_clock_may_be_dated_later() -> None:
    """Where the header says that time was unknown, the table may know better."""
    recorded = Recorded()
    entry = recorded.entry()
    recorded.set_entry(replace(entry, start_utc_ms=5, end_utc_ms=entry.end_utc_ms + 60_000))
    header = SegmentHeader.unpack(recorded.disk.read_at(recorded.start, BLOCK_BYTES))
    recorded.disk.corrupt(recorded.start, replace(header, time_unknown=True).pack())
    assert FindingKind.TIMES_DISAGREE not in recorded.kinds()


def test_one_slot_can_be_checked_alone() -> None:
    """The scrub goes slot by slot and hears the same."""
    recorded = Recorded()
    recorded.flip(recorded.start + BLOCK_BYTES + 200)
    superblock = recorded.volume.superblock
    found, link = check_slot(recorded.disk.read_at, superblock, recorded.first.slot, recorded.entry(), KEYS)
    assert [finding.kind for finding in found] == [FindingKind.CHUNK_CHECKSUM]
    assert link is not None
    other = recorded.volume.entry(recorded.second.slot)
    assert other is not None
    assert check_slot(recorded.disk.read_at, superblock, recorded.second.slot, other, KEYS)[0] == []


def test_a_bad_slot_of_no_camera_is_only_bad() -> None:
    """A place given up before anything was readable in it is one finding, not two."""
    recorded = Recorded()
    recorded.set_entry(SlotEntry(SlotState.BAD, generation=recorded.entry().generation + 1))
    assert recorded.kinds() == [FindingKind.SLOT_BAD]


CLEAN = Recorded()


@settings(max_examples=150)
@given(st.integers(0, CLEAN.disk.size_bytes - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_segment_is_found(place: int, value: int) -> None:
    """Change any byte of the volume: inside head or extents it is found; outside nothing is claimed of it."""
    disk = FaultyDisk(CLEAN.disk.size_bytes)
    disk.corrupt(0, CLEAN.disk.snapshot())
    disk.corrupt(place, bytes([disk.read_at(place, 1)[0] ^ value]))
    findings = check_volume(disk.read_at, disk.size_bytes, device_keys=KEYS)
    superblock = CLEAN.volume.superblock
    if place < superblock.table_b_offset + BLOCK_BYTES:
        assert findings
        return
    slot = (place - superblock.data_offset) // SLOT_BYTES
    used = CLEAN.volume.durable_bytes(slot) if place >= superblock.data_offset else 0
    assert bool(findings) == (place >= superblock.data_offset and place - superblock.slot_offset(slot) < used)


@settings(max_examples=50)
@given(st.binary(max_size=3000), st.integers(0, 1 << 16))
def test_any_bytes_give_findings_not_faults(noise: bytes, place: int) -> None:
    """Whatever stands on a medium, the checker answers."""
    disk = FaultyDisk(CLEAN.disk.size_bytes)
    disk.corrupt(0, CLEAN.disk.snapshot())
    disk.corrupt(place * 17 % (disk.size_bytes - len(noise)), noise)
    assert all(finding.detail for finding in check_volume(disk.read_at, disk.size_bytes, device_keys=KEYS))
