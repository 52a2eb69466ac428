"""Listening to cameras whose answers are built by hand, one test per quirk: no peer offers events by PullPoint."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from kuramori_onvif.device import Credentials, Device
from kuramori_onvif.errors import (
    AddressRefused,
    AnswerMalformed,
    AnswerTooLarge,
    CameraUnreachable,
    CredentialsRefused,
    DeadlineExceeded,
    EventsUnsupported,
    SubscriptionLost,
)
from kuramori_onvif.event_models import EventKind, Tamper
from kuramori_onvif.events import EventSubscription
from tests.fakes.hostile_camera import HostileCamera, always, by_operation, response, soap
from tests.fakes.talking_camera import (
    AXIS_ID,
    NOW_UTC_MS,
    Answers,
    asked,
    created,
    fault,
    listening,
    message,
    pulled,
    refusing,
    said,
    scripted,
    services,
    terms,
)

SECOND = 1_000_000_000
DARK = message(
    "tns1:VideoSource/ImageTooDark/ImagingService", "State=true", operation="Initialized", source="Source=v1"
)
ADDRESSED = b"addressing"
USER = Credentials("operator", "hunter2")


@dataclass(slots=True)
class BootClock:
    """Our monotonic clock; stands still until a test moves it."""

    ns: int = 0

    def __call__(self) -> int:
        return self.ns


@asynccontextmanager
async def _watching(
    *, credentials: Credentials | None = None, total_seconds: float = 5.0
) -> AsyncIterator[tuple[HostileCamera, EventSubscription, BootClock]]:
    """A camera whose events work, and a subscription that has not been opened."""
    boot = BootClock()
    async with HostileCamera(always(b"")) as camera:
        scripted(camera, listening(camera))
        async with Device(
            camera.address, credentials, utc_ms=lambda: NOW_UTC_MS, total_seconds=total_seconds
        ) as device:
            yield camera, EventSubscription(device, boot_ns=boot), boot


def _changed(camera: HostileCamera, **answers: bytes) -> Answers:
    changed = listening(camera, **answers)
    scripted(camera, changed)
    return changed


async def test_the_states_at_the_beginning_are_heard() -> None:
    """Subscribe, ask for all states, pull: the picture is dark already."""
    async with _watching() as (camera, subscription, _):
        _changed(camera, PullMessages=pulled(DARK))
        heard = [await subscription.step() for _ in range(3)]
        assert [one.problem for one in heard] == [None, None, None]
        (event,) = heard[2].events
        assert (event.kind, event.initialized, event.begins) == (EventKind.TAMPER, True, True)
        assert subscription.subscribed
        assert subscription.states.tampers() == (Tamper.TOO_DARK,)
        assert [len(asked(camera, name)) for name in ("CreatePull", "SetSynchronizationPoint", "PullMessages")] == [
            1,
            1,
            1,
        ]


async def test_a_subscription_is_asked_for_five_minutes_and_given_back() -> None:
    """Subscriptions are few: an orderly stop leaves none behind."""
    async with _watching() as (camera, subscription, _):
        await subscription.open()
        assert b"PT300S" in asked(camera, "CreatePullPointSubscription")[0]
        await subscription.close()
        await subscription.close()
        (last,) = asked(camera, "Unsubscribe")
        assert last.startswith(b"POST /subscription ")
        assert not subscription.subscribed


async def test_a_camera_that_wants_a_time_gets_one_by_its_own_clock() -> None:
    """It refuses a duration; the time is remembered for the renewal."""
    date = (
        "<tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>0</tt:Hour><tt:Minute>0</tt:Minute>"
        "<tt:Second>0</tt:Second></tt:Time><tt:Date><tt:Year>2020</tt:Year><tt:Month>1</tt:Month><tt:Day>1</tt:Day>"
        "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime>"
    )
    async with _watching() as (camera, subscription, boot):
        answers = listening(camera) | {"GetSystemDateAndTime": said("tds:GetSystemDateAndTimeResponse", date)}
        refusing(camera, answers, lambda request: b"PT300S" in request, fault("wsnt:UnacceptableTerminationTimeFault"))
        await subscription.open()
        assert b"2020-01-01T00:05:00Z" in asked(camera, "CreatePullPointSubscription")[-1]
        boot.ns = 50 * SECOND
        assert subscription.renew_due()
        await subscription.renew()
        assert b"2020-01-01T00:05:00Z" in asked(camera, "Renew")[-1]
        assert not subscription.renew_due()


async def test_a_camera_that_chokes_on_addressing_headers_is_asked_without() -> None:
    """And what worked is remembered: each operation is refused once."""
    async with _watching() as (camera, subscription, boot):
        refusing(camera, listening(camera), lambda request: ADDRESSED in request, fault("s:MustUnderstand"))
        for _ in range(2):
            await subscription.open()
            await subscription.synchronise()
            await subscription.pull(1)
            boot.ns += 50 * SECOND
            await subscription.renew()
        for operation in ("SetSynchronizationPoint", "PullMessages", "Renew"):
            assert [ADDRESSED in one for one in asked(camera, operation)] == [True, False, False], operation


async def test_a_camera_that_wants_addressing_headers_gets_them() -> None:
    """Action, To as the camera itself named it, and a message id."""
    async with _watching() as (camera, subscription, _):
        answers = _changed(camera, CreatePullPointSubscription=created(f"http://10.1.2.3:{camera.port}/own?Idx=4"))
        refusing(camera, answers, lambda request: b"PullMessages" in request and ADDRESSED not in request, fault())
        await subscription.open()
        await subscription.pull(1)
        (request,) = asked(camera, "PullMessages")
        assert request.startswith(b"POST /own?Idx=4 ")
        assert b">http://10.1.2.3:" in request
        assert b">http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest<" in request


async def test_a_subscription_address_elsewhere_is_bound_to_the_camera() -> None:
    """Nothing is sent to another host, nor is a port doubled."""
    async with HostileCamera(always(soap(""))) as elsewhere, _watching() as (camera, subscription, _):
        for address in (elsewhere.address.replace("127.0.0.1", "127.0.0.9"), f"http://h:{camera.port}:{camera.port}/s"):
            other = created(address.replace(str(elsewhere.port), str(camera.port)))
            _changed(camera, CreatePullPointSubscription=other)
            await subscription.open()
            await subscription.pull(1)
        assert elsewhere.requests == []
        assert len(asked(camera, "PullMessages")) == 2


@pytest.mark.parametrize("address", ["ftp://h/x", "http://h/pass=1", "javascript:x"])
async def test_a_subscription_address_that_is_none_is_refused(address: str) -> None:
    """Said as such; nothing is subscribed."""
    async with _watching() as (camera, subscription, _):
        _changed(camera, CreatePullPointSubscription=created(address))
        with pytest.raises(AddressRefused):
            await subscription.open()
        assert not subscription.subscribed


async def test_the_subscription_id_is_echoed() -> None:
    """All subscriptions of this vendor share one address."""
    async with _watching() as (camera, subscription, _):
        answer = created(f"http://127.0.0.1:{camera.port}/event", AXIS_ID)
        answers = _changed(camera, CreatePullPointSubscription=answer)
        refusing(camera, answers, lambda request: b"PullMessages" in request and b">7<" not in request, fault())
        await subscription.open()
        assert await subscription.pull(1) == ()
        await subscription.close()
        assert b">7<" in asked(camera, "Unsubscribe")[0]


async def test_a_connection_closed_after_a_while_is_an_empty_pull() -> None:
    """Some cameras say in this way that nothing happened; the question is not repeated."""

    async def closes(request: bytes, writer: asyncio.StreamWriter) -> None:
        if b"PullMessages" in request:
            boot.ns += 20 * SECOND
            writer.close()
        else:
            await by_operation(listening(camera))(request, writer)

    async with _watching() as (camera, subscription, boot):
        await subscription.open()
        camera.script = closes
        assert await subscription.pull(1) == ()
        assert len(asked(camera, "PullMessages")) == 1
        assert subscription.subscribed


async def test_a_camera_that_closes_at_once_is_not_asked_in_a_rush() -> None:
    """That is a failure, and waited for longer each time."""
    async with _watching() as (camera, subscription, _):
        await subscription.open()
        camera.script = always(b"")

        async def closes(_request: bytes, writer: asyncio.StreamWriter) -> None:
            writer.close()

        camera.script = closes
        await subscription.pull(1)
        assert (await subscription.step()).wait_seconds == 2


@pytest.mark.parametrize("refusal", [fault("ter:ResourceUnknown"), response("", "500 Internal Server Error")])
async def test_a_refused_pull_means_that_the_camera_restarted(refusal: bytes) -> None:
    """Nothing is known then; a new subscription is made, and its states are heard again."""
    async with _watching() as (camera, subscription, boot):
        _changed(camera, PullMessages=pulled(DARK))
        await subscription.open()
        await subscription.pull(1)
        boot.ns = 31 * SECOND
        _changed(camera, PullMessages=refusal)
        with pytest.raises(SubscriptionLost):
            await subscription.pull(1)
        assert not subscription.subscribed
        assert subscription.states.tampers() == ()
        _changed(camera, PullMessages=pulled(DARK))
        heard = [await subscription.step() for _ in range(3)]
        assert subscription.subscribed
        assert heard[2].events[0].initialized
        assert asked(camera, "Unsubscribe") == []


async def test_a_camera_that_does_not_answer_keeps_its_subscription() -> None:
    """It is waited for; only when the term is over a new one is made."""
    async with _watching(total_seconds=0.2) as (camera, subscription, boot):
        await subscription.open()

        async def silent(_request: bytes, _writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        camera.script = silent
        with pytest.raises(DeadlineExceeded):
            await subscription.pull(0.1)
        assert subscription.subscribed
        scripted(camera, listening(camera))
        boot.ns = 3 * SECOND
        await subscription.pull(1)
        assert len(asked(camera, "CreatePullPointSubscription")) == 1
        boot.ns = 70 * SECOND
        await subscription.step()
        assert len(asked(camera, "CreatePullPointSubscription")) == 2
        assert len(asked(camera, "Unsubscribe")) == 1


async def test_a_long_poll_may_last_longer_than_an_answer() -> None:
    """The deadline begins when the camera should have answered."""
    async with _watching(total_seconds=0.5) as (camera, subscription, _):
        await subscription.open()

        async def holds(_request: bytes, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.9)
            writer.write(pulled(DARK))

        camera.script = holds
        assert len(await subscription.pull(1)) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (response("<broken"), AnswerMalformed),
        (response(b"\xff\xfe"), AnswerMalformed),
        (soap("<tev:Other xmlns:tev='x'/>"), AnswerMalformed),
        (response(b"<" * 70_000), AnswerTooLarge),
    ],
)
async def test_an_unreadable_pull_is_no_silence(answer: bytes, error: type[Exception]) -> None:
    """It is said, the subscription stays, and all states are asked for again as soon as that is due."""
    async with _watching() as (camera, subscription, boot):
        await subscription.open()
        await subscription.synchronise()
        _changed(camera, PullMessages=answer)
        with pytest.raises(error):
            await subscription.pull(1)
        scripted(camera, listening(camera))
        boot.ns = 47 * SECOND
        await subscription.pull(1)
        boot.ns = 61 * SECOND
        await subscription.step()  # the term of this camera is one minute
        await subscription.step()
        assert len(asked(camera, "SetSynchronizationPoint")) == 2


async def test_too_many_messages_are_counted() -> None:
    """The first 256 are told, the others are known to be missing."""
    async with _watching() as (camera, subscription, _):
        _changed(camera, PullMessages=pulled(*[message("tns1:VideoSource/MotionAlarm", "State=true")] * 300))
        await subscription.open()
        assert len(await subscription.pull(1)) == 256
        assert subscription.missed_messages == 44


async def test_a_camera_without_synchronisation_is_listened_to_all_the_same() -> None:
    """It is asked once."""
    async with _watching() as (camera, subscription, _):
        _changed(camera, SetSynchronizationPoint=fault("ter:ActionNotSupported"), PullMessages=pulled(DARK))
        heard = [await subscription.step() for _ in range(3)]
        assert heard[2].events


async def test_a_renewal_that_is_refused_is_not_repeated() -> None:
    """The subscription is pulled to its end and then made anew."""
    async with _watching() as (camera, subscription, boot):
        _changed(camera, Renew=fault())
        await subscription.open()
        await subscription.synchronise()
        boot.ns = 50 * SECOND
        await subscription.step()
        refused = len(asked(camera, "Renew"))
        await subscription.step()
        assert len(asked(camera, "Renew")) == refused
        assert len(asked(camera, "PullMessages")) == 1


async def test_a_camera_that_prolongs_by_pulling_is_not_asked_to_renew() -> None:
    """Its own two times in the answer say so."""
    async with _watching() as (camera, subscription, boot):
        await subscription.open()
        await subscription.synchronise()
        boot.ns = 40 * SECOND
        await subscription.pull(1)
        boot.ns = 50 * SECOND
        assert not subscription.renew_due()
        assert asked(camera, "Renew") == []


async def test_a_camera_that_holds_few_messages_is_asked_modestly() -> None:
    """It refuses 64 messages and 20 seconds; ten and one it grants."""
    async with _watching() as (camera, subscription, _):
        await subscription.open()
        answers = listening(camera, PullMessages=pulled(DARK))
        refusing(camera, answers, lambda request: b"MessageLimit>64" in request, fault())
        assert len(await subscription.pull(20)) == 1
        await subscription.pull(20)
        assert len(asked(camera, "PullMessages")) == 4


@pytest.mark.parametrize("names", [(), ("recording",)])
async def test_a_camera_without_event_service_says_so(names: tuple[str, ...]) -> None:
    """One clear error, asked again a quarter of an hour later; nothing else depends on it."""
    async with _watching() as (camera, subscription, _):
        _changed(camera, GetServices=services(camera.port, *names))
        heard = await subscription.step()
        assert isinstance(heard.problem, EventsUnsupported)
        assert (await subscription.step()).wait_seconds == 900


async def test_a_camera_that_does_not_know_pull_points_says_so() -> None:
    """It offers the service and not the operation."""
    async with _watching() as (camera, subscription, _):
        _changed(camera, CreatePullPointSubscription=fault("ter:ActionNotSupported"))
        assert isinstance((await subscription.step()).problem, EventsUnsupported)


async def test_a_refused_password_is_sent_once_by_each_method_and_then_not_for_long() -> None:
    """So that no account is locked by a process that listens for ever."""
    async with _watching(credentials=USER) as (camera, subscription, _):
        refuse = response("", "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"')
        refusing(camera, listening(camera), lambda request: b"GetSystemDate" not in request, refuse)
        camera.requests.clear()
        assert isinstance((await subscription.step()).problem, CredentialsRefused)
        signed = [one for one in camera.requests if b"Authorization:" in one or b"UsernameToken" in one]
        assert len(signed) <= 4  # two methods, for two questions
        assert (await subscription.step()).wait_seconds == 900
        assert all(b"hunter2" not in one for one in camera.requests)


async def test_a_camera_that_is_away_is_waited_for() -> None:
    """The wait grows; nothing raises."""
    async with _watching() as (camera, subscription, boot):
        await camera.__aexit__()
        assert isinstance((await subscription.step()).problem, CameraUnreachable)
        first = await subscription.step()
        boot.ns += 3 * SECOND
        await subscription.step()
        assert (first.wait_seconds, (await subscription.step()).wait_seconds) == (2, 4)


async def test_giving_back_does_not_hold_up_the_end() -> None:
    """A camera that does not answer the Unsubscribe is left after three seconds at most."""
    async with _watching() as (camera, subscription, _):
        await subscription.open()

        async def silent(_request: bytes, _writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        camera.script = silent
        started = asyncio.get_running_loop().time()
        await subscription.close()
        assert asyncio.get_running_loop().time() - started < 4


async def test_listening_loads_no_soap_library() -> None:
    """A process that only listens stays small."""
    script = (
        "import asyncio, sys, time\n"
        "from kuramori_onvif.device import Device\n"
        "from kuramori_onvif.edge_storage import inspect_card\n"
        "from kuramori_onvif.events import EventSubscription\n"
        "async def main():\n"
        "    async with Device(sys.argv[1], utc_ms=lambda: 0) as device:\n"
        "        subscription = EventSubscription(device, boot_ns=time.monotonic_ns)\n"
        "        for _ in range(3): assert (await subscription.step()).problem is None\n"
        "        await inspect_card(device, subscription.states)\n"
        "        await subscription.close()\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('zeep', 'onvif', 'httpx', 'aiohttp')])\n"
    )
    async with _watching() as (camera, _, _):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, camera.address, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, problems = await child.communicate()
        assert (out.decode().strip(), problems.decode()) == ("[]", "")


async def test_the_camera_tells_its_terms_in_its_own_time() -> None:
    """A clock forty years behind changes nothing."""
    async with _watching() as (camera, subscription, boot):
        old = terms("1986-01-01T00:00:00Z", "1986-01-01T00:10:00Z")
        address = f"http://127.0.0.1:{camera.port}/subscription"
        _changed(camera, CreatePullPointSubscription=created(address, times=old), Renew=said("wsnt:RenewResponse", old))
        await subscription.open()
        boot.ns = 479 * SECOND
        assert not subscription.renew_due()
        boot.ns = 480 * SECOND
        assert subscription.renew_due()
        await subscription.renew()
        assert not subscription.renew_due()
