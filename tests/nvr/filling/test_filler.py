"""The filler over a real vault: what is fetched, under which hour it is sealed, what is given up or left alone."""

from pathlib import Path

import pytest

from kuramori.filling import replay_fetch
from kuramori.filling.fill_plan import MOST_ATTEMPTS
from kuramori.messages import EraseRequest
from kuramori_segments.gap_reason import GapReason
from kuramori_segments.numbering import FIRST_FILLED_NUMBER
from kuramori_segments.retention import RetentionRules, plan_rotation
from tests.fakes.replay_camera import ReplayCamera
from tests.nvr.filling.card_house import NAME, NOW, OFFSET_MS, CardHouse, card_house, configured

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
WHOLE = (NOW - 5 * HOUR_MS, NOW)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_fetch, "SILENCE_SECONDS", 0.5)


def outage(house: CardHouse, begin: int, end: int) -> None:
    """The camera was recorded live but for this range; its card recorded all along."""
    house.live((begin - HOUR_MS, begin))
    house.goes_on(end)
    house.card.spans = [(begin - HOUR_MS, NOW)]


async def test_the_missing_seconds_are_filled_and_nothing_else(tmp_path: Path) -> None:
    """Exactly the gap, marked as filled; live stays live; the camera's clock is corrected."""
    async with card_house(configured(tmp_path)) as house:
        begin, end = NOW - 10 * MINUTE_MS + 3_210, NOW - 10 * MINUTE_MS + 14_870
        outage(house, begin, end)
        assert await house.fill() == 1
        assert house.filled() == [(begin, end)]
        assert house.coverage(begin - HOUR_MS, NOW - 1).missing_ms == 0
        (question,) = house.door.questions
        assert question.from_camera_utc_ms == begin + OFFSET_MS
        figures = house.recorder.fill_figures[NAME]
        assert (figures.filled_ms, figures.pieces, figures.failed_pieces) == (end - begin, 1, 0)


async def test_sealed_under_the_hour_of_filming(tmp_path: Path) -> None:
    """Two hours old, it dies two hours before what is recorded now; and its numbers are its own."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 2 * HOUR_MS
        outage(house, begin, begin + 20_000)
        await house.fill()
        (segment,) = house.segments()
        assert segment.header.sequence == segment.header.first_access_unit == FIRST_FILLED_NUMBER
        assert begin - 1_000 <= segment.header.start_utc_ms <= begin
        (epoch,) = house.recorder.vault.keystore.epochs()
        assert epoch.epoch_id == segment.header.epoch_id
        assert epoch.first_utc_ms == begin - begin % HOUR_MS
        boot_now_ms = house.clock.boot_ns() // 1_000_000
        assert boot_now_ms - epoch.first_boot_ms == NOW - epoch.first_utc_ms
        rules = RetentionRules({house.number: 6 * HOUR_MS}, HOUR_MS)
        now = house.forgetting._moment()
        assert not plan_rotation([epoch], rules, now).destroy
        house.clock.pass_ms(5 * HOUR_MS - (NOW - epoch.first_utc_ms))
        assert plan_rotation([epoch], rules, house.forgetting._moment()).destroy == {epoch.epoch_id}


async def test_a_minute_past_its_retention_is_never_fetched(tmp_path: Path) -> None:
    """The card has it; nobody asks for it."""
    async with card_house(configured(tmp_path, retention="3 hours")) as house:
        outage(house, NOW - 2 * HOUR_MS - 20 * MINUTE_MS, NOW - 2 * HOUR_MS - 19 * MINUTE_MS)
        assert await house.fill() == 0
        assert house.door.questions == []
        assert house.camera.asked == []
        assert house.filled() == []


async def test_the_newest_come_first_and_a_restart_goes_on(tmp_path: Path) -> None:
    """Killed after the first pieces, the recorder fetches the others, and none twice."""
    configuration = configured(tmp_path)
    begin, end = NOW - 40 * MINUTE_MS, NOW - 36 * MINUTE_MS
    async with card_house(configuration) as house:
        outage(house, begin, end)
        assert await house.filler.one_round()
        assert await house.filler.one_round()
        assert house.filled() == [(begin, begin + 2 * MINUTE_MS)]
    async with card_house(configuration) as house:
        house.goes_on(end)
        house.card.spans = [(begin - HOUR_MS, NOW)]
        assert await house.fill() == 2
        assert house.filled() == [(begin, end)]
        assert house.coverage(begin - HOUR_MS, NOW - 1).missing_ms == 0


async def test_pieces_of_one_gap_are_one_run_in_one_segment(tmp_path: Path) -> None:
    """They go on at the very picture, without a key frame between."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 38 * MINUTE_MS - 27_700
        outage(house, begin, begin + 3 * MINUTE_MS)
        assert await house.fill() == 4
        runs = [run for run in house.recorder.vault.ledger.runs(house.number, 0, NOW) if run.provenance == 2]
        assert len(runs) == 1
        assert len(house.segments()) == 1
        assert runs[0].end_access_unit is not None
        assert runs[0].end_access_unit - runs[0].start_access_unit + 1 == pytest.approx(1800, abs=15)


