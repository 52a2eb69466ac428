"""The page: every figure is on it, under the right name and labels, and nothing that is not known."""

import itertools
import time
from collections.abc import Iterable
from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from kuramori_metrics.collectors import holds
from kuramori_metrics.exposition import SLICE_SAMPLES, exposition, exposition_slices
from kuramori_metrics.registry import Collector, MetricClaimedTwice, checked
from kuramori_metrics.statistics import LIGHTS, CameraStatistics, CameraTold, LabelledCount, RecorderStatistics
from tests.metrics.sample import NOW, full


def read(statistics: RecorderStatistics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the page back as Prometheus would."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition(statistics).decode())
        for sample in family.samples
    }


CAMERA = (("camera", "camera-0"),)
GATE = (("camera", "gate"),)
VOLUME = (("volume", "volume0"),)


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("kuramori_build_info", (("python_version", "3.11.7"), ("version", "0.1.0")), 1),
        ("kuramori_recorder_start_timestamp_seconds", (), NOW / 1000 - 86_400),
        ("kuramori_recorder_loop_lag_seconds", (), 0.012),
        ("kuramori_recorder_late_ticks_total", (), 1),
        ("kuramori_recorder_backlog_bytes", (), 4096),
        ("kuramori_recorder_clock_trusted", (), 1),
        ("kuramori_recorder_custodian_set_valid", (), 1),
        ("kuramori_recorder_clock_offset_limit_seconds", (), 5),
        ("kuramori_process_up", (("process", "door"),), 0),
        ("kuramori_process_restarts_total", (("process", "door"),), 4),
        ("kuramori_camera_recording", CAMERA, 1),
        ("kuramori_camera_last_durable_frame_timestamp_seconds", CAMERA, NOW / 1000 + 0.5),
        ("kuramori_camera_gaps_total", (*CAMERA, ("reason", "stream_damaged")), 2),
        ("kuramori_camera_unplanned_gaps_total", CAMERA, 5),
        ("kuramori_camera_received_bytes_total", CAMERA, 123_456_789),
        ("kuramori_camera_received_packets_total", CAMERA, 98_765),
        ("kuramori_camera_lost_packets_total", CAMERA, 7),
        ("kuramori_camera_rejected_packets_total", CAMERA, 1),
        ("kuramori_camera_access_units_total", CAMERA, 4500),
        ("kuramori_camera_dropped_access_units_total", CAMERA, 2),
        ("kuramori_camera_audio_setups_total", CAMERA, 2),
        ("kuramori_camera_audio_undecided_setups_total", CAMERA, 0),
        ("kuramori_camera_audio_decided", CAMERA, 1),
        ("kuramori_camera_audio_recorded", CAMERA, 1),
        ("kuramori_camera_audio_offered", CAMERA, 1),
        ("kuramori_camera_reconnects_total", (*CAMERA, ("reason", "vanished")), 3),
        ("kuramori_camera_clock_offset_seconds", CAMERA, -0.25),
        ("kuramori_camera_paused", CAMERA, 0),
        ("kuramori_camera_told_timestamp_seconds", CAMERA, NOW / 1000 - 60),
        ("kuramori_camera_audio_silence", (*CAMERA, ("silence", "made")), 1),
        ("kuramori_camera_audio_profiles", CAMERA, 2),
        ("kuramori_camera_mask_missing", CAMERA, 1),
        ("kuramori_camera_certificate_changed", CAMERA, 0),
        ("kuramori_camera_events_heard", CAMERA, 1),
        ("kuramori_camera_events_total", CAMERA, 1234),
        ("kuramori_camera_events_dropped_total", CAMERA, 17),
        ("kuramori_camera_tampered", (*CAMERA, ("kind", "too_dark")), 1),
        ("kuramori_camera_tampered", (*CAMERA, ("kind", "other")), 1),
        ("kuramori_camera_card_light", (*CAMERA, ("light", "red")), 1),
        ("kuramori_camera_card_light", (*CAMERA, ("light", "green")), 0),
        ("kuramori_camera_card_light", (*CAMERA, ("light", "unknown")), 0),
        ("kuramori_camera_card_allowed", CAMERA, 1),
        ("kuramori_camera_card_records", CAMERA, 1),
        ("kuramori_camera_card_records_audio", CAMERA, 0),
        ("kuramori_camera_retention_seconds", CAMERA, 604_800),
        ("kuramori_camera_oldest_recording_timestamp_seconds", CAMERA, NOW / 1000 - 600),
        ("kuramori_camera_oldest_decryptable_timestamp_seconds", CAMERA, NOW / 1000 - 500),
        ("kuramori_camera_erasure_lag_seconds", CAMERA, 2.5),
        ("kuramori_volume_slots", (("state", "closed"), *VOLUME), 14),
        ("kuramori_volume_held_slots", VOLUME, 3),
        ("kuramori_volume_slot_bytes", VOLUME, 16 << 20),
        ("kuramori_volume_zero_filled_ratio", VOLUME, 0.5),
        ("kuramori_volume_healthy", VOLUME, 0),
        ("kuramori_volume_written_bytes_total", VOLUME, 2000),
        ("kuramori_volume_data_bytes_total", VOLUME, 1900),
        ("kuramori_volume_syncs_total", VOLUME, 60),
        ("kuramori_volume_commit_seconds_bucket", (("le", "0.01"), *VOLUME), 2),
        ("kuramori_volume_commit_seconds_bucket", (("le", "1.0"), *VOLUME), 3),
        ("kuramori_volume_commit_seconds_bucket", (("le", "+Inf"), *VOLUME), 4),
        ("kuramori_volume_commit_seconds_count", VOLUME, 4),
        ("kuramori_volume_commit_seconds_sum", VOLUME, 3.064),
        ("kuramori_volume_write_errors_total", (("errno", "EIO"), *VOLUME), 1),
        ("kuramori_keystore_erasure_tier_info", (("tier", "E2"),), 1),
        ("kuramori_keystore_epochs", (), 40),
        ("kuramori_keystore_rotations_total", (), 12),
        ("kuramori_keystore_last_rotation_timestamp_seconds", (), NOW / 1000 - 1),
        ("kuramori_keystore_erasure_pending", (), 1),
        ("kuramori_keystore_erasure_lag_seconds", (), 7.5),
        ("kuramori_keystore_overdue_epochs", (), 3),
        ("kuramori_keystore_on_fallback", (), 0),
        ("kuramori_holds", (), 1),
        ("kuramori_holds_kept_segment_keys", (), 5),
        ("kuramori_holds_oldest_held_timestamp_seconds", (), NOW / 1000 - 999),
        ("kuramori_ledger_size_bytes", (), 8192),
        ("kuramori_ledger_mirror_sound", (), 0),
        ("kuramori_ledger_mirror_failures_total", (), 2),
    ],
)
def test_each_figure_is_on_the_page(name: str, labels: tuple[tuple[str, str], ...], value: float) -> None:
    """Read back by Prometheus' own parser."""
    assert read(full())[name, labels] == pytest.approx(value)


