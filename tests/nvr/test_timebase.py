"""Which clock wins: small deviations are slewed, a step is taken over once and reported."""

from hypothesis import given
from hypothesis import strategies as st

from kuramori.timebase import NS_PER_MS, SLEW_PPM, STEP_THRESHOLD_MS, SystemClock, UtcAnchor

START_UTC_MS = 1_790_000_000_000
START_BOOT_NS = 5_000_000_000
SECOND_NS = 1_000_000_000


def anchor() -> UtcAnchor:
    return UtcAnchor(START_UTC_MS, START_BOOT_NS)


def test_boot_time_is_dated_by_the_anchor() -> None:
    """Ten seconds of boot time are ten seconds of UTC."""
    assert anchor().utc_ms(START_BOOT_NS + 10 * SECOND_NS) == START_UTC_MS + 10_000
    assert anchor().utc_us(START_BOOT_NS + 1_500) == START_UTC_MS * 1000 + 1


def test_a_small_deviation_is_slewed_not_jumped() -> None:
    """A wall clock 100 ms ahead is followed at half a millisecond per second."""
    clock = anchor()
    boot_ns = START_BOOT_NS + 10 * SECOND_NS
    assert clock.observe(START_UTC_MS + 10_000 + 100, boot_ns) is None
    assert clock.utc_ms(boot_ns) == START_UTC_MS + 10_000 + 10 * SLEW_PPM // 1000


def test_a_small_deviation_is_taken_over_in_the_end() -> None:
    """After enough readings the anchor agrees with the wall clock."""
    clock = anchor()
    for second in range(1, 301):
        clock.observe(START_UTC_MS + second * 1000 + 100, START_BOOT_NS + second * SECOND_NS)
    assert clock.utc_ms(START_BOOT_NS + 300 * SECOND_NS) == START_UTC_MS + 300_000 + 100


def test_a_step_is_reported_once_with_both_dates() -> None:
    """Two hours back: said once, dated on both sides, and the new time holds afterwards."""
    clock = anchor()
    boot_ns = START_BOOT_NS + SECOND_NS
    step = clock.observe(START_UTC_MS + 1000 - 7_200_000, boot_ns)
    assert step is not None
    assert (step.before_utc_ms, step.by_ms) == (START_UTC_MS + 1000, -7_200_000)
    assert clock.observe(START_UTC_MS + 2000 - 7_200_000, boot_ns + SECOND_NS) is None
    assert clock.utc_ms(boot_ns + SECOND_NS) == START_UTC_MS + 2000 - 7_200_000


@given(st.lists(st.integers(-(STEP_THRESHOLD_MS - 1) // 2, (STEP_THRESHOLD_MS - 1) // 2), max_size=50))
def test_jitter_below_the_threshold_never_reorders(jitter_ms: list[int]) -> None:
    """Whatever the wall clock's jitter, later boot times are dated later."""
    clock = anchor()
    last_us = clock.utc_us(START_BOOT_NS)
    for second, jitter in enumerate(jitter_ms, 1):
        boot_ns = START_BOOT_NS + second * SECOND_NS
        assert clock.observe(START_UTC_MS + second * 1000 + jitter, boot_ns) is None
        now_us = clock.utc_us(boot_ns)
        assert now_us > last_us
        last_us = now_us


def test_the_system_clock_reads_both_clocks() -> None:
    """Boot time never runs backwards, and UTC is after this file was written."""
    clock = SystemClock()
    first_ns = clock.boot_ns()
    assert clock.boot_ns() >= first_ns
    assert clock.utc_ms() > 1_700_000_000_000
    assert clock.boot_ns() // NS_PER_MS > 0
