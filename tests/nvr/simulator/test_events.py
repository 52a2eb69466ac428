"""The simulated camera's events: told to who asked, when they come, and as badly as some firmwares do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kuramori.simulator.onvif.event_desk import QUEUED_MOST, EventQuirks
from kuramori.simulator.onvif.event_topics import TOPICS, EventKind
from kuramori.simulator.onvif.time_text import duration_ms, moment, written
from kuramori.simulator.onvif_camera import OnvifCamera
from kuramori.simulator.onvif_server import OnvifServer
from kuramori.timebase import SystemClock
from tests.fakes.onvif_questions import NOW_UTC_MS, SPACES, ask, attributes, camera, conforms, texts

ADDRESSED = "<wsa:Action>x</wsa:Action>"
PULL = "<tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>"


def subscribed(its: OnvifCamera, inside: str = "") -> str:
    """Subscribe; return the path of the subscription."""
    reply = ask(its, "tev:CreatePullPointSubscription", inside)
    return texts(reply, "Address")[0].removeprefix("http://127.0.0.1:80")


def test_the_event_service_is_listed_where_it_is_offered() -> None:
    """In the new way and in the old one; a camera without it says so in no way."""
    its = camera()
    for operation in ("tds:GetServices", "tds:GetCapabilities"):
        assert "event_service" in ask(its, operation, "<tds:IncludeCapability>false</tds:IncludeCapability>").body
    its.events.offered = False
    assert "event_service" not in ask(its, "tds:GetServices").body
    assert "ActionNotSupported" in ask(its, "tev:CreatePullPointSubscription").body


def test_what_is_told_reads_as_its_wsdl_says() -> None:
    """Every kind of event, the properties of the service, the terms: read strictly by somebody else's reader."""
    its = camera()
    path = subscribed(its)
    for kind in EventKind:
        its.emit(kind, "Active" if kind is EventKind.JOB_STATE else True, NOW_UTC_MS)
    told = conforms("tev:GetEventProperties", ask(its, "tev:GetEventProperties"))
    assert told.TopicSet is not None
    assert conforms("tev:GetServiceCapabilities", ask(its, "tev:GetServiceCapabilities")).MaxPullPoints == 4
    pulled = ask(its, "tev:PullMessages", PULL, path=path)
    assert texts(pulled, "Topic") == [topic.path for topic in TOPICS.values()]
    assert set(attributes(pulled, "Message", "PropertyOperation")) == {"Changed", ""}
    assert "Active" in texts(pulled, "State")


def test_only_what_was_asked_for_is_told() -> None:
    """A topic, or a subtree of topics; prefixes are the client's own."""
    its = camera()
    wish = "<tev:Filter><wsnt:TopicExpression>a:Device//.|b:VideoSource/MotionAlarm</wsnt:TopicExpression></tev:Filter>"
    path = subscribed(its, wish)
    for kind in (EventKind.STORAGE_FAILURE, EventKind.TOO_DARK, EventKind.MOTION):
        its.emit(kind, True, NOW_UTC_MS)
    topics = texts(ask(its, "tev:PullMessages", PULL, path=path), "Topic")
    assert topics == ["tns1:Device/HardwareFailure/StorageFailure", "tns1:VideoSource/MotionAlarm"]


def test_a_synchronisation_point_brings_the_state_of_every_property() -> None:
    """As Initialized, once each, the latest; a reboot is no property."""
    its = camera()
    for state in (True, False):
        its.emit(EventKind.STORAGE_FAILURE, state, NOW_UTC_MS)
    its.emit(EventKind.REBOOT, "2026-01-01T00:00:00Z", NOW_UTC_MS)
    path = subscribed(its)
    assert texts(ask(its, "tev:PullMessages", PULL, path=path), "Topic") == []
    ask(its, "tev:SetSynchronizationPoint", path=path)
    pulled = ask(its, "tev:PullMessages", PULL, path=path)
    assert attributes(pulled, "Message", "PropertyOperation") == ["", "Initialized"]  # wsnt:Message, tt:Message
    assert attributes(pulled, "SimpleItem", "Value") == ["card", "false"]