async def test_what_the_card_has_not_remains_a_gap(tmp_path: Path) -> None:
    """The camera was without power for half of it; the rest is filled."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 30 * MINUTE_MS
        house.live((begin - HOUR_MS, begin))
        house.goes_on(begin + 50_000)
        house.card.spans = [(begin - HOUR_MS, begin + 10_000), (begin + 30_000, NOW)]
        await house.fill()
        assert house.filled() == [(begin, begin + 10_000), (begin + 30_000, begin + 50_000)]
        assert house.coverage(begin, begin + 50_000).missing_ms == 20_000


async def test_what_cannot_be_fetched_is_given_up_for_ever(tmp_path: Path) -> None:
    """A few attempts, further and further apart; the memory of them outlives the recorder."""
    configuration = configured(tmp_path)
    begin = NOW - 30 * MINUTE_MS
    async with card_house(configuration, ReplayCamera(refuse={"PLAY": 457})) as house:
        outage(house, begin, begin + 10_000)
        for attempt in range(MOST_ATTEMPTS):
            assert await house.filler.one_round()
            assert not await house.filler.one_round()  # it waits
            house.clock.pass_ms(1000 * (30 << attempt))
        assert not await house.filler.one_round()
        assert house.recorder.fill_figures[NAME].given_up_ms == 10_000
        played = [asked for asked in house.camera.asked if asked.method == "PLAY"]
        assert len(played) == MOST_ATTEMPTS
    async with card_house(configuration) as house:
        house.goes_on(begin + 10_000)
        house.card.spans = [(begin - HOUR_MS, NOW)]
        assert await house.fill() == 0
        assert house.camera.asked == []


async def test_a_camera_that_is_away_uses_up_no_attempt(tmp_path: Path) -> None:
    """Nothing is known about the minute."""
    async with card_house(configured(tmp_path), ReplayCamera(refuse={"PLAY": 401})) as house:
        outage(house, NOW - 30 * MINUTE_MS, NOW - 30 * MINUTE_MS + 10_000)
        for _ in range(MOST_ATTEMPTS + 2):
            assert await house.filler.one_round()
            house.clock.pass_ms(600_000)
        assert house.recorder.fill_figures[NAME].pending_ms > 0
        assert house.recorder.fill_figures[NAME].problem


async def test_a_pause_is_never_filled(tmp_path: Path) -> None:
    """What was not to be recorded is not fetched either."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 30 * MINUTE_MS
        house.live((begin - HOUR_MS, begin), reason=GapReason.MAINTENANCE)
        house.goes_on(begin + 60_000)
        house.card.spans = [(begin - HOUR_MS, NOW)]
        assert await house.fill() == 0
        assert house.camera.asked == []


