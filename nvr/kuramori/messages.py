"""What recorder, door and desk say to one another over Unix sockets: one frozen value per question and answer.

On the wire each is one line of JSON: `{"id": 7, "method": "coverage", "body": {...}}` asks, `{"id": 7, "answer":
{...}}` or `{"id": 7, "failure": {"code": "...", "message": "..."}}` replies. Bytes are base64, times UTC
milliseconds. `METHODS` is the whole protocol. This module must not know sockets, and nothing here acts.
"""

import json
from dataclasses import dataclass, field, is_dataclass
from enum import StrEnum
from typing import Any

from kuramori import custody_messages as custody
from kuramori import ending_messages as ending
from kuramori.camera_messages import CameraEvents, CameraFacts, Pause, PauseCameraRequest
from kuramori.capacity_messages import CapacityPlan, CapacityRequest, HoldBudget
from kuramori.door_messages import (
    AcceptCertificateRequest,
    CardRecordings,
    DiscoverRequest,
    Discovery,
    DoorStatus,
    DoorStatusRequest,
    FindRecordingsRequest,
    KnownCertificate,
    RefreshCameraRequest,
)
from kuramori.door_messages import (
    CameraStream as CameraStream,
)
from kuramori.erasure_messages import ConfirmTimeRequest, Overdue, OverdueRequest
from kuramori.erasure_messages import ErasedKeys as ErasedKeys
from kuramori.erasure_messages import ErasedRange as ErasedRange
from kuramori.erasure_messages import EraseRequest as EraseRequest
from kuramori.erasure_messages import Erasure as Erasure
from kuramori.erasure_messages import ErasureCause as ErasureCause
from kuramori.erasure_messages import ErasureProof as ErasureProof
from kuramori.erasure_messages import ErasureProofRequest as ErasureProofRequest
from kuramori.erasure_messages import Erasures as Erasures
from kuramori.erasure_messages import ErasuresRequest as ErasuresRequest
from kuramori.storage_health.medium_report import AcceptMediumRequest, MediaHealth, MediaHealthRequest, MediumReport
from kuramori.texts import BothLanguages
from kuramori.wire import WireBytes, WireInvalid, from_plain, to_plain
from kuramori_metrics.statistics import RecorderStatistics

MESSAGE_LIMIT_BYTES = 48 * 1024 * 1024  # one line; a plan of PLAN_LIMIT_SEGMENTS headers fits
PLAN_LIMIT_SEGMENTS = 4096  # about 34 hours of one camera at 4 Mbit/s


class FailureCode(StrEnum):
    """Why the recorder did not do what was asked. Stable: callers choose by it."""

    UNKNOWN_CAMERA = "unknown-camera"
    UNKNOWN_METHOD = "unknown-method"
    UNREADABLE = "unreadable"  # the line is not a message of this protocol
    NOT_READY = "not-ready"  # starting, stopping, or no custodian set: ask again later
    RANGE_TOO_LARGE = "range-too-large"  # more than PLAN_LIMIT_SEGMENTS segments
    RANGE_INVALID = "range-invalid"  # from is not before to
    ERASED = "erased"  # a key asked for no longer exists
    UNKNOWN_SEGMENT = "unknown-segment"
    UNKNOWN_HOLD = "unknown-hold"
    HOLD_BUDGET = "hold-budget"  # granting it would push other cameras below their floor
    STORAGE = "storage"  # keystore or ledger could not be written
    DISCOVERY = "discovery"  # there is no interface to search on
    CERTIFICATE = "certificate"  # not the one that was shown and refused, or the configuration says whom to trust
    MEDIUM_KEPT = "medium-kept"  # holds name what lies on it, or there is no other volume
    TIME_UNPROVEN = "time-unproven"  # too few custodians vouch for it, or not for this recorder
    VOLUME_AWAY = "volume-away"  # what it concerns lies, or may lie, on a volume that is away: it must wait
    UNKNOWN_MEDIUM = "unknown-medium"  # no volume lies at that path
    CAMERA = "camera"  # the camera did not answer what was asked of it