def test_what_is_not_known_is_absent() -> None:
    """A camera that never recorded has no last frame, and a page without a keystore no epochs."""
    page = read(RecorderStatistics(cameras=(CameraStatistics("gate"),)))
    names = {name for name, _ in page}
    assert page["kuramori_camera_recording", (("camera", "gate"),)] == 0
    assert not names & {
        "kuramori_camera_last_durable_frame_timestamp_seconds",
        "kuramori_camera_clock_offset_seconds",
        "kuramori_camera_told_timestamp_seconds",
        "kuramori_camera_audio_silence",
        "kuramori_camera_card_records",
        "kuramori_camera_events_heard",
        "kuramori_camera_tampered",
        "kuramori_camera_mask_missing",
        "kuramori_camera_oldest_decryptable_timestamp_seconds",
        "kuramori_keystore_epochs",
        "kuramori_recorder_start_timestamp_seconds",
        "kuramori_ledger_mirror_sound",
    }


def test_a_camera_that_is_not_asked_has_a_card_of_unknown_light() -> None:
    """Unknown is neither green nor red, and it is shown."""
    page = read(RecorderStatistics(cameras=(CameraStatistics("gate"), CameraStatistics("yard", card_light="pink"))))
    lights = {light: page["kuramori_camera_card_light", (*GATE, ("light", light))] for light in LIGHTS}
    assert lights == {"green": 0, "red": 0, "unknown": 1}
    assert page["kuramori_camera_card_light", (("camera", "yard"), ("light", "unknown"))] == 1


