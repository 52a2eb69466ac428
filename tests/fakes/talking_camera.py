"""Answers of a camera that reports events and records on a card, built by hand: one function per message.

No peer offers these services; the texts follow what real cameras were seen to write.
"""

from collections.abc import Callable

from tests.fakes.hostile_camera import ENVELOPE, HostileCamera, by_operation, response, soap

SERVICE = (
    "<tds:Service><tds:Namespace>http://www.onvif.org/{}/wsdl</tds:Namespace><tds:XAddr>{}</tds:XAddr></tds:Service>"
)
SPACES = (
    'xmlns:tev="http://www.onvif.org/ver10/events/wsdl" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:tse="http://www.onvif.org/ver10/search/wsdl" '
    'xmlns:trc="http://www.onvif.org/ver10/recording/wsdl" xmlns:trp="http://www.onvif.org/ver10/replay/wsdl"'
)
AXIS_ID = '<dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">7</dom0:SubscriptionId>'
NOW = "2026-01-01T00:00:00Z"
IN_A_MINUTE = "2026-01-01T00:01:00Z"
NOW_UTC_MS = 1_767_225_600_000

Answers = dict[str, bytes]


def said(name: str, content: str = "") -> bytes:
    """Return an answer of this name with this content."""
    return soap(f"<{name} {SPACES}>{content}</{name}>")


def fault(subcode: str = "ter:InvalidArgVal", reason: str = "no", status: str = "400 Bad Request") -> bytes:
    """Return a SOAP fault."""
    return response(
        ENVELOPE.format(
            f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
            f'<s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
        ),
        status,
    )


def services(port: int, *names: str, host: str = "127.0.0.1") -> bytes:
    """Return GetServices with media and these ver10 services."""
    listed = (SERVICE.format(f"ver10/{name}", f"http://{host}:{port}/{name}") for name in ("media", *names))
    return said("tds:GetServicesResponse", "".join(listed))


def terms(now: str = NOW, end: str = IN_A_MINUTE) -> str:
    """Return the camera's two times."""
    return f"<wsnt:CurrentTime>{now}</wsnt:CurrentTime><wsnt:TerminationTime>{end}</wsnt:TerminationTime>"


def created(address: str, parameters: str = "", times: str | None = None) -> bytes:
    """Return CreatePullPointSubscriptionResponse."""
    echoed = f"<wsa:ReferenceParameters>{parameters}</wsa:ReferenceParameters>" if parameters else ""
    reference = f"<wsa:Address>{address}</wsa:Address>{echoed}"
    inside = f"<tev:SubscriptionReference>{reference}</tev:SubscriptionReference>{terms() if times is None else times}"
    return said("tev:CreatePullPointSubscriptionResponse", inside)


def message(
    topic: str,
    data: str = "",
    *,
    operation: str = "Changed",
    source: str = "",
    utc_time: str = NOW,
    wrapped: bool = True,
) -> str:
    """Return one notification. `data` and `source` are "name=value" words."""
    inner = (
        f'<tt:Message UtcTime="{utc_time}" PropertyOperation="{operation}">'
        f"<tt:Source>{_items(source)}</tt:Source><tt:Data>{_items(data)}</tt:Data></tt:Message>"
    )
    told = f"<wsnt:Message>{inner}</wsnt:Message>" if wrapped else inner
    return f"<wsnt:NotificationMessage><wsnt:Topic>{topic}</wsnt:Topic>{told}</wsnt:NotificationMessage>"


def _items(words: str) -> str:
    pairs = (word.split("=", 1) for word in words.split())
    return "".join(f'<tt:SimpleItem Name="{name}" Value="{value}"/>' for name, value in pairs)


def pulled(*messages: str, times: str | None = None) -> bytes:
    """Return PullMessagesResponse."""
    return said("tev:PullMessagesResponse", (terms() if times is None else times) + "".join(messages))


def listening(camera: HostileCamera, **changed: bytes) -> Answers:
    """Return the answers of a camera whose events work, with some changed."""
    answers = {
        "GetServices": services(camera.port, "events"),
        "CreatePullPointSubscription": created(f"http://127.0.0.1:{camera.port}/subscription"),
        "SetSynchronizationPoint": said("tev:SetSynchronizationPointResponse"),
        "PullMessages": pulled(),
        "Renew": said("wsnt:RenewResponse", terms()),
        "Unsubscribe": said("wsnt:UnsubscribeResponse"),
    }
    return answers | changed


def scripted(camera: HostileCamera, answers: Answers) -> None:
    """Let a camera answer so from now on."""
    camera.script = by_operation(answers)


def refusing(camera: HostileCamera, answers: Answers, refuses: Callable[[bytes], bool], refusal: bytes) -> None:
    """Let a camera answer so, but refuse the requests for which `refuses` holds."""
    usual = by_operation(answers)
    refused = by_operation({"": refusal})

    async def script(request: bytes, writer: object) -> None:
        await (refused if refuses(request) else usual)(request, writer)  # type: ignore[arg-type]

    camera.script = script


def asked(camera: HostileCamera, operation: str) -> list[bytes]:
    """Return the requests of one operation, as they came."""
    return [one for one in camera.requests if f":{operation}".encode() in one]