class SpanKind(StrEnum):
    """What coverage says of a span of one camera's time."""

    RECORDED = "recorded"  # there, its key alive
    GAP = "gap"  # never recorded; `reason` says why
    ERASED = "erased"  # was recorded; its key has been destroyed or its slot overwritten
    AWAY = "away"  # was recorded; it lies, or may lie, on a volume that does not answer now
    UNPROVEN = "unproven"  # there, but recovered after a crash: readable, proven by a recovery record
    DAMAGED = "damaged"  # was recorded; the medium does not give it back whole, as reading back found


class SegmentState(StrEnum):
    """What the slot table says of a segment."""

    OPEN = "open"
    CLOSED = "closed"
    RECOVERED = "recovered"
    DAMAGED = "damaged"  # only an extraction says so: parts of it were not given back whole by the medium


class CameraState(StrEnum):
    """What a camera is doing."""

    RECORDING = "recording"
    CONNECTING = "connecting"
    WAITING = "waiting"  # backing off before the next attempt
    OFF = "off"
    PAUSED = "paused"  # for maintenance, until the time that `pause` says


# ---- status ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """How are you?"""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera as the recorder sees it now."""

    name: str
    number: int
    state: CameraState
    since_utc_ms: int  # in this state since
    codec: str = ""  # "h264", "h265", or empty before the first description
    last_durable_utc_ms: int | None = None  # time of the last access unit that is on disk
    gap_reason: str = ""  # lower-case name of a GapReason while not recording
    detail: str = ""  # the facts of the last end, never a secret
    retention_days: float = 0.0
    oldest_decryptable_utc_ms: int | None = None
    audio_offered: tuple[str, ...] = ()
    setups: tuple[str, ...] = ()  # media kinds that were SETUP: ("video",), and "audio" by written decision
    sound: str = ""  # what is done with its sound, as the segments say it
    received_bytes: int = 0
    access_units: int = 0
    lost_packets: int = 0
    reconnects: int = 0
    pause: Pause | None = None  # while it is paused
    facts: CameraFacts | None = None  # what the door last told, as of its time; from before a restart too
    certificate: KnownCertificate | None = None  # of its stream over rtsps; None where it has none
    events_received: int = 0
    events_dropped: int = 0


@dataclass(frozen=True, slots=True)
class ScrubStatus:
    """How far reading back (O3) has come on one volume."""

    segments: int  # finished ones
    unverified: int  # of them, never read back
    damaged: int  # of them, known to be damaged
    oldest_unverified_utc_ms: int | None = None  # last picture of the oldest segment never read back
    last_pass_utc_ms: int | None = None  # when everything had been read back
    fault: str = ""  # why nothing can be read now


@dataclass(frozen=True, slots=True)
class VolumeStatus:
    """One volume's ring."""

    path: str
    slot_bytes: int
    slot_count: int
    filled_slots: int  # zero-filled so far
    free_slots: int
    held_slots: int
    bad_slots: int
    healthy: bool
    detail: str = ""
    scrub: ScrubStatus | None = None  # None: it has not begun
    permitted: bool = False  # it may be away now (K7): no alarm


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """The recorder at a glance. `problems` are sentences for the operator; empty means green."""

    recorder_id: WireBytes
    utc_ms: int
    started_utc_ms: int
    recording: bool
    custodian_set_id: WireBytes
    threshold: int
    custodians: int
    erasure_tier: str  # "E0", "E2"
    clock_trusted: bool
    cameras: tuple[CameraStatus, ...] = ()
    volumes: tuple[VolumeStatus, ...] = ()
    problems: tuple[str, ...] = ()
    media: tuple[MediumReport, ...] = ()  # health of the media under volumes and state directory
    problem_texts: tuple[BothLanguages, ...] = ()  # the same as `problems`, for readers of either language


# ---- coverage ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CoverageRequest:
    """What is there of this camera between these times (half open)?"""

    camera: str
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class CoverageSpan:
    """A span of one kind; spans of an answer follow one another without holes."""

    from_utc_ms: int
    to_utc_ms: int
    kind: SpanKind
    reason: str = ""  # lower-case name of a GapReason where kind is GAP
    filled: bool = False  # fetched later from the camera's own card


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answer: the whole asked range, in order."""

    camera: str
    from_utc_ms: int
    to_utc_ms: int
    spans: tuple[CoverageSpan, ...]


# ---- extraction --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Which segments hold this camera's pictures of this range, reaching back to the key frame?"""

    camera: str
    from_utc_ms: int
    to_utc_ms: int


