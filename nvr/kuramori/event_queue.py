"""Events that a camera reported, on their way into its encrypted index: few, short, and never in the way of pictures.

A camera may report as much as it likes. One event a second is kept, a minute's worth at once; the rest is counted, and
the next one that is kept says how many there were. The last places are for what is no motion: a storm of motion must
not hide tampering. What waits is sealed with the next pictures and not alone, and nothing that has waited for a minute
is kept: motion without a picture would only tell that somebody passed by (R5). Pure; must not know segments or clocks.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from kuramori.camera_messages import CameraEvent
from kuramori_segments.records import CameraEventRecord

EVENTS_PER_SECOND = 1
BURST_EVENTS = 60
RESERVED_EVENTS = 10  # of the burst: not for motion
WAITING_EVENTS_MOST = 64
WAIT_MOST_MS = 60_000
CLOCK_DOUBT_MS = 60_000  # a time of receipt further away than that is not believed
TEXT_CHARACTERS_MOST = 100  # two of them, in UTF-8 and escaped, stay within MAX_CAMERA_EVENT_BYTES
UTC_MS_END = 1 << 52
NS_PER_SECOND = 1_000_000_000
KINDS = frozenset({"motion", "tamper", "signal_loss", "storage_failure", "recording_job", "reboot", "other"})
FREQUENT_KINDS = frozenset({"motion", "other"})


@dataclass(slots=True)
class EventQueue:
    """The events of one camera."""

    received: int = 0
    dropped: int = 0  # too many, or no picture came in time
    _waiting: deque[CameraEventRecord] = field(default_factory=deque)
    _unsaid: int = 0  # dropped, and no record has said so yet
    _allowance_ns: int = BURST_EVENTS * NS_PER_SECOND // EVENTS_PER_SECOND
    _counted_boot_ns: int | None = None

    def offer(self, events: Iterable[CameraEvent], utc_ms: int, boot_ns: int) -> None:
        """Take events in, as many as the rate allows; the others are counted."""
        self._earn(boot_ns)
        for event in events:
            self.received += 1
            record = _record_of(event, utc_ms)
            if not self._spend(record.kind):
                self._drop(record)
                continue
            self._waiting.append(record)
            if len(self._waiting) > WAITING_EVENTS_MOST:
                self._drop(self._waiting.popleft())

    def note_dropped(self, count: int) -> None:
        """Count events that were let go before they came here."""
        self.received += count
        self.dropped += count
        self._unsaid += count

    def refuse(self, count: int) -> None:
        """Count events of a camera that is not to be recorded now."""
        self.received += count
        self.dropped += count

    @property
    def waits(self) -> bool:
        """Tell whether something is to be sealed."""
        return bool(self._waiting)

    def take(self, utc_ms: int) -> Iterator[CameraEventRecord]:
        """Yield what is to be sealed; each is taken out when the next one is asked for."""
        while self._waiting:
            record = self._waiting[0]
            if abs(utc_ms - record.utc_ms) > WAIT_MOST_MS:
                self._drop(self._waiting.popleft())
                continue
            if self._unsaid:
                record = self._waiting[0] = replace(record, dropped=record.dropped + self._unsaid)
                self._unsaid = 0
            yield record
            self._waiting.popleft()

    def put_back(self, records: Iterable[CameraEventRecord]) -> None:
        """Take back, in front, what was sealed but could not be written."""
        self._waiting.extendleft(reversed(tuple(records)))
        while len(self._waiting) > WAITING_EVENTS_MOST:
            self._drop(self._waiting.popleft())

    def clear(self) -> None:
        """Forget what waits: the camera is not to be recorded any more."""
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._unsaid = 0

    def _drop(self, record: CameraEventRecord) -> None:
        self.dropped += 1
        self._unsaid += 1 + record.dropped

    def _earn(self, boot_ns: int) -> None:
        if self._counted_boot_ns is not None:
            most_ns = BURST_EVENTS * NS_PER_SECOND // EVENTS_PER_SECOND
            self._allowance_ns = min(most_ns, self._allowance_ns + max(0, boot_ns - self._counted_boot_ns))
        self._counted_boot_ns = boot_ns

    def _spend(self, kind: str) -> bool:
        cost_ns = NS_PER_SECOND // EVENTS_PER_SECOND
        left_ns = self._allowance_ns - cost_ns
        if left_ns < (RESERVED_EVENTS * cost_ns if kind in FREQUENT_KINDS else 0):
            return False
        self._allowance_ns = left_ns
        return True


def _record_of(event: CameraEvent, utc_ms: int) -> CameraEventRecord:
    believed = abs(event.received_utc_ms - utc_ms) <= CLOCK_DOUBT_MS
    camera_utc_ms = event.camera_utc_ms
    if camera_utc_ms is not None and not 0 <= camera_utc_ms < UTC_MS_END:
        camera_utc_ms = None
    return CameraEventRecord(
        kind=event.kind if event.kind in KINDS else "other",
        utc_ms=event.received_utc_ms if believed else utc_ms,
        begins=event.begins,
        camera_utc_ms=camera_utc_ms,
        topic=_short(event.topic),
        detail=_short(event.detail),
    )


def _short(text: str) -> str:
    """Return what can be shown of a text that a camera chose; control characters and half characters are not."""
    return "".join(character if character.isprintable() else "?" for character in text[:TEXT_CHARACTERS_MOST])
