"""Fetching a piece over RTSP replay: what is asked, what comes, and what becomes of a card that means harm."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from kuramori.capture.replay import ReplayRange, read_replay_time
from kuramori.capture.rtsp_source import RtspOptions, RtspSource
from kuramori.capture.rtsp_url import parse_stream_url
from kuramori.capture.source import StreamDescription
from kuramori.filling import replay_fetch
from kuramori.filling.fill_plan import Piece, Span
from kuramori.filling.replay_cut import MOST_STRAYS, Cut, FilledUnit, ReplayCutter
from kuramori.filling.replay_fetch import MOST_BYTES_PER_DRAIN, FetchEnd, FetchResult, ReplayFetch
from tests.fakes.replay_camera import (
    FRAME_MS,
    Picture,
    ReplayCamera,
    endless,
    honest,
    nal_of,
    picture_at,
    running_replay,
)

START = 1_790_000_040_000
GAP = Span(START + 2_500, START + 9_000)


@dataclass
class Fetch:
    """One fetch and what was sealed of it."""

    camera: ReplayCamera
    cutter: ReplayCutter
    cuts: list[Cut] = field(default_factory=list)
    descriptions: list[StreamDescription] = field(default_factory=list)
    result: FetchResult = FetchResult(FetchEnd.BROKEN)  # noqa: RUF009 - frozen
    source: RtspSource | None = None

    @property
    def sealed(self) -> list[int]:
        return [cut.utc_us // 1000 for cut in self.cuts if isinstance(cut, FilledUnit)]

    @property
    def payloads(self) -> list[bytes]:
        return [cut.payload for cut in self.cuts if isinstance(cut, FilledUnit)]


@asynccontextmanager
async def fetched(camera: ReplayCamera, *, offset_ms: int = 0, may_read: bool = True) -> AsyncIterator[Fetch]:
    """Fetch the gap from a camera."""
    async with running_replay(camera):
        cutter = ReplayCutter(Piece((GAP,)), offset_ms=offset_ms, reach_ms=4000)
        fetch = Fetch(camera, cutter)
        options = RtspOptions(
            parse_stream_url(camera.url)[0],
            replay=ReplayRange(GAP.from_utc_ms - 4000 + offset_ms, GAP.to_utc_ms + 2000 + offset_ms),
            most_bytes_per_tick=MOST_BYTES_PER_DRAIN,
            low_water_bytes=1,
        )
        source = RtspSource(options, cutter, boot_ns=time.monotonic_ns, on_replay_time=cutter.on_replay_time)
        fetch.source = source

        async def seal(cuts: list[Cut]) -> bool:
            fetch.cuts += cuts
            return True

        run = ReplayFetch(source, cutter, fetch.descriptions.append, seal, lambda: may_read)
        fetch.result = await run.run()
        yield fetch


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that falls silent is waited for only shortly."""
    monkeypatch.setattr(replay_fetch, "SILENCE_SECONDS", 0.6)


class TestTheDialogue:
    async def test_asks_as_the_specification_says(self) -> None:
        """Require on SETUP and PLAY, an absolute range by the camera's clock, and no rate control."""
        async with fetched(ReplayCamera(), offset_ms=90_000) as fetch:
            assert fetch.camera.headers_of("SETUP")["require"] == "onvif-replay"
            play = fetch.camera.headers_of("PLAY")
            assert play["require"] == "onvif-replay"
            assert play["range"] == "clock=20260921T141528.500Z-20260921T141541.000Z"
            assert play["rate-control"] == "no"
            assert fetch.camera.asked[-1].method == "TEARDOWN"

    async def test_never_sets_the_sound_up(self) -> None:
        """The description offers it; one SETUP is made, of the video."""
        async with fetched(ReplayCamera()) as fetch:
            assert [asked.url for asked in fetch.camera.asked if asked.method == "SETUP"] == [
                fetch.camera.url + "/video"
            ]
            assert fetch.descriptions[0].audio_offered == ("MPEG4-GENERIC",)
            assert fetch.source is not None
            assert fetch.source.statistics.setups == ["video"]

    async def test_a_live_stream_is_asked_for_as_before(self) -> None:
        """Without a replay no header of it goes out."""
        camera = ReplayCamera(card=lambda _from, _to: iter(()), refuse={"PLAY": 453})
        async with running_replay(camera):
            options = RtspOptions(parse_stream_url(camera.url)[0])
            cutter = ReplayCutter(Piece((GAP,)), offset_ms=0, reach_ms=1)
            source = RtspSource(options, cutter, boot_ns=time.monotonic_ns)
            with pytest.raises(Exception, match="453"):
                await source.open()
            await source.close()
            assert "require" not in camera.headers_of("SETUP")
            assert camera.headers_of("PLAY")["range"] == "npt=0.000-"