@dataclass(frozen=True, slots=True)
class SegmentExtent:
    """One segment and where it lies. `extent_bytes` of an OPEN one ends with its last durable commit."""

    volume_path: str
    offset_bytes: int
    extent_bytes: int
    header: WireBytes  # the 4096 bytes of the segment header
    segment_uid: WireBytes  # 16 bytes
    sequence: int
    state: SegmentState
    epoch_alive: bool  # its K_seg can be released: epoch key alive, or kept for a hold
    start_utc_ms: int
    end_utc_ms: int  # of an OPEN one: its last durable access unit
    dated_by_ms: int = 0  # what is added to the times in it: recorded without a trustworthy clock, dated later


@dataclass(frozen=True, slots=True)
class ExtractionPlan:
    """Segments in order of their sequence, and the coverage of the asked range."""

    camera: str
    camera_number: int
    segments: tuple[SegmentExtent, ...]
    spans: tuple[CoverageSpan, ...]
    away_volumes: tuple[str, ...] = ()  # those that hold, or may hold, more of it, and cannot be read now


@dataclass(frozen=True, slots=True)
class ReleaseKeysRequest:
    """Release the second lock of exactly these segments. The desk asks after *opened* is durable."""

    request_id: str
    segment_uids: tuple[WireBytes, ...]


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """The K_seg of one segment: a secret."""

    segment_uid: WireBytes
    k_seg: WireBytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReleasedKeys:
    """One key for each segment asked for, or the failure ERASED and none."""

    keys: tuple[SegmentKey, ...] = field(repr=False)


# ---- holds ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlaceHoldRequest:
    """Keep these minutes until `until_utc_ms` (K5). The same `hold_id` again is the same hold, not another."""

    hold_id: str  # 32 hexadecimal digits, chosen by the desk
    cameras: tuple[str, ...]
    from_utc_ms: int
    to_utc_ms: int
    until_utc_ms: int
    request_id: str  # empty where no request stands behind it
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that is in force."""

    hold_id: str
    cameras: tuple[str, ...]
    from_utc_ms: int
    to_utc_ms: int
    until_utc_ms: int
    request_id: str
    person: str
    reason: str
    placed_utc_ms: int
    segments: int  # how many it keeps now


@dataclass(frozen=True, slots=True)
class LiftHoldRequest:
    """End a hold now. Lifting one that is not there is the failure UNKNOWN_HOLD."""

    hold_id: str
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class HoldsRequest:
    """Which holds are in force?"""


@dataclass(frozen=True, slots=True)
class Holds:
    """All of them, oldest first, and how much of the rings they may keep and do."""

    holds: tuple[Hold, ...]
    budget: HoldBudget | None = None


# ---- figures -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatisticsRequest:
    """All plain counters and gauges, for whoever shows them; the answer is kuramori_metrics.statistics."""


# ---- the door ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Done; nothing more to say."""


# ---- the protocol ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Method:
    """One line of the protocol: its name, what is asked and what is answered."""

    name: str
    question: type[Any]
    answer: type[Any]