def test_one_subscription_too_many_is_refused_until_another_ends() -> None:
    """By Unsubscribe or by the end of its term."""
    its = camera()
    its.events.most_subscriptions = 2
    path = subscribed(its)
    subscribed(its, "<tev:InitialTerminationTime>PT10S</tev:InitialTerminationTime>")
    refused = ask(its, "tev:CreatePullPointSubscription")
    assert (refused.status, its.events.refused) == (500, 1)
    assert "SubscribeCreationFailedFault" in refused.body
    assert ask(its, "wsnt:Unsubscribe", path=path).status == 200
    assert ask(its, "tev:CreatePullPointSubscription").status == 200
    assert ask(its, "tev:CreatePullPointSubscription").status == 500
    assert ask(its, "tev:CreatePullPointSubscription", utc_ms=NOW_UTC_MS + 10_001).status == 200


def test_a_term_ends_unless_it_is_renewed() -> None:
    """By a duration or a moment of the camera's own clock, wrong as it may be."""
    its = camera()
    its.clock_offset_seconds = 3600
    path = subscribed(its, "<tev:InitialTerminationTime>PT30S</tev:InitialTerminationTime>")
    end = written(NOW_UTC_MS + 3_600_000 + 60_000)
    renewed = ask(its, "wsnt:Renew", f"<wsnt:TerminationTime>{end}</wsnt:TerminationTime>", path=path)
    assert texts(renewed, "TerminationTime") == [end]
    assert ask(its, "tev:PullMessages", PULL, path=path, utc_ms=NOW_UTC_MS + 59_000).status == 200
    late = ask(its, "tev:PullMessages", PULL, path=path, utc_ms=NOW_UTC_MS + 60_000)
    assert "ResourceUnknownFault" in late.body


def test_a_reboot_forgets_subscriptions() -> None:
    """The next pull is a fault; the next subscriber learns of the reboot only if already listening."""
    its = camera()
    path = subscribed(its)
    its.reboot(NOW_UTC_MS)
    assert "ResourceUnknownFault" in ask(its, "tev:PullMessages", PULL, path=path).body


def test_a_storm_is_bounded() -> None:
    """What nobody fetches is dropped, the oldest first; one pull brings no more than was asked for."""
    its = camera()
    path = subscribed(its)
    for number in range(QUEUED_MOST + 10):
        its.emit(EventKind.MOTION, str(number), NOW_UTC_MS)
    pulled = ask(its, "tev:PullMessages", PULL.replace("100", "2"), path=path)
    assert attributes(pulled, "SimpleItem", "Value") == ["sensor", "10", "sensor", "11"]


@pytest.mark.parametrize(
    ("quirks", "operation", "inside", "header", "status"),
    [
        (EventQuirks(absolute_time_only=True), "wsnt:Renew", "PT60S", "", 400),
        (EventQuirks(absolute_time_only=True), "wsnt:Renew", written(NOW_UTC_MS + 60_000), "", 200),
        (EventQuirks(chokes_on_addressing=True), "wsnt:Renew", "PT60S", ADDRESSED, 400),
        (EventQuirks(chokes_on_addressing=True), "wsnt:Renew", "PT60S", "", 200),
        (EventQuirks(wants_addressing=True), "wsnt:Renew", "PT60S", "", 400),
        (EventQuirks(wants_addressing=True), "wsnt:Renew", "PT60S", ADDRESSED, 200),
        (EventQuirks(no_synchronization_point=True), "tev:SetSynchronizationPoint", "", "", 400),
    ],
)
def test_each_switch_is_one_firmware(
    quirks: EventQuirks, operation: str, inside: str, header: str, status: int
) -> None:
    """Refused in one way, accepted in the other."""
    its = camera()
    path = subscribed(its)
    its.events.quirks = quirks
    fields = f"<wsnt:TerminationTime>{inside}</wsnt:TerminationTime>" if inside else ""
    assert ask(its, operation, fields, path=path, header=header).status == status


