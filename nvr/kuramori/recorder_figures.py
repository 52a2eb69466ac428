"""Collects the recorder's plain figures at the moment somebody asks. Recording code keeps counters and knows no more.

This module must not know Prometheus: it fills the frozen values that the window shows.
"""

import errno
import platform
from collections.abc import Mapping

from kuramori import __version__
from kuramori.camera import Camera, Phase
from kuramori.camera_messages import CameraFacts, EventsState
from kuramori.camera_texts import certificate_changed, masks_missing
from kuramori.capacity.capacity_figures import camera_capacity, hold_budget_figures, volume_capacity
from kuramori.capture.source import EndReason
from kuramori.fact_book import is_stale, light_of
from kuramori.filling.camera_fill import may_be_filled
from kuramori.filling.fill_figures import FillFigures
from kuramori.forgetting import Forgetting
from kuramori.recorder import Recorder
from kuramori.tick import TickFigures
from kuramori.volume_lane import COMMIT_BUCKETS_SECONDS, VolumeLane
from kuramori_config.schema import Camera as CameraTable
from kuramori_metrics.statistics import (
    CameraStatistics,
    CameraTold,
    CapacityStatistics,
    FillingStatistics,
    HistogramStatistics,
    KeystoreStatistics,
    LabelledCount,
    LedgerStatistics,
    MediumHealthStatistics,
    MediumStatistics,
    RecorderStatistics,
    ScrubStatistics,
    VolumeStatistics,
)
from kuramori_segments.key_faults import CustodiansExpired
from kuramori_segments.retention import oldest_held


def statistics_of(recorder: Recorder, forgetting: Forgetting, oldest: Mapping[int, int]) -> RecorderStatistics:
    """Return everything as of now. Looks at memory only; never waits.

    `oldest`: first frame of the oldest living key of each camera, by its number.
    """
    lags = _erasure_lags_seconds(recorder, forgetting, oldest)
    figures = recorder.tick.figures if recorder.tick is not None else TickFigures()
    return RecorderStatistics(
        version=__version__,
        python_version=platform.python_version(),
        started_utc_ms=recorder.started_utc_ms,
        loop_lag_seconds=figures.loop_lag_most_seconds,
        late_ticks=figures.late_ticks,
        backlog_bytes=next((camera.recording.budget.used_bytes for camera in recorder.cameras.values()), 0),
        clock_trusted=recorder.clock_trusted,
        custodian_set_valid=_custodians_valid(recorder),
        clock_offset_limit_seconds=recorder.configuration.recorder.clock_offset_alarm_seconds,
        cameras=tuple(_camera(recorder, camera, oldest, lags) for camera in recorder.cameras.values()),
        volumes=tuple(
            _volume(
                lane,
                volume_capacity(recorder.capacity, lane.name, recorder.now_utc_ms()),
                _scrub(recorder, lane),
            )
            for lane in recorder.lanes
        )
        + tuple(VolumeStatistics(str(path), healthy=False) for path in recorder.vault.shelf.away),
        keystore=_keystore(recorder, forgetting, max(lags.values(), default=0.0)),
        ledger=_ledger(recorder),
        media=_media(recorder),
        medium_health=_medium_health(recorder),
    )


def _counts(counts: dict[str, int]) -> tuple[LabelledCount, ...]:
    return tuple(LabelledCount(label, count) for label, count in sorted(counts.items()))


def _custodians_valid(recorder: Recorder) -> bool:
    try:
        recorder.vault.custodians.require_valid(recorder.now_utc_ms())
    except CustodiansExpired:
        return False
    return True


def _erasure_lags_seconds(recorder: Recorder, forgetting: Forgetting, oldest: Mapping[int, int]) -> dict[int, float]:
    """How far each camera's oldest openable picture is beyond its retention, by its number; 0 within it.

    A camera that is out of service has its retention too, which takes longer to find.
    """
    now_utc_ms = recorder.now_utc_ms()
    kept_ms = {
        camera.recording.camera_number: recorder.tables[name].retention.seconds * 1000
        for name, camera in recorder.cameras.items()
    }
    lags = {}
    for number, first_utc_ms in oldest.items():
        retention_ms = kept_ms[number] if number in kept_ms else forgetting.retention_ms(number)
        lags[number] = max(0, now_utc_ms - first_utc_ms - retention_ms) / 1000
    return lags