METHODS: tuple[Method, ...] = (
    Method("status", StatusRequest, RecorderStatus),
    Method("coverage", CoverageRequest, Coverage),
    Method("plan_extraction", PlanRequest, ExtractionPlan),
    Method("release_keys", ReleaseKeysRequest, ReleasedKeys),
    Method("place_hold", PlaceHoldRequest, Hold),
    Method("lift_hold", LiftHoldRequest, Acknowledged),
    Method("holds", HoldsRequest, Holds),
    Method("erase", EraseRequest, Erasure),
    Method("erasures", ErasuresRequest, Erasures),
    Method("erasure_proof", ErasureProofRequest, ErasureProof),
    Method("overdue", OverdueRequest, Overdue),
    Method("confirm_time", ConfirmTimeRequest, Erasure),
    Method("statistics", StatisticsRequest, RecorderStatistics),
    Method("capacity", CapacityRequest, CapacityPlan),
    Method("custody_segments", custody.CustodySegmentsRequest, custody.CustodySegments),
    Method("reload_custodians", custody.ReloadCustodiansRequest, custody.CustodiansInUse),
    Method("snapshot", ending.SnapshotRequest, Acknowledged),
    Method("retire_volume", ending.RetireVolumeRequest, ending.RetiredVolume),
    Method("permit_medium", ending.PermitMediumRequest, Acknowledged),
    Method("media", ending.MediaRequest, ending.Media),
    Method("media_health", MediaHealthRequest, MediaHealth),
    Method("accept_medium", AcceptMediumRequest, MediumReport),
    Method("camera_stream", CameraStream, Acknowledged),
    Method("camera_facts", CameraFacts, Acknowledged),
    Method("camera_events", CameraEvents, Acknowledged),
    Method("pause_camera", PauseCameraRequest, Pause),
    Method("door_status", DoorStatusRequest, DoorStatus),
    Method("discover", DiscoverRequest, Discovery),
    Method("find_recordings", FindRecordingsRequest, CardRecordings),
    Method("refresh_camera", RefreshCameraRequest, Acknowledged),
    Method("accept_certificate", AcceptCertificateRequest, Acknowledged),
)
BY_NAME = {method.name: method for method in METHODS}
BY_QUESTION = {method.question: method for method in METHODS}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why not, for a program (`code`) and for a person (`message`: one sentence, no secret)."""

    code: FailureCode
    message: str


class MessageUnreadable(ValueError):
    """A line is not a message of this protocol. `call_id` is its id where at least that could be read."""

    def __init__(self, detail: str, call_id: int = 0, code: FailureCode = FailureCode.UNREADABLE) -> None:
        super().__init__(detail)
        self.call_id = call_id
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """A question as it came: `question` is an instance of `method.question`."""

    call_id: int
    method: Method
    question: Any


def _from_plain(kind: type[Any], plain: Any, call_id: int) -> Any:
    try:
        return from_plain(kind, plain)
    except WireInvalid as error:
        raise MessageUnreadable(str(error), call_id) from None


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > MESSAGE_LIMIT_BYTES:
        raise MessageUnreadable(f"a line of {len(line)} bytes; at most {MESSAGE_LIMIT_BYTES}")
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise MessageUnreadable("a line that is not JSON") from None
    if not isinstance(document, dict) or type(document.get("id")) is not int:
        raise MessageUnreadable("a line without an id")
    return document


def encode_call(call_id: int, question: Any) -> bytes:
    """Return the line that asks `question` (an instance of one of the question classes)."""
    method = BY_QUESTION[type(question)]
    return _line({"id": call_id, "method": method.name, "body": to_plain(question)})


def decode_call(line: bytes) -> Call:
    """Return the question that stands in a line. Raises MessageUnreadable."""
    document = _parse(line)
    call_id: int = document["id"]
    name = document.get("method")
    method = BY_NAME.get(name) if isinstance(name, str) else None
    if method is None:
        raise MessageUnreadable("no such method", call_id, FailureCode.UNKNOWN_METHOD)
    return Call(call_id, method, _from_plain(method.question, document.get("body"), call_id))


def encode_answer(call_id: int, answer: Any) -> bytes:
    """Return the line that answers with `answer` (an instance of the method's answer class)."""
    if not is_dataclass(answer):
        raise TypeError(f"an answer is a message, not {type(answer).__name__}")
    return _line({"id": call_id, "answer": to_plain(answer)})


def encode_failure(call_id: int, failure: Failure) -> bytes:
    """Return the line that says why not."""
    return _line({"id": call_id, "failure": to_plain(failure)})


def decode_answer(line: bytes, method: Method) -> Any:
    """Return the answer of `method`, or a Failure, from a line. Raises MessageUnreadable."""
    document = _parse(line)
    call_id: int = document["id"]
    if "failure" in document:
        return _from_plain(Failure, document["failure"], call_id)
    return _from_plain(method.answer, document.get("answer"), call_id)
