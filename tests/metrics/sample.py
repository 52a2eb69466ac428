"""Statistics in which every figure is there, for tests of the page."""

from kuramori_metrics.latency_histogram import LatencyHistogram
from kuramori_metrics.statistics import (
    CameraStatistics,
    CameraTold,
    CapacityStatistics,
    CustodianKeyStatistics,
    CustodyStatistics,
    FillingStatistics,
    HoldBudgetStatistics,
    KeystoreStatistics,
    LabelledCount,
    LedgerStatistics,
    MailStatistics,
    MediumHealthStatistics,
    MediumStatistics,
    ProcessStatistics,
    RecorderStatistics,
    RequestStatistics,
    ScrubStatistics,
    VolumeStatistics,
)

NOW = 1_790_000_000_000


def camera(number: int = 0) -> CameraStatistics:
    return CameraStatistics(
        name=f"camera-{number}",
        recording=True,
        last_durable_frame_utc_ms=NOW + 500,
        gaps_by_reason=(LabelledCount("camera_offline", 3), LabelledCount("stream_damaged", 2)),
        received_bytes=123_456_789 + number,
        received_packets=98_765,
        lost_packets=7,
        rejected_packets=1,
        access_units=4500,
        dropped_access_units=2,
        audio_setups=2,
        undecided_audio_setups=0,
        audio_decided=True,
        audio_recorded=True,
        audio_offered=True,
        reconnects_by_reason=(LabelledCount("vanished", 3), LabelledCount("stalled", 1)),
        clock_offset_seconds=-0.25,
        paused=number % 2 == 1,
        told=CameraTold(
            utc_ms=NOW - 60_000,
            silence="made",
            profiles_with_audio=2,
            card_records=True,
            card_records_audio=False,
            events_heard=True,
            tampered=("too_dark", "a vendor's own"),
            masks_missing=True,
            certificate_changed=False,
        ),
        card_light="red",
        card_allowed=True,
        events_received=1234,
        events_dropped=17,
        filling=FillingStatistics(12.5, 3, 40.0, 60.25),
        retention_seconds=604_800.0,
        retention_reached_seconds=500_000.0,
        rate_measured=True,
        oldest_recording_utc_ms=NOW - 600_000,
        oldest_decryptable_utc_ms=NOW - 500_000,
        erasure_lag_seconds=2.5,
    )


def full(cameras: int = 1) -> RecorderStatistics:
    latency = LatencyHistogram((0.01, 0.1, 1.0))
    for seconds in (0.004, 0.01, 0.05, 3.0):
        latency.observe(seconds)
    return RecorderStatistics(
        version="0.1.0",
        python_version="3.11.7",
        started_utc_ms=NOW - 86_400_000,
        loop_lag_seconds=0.012,
        late_ticks=1,
        backlog_bytes=4096,
        clock_offset_limit_seconds=5.0,
        cameras=tuple(camera(number) for number in range(cameras)),
        volumes=(
            VolumeStatistics(
                name="volume0",
                slots_by_state=(LabelledCount("open", 2), LabelledCount("closed", 14)),
                slot_bytes=16 << 20,
                zero_filled_slots=8,
                slot_count=16,
                held_slots=3,
                capacity=CapacityStatistics(100.0, 200.0, 300.0, 1 << 34),
                written_bytes=2000,
                data_bytes=1900,
                syncs=60,
                commit_latency=latency.snapshot(),
                write_errors_by_errno=(LabelledCount("EIO", 1),),
                healthy=False,
                scrub=ScrubStatistics(12, 4, 1, 2, 48 << 20, NOW - 70_000, NOW - 90_000, False),
            ),
        ),
        keystore=KeystoreStatistics(
            "E2", 40, 5, 12, NOW - 1000, True, 1, NOW - 999_000, 3, False, HoldBudgetStatistics(16, 9), 7.5
        ),
        media=(MediumStatistics("volume0", False, False), MediumStatistics("volume1", True, True)),
        medium_health=(
            MediumHealthStatistics("volume0", "green", NOW - 7000, 0.31, 1 << 40, 1 << 46, False, 600.0),
            MediumHealthStatistics("volume1", "none of the three", swapped=True),
        ),
        custody=CustodyStatistics((CustodianKeyStatistics("ab12cd34", NOW - 5000),), 1, True),
        requests=RequestStatistics(2, 1, 3, 1),
        ledger=LedgerStatistics(8192, False, 2),
        site_light="red",
        page_utc_ms=NOW,
        mail=MailStatistics(3, 2, 1, 4, NOW - 60_000, NOW - 90_000, NOW - 1000),
        processes=(ProcessStatistics("recorder", True, 1), ProcessStatistics("door", False, 4)),
    )