def _camera(
    recorder: Recorder, camera: Camera, oldest: Mapping[int, int], lags: Mapping[int, float]
) -> CameraStatistics:
    totals = camera.totals()
    number = camera.recording.camera_number
    firsts = [volume.oldest(number) for volume in recorder.vault.volumes]
    starts = [segment.start_utc_ms for segment in firsts if segment is not None]
    description = camera.description
    facts, utc_ms = recorder.facts.of(camera.name), recorder.now_utc_ms()
    capacity = camera_capacity(recorder.capacity, camera.name)
    return CameraStatistics(
        name=camera.name,
        recording=camera.phase is Phase.RECORDING and camera.tracker.is_open,
        last_durable_frame_utc_ms=camera.durable.utc_ms if camera.durable else None,
        gaps_by_reason=_counts(totals.gaps),
        received_bytes=totals.received_bytes,
        received_packets=totals.rtp_packets,
        lost_packets=totals.lost_packets,
        rejected_packets=totals.rejected_packets,
        access_units=totals.access_units,
        dropped_access_units=camera.recording.dropped_units + totals.rejected_units,
        audio_setups=totals.audio_setups,
        undecided_audio_setups=totals.undecided_audio_setups,
        audio_decided=recorder.tables[camera.name].audio is not None,
        audio_recorded=camera.records_sound,
        audio_offered=bool(description is not None and description.audio_offered),
        reconnects_by_reason=_counts(totals.reconnects),
        clock_offset_seconds=_clock_offset(facts, utc_ms),
        paused=recorder.pauses.is_paused(camera.name),
        told=_told(facts) if facts is not None else None,
        stream_certificate_changed=_stream_certificate_changed(recorder, camera),
        card_light=light_of(facts, utc_ms).value,
        card_allowed=recorder.tables[camera.name].card_recording,
        events_received=camera.recording.events.received,
        events_dropped=camera.recording.events.dropped,
        filling=_filling(recorder.fill_figures.get(camera.name), recorder.tables[camera.name]),
        retention_seconds=float(recorder.tables[camera.name].retention.seconds),
        retention_reached_seconds=capacity.reached_seconds if capacity is not None else None,
        rate_measured=capacity.measured if capacity is not None else None,
        oldest_recording_utc_ms=min(starts, default=None),
        oldest_decryptable_utc_ms=oldest.get(number),
        erasure_lag_seconds=lags.get(number),
    )


def _filling(figures: FillFigures | None, table: CameraTable) -> FillingStatistics | None:
    if not may_be_filled(table):
        return None
    its = figures or FillFigures()
    return FillingStatistics(its.filled_ms / 1000, its.failed_pieces, its.pending_ms / 1000, its.given_up_ms / 1000)


def _stream_certificate_changed(recorder: Recorder, camera: Camera) -> bool | None:
    """Tell whether its stream is refused for its certificate: not the first one seen, or not the configured one."""
    table, sources = recorder.tables[camera.name], recorder.assembly.sources
    known = sources.known_certificate(table)
    address = table.rtsp.url if table.rtsp is not None else sources.book.address_of(camera.name)
    if known is None or address is None or not address.startswith("rtsps:"):
        return None
    if not known.configured:
        return bool(known.refused)
    ended = camera.last_end
    return camera.phase is not Phase.RECORDING and ended is not None and ended.reason is EndReason.UNTRUSTED


def _clock_offset(facts: CameraFacts | None, utc_ms: int) -> float | None:
    """An offset that was told long ago says nothing of now."""
    if facts is None or facts.clock_offset_ms is None or is_stale(facts, utc_ms):
        return None
    return facts.clock_offset_ms / 1000


def _told(facts: CameraFacts) -> CameraTold:
    heard = {EventsState.SUBSCRIBED: True, EventsState.LOST: False}
    return CameraTold(
        utc_ms=facts.utc_ms,
        silence=facts.audio.silence.value,
        profiles_with_audio=len(facts.audio.profiles_with_audio),
        card_records=facts.card.records,
        card_records_audio=facts.card.records_audio,
        events_heard=heard.get(facts.events),
        tampered=facts.tampered,
        masks_missing=masks_missing(facts) if facts.masks.expected else None,
        certificate_changed=certificate_changed(facts) if facts.certificate else None,
    )


