"""Events of a camera on their way into its encrypted index: bounded, honest about what was left out, never alone."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kuramori.camera_messages import CameraEvent
from kuramori.event_queue import (
    BURST_EVENTS,
    CLOCK_DOUBT_MS,
    RESERVED_EVENTS,
    WAIT_MOST_MS,
    WAITING_EVENTS_MOST,
    EventQueue,
)
from kuramori_segments.limits import MAX_CAMERA_EVENT_BYTES
from kuramori_segments.records import CameraEventRecord, RecordType, decode_record, encode_camera_event

NOW = 1_790_000_000_000
BOOT_NS = 10**12
SECOND_NS = 10**9
MOTION = CameraEvent("motion", "tns1:RuleEngine/CellMotionDetector/Motion", True, NOW - 3000, NOW - 20, "region 1")


def taken(queue: EventQueue, utc_ms: int = NOW) -> list[CameraEventRecord]:
    """Everything that would be sealed now."""
    return list(queue.take(utc_ms))


def test_an_event_is_kept_as_the_camera_told_it() -> None:
    """Kind, topic, both times and whether it begins."""
    queue = EventQueue()
    queue.offer([MOTION], NOW, BOOT_NS)
    assert taken(queue) == [CameraEventRecord("motion", NOW - 20, True, NOW - 3000, MOTION.topic, "region 1")]
    assert not queue.waits
    assert (queue.received, queue.dropped) == (1, 0)


def test_a_storm_is_cut_and_the_next_event_says_how_much_was_left_out() -> None:
    """Ten thousand in a second: a minute's worth is kept but for the reserve, all are counted."""
    queue = EventQueue()
    queue.offer([MOTION] * 10_000, NOW, BOOT_NS)
    kept = taken(queue)
    assert len(kept) == BURST_EVENTS - RESERVED_EVENTS
    assert queue.received == 10_000
    assert queue.dropped == 10_000 - len(kept)
    queue.offer([MOTION], NOW, BOOT_NS + SECOND_NS)
    (next_one,) = taken(queue)
    assert sum(record.dropped for record in kept) + next_one.dropped == queue.dropped


def test_what_was_let_go_on_the_way_is_counted_and_said_too() -> None:
    """The door drops from a storm before the recorder does; the next record says both."""
    queue = EventQueue()
    queue.note_dropped(40)
    queue.offer([MOTION], NOW, BOOT_NS)
    assert [record.dropped for record in taken(queue)] == [40]
    assert (queue.received, queue.dropped) == (41, 40)


def test_an_hour_of_storm_stays_at_one_a_second() -> None:
    """What is kept in an hour is less than 4 MiB, whatever the camera sends."""
    queue, kept = EventQueue(), 0
    for second in range(3600):
        now = NOW + second * 1000
        queue.offer([replace(MOTION, received_utc_ms=now)] * 50, now, BOOT_NS + second * SECOND_NS)
        kept += sum(len(encode_camera_event(record)) for record in taken(queue, now))
    assert kept < (3600 + BURST_EVENTS) * (MAX_CAMERA_EVENT_BYTES + 8) < 4 << 20


def test_a_storm_of_motion_does_not_hide_tampering() -> None:
    """The last places of the burst are for what is no motion."""
    queue = EventQueue()
    queue.offer([MOTION] * 1000, NOW, BOOT_NS)
    queue.offer([replace(MOTION, kind="tamper"), MOTION], NOW, BOOT_NS)
    assert [record.kind for record in taken(queue)][-1] == "tamper"


def test_what_waited_a_minute_without_a_picture_is_not_kept() -> None:
    """Motion without a picture would only tell that somebody passed by."""
    queue = EventQueue()
    queue.offer([MOTION], NOW, BOOT_NS)
    assert taken(queue, NOW + WAIT_MOST_MS) == []
    assert queue.dropped == 1


def test_waiting_events_are_bounded() -> None:
    """A camera whose pictures stay away for a while costs no memory."""
    queue = EventQueue()
    for second in range(300):
        queue.offer([replace(MOTION, received_utc_ms=NOW)], NOW, BOOT_NS + second * SECOND_NS)
    assert len(taken(queue)) == WAITING_EVENTS_MOST
    assert queue.dropped == 300 - WAITING_EVENTS_MOST


def test_what_could_not_be_written_comes_again_in_front() -> None:
    """Nothing is lost to a storage fault, and the order stays."""
    queue = EventQueue()
    queue.offer([replace(MOTION, detail=str(number)) for number in range(4)], NOW, BOOT_NS)
    first = taken(queue)[:2]
    queue.offer([replace(MOTION, detail="later")], NOW, BOOT_NS)
    queue.put_back(first)
    assert [record.detail for record in taken(queue)] == ["0", "1", "later"]


def test_whoever_stops_taking_keeps_the_rest() -> None:
    """A segment that is full leaves the event for the next one."""
    queue = EventQueue()
    queue.offer([replace(MOTION, detail=str(number)) for number in range(3)], NOW, BOOT_NS)
    for record in queue.take(NOW):
        if record.detail == "1":
            break
    assert [record.detail for record in taken(queue)] == ["1", "2"]


def test_a_time_of_receipt_that_cannot_be_is_replaced_by_ours() -> None:
    """A door whose clock is wrong moves no event to another hour; a camera's own impossible time is left out."""
    queue = EventQueue()
    wild = replace(MOTION, received_utc_ms=NOW + CLOCK_DOUBT_MS + 1, camera_utc_ms=-5)
    queue.offer([wild, replace(wild, camera_utc_ms=1 << 60)], NOW, BOOT_NS)
    assert [(record.utc_ms, record.camera_utc_ms) for record in taken(queue)] == [(NOW, None), (NOW, None)]


def test_a_paused_camera_leaves_nothing_behind() -> None:
    """What waited goes, and what comes is only counted."""
    queue = EventQueue()
    queue.offer([MOTION], NOW, BOOT_NS)
    queue.clear()
    queue.refuse(2)
    assert taken(queue) == []
    assert (queue.received, queue.dropped) == (3, 3)


@given(kind=st.text(), topic=st.text(max_size=300), detail=st.text(max_size=300), camera_utc_ms=st.integers())
def test_whatever_a_camera_says_fits_the_record(kind: str, topic: str, detail: str, camera_utc_ms: int) -> None:
    """Any texts and times make a record that can be written and read; unknown kinds are *other*."""
    queue = EventQueue()
    queue.offer([CameraEvent(kind, topic, None, camera_utc_ms, NOW, detail)], NOW, BOOT_NS)
    (record,) = taken(queue)
    encoded = encode_camera_event(record)
    assert decode_record(RecordType.CAMERA_EVENT, 0, encoded[8:]) == record
    assert record.topic.isprintable()