@pytest.mark.parametrize(
    ("asked", "stream", "shown"),
    [(None, True, 1), (None, False, 0), (False, True, 1), (True, None, 1), (None, None, None)],
)
def test_a_certificate_may_change_at_either_end(asked: bool | None, stream: bool | None, shown: int | None) -> None:
    """Of the services that are asked or of the stream that is recorded: one alarm for both."""
    told = CameraTold(NOW, certificate_changed=asked)
    camera = CameraStatistics("gate", told=told, stream_certificate_changed=stream)
    page = read(replace(full(), cameras=(camera,)))
    assert page.get(("kuramori_camera_certificate_changed", (("camera", "gate"),))) == shown


def test_a_camera_cannot_make_series() -> None:
    """Whatever kinds it invents, they are one: the page stays as long as the configuration makes it."""
    told = CameraTold(NOW, silence="loud", tampered=tuple(f"kind {number}" for number in range(1000)))
    page = read(RecorderStatistics(cameras=(CameraStatistics("gate", told=told),)))
    assert [labels for name, labels in page if name == "kuramori_camera_tampered"] == [(*GATE, ("kind", "other"))]
    assert page["kuramori_camera_audio_silence", (*GATE, ("silence", "not_told"))] == 1


@given(st.text(max_size=40), st.floats(allow_nan=False) | st.integers(-(2**63), 2**64))
def test_any_label_and_any_number_can_be_read_back(label: str, value: float) -> None:
    """A reason with quotes, line feeds or Japanese in it breaks no line."""
    statistics = RecorderStatistics(
        loop_lag_seconds=value, cameras=(CameraStatistics("gate", gaps_by_reason=(LabelledCount(label, 5),)),)
    )
    page = read(statistics)
    assert page["kuramori_camera_gaps_total", (("camera", "gate"), ("reason", label))] == 5
    assert page["kuramori_recorder_loop_lag_seconds", ()] == pytest.approx(float(value))


@pytest.mark.parametrize("cameras", [0, 1, SLICE_SAMPLES, SLICE_SAMPLES + 1, 256])
def test_however_it_is_sliced_it_is_the_page_of_the_library(cameras: int) -> None:
    """Small pieces, each metric's head once before its samples; read and written by the library it stays the same."""
    statistics = full(cameras)
    slices = list(exposition_slices(statistics))
    assert max(piece.count(b"\n") for piece in slices) <= SLICE_SAMPLES + 2

    class Everything:
        def collect(self) -> Iterable[Metric]:
            return text_string_to_metric_families(page.decode())

    page = b"".join(slices)
    assert page == generate_latest(Everything())


def test_two_collectors_cannot_make_the_same_metric() -> None:
    """Found when the program is put together, not on the page."""
    twice = replace(holds.COLLECTOR, name="again")
    assert isinstance(twice, Collector)
    with pytest.raises(MetricClaimedTwice, match="kuramori_holds"):
        checked((holds.COLLECTOR, twice))


@pytest.mark.bench
def test_a_page_of_256_cameras_takes_less_than_50_ms() -> None:
    """Of processor time, in the median of many pages; and no slice of it more than 5 ms, which is all anybody waits."""
    statistics = full(256)
    pages, longest = [], []
    for _ in range(15):
        moments = [time.process_time()]
        moments += [time.process_time() for _ in exposition_slices(statistics)]
        pages.append(moments[-1] - moments[0])
        longest.append(max(later - earlier for earlier, later in itertools.pairwise(moments)))
    assert median(pages) < 0.050
    assert median(longest) < 0.005