async def test_minutes_that_were_erased_by_order_are_never_fetched(tmp_path: Path) -> None:
    """Whoever had them erased does not get them back from the card."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 30 * MINUTE_MS
        outage(house, begin, begin + 90_000)
        await house.forgetting.erase(
            EraseRequest("0" * 32, NAME, begin - 5_000, begin + 60_000, "Sato", "order"), house.number
        )
        await house.fill()
        assert house.filled() == [(begin + 60_000, begin + 90_000)]


async def test_what_was_filled_is_erased_like_everything_else(tmp_path: Path) -> None:
    """Its key dies, the rest of its hour stays."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 2 * HOUR_MS
        outage(house, begin, begin + 10_000)
        await house.fill()
        receipt = await house.forgetting.erase(
            EraseRequest("1" * 32, NAME, begin, begin + 1_000, "Sato", "order"), house.number
        )
        assert receipt is not None
        assert house.recorder.vault.keystore.epochs() == ()


@pytest.mark.parametrize("more", ["card_recording = false", "card_recording = true\nfill_gaps = false"])
async def test_a_card_that_is_not_allowed_is_not_asked(tmp_path: Path, more: str) -> None:
    """Both options must say so."""
    async with card_house(configured(tmp_path, more)) as house:
        outage(house, NOW - 30 * MINUTE_MS, NOW - 29 * MINUTE_MS)
        assert await house.fill() == 0
        assert house.door.questions == []


async def test_without_knowledge_of_the_cameras_clock_nothing_is_fetched(tmp_path: Path) -> None:
    """Nobody could say under which hour it belongs."""
    async with card_house(configured(tmp_path)) as house:
        outage(house, NOW - 30 * MINUTE_MS, NOW - 29 * MINUTE_MS)
        house.recorder.door_facts.clear()
        assert await house.fill() == 0
        assert "clock" in house.recorder.fill_figures[NAME].problem


async def test_before_a_step_of_our_clock_nothing_is_fetched(tmp_path: Path) -> None:
    """The ledger's times of then are not the camera's."""
    async with card_house(configured(tmp_path)) as house:
        outage(house, NOW - 30 * MINUTE_MS, NOW - 29 * MINUTE_MS)
        await house.recorder.note("clock_step", by_ms=-90_000, before_utc_ms=NOW - 20 * MINUTE_MS)
        assert await house.fill() == 0


async def test_a_door_that_is_away_is_asked_again_later(tmp_path: Path) -> None:
    """And nothing else happens meanwhile."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 30 * MINUTE_MS
        outage(house, begin, begin + 10_000)
        house.door.is_away = True
        assert await house.fill() == 0
        assert await house.fill() == 0
        assert len(house.door.questions) == 1
        house.door.is_away = False
        house.clock.pass_ms(61_000)
        assert await house.fill() == 1
        assert house.filled() == [(begin, begin + 10_000)]


async def test_a_late_recorder_lets_the_card_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks that find the commit before still at work stop the reading."""
    monkeypatch.setattr(replay_fetch, "PIECE_SECONDS", 0.8)
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 30 * MINUTE_MS
        outage(house, begin, begin + 10_000)
        assert house.recorder.tick is not None
        house.recorder.tick.figures.late_ticks += 1
        assert await house.filler.one_round()
        assert house.filled() == []


async def test_a_filled_segment_takes_its_place_by_time_in_the_ring(tmp_path: Path) -> None:
    """The slot table knows it under the time of filming, with the camera's number."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 2 * HOUR_MS
        outage(house, begin, begin + 10_000)
        await house.fill()
        (volume,) = house.recorder.vault.volumes
        (found,) = volume.overlapping(house.number, begin, begin + 10_000)
        assert found.sequence == FIRST_FILLED_NUMBER
        assert volume.latest(house.number) is None


async def test_the_lane_of_a_camera_that_leaves_is_put_away(tmp_path: Path) -> None:
    """Its segment is ended, and its numbers go on should the camera return."""
    async with card_house(configured(tmp_path)) as house:
        begin = NOW - 30 * MINUTE_MS
        outage(house, begin, begin + 10_000)
        await house.fill()
        house.recorder.cameras = {}
        assert not await house.filler.one_round()
        assert house.recorder.filled == {}
        assert house.recorder.filled_left[house.number].next_sequence == FIRST_FILLED_NUMBER + 1
        assert all(not lane.filled for lane in house.recorder.lanes)
