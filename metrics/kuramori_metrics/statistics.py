"""What the recorder tells of itself at scrape time: plain frozen figures, filled by whoever has them.

Times are UTC milliseconds, None where there is no such moment. Counters only rise while a process lives and begin
at zero with it. Texts that become labels (camera names, reasons, states) are fixed short names. This module must
not know Prometheus, nor where a figure comes from.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LabelledCount:
    """How often something happened, for one value of a label (a reason, an errno name, a state)."""

    label: str
    count: int


@dataclass(frozen=True, slots=True)
class HistogramStatistics:
    """A distribution: `counts` has one entry for each upper bound and one more for what lies above them all."""

    upper_bounds_seconds: tuple[float, ...] = ()
    counts: tuple[int, ...] = (0,)  # in each bucket alone, not accumulated
    sum_seconds: float = 0.0


TAMPER_KINDS = ("scene_change", "too_dark", "too_bright", "blurred", "signal_loss", "tampering", "other")
LIGHTS = ("green", "red", "unknown")
PLANNED_GAPS = ("maintenance", "recorder_stopped", "not_yet_started")  # nobody need look at these
SILENCES = ("chosen", "made", "edited", "not_silent", "not_told")


@dataclass(frozen=True, slots=True)
class CameraTold:
    """What a camera tells of itself beside its stream, as of `utc_ms`. None: it does not tell."""

    utc_ms: int
    silence: str = "not_told"  # one of SILENCES: how the media profile in use came to be without sound (R3)
    profiles_with_audio: int = 0
    card_records: bool | None = None
    card_records_audio: bool | None = None
    events_heard: bool | None = None  # None: not asked for, or not offered
    tampered: tuple[str, ...] = ()  # active kinds; what is not in TAMPER_KINDS is "other"
    masks_missing: bool | None = None  # None: none is required (R4)
    certificate_changed: bool | None = None  # None: the camera is not asked over TLS


@dataclass(frozen=True, slots=True)
class FillingStatistics:
    """What is filled of a camera's gaps from its own card."""

    filled_seconds: float = 0.0
    failed_pieces: int = 0
    pending_seconds: float = 0.0
    given_up_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CameraStatistics:
    """One camera, whether it records or not."""

    name: str
    recording: bool = False
    last_durable_frame_utc_ms: int | None = None
    gaps_by_reason: tuple[LabelledCount, ...] = ()  # ended runs by the lower-case name of the gap's reason
    received_bytes: int = 0
    received_packets: int = 0
    lost_packets: int = 0
    rejected_packets: int = 0  # came, but were not what they should be
    access_units: int = 0
    dropped_access_units: int = 0  # received, but never stored
    audio_setups: int = 0  # audio tracks that were SETUP (R3)
    undecided_audio_setups: int = 0  # of them, without a written decision: must stay 0
    audio_decided: bool = False
    audio_recorded: bool = False
    audio_offered: bool = False
    reconnects_by_reason: tuple[LabelledCount, ...] = ()  # why the connection before ended
    clock_offset_seconds: float | None = None  # the camera's clock minus ours
    paused: bool = False  # for maintenance: not recorded on purpose
    told: CameraTold | None = None  # None: nobody asks it (a camera by its stream's address alone)
    stream_certificate_changed: bool | None = None  # None: its stream has no certificate
    card_light: str = "unknown"  # one of LIGHTS
    card_allowed: bool = False  # it may record on its own card (K8)
    events_received: int = 0
    events_dropped: int = 0  # too many to keep
    filling: FillingStatistics | None = None  # None: not allowed
    retention_seconds: float | None = None
    retention_reached_seconds: float | None = None  # how long its pictures will stay; None: not looked at yet
    rate_measured: bool | None = None  # False: the configuration's expectation; None: not looked at yet
    oldest_recording_utc_ms: int | None = None  # first frame of its oldest segment in a ring, openable or not
    oldest_decryptable_utc_ms: int | None = None  # first frame of its oldest living key, holds excepted
    erasure_lag_seconds: float | None = None  # how far that is beyond its retention, by the recorder's clock


@dataclass(frozen=True, slots=True)
class ScrubStatistics:
    """How far reading back (O3) has come on one volume."""

    segments: int = 0  # finished ones in the ring
    unverified: int = 0  # of them, never read back
    damaged: int = 0  # of them, known to be damaged
    damage_found: int = 0  # segments that turned out to be damaged, each once
    verified_bytes: int = 0
    oldest_unverified_utc_ms: int | None = None  # last picture of the oldest segment never read back
    last_pass_utc_ms: int | None = None  # when everything had been read back
    readable: bool = True  # the medium gives what is asked of it


@dataclass(frozen=True, slots=True)
class CapacityStatistics:
    """What becomes of a ring at the present rates. None: never."""

    first_overwrite_seconds: float | None = None  # from now
    first_loss_seconds: float | None = None  # of something within its retention
    floor_missed_seconds: float | None = None
    needed_bytes: int = 0  # the size that would do


@dataclass(frozen=True, slots=True)
class HoldBudgetStatistics:
    """How much of all rings holds may keep, and how much they do or will."""

    slots: int = 0
    used_slots: int = 0


