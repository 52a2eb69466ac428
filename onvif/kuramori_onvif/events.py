"""Listens to one camera's events by PullPoint (ONVIF Core 9.1): the thin shell around `subscription_life`.

Start it last: cameras grow slow while they are listened to. Nothing here loads the SOAP library, so that a process
that only listens stays small. Cameras differ in how they want to be asked (WS-Addressing headers or not, a duration
or a time); what worked is remembered. This module must not know what an event means to anybody.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kuramori_onvif import event_messages as messages
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.address import Unusable
from kuramori_onvif.camera_times import duration_text, utc_text
from kuramori_onvif.device import Device
from kuramori_onvif.errors import (
    AddressRefused,
    AnswerMalformed,
    AnswerTooLarge,
    CameraFault,
    ConnectionClosed,
    CredentialsMissing,
    CredentialsRefused,
    EventsUnsupported,
    OnvifError,
    OperationUnsupported,
    SubscriptionLost,
)
from kuramori_onvif.event_models import ReportedEvent
from kuramori_onvif.event_states import EventStates
from kuramori_onvif.subscription_life import TERM_SECONDS, Do, SubscriptionLife

WAIT_SECONDS = 20.0  # how long a camera may hold a pull
MODEST_WAIT_SECONDS = 1.0
MESSAGE_LIMIT = 64  # asked for; some refuse more than they can
MODEST_LIMIT = 10
CLOSE_SECONDS = 3.0
_WOULD_NOT_HELP = (EventsUnsupported, CredentialsRefused, CredentialsMissing)


@dataclass(frozen=True, slots=True)
class _Form:
    """One way of asking the same."""

    addressed: bool = True  # with WS-Addressing headers
    relative: bool | None = True  # a duration; False: a time by the camera's clock; None: neither
    modest: bool = False


_CREATE = (_Form(), _Form(relative=False), _Form(False), _Form(False, relative=False), _Form(False, relative=None))
_RENEW = (_Form(), _Form(False), _Form(relative=False), _Form(False, relative=False))
_PULL = (_Form(), _Form(False), _Form(False, modest=True))
_PLAIN = (_Form(), _Form(False))


@dataclass(frozen=True, slots=True)
class _PullPoint:
    """Where our subscription answers, bound to the camera's host, and what it wants to hear again."""

    address: str
    named_address: str  # as the camera wrote it: for the To header only
    parameters: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What one step brought. `wait_seconds`: sleep so long before the next. `problem` is for the operator."""

    events: tuple[ReportedEvent, ...] = ()
    wait_seconds: float = 0.0
    problem: OnvifError | None = None


@dataclass(slots=True)
class EventSubscription:
    """One subscription to all events of `device`. Use it, and the device, from one task; close it afterwards.

    Either call `step` for ever, or `open`, `pull`, `renew` by hand. `boot_ns` is our monotonic clock.
    """

    device: Device
    boot_ns: Callable[[], int] = field(kw_only=True)
    wait_seconds: float = field(default=WAIT_SECONDS, kw_only=True)
    states: EventStates = field(default_factory=EventStates, init=False)  # what holds now; empty when not subscribed
    missed_messages: int = field(default=0, init=False)  # beyond the limit of one answer, or unreadable
    _life: SubscriptionLife = field(default_factory=SubscriptionLife, init=False)
    _point: _PullPoint | None = field(default=None, init=False)
    _worked: dict[str, _Form] = field(default_factory=dict, init=False)

    @property
    def subscribed(self) -> bool:
        """Whether the camera's events are being heard."""
        return self._life.subscribed

    async def step(self) -> Heard:
        """Do what is due now. Raises nothing of ours: what went wrong is told, and waited for longer each time."""
        due = self._life.next(self.boot_ns())
        try:
            match due.do:
                case Do.WAIT:
                    return Heard(wait_seconds=due.wait_seconds)
                case Do.SUBSCRIBE:
                    await self.open()
                case Do.SYNCHRONISE:
                    await self.synchronise()
                case Do.RENEW:
                    await self.renew()
                case Do.PULL:
                    return Heard(await self.pull(self.wait_seconds))
        except OnvifError as problem:
            return Heard(problem=problem)
        return Heard()

    async def open(self) -> None:
        """Subscribe to every topic, giving up an older subscription first. Raises an OnvifError.

        The states that hold are told by the camera after `synchronise`, as `initialized` events of the next pulls.
        """
        await self._unsubscribe()
        self._forget()
        try:
            await self._create()
        except OnvifError as error:
            self._life.failed(self.boot_ns(), refused=isinstance(error, _WOULD_NOT_HELP))
            raise

    async def _create(self) -> None:
        service = (await self.device.services()).events
        if service is None:
            raise EventsUnsupported(self.device.camera, "it has no event service")
        point = _PullPoint(service, service)
        if "create" not in self._worked:
            await self.device.clock()  # for a camera that wants a time, and for the sign-in
        sent_ns = self.boot_ns()
        try:
            content = await self._ask("create", _CREATE, point, self._create_request, messages.CREATE_ACTION)
        except OperationUnsupported as error:
            raise EventsUnsupported(self.device.camera, str(error.reason or "/".join(error.codes))) from None
        try:
            granted = messages.granted(content)
            bound = self.device.bind(granted.address).url if granted.address else service
        except messages.TooManyParameters:
            limit = messages.MAX_PARAMETERS
            raise AnswerTooLarge(self.device.camera, "CreatePullPointSubscription", "parameters", limit) from None
        except Unusable as error:
            raise AddressRefused(self.device.camera, "CreatePullPointSubscription", str(error)) from None
        self._point = _PullPoint(bound, granted.address or service, granted.parameters)
        self._life.subscribed_at(sent_ns, granted.term_seconds)

    def _create_request(self, form: _Form) -> xml.Element:
        return messages.create_request(self._termination(form))

    async def synchronise(self) -> None:
        """Ask the camera to tell every state once more. One that does not know the question is let be."""
        point = self._subscribed("SetSynchronizationPoint")
        try:
            await self._ask(
                "synchronise", _PLAIN, point, lambda _: messages.synchronise_request(), messages.SYNCHRONISE_ACTION
            )
        except CameraFault:
            self._life.synchronised(self.boot_ns())
        except OnvifError:
            self._life.failed(self.boot_ns())
            raise
        else:
            self._life.synchronised(self.boot_ns())

    async def pull(self, wait_seconds: float = WAIT_SECONDS) -> tuple[ReportedEvent, ...]:
        """Return what the camera reports within `wait_seconds`; () means that nothing happened.

        Raises SubscriptionLost (open again), or another OnvifError: nothing is known then, the subscription stays.
        """
        point = self._subscribed("PullMessages")
        asked_ns = self.boot_ns()
        seconds = self._life.pull_seconds(asked_ns, wait_seconds)

        def request(form: _Form) -> xml.Element:
            limit = MODEST_LIMIT if form.modest else MESSAGE_LIMIT
            return messages.pull_request(MODEST_WAIT_SECONDS if form.modest else seconds, limit)

        try:
            content = await self._ask("pull", _PULL, point, request, messages.PULL_ACTION, seconds)
        except ConnectionClosed:
            self._life.pulled(asked_ns, self.boot_ns(), 0, closed=True)
            return ()
        except CameraFault as fault:
            self._forget()
            self._life.lost(self.boot_ns())
            raise SubscriptionLost(self.device.camera, "PullMessages", str(fault.reason or fault.codes)) from None
        except OnvifError as error:
            if isinstance(error, AnswerMalformed | AnswerTooLarge):
                self._life.missed(self.boot_ns())
            self._life.failed(self.boot_ns(), refused=isinstance(error, _WOULD_NOT_HELP))
            raise
        pulled = messages.pulled(content)
        self._life.pulled(asked_ns, self.boot_ns(), len(pulled.events), pulled.term_seconds)
        if pulled.missed or pulled.malformed:
            self.missed_messages += pulled.missed + pulled.malformed
            self._life.missed(self.boot_ns())
        self.states = self.states.after(pulled.events)
        return pulled.events

    def renew_due(self) -> bool:
        """Tell whether four fifths of the term are over."""
        return self._life.renew_due(self.boot_ns())

    async def renew(self) -> None:
        """Prolong the subscription. One that refuses is pulled until its end, then made anew."""
        point = self._subscribed("Renew")
        sent_ns = self.boot_ns()

        def request(form: _Form) -> xml.Element:
            return messages.renew_request(self._termination(form))

        try:
            content = await self._ask("renew", _RENEW, point, request, messages.RENEW_ACTION)
        except CameraFault:
            self._life.renewal_refused()
        except OnvifError:
            self._life.failed(self.boot_ns())
            raise
        else:
            self._life.renewed(sent_ns, messages.term_seconds(content))

    async def close(self) -> None:
        """Give the subscription back to the camera, which has few; within CLOSE_SECONDS. The device stays open."""
        await self._unsubscribe()
        self._forget()

    async def _unsubscribe(self) -> None:
        point, self._point = self._point, None
        if point is None or not self._life.subscribed:
            return
        with contextlib.suppress(OnvifError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._ask(
                    "unsubscribe", _PLAIN, point, lambda _: messages.unsubscribe_request(), messages.UNSUBSCRIBE_ACTION
                )

    def _forget(self) -> None:
        self._point = None
        self.states = EventStates()
        self._life.ended()

    def _subscribed(self, operation: str) -> _PullPoint:
        if self._point is None:
            raise SubscriptionLost(self.device.camera, operation, "there is none")
        return self._point

    def _termination(self, form: _Form) -> str:
        if form.relative is None:
            return ""
        if form.relative:
            return duration_text(TERM_SECONDS)
        soap = self.device.soap
        return utc_text(soap.utc_ms() + soap.sign_in.clock_offset_ms + int(TERM_SECONDS * 1000))

    async def _ask(
        self,
        name: str,
        forms: tuple[_Form, ...],
        point: _PullPoint,
        request: Callable[[_Form], xml.Element],
        action: str,
        hold_seconds: float = 0.0,
    ) -> xml.Element:
        """Ask in the form that worked, else in each until one does; raise the fault of the first."""
        faults: list[CameraFault] = []
        for form in self._candidates(name, forms):
            headers = messages.echoed(point.parameters, marked=form.addressed)
            if form.addressed:
                headers = messages.addressing(action, point.named_address, f"urn:uuid:{uuid.uuid4()}") + headers
            try:
                answer = await self.device.soap.ask(
                    point.address, request(form), action=action, headers=headers, hold_seconds=hold_seconds
                )
            except CameraFault as fault:
                faults.append(fault)
            else:
                self._worked[name] = form
                return answer.content
        if name in ("create", "renew"):  # a new firmware may want it otherwise
            self._worked.pop(name, None)
        raise faults[0]

    def _candidates(self, name: str, forms: tuple[_Form, ...]) -> Iterator[_Form]:
        worked = self._worked.get(name)
        return iter(forms if worked is None else (worked,))
