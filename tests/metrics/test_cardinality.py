"""How many series a page can have: as many as the configuration makes, and as many as the README says."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kuramori.capture.source import EndReason
from kuramori_metrics.exposition import exposition
from kuramori_metrics.statistics import TAMPER_KINDS, LabelledCount, MediumHealthStatistics, RecorderStatistics
from kuramori_segments.gap_reason import GapReason
from tests.metrics.sample import NOW, camera, full

README = Path(__file__).parents[2] / "metrics" / "README.md"
SLOT_STATES = ("empty", "open", "closed", "recovered", "bad", "lost", "doubtful")
EVERYTHING_FAILS = tuple(LabelledCount(f"E{number}", number) for number in range(133))


def worst(cameras: int, volumes: int) -> RecorderStatistics:
    """Everything that can be on a page, for so many cameras and volumes."""
    one = camera()
    assert one.told is not None
    one = replace(
        one,
        gaps_by_reason=tuple(LabelledCount(reason.name.lower(), 1) for reason in GapReason),
        reconnects_by_reason=tuple(LabelledCount(reason.value, 1) for reason in EndReason),
        told=replace(one.told, tampered=(*TAMPER_KINDS, "a kind that a camera made up")),
    )
    some = full()
    volume = replace(
        some.volumes[0],
        slots_by_state=tuple(LabelledCount(state, 1) for state in SLOT_STATES),
        write_errors_by_errno=EVERYTHING_FAILS,
        commit_latency=replace(some.volumes[0].commit_latency, upper_bounds_seconds=tuple(range(12)), counts=(1,) * 13),
    )
    names = [f"/srv/kuramori/volume{number}" for number in range(volumes)]
    return replace(
        some,
        cameras=tuple(replace(one, name=f"camera-{number}") for number in range(cameras)),
        volumes=tuple(replace(volume, name=name) for name in names),
        media=tuple(replace(some.media[0], volume=name) for name in names),
        medium_health=tuple(MediumHealthStatistics(name, "red", NOW, 0.5, 1, 2, True, 3.0) for name in names),
    )


def series(statistics: RecorderStatistics) -> int:
    return sum(not line.startswith(b"#") for line in exposition(statistics).splitlines())


def stated(thing: str) -> int:
    """The number that the README gives for a thing, in the table of how many series there are."""
    found = re.search(rf"^\| {re.escape(thing)} \| ([\d,]+) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, thing
    return int(found[1].replace(",", ""))


def test_a_camera_has_no_more_series_than_the_readme_says() -> None:
    """With every reason of gaps and reconnects, every kind of tampering, and everything that a camera can tell."""
    assert series(worst(2, 1)) - series(worst(1, 1)) == stated("a camera, at most")


def test_a_camera_in_order_has_far_fewer() -> None:
    """Without gaps, reconnects and tampering; what most cameras have."""
    one = replace(camera(), gaps_by_reason=(), reconnects_by_reason=(), filling=None)
    assert one.told is not None
    one = replace(one, told=replace(one.told, tampered=()))
    empty = series(replace(full(), cameras=()))
    assert series(replace(full(), cameras=(one,))) - empty == stated("a camera in order")


def test_a_volume_has_no_more_series_than_the_readme_says() -> None:
    """With every state of slots, and more kinds of errors than there is room for."""
    assert series(worst(1, 2)) - series(worst(1, 1)) == stated("a volume and its medium, at most")


def test_256_cameras_have_no_more_series_than_the_readme_says() -> None:
    """The whole page at its worst; Prometheus takes a hundred times that."""
    assert series(worst(256, 4)) <= stated("256 cameras and 4 volumes, at most")


@pytest.mark.parametrize("errors", [0, 1, 8, 9, 133])
def test_errors_are_counted_whatever_they_are(errors: int) -> None:
    """What has no label of its own is in the sum."""
    statistics = full()
    volume = replace(statistics.volumes[0], write_errors_by_errno=EVERYTHING_FAILS[:errors])
    page = exposition(replace(statistics, volumes=(volume,))).decode()
    counts = re.findall(r"^kuramori_volume_write_errors_total\{.*\} (.*)$", page, re.MULTILINE)
    assert len(counts) <= 8
    assert sum(map(float, counts)) == sum(range(errors))
