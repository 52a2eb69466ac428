"""Finding what a camera's own card holds, over a real connection. No peer offers Profile G: answers are hand-built."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kuramori_onvif import card_search
from kuramori_onvif.card_models import CardSpan, TrackKind
from kuramori_onvif.device import Device
from kuramori_onvif.errors import AddressRefused, AnswerMalformed, AnswerTooLarge, CameraFault, CardUnsupported
from tests.fakes.card_texts import history, information, page, result, summary
from tests.fakes.hostile_camera import HostileCamera, always
from tests.fakes.talking_camera import NOW_UTC_MS, Answers, asked, fault, message, said, scripted, services

HOUR = 3_600_000
T0, T1, T2 = NOW_UTC_MS, NOW_UTC_MS + HOUR, NOW_UTC_MS + 2 * HOUR
W0, W1, W2 = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"
TOKEN = "<tse:SearchToken>search-1</tse:SearchToken>"


def _answers(camera: HostileCamera, **changed: bytes) -> Answers:
    """A card with one recording from 0 to 2 o'clock, its history not told."""
    return {
        "GetServices": services(camera.port, "search", "replay"),
        "FindRecordings": said("tse:FindRecordingsResponse", TOKEN),
        "GetRecordingSearchResults": page(information("r1", ("Video", W0, W2), ("Audio", W0, W2), extent=(W0, W2))),
        "EndSearch": said("tse:EndSearchResponse"),
    } | changed


@asynccontextmanager
async def _camera(**changed: bytes) -> AsyncIterator[tuple[HostileCamera, Device]]:
    async with HostileCamera(always(b"")) as camera:
        scripted(camera, _answers(camera, **changed))
        async with Device(camera.address, utc_ms=lambda: NOW_UTC_MS) as device:
            yield camera, device


def _track(time: str, present: str, recording: str = "r1") -> str:
    return result(recording, "Video0", time, message("tns1:RecordingHistory/Track/State", f"IsDataPresent={present}"))


async def test_a_recording_is_found_cut_to_the_time_asked_for() -> None:
    """With its tracks; its extent is not exact. The search is ended."""
    async with _camera() as (camera, device):
        (found,) = await card_search.find_recordings(device, T0 + 1000, T1)
        assert found.spans == (CardSpan(T0 + 1000, T1),)
        assert (found.token, found.track_tokens, found.has_audio) == ("r1", ("Video0", "Audio1"), True)
        assert [track.kind for track in found.tracks] == [TrackKind.VIDEO, TrackKind.AUDIO]
        assert not found.spans_exact
        (end,) = asked(camera, "EndSearch")
        assert b">search-1<" in end


async def test_the_history_makes_the_spans_exact() -> None:
    """The hole between two stretches is seen before anything is fetched."""
    told = history(_track(W0, "true"), _track("2026-01-01T00:10:00Z", "false"), _track("2026-01-01T00:50:00Z", "true"))
    async with _camera(FindEvents=said("tse:FindEventsResponse", TOKEN), GetEventSearchResults=told) as (
        camera,
        device,
    ):
        (found,) = await card_search.find_recordings(device, T0, T1)
        assert found.spans_exact
        assert found.spans == (CardSpan(T0, T0 + 600_000), CardSpan(T0 + 3_000_000, T1))
        assert len(asked(camera, "EndSearch")) == 2
        (question,) = asked(camera, "FindEvents")
        assert b'xmlns:tns1="http://www.onvif.org/ver10/topics"' in question
        assert b">tns1:RecordingHistory//.<" in question


@pytest.mark.parametrize(
    "told",
    [history(_track("soon", "true").replace(W0, "x")), history(state="Searching"), history("<tt:Result/>"), fault()],
)
async def test_a_history_that_cannot_be_read_whole_is_not_used(told: bytes) -> None:
    """The extent is used instead: at worst nothing comes at replay."""
    async with _camera(FindEvents=said("tse:FindEventsResponse", TOKEN), GetEventSearchResults=told) as (_, device):
        (found,) = await card_search.find_recordings(device, T0, T1)
        assert (found.spans_exact, found.spans) == (False, (CardSpan(T0, T1),))


async def test_what_lies_outside_the_time_is_left_out() -> None:
    """And a recording whose extent is not told, for nothing could be asked of it."""
    told = page(
        information("old", ("Video", W0, W1), status="Stopped"),
        information("mute", ("Video", "", "")),
        information("in", ("Video", W1, W2)),
    )
    async with _camera(GetRecordingSearchResults=told) as (_, device):
        found = await card_search.find_recordings(device, T1, T2)
        assert [one.token for one in found] == ["in"]


async def test_a_recording_that_is_being_written_reaches_further_than_it_says() -> None:
    """Its last moment is told late, so its end is taken as open; one that was stopped ends where it says."""
    for status, end in (("Recording", T2), ("Stopped", T1)):
        told = page(information("r", ("Video", W0, W1), status=status))
        async with _camera(GetRecordingSearchResults=told) as (_, device):
            (found,) = await card_search.find_recordings(device, T0, T2)
            assert found.spans[-1].until_utc_ms == end


async def test_an_empty_card_holds_nothing() -> None:
    """The search is completed and found none."""
    async with _camera(GetRecordingSearchResults=page()) as (camera, device):
        assert await card_search.find_recordings(device, T0, T2) == ()
        assert asked(camera, "FindEvents") == []


