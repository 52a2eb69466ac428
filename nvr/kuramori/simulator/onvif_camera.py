"""A simulated camera's ONVIF side as a whole: request bytes in, answer out. Pure.

Lets in whom the camera lets in, finds the service that is asked and wraps what it says; the services stand in
`onvif/`. The time and the list of services are told to anybody. This module must not know sockets; the time is
handed in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from kuramori.simulator.onvif import device, events, media, media2, recording, replay, search
from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import (
    NS_DEVICE,
    NS_EVENTS,
    NS_MEDIA,
    NS_MEDIA2,
    NS_NOTIFICATION,
    NS_RECORDING,
    NS_REPLAY,
    NS_SEARCH,
    Call,
    Fault,
    HangUp,
    HttpReply,
    Waiting,
    envelope,
)
from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori.simulator.onvif.sign_in import SignInDesk
from kuramori_onvif import hardened_xml as xml

__all__ = ["HttpReply", "OnvifCamera", "SimulatedProfile"]

_Content = str | Waiting | None
_SERVICES: dict[str, Callable[[CameraState, Call], _Content]] = {
    NS_DEVICE: device.answer,
    NS_MEDIA: media.answer,
    NS_MEDIA2: media2.answer,
    NS_EVENTS: events.answer,
    NS_NOTIFICATION: events.answer,
    NS_RECORDING: recording.answer,
    NS_SEARCH: search.answer,
    NS_REPLAY: replay.answer,
}


@dataclass(slots=True)
class OnvifCamera(CameraState):
    """One camera's answers."""

    sign_in: SignInDesk = field(default_factory=SignInDesk)

    def reply(self, body: bytes, authorization: str, utc_ms: int, path: str = "") -> HttpReply:
        """Answer one POST. Anything that is no SOAP request gets a fault."""
        return self._replied(lambda: self._content(body, authorization, utc_ms, path))

    def resume(self, waiting: Waiting, utc_ms: int) -> HttpReply:
        """Answer a pull that waited, if there is something to say by now."""
        return self._replied(lambda: events.pulled(self, waiting, utc_ms))

    def _replied(self, ask: Callable[[], str | Waiting]) -> HttpReply:
        try:
            content = ask()
        except HangUp:
            return HttpReply(HTTPStatus.OK, "", hang_up=True)
        except Fault as fault:
            if fault.status == HTTPStatus.UNAUTHORIZED and self.challenge is not None:
                return fault.reply(self.challenge.headers())
            return fault.reply()
        if isinstance(content, Waiting):
            return HttpReply(HTTPStatus.OK, "", waiting=content)
        return HttpReply(HTTPStatus.OK, envelope(content))

    def _content(self, body: bytes, authorization: str, utc_ms: int, path: str) -> str | Waiting:
        try:
            root = xml.parse(body)
        except ValueError:
            raise Fault("WellFormed", "not well-formed") from None
        request = xml.first(xml.child(root, "Body"))
        if request is None:
            raise Fault("WellFormed", "no body")
        operation = xml.local_name(request)
        self.note_operation(operation)
        header = xml.child(root, "Header")
        call = Call(xml.namespace(request), operation, request, utc_ms, self.camera_utc_ms(utc_ms), path, header)
        if (
            operation not in device.FREE_OPERATIONS
            and self.account is not None
            and not self.sign_in.admits(self.account, self.challenge, root, authorization, call.camera_utc_ms)
        ):
            raise Fault("NotAuthorized", "Sender not authorized", status=HTTPStatus.UNAUTHORIZED)
        service = _SERVICES.get(call.namespace)
        content = service(self, call) if service is not None else None
        if content is None:
            raise Fault("ActionNotSupported", "Optional action not implemented", code="Receiver")
        return content
