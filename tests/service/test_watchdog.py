"""When the watchdog is fed: ten minutes of every trouble, in figures, without waiting for any of them."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori.pulse import Pulse
from kuramori.watchdog import (
    ARRIVING_SECONDS,
    NOT_DURABLE_SECONDS,
    REPLACE_SECONDS,
    SILENT_SECONDS,
    Verdict,
    Watchdog,
)

TEN_MINUTES = 600
START = Pulse(ready=True, arrived=100, durable=90, storage_fault=False, cameras=2, recording=2, problems=0)


def verdicts(pulses: list[Pulse | None], *, waits_for_medium: bool = False) -> list[Verdict]:
    """One pulse a second, None for a second without any; return the verdict of each second."""
    watchdog, found = Watchdog(), []
    for second, pulse in enumerate(pulses):
        if pulse is not None:
            watchdog.observe(pulse, float(second))
        found.append(watchdog.verdict(float(second), waits_for_medium=waits_for_medium))
    return found


def recording(seconds: int, *, durable: bool = True, fault: bool = False, from_second: int = 0) -> list[Pulse | None]:
    """Frames arrive in every second."""
    return [
        replace(START, arrived=100 + 30 * second, durable=90 + (30 * second if durable else 0), storage_fault=fault)
        for second in range(from_second, from_second + seconds)
    ]


def test_a_recorder_that_records_is_fed() -> None:
    """Ten minutes of frames that become durable."""
    assert set(verdicts(recording(TEN_MINUTES))) == {Verdict.FEED}


def test_cameras_that_are_offline_never_cost_a_restart() -> None:
    """Ten minutes without a frame, from the start or after a while of recording."""
    assert set(verdicts([START] * TEN_MINUTES)) == {Verdict.FEED}
    last = recording(60)[-1]
    assert set(verdicts(recording(60) + [last] * TEN_MINUTES)) == {Verdict.FEED}


def test_a_frame_that_was_not_durable_when_the_cameras_went_costs_no_restart() -> None:
    """The very last frames are lost to a camera's end: nothing arrives, so nothing is stuck."""
    last = replace(START, arrived=101)
    assert Verdict.WITHHOLD not in verdicts([START, *[last] * TEN_MINUTES])


def test_a_dead_disk_never_costs_a_restart() -> None:
    """Ten minutes of frames, none durable, the fault known after four seconds, as the volume's health tells it."""
    pulses = recording(60) + recording(4, durable=False, from_second=60)
    pulses += recording(TEN_MINUTES, durable=False, fault=True, from_second=64)
    assert set(verdicts(pulses)) == {Verdict.FEED}


def test_frames_that_never_become_durable_without_a_known_fault_withhold_it_after_ten_seconds() -> None:
    """Neither earlier nor later, and for as long as it lasts."""
    pulses = [START, *recording(60, durable=False, from_second=1)]
    found = verdicts(pulses)
    first = found.index(Verdict.WITHHOLD)
    assert first == NOT_DURABLE_SECONDS + 1
    assert set(found[first:]) == {Verdict.WITHHOLD}


def test_it_is_fed_again_once_frames_become_durable() -> None:
    """The service manager may have been slower than the medium."""
    stuck = [START, *recording(15, durable=False, from_second=1)]
    found = verdicts(stuck + recording(10, from_second=16))
    assert found[15] is Verdict.WITHHOLD
    assert set(found[16:]) == {Verdict.FEED}


def test_a_recorder_that_freezes_while_it_records_withholds_it() -> None:
    """No pulse: what arrived before is taken to arrive still, and nothing becomes durable."""
    found = verdicts([*recording(60), *[None] * 60])
    assert found[60 + int(NOT_DURABLE_SECONDS)] is Verdict.WITHHOLD
    assert Verdict.WITHHOLD not in found[: 60 + int(SILENT_SECONDS)]


def test_a_recorder_that_freezes_without_cameras_is_replaced_and_the_service_lives() -> None:
    """Cameras are offline, so the watchdog is fed; after a while the recorder alone is ended."""
    found = verdicts([*[START] * 30, *[None] * 60])
    assert Verdict.WITHHOLD not in found
    assert found.index(Verdict.REPLACE) == 29 + int(REPLACE_SECONDS)


def test_a_recorder_that_waits_for_a_disk_is_left_alone() -> None:
    """Frozen in an uninterruptible wait, or with a fault that was told before: no restart would help."""
    frozen: list[Pulse | None] = [None] * TEN_MINUTES
    assert set(verdicts([*recording(60), *frozen], waits_for_medium=True)) == {Verdict.FEED}
    assert set(verdicts([*recording(60, fault=True), *frozen])) == {Verdict.FEED}


def test_a_start_may_take_as_long_as_it_takes() -> None:
    """No pulse yet: a volume of terabytes is being looked through, or a disk answers slowly."""
    assert set(verdicts([None] * TEN_MINUTES)) == {Verdict.FEED}


def test_a_recorder_that_was_started_again_is_judged_anew() -> None:
    """What its predecessor left undone is not held against it."""
    watchdog = Watchdog()
    for second, pulse in enumerate([START, *recording(20, durable=False, from_second=1)]):
        watchdog.observe(pulse, float(second))  # type: ignore[arg-type]
    assert watchdog.verdict(21.0) is Verdict.WITHHOLD
    watchdog.begin()
    assert watchdog.verdict(22.0) is Verdict.FEED


STEP = st.tuples(st.integers(0, 3), st.integers(0, 2), st.booleans(), st.booleans())  # arrived, durable, fault, silent


@settings(max_examples=300)
@given(st.lists(STEP, min_size=1, max_size=120), st.booleans())
def test_it_is_withheld_only_when_frames_arrive_and_none_becomes_durable(
    steps: list[tuple[int, int, bool, bool]], waits: bool
) -> None:
    """Any history: a withheld watchdog means ten seconds with frames, nothing durable, and no fault known."""
    watchdog, pulse = Watchdog(), START
    told = [(0.0, pulse)]
    watchdog.observe(pulse, 0.0)
    for second, (arrived, durable, fault, silent) in enumerate(steps, start=1):
        now = float(second)
        if not silent:
            pulse = replace(
                pulse, arrived=pulse.arrived + arrived, durable=pulse.durable + durable, storage_fault=fault
            )
            told.append((now, pulse))
            watchdog.observe(pulse, now)
        if watchdog.verdict(now, waits_for_medium=waits) is not Verdict.WITHHOLD:
            continue
        assert not waits
        assert not told[-1][1].storage_fault
        window = [one for at, one in told if at > now - NOT_DURABLE_SECONDS]
        assert len({one.durable for one in window}) <= 1
        assert not any(one.storage_fault for one in window)
        seen_at = now if now - told[-1][0] < SILENT_SECONDS else told[-1][0]
        lately = [one.arrived for at, one in told if at > seen_at - ARRIVING_SECONDS - 1]
        assert len(set(lately)) > 1
