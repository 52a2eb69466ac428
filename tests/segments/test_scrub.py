"""Reading back: what it verifies, in which order, what it says of damage, and that it never says too much."""

from hypothesis import given
from hypothesis import strategies as st

from kuramori_segments.chunk import ChunkHead
from kuramori_segments.damaged_time import damaged_times
from kuramori_segments.device_key import DeviceSigner
from kuramori_segments.finding import FindingKind
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.scrub import Scrub, Verdict
from kuramori_segments.scrub_choice import MS_PER_MINUTE, ScrubView, look
from kuramori_segments.scrub_record import NEVER, ScrubRecord
from kuramori_segments.slot_entry import SlotEntry
from kuramori_segments.slot_table import FinishedRow
from kuramori_segments.storage_fault import StorageFault
from kuramori_segments.volume import Volume
from tests.segments.test_check import KEYS, NOW, OTHER_KEY, SLOT_BYTES, Recorded

DAY_MINUTES = 1440
VOLUME_ID = b"v" * 16
MINUTE = NOW // MS_PER_MINUTE + 60


def scrub_of(recorded: Recorded, record: ScrubRecord | None = None) -> Scrub:
    return Scrub(recorded.volume, record or ScrubRecord(VOLUME_ID), KEYS, lambda _length: None)


def view_of(scrub: Scrub, minute: int = MINUTE) -> ScrubView:
    return scrub.look(minute * MS_PER_MINUTE, rest_minutes=DAY_MINUTES, most=100)


def verify_all(scrub: Scrub, minute: int = MINUTE) -> list[Verdict]:
    verdicts = [scrub.verify(row, minute * MS_PER_MINUTE) for row in view_of(scrub, minute).due]
    return [verdict for verdict in verdicts if verdict is not None]


def chunks_of(recorded: Recorded) -> list[tuple[int, ChunkHead]]:
    """Offset in the slot and head of each chunk of the first segment."""
    found, offset = [], BLOCK_BYTES
    end = (recorded.entry().extent_blocks - 1) * BLOCK_BYTES
    while offset < end:
        head = ChunkHead.unpack(recorded.disk.read_at(recorded.start + offset, 64))
        found.append((offset, head))
        offset += head.extent_bytes
    return found


