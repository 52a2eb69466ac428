"""A camera whose every answer may be damaged: listening, looking at its card, searching. Without a socket.

Whatever comes, there is a value or one of our errors, a bounded number of questions, and never a word of health that
nobody said.
"""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuramori_onvif import card_search
from kuramori_onvif.card_models import CardLight
from kuramori_onvif.device import Device
from kuramori_onvif.edge_storage import inspect_card
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.events import EventSubscription
from kuramori_onvif.transport import HttpAnswer, HttpTransport
from tests.fakes.card_texts import history, information, job_state, jobs, listed, page, result, summary
from tests.fakes.talking_camera import (
    AXIS_ID,
    NOW_UTC_MS,
    Answers,
    created,
    fault,
    message,
    pulled,
    said,
    services,
    terms,
)

SPAN = ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z")
TOKEN = "<tse:SearchToken>search-1</tse:SearchToken>"
MOST_QUESTIONS = 400
DAMAGE = st.tuples(
    st.sampled_from(["cut", "write", "fault", "status", "double"]), st.integers(0, 3000), st.binary(max_size=12)
)


def _answers(state: str) -> Answers:
    track = result("r1", "Video0", SPAN[0], message("tns1:RecordingHistory/Track/State", "IsDataPresent=true"))
    return {
        "GetServices": services(80, "events", "recording", "search", "replay"),
        "GetSystemDateAndTime": said("tds:GetSystemDateAndTimeResponse"),
        "CreatePullPointSubscription": created("http://127.0.0.1/s", AXIS_ID),
        "SetSynchronizationPoint": said("tev:SetSynchronizationPointResponse"),
        "PullMessages": pulled(message("tns1:RecordingConfig/JobState", f"State={state}")),
        "Renew": said("wsnt:RenewResponse", terms()),
        "Unsubscribe": said("wsnt:UnsubscribeResponse"),
        "GetRecordingSummary": summary(*SPAN, 1),
        "GetRecordingJobs": jobs("j"),
        "GetRecordingJobState": job_state(state),
        "GetRecordings": said("trc:GetRecordingsResponse", listed("r1", "Video", "Audio")),
        "GetRecordingInformation": said("tse:GetRecordingInformationResponse", information("r1", ("Audio", *SPAN))),
        "GetStorageConfigurations": said("tds:GetStorageConfigurationsResponse"),
        "FindRecordings": said("tse:FindRecordingsResponse", TOKEN),
        "GetRecordingSearchResults": page(information("r1", ("Video", *SPAN))),
        "FindEvents": said("tse:FindEventsResponse", TOKEN),
        "GetEventSearchResults": history(track),
        "EndSearch": said("tse:EndSearchResponse"),
        "GetReplayUri": said("trp:GetReplayUriResponse", "<trp:Uri>rtsp://127.0.0.1/r1</trp:Uri>"),
    }


class DamagedTransport(HttpTransport):
    """Answers by operation, some of them damaged, without a socket."""

    def __init__(self, answers: Answers, damages: dict[str, tuple[str, int, bytes]]) -> None:
        super().__init__("127.0.0.1")
        self.answers = answers
        self.damages = damages
        self.asked = 0

    async def post(
        self, url: str, body: bytes, headers: dict[str, str], operation: str, *, hold_seconds: float = 0.0
    ) -> HttpAnswer:
        self.asked += 1
        assert self.asked < MOST_QUESTIONS
        whole = self.answers.get(operation, fault("ter:ActionNotSupported")).partition(b"\r\n\r\n")[2]
        how, at, noise = self.damages.get(operation, ("", 0, b""))
        match how:
            case "cut":
                return HttpAnswer(200, (), whole[: at % (len(whole) + 1)])
            case "write":
                at %= len(whole) + 1
                return HttpAnswer(200, (), whole[:at] + noise + whole[at + len(noise) :])
            case "fault":
                return HttpAnswer(500, (), fault().partition(b"\r\n\r\n")[2])
            case "status":
                return HttpAnswer(100 + at % 500, (), noise)
            case "double":
                return HttpAnswer(
                    200, (), whole.replace(b"<s:Body>", b"<s:Body>" + noise).replace(b"tt:", b"x:", at % 9)
                )
        return HttpAnswer(200, (), whole)


DAMAGES = st.dictionaries(st.sampled_from(sorted(_answers(""))), DAMAGE, max_size=6)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all examples."""
    with asyncio.Runner() as runner:
        yield runner


def _device(damages: dict[str, tuple[str, int, bytes]], state: str) -> Device:
    device = Device("http://127.0.0.1/onvif/device_service", utc_ms=lambda: NOW_UTC_MS)
    device.soap.transport = DamagedTransport(_answers(state), damages)
    return device


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=DAMAGES, seconds=st.lists(st.integers(0, 90), max_size=12))
def test_listening_never_stumbles(
    runner: asyncio.Runner, damages: dict[str, tuple[str, int, bytes]], seconds: list[int]
) -> None:
    """Each step gives events, a wait or one of our errors; what was not said does not hold."""
    boot_ns = 0
    device = _device(damages, "Active")
    subscription = EventSubscription(device, boot_ns=lambda: boot_ns)
    for wait in seconds:
        boot_ns += wait * 1_000_000_000
        heard = runner.run(subscription.step())
        assert 0 <= heard.wait_seconds <= 900
        assert subscription.subscribed or not subscription.states.latest
    runner.run(subscription.close())
    assert not subscription.subscribed


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=DAMAGES)
def test_a_card_is_never_called_well_by_mistake(
    runner: asyncio.Runner, damages: dict[str, tuple[str, int, bytes]]
) -> None:
    """Its job rests and it has a sound track, in whole or damaged answers: not green, not silent, not encrypted."""
    try:
        found = runner.run(inspect_card(_device(damages, "Idle")))
    except OnvifError:
        return
    assert found.light is not CardLight.GREEN
    assert found.records_audio is not False or "GetRecordings" in damages
    assert not found.encrypted


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=DAMAGES)
def test_a_search_ends(runner: asyncio.Runner, damages: dict[str, tuple[str, int, bytes]]) -> None:
    """In recordings within the time, or one of our errors."""
    device = _device(damages, "Active")
    try:
        found = runner.run(card_search.find_recordings(device, NOW_UTC_MS, NOW_UTC_MS + 60_000))
        runner.run(card_search.replay_uri(device, "r1"))
    except OnvifError:
        return
    for one in found:
        assert all(NOW_UTC_MS <= span.from_utc_ms < span.until_utc_ms <= NOW_UTC_MS + 60_000 for span in one.spans)