def test_a_reference_parameter_tells_subscriptions_apart() -> None:
    """One address for all: without the parameter echoed, nobody is known."""
    its = camera()
    its.events.quirks.wants_subscription_id = True
    reply = ask(its, "tev:CreatePullPointSubscription")
    (number,) = texts(reply, "SubscriptionId")
    path = texts(reply, "Address")[0]
    assert ask(its, "tev:PullMessages", PULL, path=path).status == 400
    header = f"<vendor:SubscriptionId>{number}</vendor:SubscriptionId>"
    assert ask(its, "tev:PullMessages", PULL, path=path, header=header).status == 200


def test_topics_may_end_in_a_service_and_states_come_unasked() -> None:
    """Two more firmwares."""
    its = camera()
    its.events.quirks = EventQuirks(ending="AnalyticsService", initialized_at_once=True)
    its.emit(EventKind.TOO_DARK, True, NOW_UTC_MS)
    pulled = ask(its, "tev:PullMessages", PULL, path=subscribed(its))
    assert texts(pulled, "Topic") == ["tns1:VideoSource/ImageTooDark/AnalyticsService"]


@pytest.mark.parametrize(
    ("text", "expected"), [("PT1M", 60_000), ("P1DT1.5S", 86_401_500), ("P", None), ("60", None), ("PT5H", 18_000_000)]
)
def test_durations_are_read(text: str, expected: int | None) -> None:
    """Days and less; moments need a zone."""
    assert duration_ms(text) == expected
    assert moment("2026-01-01T00:00:00") is None
    assert moment(written(NOW_UTC_MS + 7)) == NOW_UTC_MS + 7


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[OnvifCamera, asyncio.StreamReader, asyncio.StreamWriter]]:
    its = camera()
    server = OnvifServer((its,))
    await server.start()
    host, port = its.device_url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield its, reader, writer
    finally:
        writer.close()
        await server.stop()


def _post(path: str, operation: str, inside: str) -> bytes:
    declared = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
    body = (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" {declared}><s:Body>'
        f"<{operation}>{inside}</{operation}></s:Body></s:Envelope>"
    )
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def _answer(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.lower().partition("content-length: ")[2].split("\r\n")[0])
    return (await reader.readexactly(length)).decode()


async def test_a_long_poll_is_answered_when_something_happens() -> None:
    """Not before, and at once."""
    async with _served() as (its, reader, writer):
        subscription = its.events.subscribe(0, SystemClock().utc_ms() + 60_000, "")
        assert subscription is not None
        writer.write(
            _post(f"/onvif/subscription/{subscription.number}", "tev:PullMessages", PULL.replace("PT0S", "PT50S"))
        )
        while not its.events.listeners:
            await asyncio.sleep(0.001)
        its.emit(EventKind.MOTION, True, SystemClock().utc_ms())
        answer = await asyncio.wait_for(_answer(reader), 5)
        assert "MotionAlarm" in answer
        assert its.events.listeners == set()


async def test_an_empty_pull_may_close_the_connection() -> None:
    """As some firmwares do; others answer with an empty list when the time is over."""
    async with _served() as (its, reader, writer):
        subscription = its.events.subscribe(0, SystemClock().utc_ms() + 60_000, "")
        assert subscription is not None
        path = f"/onvif/subscription/{subscription.number}"
        writer.write(_post(path, "tev:PullMessages", PULL.replace("PT0S", "PT0.05S")))
        assert "PullMessagesResponse" in await asyncio.wait_for(_answer(reader), 5)
        its.events.quirks.closes_on_empty_pull = True
        writer.write(_post(path, "tev:PullMessages", PULL))
        assert await asyncio.wait_for(reader.read(), 5) == b""