def _scrub(recorder: Recorder, lane: VolumeLane) -> ScrubStatistics | None:
    its = recorder.scrub_figures.get(lane.volume.superblock.volume_id)
    if its is None:
        return None
    return ScrubStatistics(
        segments=its.segments,
        unverified=its.unverified,
        damaged=its.damaged,
        damage_found=its.damage_found,
        verified_bytes=its.verified_bytes,
        oldest_unverified_utc_ms=its.oldest_unverified_utc_ms,
        last_pass_utc_ms=its.last_pass_utc_ms,
        readable=not its.fault,
    )


def _volume(lane: VolumeLane, capacity: CapacityStatistics | None, scrub: ScrubStatistics | None) -> VolumeStatistics:
    volume, figures = lane.volume, lane.figures
    usage, statistics = volume.usage(), volume.statistics
    states = {
        "empty": usage.empty,
        "open": usage.open,
        "closed": usage.closed,
        "recovered": usage.recovered,
        "bad": usage.bad,
        "lost": usage.lost,
        "doubtful": usage.doubtful,
    }
    return VolumeStatistics(
        name=lane.name,
        slots_by_state=_counts(states),
        slot_bytes=volume.superblock.slot_bytes,
        zero_filled_slots=usage.usable,
        slot_count=volume.superblock.slot_count,
        held_slots=len(volume.held_slots()),
        capacity=capacity,
        written_bytes=statistics.data_bytes + statistics.table_bytes + statistics.fill_bytes,
        data_bytes=statistics.data_bytes,
        syncs=statistics.syncs,
        commit_latency=HistogramStatistics(
            COMMIT_BUCKETS_SECONDS, tuple(figures.commit_buckets), figures.commit_seconds
        ),
        write_errors_by_errno=tuple(
            LabelledCount(errno.errorcode.get(number, str(number)), count)
            for number, count in sorted(figures.write_errors.items())
        ),
        healthy=lane.health.is_good and not usage.bad and not usage.doubtful,  # now; Prometheus remembers by itself
        scrub=scrub,
    )


def _keystore(recorder: Recorder, forgetting: Forgetting, lag_seconds: float) -> KeystoreStatistics:
    keystore = recorder.vault.keystore
    kept = keystore.kept()
    held = oldest_held(kept)
    return KeystoreStatistics(
        erasure_tier=keystore.tier.value,
        epochs=len(keystore.epochs()),
        kept_segment_keys=len(kept),
        rotations=forgetting.figures.rotations,
        last_rotation_utc_ms=forgetting.figures.last_rotation_utc_ms,
        erasure_pending=keystore.erasure_pending or forgetting.figures.erasure_pending,
        overdue_epochs=forgetting.figures.overdue_epochs,
        on_fallback=keystore.on_fallback,
        holds=forgetting.figures.holds,
        oldest_held_utc_ms=held.epoch_first_utc_ms if held is not None else None,
        hold_budget=hold_budget_figures(recorder.capacity),
        erasure_lag_seconds=lag_seconds,
    )


def _ledger(recorder: Recorder) -> LedgerStatistics:
    figures = recorder.vault.ledger.statistics()
    return LedgerStatistics(figures.size_bytes, figures.mirror_sound, figures.mirror_failures)


def _media(recorder: Recorder) -> tuple[MediumStatistics, ...]:
    watch = recorder.media
    if watch is None:
        return ()
    return tuple(
        MediumStatistics(str(path), since is not None, bool(watch.permit_of(path)))
        for path, since in watch.missing.items()
    )


def _medium_health(recorder: Recorder) -> tuple[MediumHealthStatistics, ...]:
    if recorder.health is None:
        return ()
    utc_ms = recorder.now_utc_ms()
    return tuple(
        MediumHealthStatistics(
            volume=report.volume,
            light=report.light.value,
            light_since_utc_ms=report.light_since_utc_ms,
            worn_ratio=report.worn_percent / 100 if report.worn_percent is not None else None,
            written_bytes=report.written_bytes,
            endurance_bytes=report.endurance_bytes,
            swapped=report.swapped,
            report_age_seconds=report.report_age_at(utc_ms),
        )
        for report in recorder.health.reports
    )