@dataclass(frozen=True, slots=True)
class VolumeStatistics:
    """One volume and its ring."""

    name: str
    slots_by_state: tuple[LabelledCount, ...] = ()
    slot_bytes: int = 0
    zero_filled_slots: int = 0
    slot_count: int = 0
    held_slots: int = 0
    capacity: CapacityStatistics | None = None  # None: not looked at yet
    written_bytes: int = 0  # everything: data, slot table, zero-filling
    data_bytes: int = 0  # segments alone
    syncs: int = 0
    commit_latency: HistogramStatistics = field(default_factory=HistogramStatistics)
    write_errors_by_errno: tuple[LabelledCount, ...] = ()  # errno names such as EIO
    healthy: bool = True
    scrub: ScrubStatistics | None = None  # None: it has not begun


@dataclass(frozen=True, slots=True)
class KeystoreStatistics:
    """Keys and their destruction."""

    erasure_tier: str  # "E0", "E2"
    epochs: int = 0  # living epoch keys
    kept_segment_keys: int = 0  # kept by holds beyond their epoch
    rotations: int = 0
    last_rotation_utc_ms: int | None = None
    erasure_pending: bool = False  # keys that are due could not be destroyed yet
    holds: int = 0  # in force
    oldest_held_utc_ms: int | None = None  # first frame that a hold keeps
    overdue_epochs: int = 0  # by a clock that is not trusted
    on_fallback: bool = False  # the cell cannot be reached: new keys go under the fallback cell
    hold_budget: HoldBudgetStatistics | None = None  # None: not looked at yet
    erasure_lag_seconds: float = 0.0  # how far the most overdue key is beyond its camera's retention


@dataclass(frozen=True, slots=True)
class CustodianKeyStatistics:
    """One custodian in office, by a short id: names do not belong into metrics."""

    custodian: str
    shown_utc_ms: int


@dataclass(frozen=True, slots=True)
class CustodyStatistics:
    """Who can open, as far as it shows without names."""

    custodians: tuple[CustodianKeyStatistics, ...] = ()
    earlier_sets: int = 0
    recovery_used: bool = False


@dataclass(frozen=True, slots=True)
class RequestStatistics:
    """What the office must not forget, as numbers."""

    handovers_overdue: int = 0
    holds_ending: int = 0  # those that ended under a waiting request included
    urgent_undocumented: int = 0
    urgent_late: int = 0


@dataclass(frozen=True, slots=True)
class LedgerStatistics:
    """The ledger and its mirror."""

    size_bytes: int = 0
    mirror_sound: bool = True
    mirror_failures: int = 0


@dataclass(frozen=True, slots=True)
class ProcessStatistics:
    """One of the processes under the supervisor."""

    name: str
    up: bool
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class MediumStatistics:
    """One recording medium's place (K7)."""

    volume: str
    missing: bool
    permitted: bool  # it may be away now


@dataclass(frozen=True, slots=True)
class MediumHealthStatistics:
    """How the medium under one volume is (O2). None: nothing tells."""

    volume: str
    light: str = "unknown"  # one of LIGHTS
    light_since_utc_ms: int | None = None
    worn_ratio: float | None = None  # used part of its life; may pass 1
    written_bytes: int | None = None  # to the whole medium, over restarts
    endurance_bytes: int | None = None  # as configured
    swapped: bool = False  # another medium than the one accepted last
    report_age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class MailStatistics:
    """Mails to the office, counted since the messenger's memory was made."""

    sent: int = 0
    failed: int = 0  # attempts
    given_up: int = 0  # mails that nobody got
    waiting: int = 0
    oldest_waiting_utc_ms: int | None = None
    last_success_utc_ms: int | None = None
    looked_utc_ms: int | None = None  # when the messenger last looked at the recorder


@dataclass(frozen=True, slots=True)
class RecorderStatistics:
    """Everything that is shown, as of one moment."""

    version: str = ""
    python_version: str = ""
    started_utc_ms: int | None = None
    loop_lag_seconds: float = 0.0  # the longest delay of the event loop in the last minute
    late_ticks: int = 0  # ticks that found the commit before still at work
    backlog_bytes: int = 0  # access units in memory that no volume has taken yet
    clock_trusted: bool = True
    custodian_set_valid: bool = True
    clock_offset_limit_seconds: float | None = None  # a camera's clock beyond it is reported
    cameras: tuple[CameraStatistics, ...] = ()
    volumes: tuple[VolumeStatistics, ...] = ()
    keystore: KeystoreStatistics | None = None
    ledger: LedgerStatistics | None = None
    custody: CustodyStatistics | None = None
    media: tuple[MediumStatistics, ...] = ()
    medium_health: tuple[MediumHealthStatistics, ...] = ()
    processes: tuple[ProcessStatistics, ...] = ()
    site_light: str | None = None  # one of LIGHTS; None: nobody has looked
    page_utc_ms: int | None = None  # when these figures were put together
    mail: MailStatistics | None = None  # None: no mail is configured
    requests: RequestStatistics | None = None  # None: the register cannot be used


class StatisticsUnavailable(Exception):
    """Whoever should tell the figures cannot now; `detail` says why. The scrape is answered with 503."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)