class TestWhatComes:
    async def test_the_gap_is_filled_picture_by_picture(self) -> None:
        """Every byte of every picture, from the key frame before the gap to its end."""
        async with fetched(ReplayCamera()) as fetch:
            assert fetch.result.end is FetchEnd.PASSED
            assert fetch.sealed == list(range(START + 2_000, GAP.to_utc_ms, FRAME_MS))
            for utc_ms, payload in zip(fetch.sealed, fetch.payloads, strict=True):
                assert payload.endswith(nal_of(utc_ms // FRAME_MS))

    async def test_a_clock_that_is_wrong_is_corrected(self) -> None:
        """The camera's clock is 90 s ahead: what it calls later is what was missing."""
        async with fetched(ReplayCamera(), offset_ms=90_000) as fetch:
            assert fetch.sealed == list(range(START + 2_000, GAP.to_utc_ms, FRAME_MS))

    async def test_a_card_that_ends_early_fills_what_it_has(self) -> None:
        """Whether it hangs up or falls silent."""
        for hangs_up in (True, False):

            def half(begin: int, _end: int) -> Iterator[Picture]:
                return honest(begin, START + 5_000)

            async with fetched(ReplayCamera(card=half, hangs_up=hangs_up)) as fetch:
                assert fetch.result.end is FetchEnd.SILENT
                assert fetch.sealed == list(range(START + 2_000, START + 5_000, FRAME_MS))

    async def test_the_terminal_picture_ends_the_fetch_at_once(self) -> None:
        """Nobody waits for more."""

        def told(begin: int, _end: int) -> Iterator[Picture]:
            yield from honest(begin, START + 5_000)
            yield picture_at(START + 5_000, flags=0x10)

        async with fetched(ReplayCamera(card=told)) as fetch:
            assert fetch.result.end is FetchEnd.PASSED
            assert fetch.sealed[-1] == START + 5_000

    @pytest.mark.parametrize(
        ("status", "end"),
        [(551, FetchEnd.REFUSED), (457, FetchEnd.REFUSED), (404, FetchEnd.REFUSED), (401, FetchEnd.UNREACHABLE)],
    )
    async def test_a_refusal_is_told_from_a_camera_that_is_away(self, status: int, end: FetchEnd) -> None:
        """A wrong password says nothing about the minute; what the camera does not replay, it will not replay."""
        async with fetched(ReplayCamera(refuse={"PLAY": status})) as fetch:
            assert fetch.result.end is end
            assert fetch.sealed == []

    async def test_nothing_is_read_while_the_recorder_is_late(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The camera waits; when its time is over, so is the fetch."""
        monkeypatch.setattr(replay_fetch, "PIECE_SECONDS", 1.0)
        async with fetched(ReplayCamera(), may_read=False) as fetch:
            assert fetch.result.end is FetchEnd.TIMED_OUT
            assert fetch.sealed == []


class TestCardsThatMeanHarm:
    async def test_times_outside_what_was_asked_fill_nothing(self) -> None:
        """Last year's pictures are not sealed under any hour."""
        year_ms = 365 * 86_400_000

        def wrong(begin: int, end: int) -> Iterator[Picture]:
            return honest(begin - year_ms, end - year_ms)

        async with fetched(ReplayCamera(card=wrong)) as fetch:
            assert fetch.sealed == []
            assert fetch.cutter.strays > 0

    async def test_pictures_without_a_time_fill_nothing(self) -> None:
        """Neither without an extension nor with another one."""
        for profile in (None, 0xBEDE):

            def undated(begin: int, end: int, profile: int | None = profile) -> Iterator[Picture]:
                for one in honest(begin, end):
                    when = None if profile is None else one.camera_utc_ms
                    yield Picture(one.index, when, one.is_key, 0, profile or 0)

            async with fetched(ReplayCamera(card=undated)) as fetch:
                assert fetch.sealed == []

    async def test_a_stream_without_end_is_ended(self) -> None:
        """It is the piece that ends, at a bounded cost, and not the patience of the recorder."""
        async with fetched(ReplayCamera(card=endless)) as fetch:
            assert fetch.result.end in (FetchEnd.STRAYED, FetchEnd.SILENT, FetchEnd.PASSED, FetchEnd.BROKEN)
            assert fetch.sealed == []

    async def test_a_stream_of_strays_is_ended(self) -> None:
        """After some thousand pictures that nobody asked for."""

        def strays(begin: int, _end: int) -> Iterator[Picture]:
            return honest(begin - 86_400_000, begin)

        async with fetched(ReplayCamera(card=strays)) as fetch:
            assert fetch.result.end is FetchEnd.STRAYED
            assert fetch.cutter.strays < MOST_STRAYS + 5_000

    async def test_what_is_pushed_on_another_channel_is_not_taken(self) -> None:
        """Sound that nobody set up, for one."""

        def pushed(begin: int, end: int) -> Iterator[Picture]:
            for one in honest(begin, end):
                yield one
                yield Picture(one.index, one.camera_utc_ms, one.is_key, channel=2)

        async with fetched(ReplayCamera(card=pushed)) as fetch:
            assert fetch.sealed == list(range(START + 2_000, GAP.to_utc_ms, FRAME_MS))

    async def test_no_more_is_read_than_the_line_is_to_bear(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The camera would send as fast as it can: TCP holds it back."""
        monkeypatch.setattr(replay_fetch, "PIECE_SECONDS", 2.0)
        camera = ReplayCamera(card=lambda begin, _end: honest(begin - 900_000, begin), picture_bytes=60_000)
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with fetched(camera) as fetch:
            seconds = loop.time() - began
            assert fetch.source is not None
            received = fetch.source.statistics.received_bytes
            assert received <= (seconds / replay_fetch.DRAIN_SECONDS + 2) * (MOST_BYTES_PER_DRAIN + (1 << 18))


def test_the_time_of_a_packet_is_read_from_its_extension() -> None:
    """Seconds since 1900, a fraction, and what is said of the stretch; the era of 2036 included."""
    head = bytes.fromhex("9060000100000000000000ff")
    extension = bytes.fromhex("abac0003") + (2_208_988_800 + 1_790_000_040 & 0xFFFFFFFF).to_bytes(4, "big")
    told = read_replay_time(head + extension + b"\x80\0\0\0\x70\0\0\0" + b"\x65", 0, 29)
    assert told is not None
    assert told.utc_us == 1_790_000_040_500_000
    assert (told.ends_section, told.discontinuity, told.terminal) == (True, True, True)
    late = bytes.fromhex("abac0003") + (100).to_bytes(4, "big") + bytes(8)
    told = read_replay_time(head + late + b"\x65", 0, 29)
    assert told is not None
    assert told.utc_us == (2**32 - 2_208_988_800 + 100) * 1_000_000


@pytest.mark.parametrize("cut", range(29))
def test_a_packet_that_is_cut_off_tells_no_time(cut: int) -> None:
    """Wherever it is cut."""
    packet = bytes.fromhex("9060000100000000000000ffabac0003") + bytes(12) + b"\x65"
    assert (read_replay_time(packet, 0, cut) is None) is (cut < 28)
