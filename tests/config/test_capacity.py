"""Requirement K3: the configuration says beforehand whether the ring is large enough, in days and with a size."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori_config import capacity
from kuramori_config.capacity import (
    SLOT_BYTES,
    CameraDemand,
    cameras_of_volume,
    plan_capacity,
    plan_of,
    planned_slots,
    shortfall,
    size_that_would_do,
    slots_of_volume,
    stored_bytes_per_second,
)
from kuramori_config.load import parse_configuration
from kuramori_segments import limits
from kuramori_segments.volume_head import slots_that_fit
from tests.fakes.configuration import CAMERA, configuration_text

DAY = 86400
DEMANDS = st.lists(
    st.builds(
        CameraDemand,
        name=st.text(min_size=1, max_size=8),
        retention_seconds=st.integers(3 * 3600, 400 * DAY),
        mbit_per_second=st.floats(0.02, 200),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda demand: demand.name,
).map(tuple)


@pytest.mark.parametrize(("mbit_per_second", "most"), [(4, 0.03), (0.5, 0.06), (0.2, 0.16)])
def test_the_waste_of_the_format_is_small_and_counted(mbit_per_second: float, most: float) -> None:
    """The format's share beyond the pictures is above nothing and below its documented most."""
    pictures = mbit_per_second * 1e6 / 8
    waste = stored_bytes_per_second(mbit_per_second) / pictures - 1
    assert 0 < waste <= most


def test_a_camera_of_4_mbit_needs_about_45_gigabytes_a_day() -> None:
    """The arithmetic by hand: 4 Mbit/s are 43.2 GB a day; with the format between 43.2 and 44.5."""
    slots = planned_slots(CameraDemand("gate", DAY, 4.0))
    assert 43.2e9 <= slots * SLOT_BYTES <= 44.5e9


def test_a_volume_that_is_too_small_says_days_and_the_size_that_would_do() -> None:
    """The message names what fits in days, what was asked for and a size."""
    text = configuration_text(CAMERA).replace('"64 MiB"', '"130 GiB"')
    found = shortfall(parse_configuration(text, Path("/x.toml")))
    assert found is not None
    assert "holds about 3.2 days of the 14 days asked for (camera gate" in found.english
    assert "570 GiB would do" in found.english
    assert "約3.2日分" in found.japanese


def test_the_size_it_names_does() -> None:
    """Whoever follows the message has no message any more."""
    text = configuration_text(CAMERA).replace('"64 MiB"', '"570 GiB"')
    assert shortfall(parse_configuration(text, Path("/x.toml"))) is None


def test_each_volume_must_hold_its_own_cameras() -> None:
    """Cameras take turns over the volumes; a volume that is too small is named although the sum would do."""
    second = '\n[[volume]]\npath = "volume1"\nsize = "2 GiB"\n'
    text = configuration_text(second, CAMERA, CAMERA.replace('"gate"', '"yard"')).replace('"64 MiB"', '"2000 GiB"')
    configuration = parse_configuration(text, Path("/x.toml"))
    assert [camera.name for camera in cameras_of_volume(configuration, 1)] == ["yard"]
    found = shortfall(configuration)
    assert found is not None
    assert "volume volume1 of 2 GiB" in found.english
    assert "camera yard" in found.english


def test_no_camera_needs_nothing() -> None:
    """Without cameras any volume is large enough."""
    configuration = parse_configuration(configuration_text(), Path("/x.toml"))
    assert shortfall(configuration) is None
    assert plan_of(configuration).needed_slots == 0


@given(DEMANDS)
def test_the_size_that_would_do_always_does(demands: tuple[CameraDemand, ...]) -> None:
    """For any cameras, a volume of the named size holds them."""
    needed = size_that_would_do(plan_capacity((64 * 2**20,), demands))
    assert plan_capacity((needed.total_bytes,), demands).fits


@given(DEMANDS, st.integers(0, 10**13))
def test_what_fits_never_exceeds_what_is_there(demands: tuple[CameraDemand, ...], size_bytes: int) -> None:
    """Cameras that give up the same share of retention fit into the volume."""
    plan = plan_capacity((size_bytes,), demands)
    share = min(1.0, plan.fitting_share)
    assert plan.fits == (plan.needed_slots <= slots_of_volume(size_bytes))
    if 0 < share < 1:
        used = sum((planned_slots(demand) - 2) * share for demand in demands)
        assert used <= plan.volume_slots


class TestAgainstTheVault:
    """The arithmetic restates constants of the format, since the contract may not import the vault."""

    def test_the_constants_are_those_of_the_format(self) -> None:
        """Slot, block, chunk and tag have the sizes that segments are written with."""
        assert (capacity.SLOT_BYTES, capacity.BLOCK_BYTES) == (limits.SLOT_BYTES, limits.BLOCK_BYTES)
        assert capacity.CHUNK_BYTES_MOST == limits.MAX_CHUNK_BYTES
        assert capacity.CHUNK_OVERHEAD_BYTES == limits.CHUNK_HEAD_BYTES + limits.TAG_BYTES

    @pytest.mark.parametrize("gibibytes", [1, 3, 130, 570, 4000, 100_000])
    def test_a_volume_has_at_least_the_slots_that_are_planned_with(self, gibibytes: int) -> None:
        """What a volume of a size holds is never overestimated, and by less than two slots underestimated."""
        size_bytes = gibibytes * 2**30
        real = slots_that_fit(size_bytes, limits.SLOT_BYTES)
        assert real - 2 < slots_of_volume(size_bytes) <= real