@pytest.mark.parametrize(
    "answer",
    [page(state="Searching"), page("<tt:RecordingInformation/>"), said("tse:GetRecordingSearchResultsResponse")],
)
async def test_a_search_without_end_or_sense_is_an_error(answer: bytes) -> None:
    """It never reads as an empty card, is bounded, and is ended all the same."""
    async with _camera(GetRecordingSearchResults=answer) as (camera, device):
        with pytest.raises(AnswerMalformed):
            await card_search.find_recordings(device, T0, T2)
        assert len(asked(camera, "GetRecordingSearchResults")) <= card_search.MAX_EMPTY_PAGES
        assert len(asked(camera, "EndSearch")) == 1


async def test_a_search_that_says_the_same_for_ever_is_bounded() -> None:
    """What it found is told."""
    told = page(information("r1", ("Video", W0, W2)), state="Searching")
    async with _camera(GetRecordingSearchResults=told) as (camera, device):
        (found,) = await asyncio.wait_for(card_search.find_recordings(device, T0, T2), 30)
        assert found.token == "r1"
        assert len(asked(camera, "GetRecordingSearchResults")) == card_search.MAX_PAGES
        assert len(asked(camera, "EndSearch")) == 1


async def test_ten_thousand_recordings_are_too_many() -> None:
    """The memory is bounded; the error says so."""
    pages = [
        page(*(information(f"r{one}-{number}", ("Video", W0, W2)) for number in range(200)), state="Searching")
        for one in range(3)
    ]

    async with _camera() as (camera, device):
        usual = camera.script

        async def script(request: bytes, writer: asyncio.StreamWriter) -> None:
            if b":GetRecordingSearchResults" in request:
                writer.write(pages.pop(0))
            else:
                await usual(request, writer)

        camera.script = script
        with pytest.raises(AnswerTooLarge):
            await card_search.find_recordings(device, T0, T2)
        assert len(asked(camera, "EndSearch")) == 1


async def test_a_search_is_ended_when_we_are_stopped() -> None:
    """A camera has few searches to give."""
    async with _camera() as (camera, device):
        usual = camera.script
        reached = asyncio.Event()

        async def script(request: bytes, writer: asyncio.StreamWriter) -> None:
            if b":GetRecordingSearchResults" in request:
                reached.set()
                await asyncio.sleep(60)
            await usual(request, writer)

        camera.script = script
        task = asyncio.create_task(card_search.find_recordings(device, T0, T2))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(asked(camera, "EndSearch")) == 1


async def test_the_address_of_a_replay_is_bound_to_the_camera() -> None:
    """User and password are dropped; another host is replaced and told."""
    told = said("trp:GetReplayUriResponse", "<trp:Uri>rtsp://a:b@10.0.0.9:554/replay?token=r1</trp:Uri>")
    async with _camera(GetReplayUri=told) as (camera, device):
        found = await card_search.replay_uri(device, "r1")
        assert (found.uri, found.replaced_host) == ("rtsp://127.0.0.1:554/replay?token=r1", "10.0.0.9")
        (question,) = asked(camera, "GetReplayUri")
        assert b"RTP-Unicast" in question


@pytest.mark.parametrize("uri", ["", "http://h/x", "rtsp://", "rtsp://h/pass=1"])
async def test_an_address_that_is_none_is_refused(uri: str) -> None:
    """Nothing is connected to."""
    async with _camera(GetReplayUri=said("trp:GetReplayUriResponse", f"<trp:Uri>{uri}</trp:Uri>")) as (_, device):
        with pytest.raises(AddressRefused):
            await card_search.replay_uri(device, "r1")


async def test_a_camera_without_these_services_says_so() -> None:
    """One clear error for each."""
    async with HostileCamera(always(b"")) as camera:
        scripted(camera, {"GetServices": services(camera.port)})
        async with Device(camera.address, utc_ms=lambda: NOW_UTC_MS) as device:
            with pytest.raises(CardUnsupported, match="search"):
                await card_search.find_recordings(device, T0, T1)
            with pytest.raises(CardUnsupported, match="replay"):
                await card_search.replay_uri(device, "r1")


async def test_the_summary_and_one_recording_are_told() -> None:
    """For whoever wants only these."""
    one = said("tse:GetRecordingInformationResponse", information("r1", ("Video", W0, W1)))
    async with _camera(GetRecordingSummary=summary(W0, W1, 1), GetRecordingInformation=one) as (_, device):
        assert (await card_search.summary(device)).latest_utc_ms == T1
        assert (await card_search.recording_information(device, "r1")).spans == (CardSpan(T0, T1),)


async def test_a_summary_or_recording_without_content_is_an_error() -> None:
    """It does not read as an empty card."""
    bare = {"GetRecordingSummary": said("tse:GetRecordingSummaryResponse")}
    async with _camera(**bare, GetRecordingInformation=said("tse:GetRecordingInformationResponse")) as (_, device):
        with pytest.raises(AnswerMalformed):
            await card_search.summary(device)
        with pytest.raises(AnswerMalformed):
            await card_search.recording_information(device, "r1")


async def test_a_refused_search_is_the_camera_s_own_fault() -> None:
    """Told as such; there is nothing to end."""
    async with _camera(FindRecordings=fault("ter:InvalidArgVal", "busy")) as (camera, device):
        with pytest.raises(CameraFault, match="busy"):
            await card_search.find_recordings(device, T0, T1)
        assert asked(camera, "EndSearch") == []