class TestVerifying:
    """One segment after the other, from the medium."""

    def test_what_is_whole_is_verified_once_a_day(self) -> None:
        """Every finished segment, then nothing until the time of rest is over."""
        scrub = scrub_of(Recorded())
        segments = view_of(scrub).segments
        verdicts = verify_all(scrub)
        assert len(verdicts) == segments == 4
        assert all(verdict.is_whole and not verdict.times for verdict in verdicts)
        assert view_of(scrub).due == ()
        assert len(view_of(scrub, MINUTE + DAY_MINUTES).due) == segments

    def test_a_flipped_bit_anywhere_is_found_and_nowhere_else(self) -> None:
        """In each chunk, the header and the footer: that segment is damaged, all others are whole."""
        places = [offset + 100 for offset, _ in chunks_of(Recorded())]
        for offset in (50, *places, Recorded().footer_offset() - Recorded().start + 200):
            recorded = Recorded()
            recorded.flip(recorded.start + offset)
            damaged = [verdict for verdict in verify_all(scrub_of(recorded)) if not verdict.is_whole]
            assert [verdict.row.slot for verdict in damaged] == [recorded.first.slot]
            assert damaged[0].times

    def test_the_time_of_a_damaged_chunk_is_that_of_its_pictures(self) -> None:
        """From the last picture that begins before it to the first that begins behind."""
        recorded = Recorded()
        chunks = chunks_of(recorded)
        (_, before), (offset, _), (_, behind) = chunks[1:4]
        recorded.flip(recorded.start + offset + 100)
        verdict = next(verdict for verdict in verify_all(scrub_of(recorded)) if not verdict.is_whole)
        assert verdict.times == ((before.last_utc_ms, behind.first_utc_ms),)

    def test_without_its_first_chunk_nothing_of_a_segment_opens(self) -> None:
        """The configuration of its stream stands there."""
        recorded = Recorded()
        recorded.flip(recorded.start + BLOCK_BYTES + 100)
        verdict = next(verdict for verdict in verify_all(scrub_of(recorded)) if not verdict.is_whole)
        entry = recorded.entry()
        assert verdict.times == ((entry.start_utc_ms, entry.end_utc_ms + 1),)

    def test_a_place_that_cannot_be_read_is_damage_of_that_place(self) -> None:
        """The medium gives the rest."""
        recorded = Recorded()
        chunks = chunks_of(recorded)
        offset, _ = chunks[2]
        recorded.disk.bad_sectors.add((recorded.start + offset) // 512)
        damaged = [verdict for verdict in verify_all(scrub_of(recorded)) if not verdict.is_whole]
        assert [finding.kind for finding in damaged[0].findings] == [FindingKind.SLOT_UNREADABLE]
        assert damaged[0].times == ((chunks[1][1].last_utc_ms, chunks[3][1].first_utc_ms),)
        assert len(damaged) == 1

    def test_a_medium_that_gives_nothing_is_no_damage(self) -> None:
        """A disk that was pulled: nothing is said of any segment, and nothing counts as verified."""
        recorded = Recorded()
        scrub = scrub_of(recorded)
        due = view_of(scrub).due
        recorded.disk.bad_sectors.update(range(recorded.disk.size_bytes // 512))
        try:
            scrub.verify(due[0], NOW)
        except StorageFault:
            pass
        else:
            raise AssertionError("a verdict on a medium that gives nothing")
        recorded.disk.bad_sectors.clear()
        assert view_of(scrub).due == due

    def test_what_was_overwritten_meanwhile_gives_no_verdict(self) -> None:
        """Its slot belongs to another segment, or to none, when the reading is over."""
        recorded = Recorded()
        row = view_of(scrub_of(recorded)).due[0]

        def overwrite(_length: int) -> None:
            while recorded.volume.entry(row.slot) == before:
                recorded.volume.take_slot(1, plans={}, now_utc_ms=NOW)

        before = recorded.volume.entry(row.slot)
        scrub = Scrub(recorded.volume, ScrubRecord(VOLUME_ID), KEYS, overwrite)
        assert scrub.verify(row, NOW) is None
        assert scrub.verify(row, NOW) is None

    def test_a_footer_of_an_earlier_device_key_is_not_judged(self) -> None:
        """A key that is not known any more proves nothing, and is no damage."""
        stranger = DeviceSigner(OTHER_KEY)
        scrub = Scrub(
            Recorded().volume, ScrubRecord(VOLUME_ID), {stranger.key_id: stranger.public_key}, lambda _length: None
        )
        assert all(verdict.is_whole for verdict in verify_all(scrub))

    def test_the_pace_is_asked_before_every_read(self) -> None:
        """For as many bytes as are read."""
        asked: list[int] = []
        recorded = Recorded()
        scrub = Scrub(recorded.volume, ScrubRecord(VOLUME_ID), KEYS, asked.append)
        assert scrub.verify(view_of(scrub).due[0], NOW) is not None
        assert sum(asked) >= recorded.entry().extent_blocks * BLOCK_BYTES

    @given(st.binary(max_size=3 * BLOCK_BYTES), st.integers(0, SLOT_BYTES - 1))
    def test_any_bytes_have_a_time_of_damage(self, noise: bytes, offset: int) -> None:
        """Whatever stands in the slot, the answer is some times of the segment, and no fault."""
        content = bytearray(SLOT_BYTES)
        content[offset : offset + len(noise)] = noise
        entry = SlotEntry(2, 1, 1, bytes(16), NOW, NOW + 5000, SLOT_BYTES // BLOCK_BYTES)
        times = damaged_times(
            lambda at, length: bytes(content[at : at + length]), SLOT_BYTES, entry, {FindingKind.CHUNK_HEAD}
        )
        assert times
        assert all(begin < end for begin, end in times)


class TestOrder:
    """What is read back next."""

    def test_what_was_never_verified_comes_first_then_the_oldest(self) -> None:
        """Among the unverified the oldest recording; among the verified the one that waited longest."""
        rows = [row_of(slot, end_minute=MINUTE - 9000 - slot) for slot in range(6)]
        record = ScrubRecord(VOLUME_ID)
        for slot, minute in ((0, MINUTE - 3000), (1, MINUTE - 5000), (2, MINUTE - 10)):
            record.note(slot, 1, minute)
        assert [row.slot for row in choice(rows, record).due] == [5, 4, 3, 1, 0]

    def test_a_pass_is_over_when_all_that_was_there_has_been_verified(self) -> None:
        """What was recorded since does not hold it up."""
        record = ScrubRecord(VOLUME_ID)
        record.note_pass(MINUTE - 100, NEVER)
        rows = [row_of(0, end_minute=MINUTE - 200), row_of(1, end_minute=MINUTE - 50)]
        assert not choice(rows, record).pass_is_over
        record.note(0, 1, MINUTE - 20)
        found = choice(rows, record)
        assert found.pass_is_over
        assert (found.segments, found.unverified) == (2, 1)
        assert found.oldest_unverified_utc_ms == (MINUTE - 50) * MS_PER_MINUTE

    def test_passes_are_noted_one_after_another(self) -> None:
        """The end of the first full pass is known, then that of the second."""
        scrub = scrub_of(Recorded())
        verify_all(scrub)
        view_of(scrub, MINUTE + 1)
        first = scrub.record.pass_ended_minute
        verify_all(scrub, MINUTE + DAY_MINUTES + 2)
        view_of(scrub, MINUTE + DAY_MINUTES + 3)
        assert NEVER < first < scrub.record.pass_ended_minute

    def test_a_clock_that_was_put_back_stops_nothing(self) -> None:
        """A verification in the future counts as one of now."""
        record = ScrubRecord(VOLUME_ID)
        record.note(0, 1, MINUTE + 99_000)
        record.note(1, 1, MINUTE - 99_000)
        assert [row.slot for row in choice([row_of(0), row_of(1)], record).due] == [1]


class TestRecord:
    """What outlives the process."""

    @given(st.dictionaries(st.integers(0, 2000), st.tuples(st.integers(1, 1 << 32 - 1), st.integers(1, MINUTE))))
    def test_it_reads_what_it_wrote(self, rows: dict[int, tuple[int, int]]) -> None:
        """In place, block by block, in any number of goes."""
        record, medium = ScrubRecord(VOLUME_ID), bytearray()
        record.note_pass(5, 4)
        for slot, (generation, minute) in rows.items():
            record.note(slot, generation, minute)
            for offset, block in record.take_due():
                medium.extend(bytes(max(0, offset + len(block) - len(medium))))
                medium[offset : offset + len(block)] = block
        loaded = ScrubRecord.load(bytes(medium), VOLUME_ID)
        for slot, (generation, minute) in rows.items():
            assert loaded.minute_of(slot, generation) == minute
            assert loaded.minute_of(slot, generation + 1) == NEVER

    @given(st.binary(max_size=3 * BLOCK_BYTES))
    def test_any_bytes_are_a_record_or_none(self, data: bytes) -> None:
        """What is not whole says nothing."""
        assert ScrubRecord.load(data, VOLUME_ID).minute_of(0, 0) == NEVER

    def test_a_torn_block_costs_its_own_rows(self) -> None:
        """They are read back again."""
        record = ScrubRecord(VOLUME_ID)
        record.note(0, 1, MINUTE)
        record.note(600, 1, MINUTE)
        record.note_pass(1, 1)
        data = bytearray(record.all_blocks())
        data[BLOCK_BYTES + 9] ^= 1
        loaded = ScrubRecord.load(bytes(data), VOLUME_ID)
        assert (loaded.minute_of(0, 1), loaded.minute_of(600, 1)) == (NEVER, MINUTE)

    def test_a_record_of_another_volume_says_nothing(self) -> None:
        """A file that was put in its place by mistake."""
        record = ScrubRecord(VOLUME_ID)
        record.note(0, 1, MINUTE)
        assert ScrubRecord.load(record.all_blocks(), b"o" * 16).minute_of(0, 1) == NEVER


def row_of(slot: int, end_minute: int = MINUTE - 9000) -> FinishedRow:
    return FinishedRow(slot, 1, slot, end_minute * MS_PER_MINUTE, SLOT_BYTES, 1)


def choice(rows: list[FinishedRow], record: ScrubRecord) -> ScrubView:
    return look(rows, record, MINUTE * MS_PER_MINUTE, rest_minutes=DAY_MINUTES, most=100)


def test_finished_rows_are_what_the_table_says() -> None:
    """Finished segments alone, each with the generation of its entry."""
    volume: Volume = Recorded().volume
    rows = list(volume.finished_rows())
    assert rows
    for row in rows:
        entry = volume.entry(row.slot)
        assert entry is not None
        told = (entry.camera_number, entry.sequence, entry.end_utc_ms, entry.extent_blocks * BLOCK_BYTES)
        assert (row.camera_number, row.sequence, row.end_utc_ms, row.extent_bytes) == told
        assert row.generation == entry.generation
