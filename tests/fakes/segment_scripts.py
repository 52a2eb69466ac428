"""Made-up recordings for property tests: what a camera sends, when commits are taken, and the slot it gives.

A script is a list of steps; playing it fills a slot in memory and notes what a reader must find.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import strategies as st

from kuramori_segments.footer import SegmentFooter
from kuramori_segments.header import SegmentHeader
from kuramori_segments.records import (
    FLAG_KEY_FRAME,
    AccessUnitRecord,
    ParameterSetsRecord,
    Record,
    SenderReportRecord,
    TimelineRecord,
)
from kuramori_segments.segment_writer import SegmentWriter
from tests.fakes.segments import START_UTC_MS, SlotInMemory, length_prefixed, make_header, make_writer

SLOT_BYTES = 512 * 1024
FRAME_MS = 40
_NOISE = Random(20).randbytes(1 << 18)


@dataclass(frozen=True, slots=True)
class Unit:
    """The camera sends a picture."""

    length_bytes: int
    is_key: bool
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Other:
    """Something else is recorded, or a commit is taken: "report", "timeline", "sets", "commit"."""

    what: str


Step = Unit | Other

UNITS = st.builds(
    Unit,
    st.integers(1, 3000) | st.sampled_from([1, 60_000, 65_376, 65_456, 66_000, 140_000]),
    st.booleans(),
    st.sampled_from([0, 0, 0, 3]),
)
STEPS = UNITS | st.builds(Other, st.sampled_from(["report", "timeline", "sets", "commit", "commit"]))


def _scripts(most_bytes: int) -> st.SearchStrategy[list[Step]]:
    return st.lists(STEPS, min_size=1, max_size=25).filter(
        lambda script: sum(step.length_bytes + 9000 for step in script if isinstance(step, Unit)) < most_bytes
    )


SCRIPTS = _scripts(400_000)
SHORT_SCRIPTS = _scripts(180_000)  # twice such a script fits into a slot


@dataclass
class Recording:
    """A script as it was played into a slot."""

    header: SegmentHeader
    writer: SegmentWriter
    slot: SlotInMemory
    records: list[Record] = field(default_factory=list)  # appended so far, without CONFIG and INDEX
    commits: list[tuple[int, int]] = field(default_factory=list)  # end in the slot, records up to there
    footer: SegmentFooter | None = None

    @property
    def units(self) -> list[AccessUnitRecord]:
        """Return the access units so far."""
        return [record for record in self.records if isinstance(record, AccessUnitRecord)]

    def play(self, script: Sequence[Step]) -> None:
        """Append step by step."""
        for step in script:
            if isinstance(step, Unit):
                self._unit(step)
            else:
                getattr(self, f"_{step.what}")()

    def close(self) -> None:
        """Write the end."""
        commit = self.writer.close(1, ())
        end = commit.offset_bytes + commit.length_bytes
        self.slot.write(commit)
        self.footer = SegmentFooter.unpack(bytes(self.slot.content[end - 4096 : end]))

    def _unit(self, step: Unit) -> None:
        number = self.header.first_access_unit + len(self.units)
        utc_us = (START_UTC_MS + FRAME_MS * len(self.units)) * 1000
        start = number % 1000
        kind = b"\x65" if step.is_key else b"\x41"
        payload = length_prefixed(kind + _NOISE[start : start + step.length_bytes])
        flags = FLAG_KEY_FRAME if step.is_key else 0
        record = AccessUnitRecord(number, utc_us, number * 3600, number, step.lost, 1, flags, payload)
        self.writer.append_access_unit(number, utc_us, number * 3600, number, flags, step.lost, payload, 1)
        self.records.append(record)

    def _report(self) -> None:
        record = SenderReportRecord(1, 2, len(self.records))
        self.writer.append_sender_report(record.ntp, record.rtp_time, record.arrival_boot_us)
        self.records.append(record)

    def _timeline(self) -> None:
        record = TimelineRecord("reconnected", len(self.records), (("tries", 2),))
        self.writer.append_timeline(record.event, record.utc_ms, record.facts)
        self.records.append(record)

    def _sets(self) -> None:
        record = ParameterSetsRecord(self.header.codec, (b"set %d" % len(self.records),))
        self.writer.append_parameter_sets(record.parameter_sets)
        self.records.append(record)

    def _commit(self) -> None:
        commit = self.writer.take_commit()
        if commit is not None:
            self.slot.write(commit)
            self.commits.append((commit.offset_bytes + commit.length_bytes, len(self.records)))


def record_script(
    script: Sequence[Step], *, slot_bytes: int = SLOT_BYTES, old_bytes: bytes | None = None, uid: str = "segment"
) -> Recording:
    """Play a script into a slot (not closed)."""
    header = make_header(uid=uid, first_access_unit=100)
    recording = Recording(header, make_writer(header, slot_bytes), SlotInMemory(slot_bytes, old_bytes))
    recording.play(script)
    return recording


def earlier_lap(slot_bytes: int = SLOT_BYTES) -> bytes:
    """Return a slot full of another segment's chunks: one in nearly every place, hardly a byte of it zero."""
    header = make_header(uid="earlier lap", first_access_unit=100)
    recording = Recording(header, make_writer(header, slot_bytes), SlotInMemory(slot_bytes))
    while recording.writer.room_bytes > 9000:
        recording.play([Unit(3900, True), Other("commit")])
    recording.close()
    return bytes(recording.slot.content)
