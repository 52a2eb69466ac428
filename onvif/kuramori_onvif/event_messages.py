"""The messages of ONVIF's PullPoint events: requests written by hand, answers read out of vetted XML. Pure.

ONVIF Core 9.1 (pull point), WS-BaseNotification 1.3 (renew, unsubscribe), WS-Addressing 1.0 (headers, reference
parameters). Read by local names, bounded in number and length; a message that cannot be read is counted, never
silently nothing. This module must not know connections, clocks or what is asked when.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.address import MAX_ADDRESS_CHARACTERS
from kuramori_onvif.camera_times import MAX_TIME_CHARACTERS, duration_text, utc_ms_of_text
from kuramori_onvif.event_models import EventKind, ReportedEvent
from kuramori_onvif.event_topics import Item, begins, deciding_value, kind_of, path_of

NS_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
NS_NOTIFICATION = "http://docs.oasis-open.org/wsn/b-2"
NS_ADDRESSING = "http://www.w3.org/2005/08/addressing"
NS_SOAP = "http://www.w3.org/2003/05/soap-envelope"
CREATE_ACTION = f"{NS_EVENTS}/EventPortType/CreatePullPointSubscriptionRequest"
PULL_ACTION = f"{NS_EVENTS}/PullPointSubscription/PullMessagesRequest"
SYNCHRONISE_ACTION = f"{NS_EVENTS}/PullPointSubscription/SetSynchronizationPointRequest"
RENEW_ACTION = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest"
UNSUBSCRIBE_ACTION = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest"

MAX_MESSAGES = 256  # read from one answer, whatever was asked for
MAX_ITEMS = 16  # of source and of data
MAX_ITEM_CHARACTERS = 128
MAX_WORDS_CHARACTERS = 512  # of `source` and of `detail`
MAX_PARAMETERS = 8
MAX_PARAMETER_BYTES = 2048
_NOT_ECHOED = ("Security", "Header", "Body", "Envelope")  # would change what our own message says
_ANONYMOUS = "/addressing/anonymous"


class TooManyParameters(ValueError):
    """The reference parameters of a subscription exceed a limit."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A subscription as the camera granted it. Nothing is bound to our host yet."""

    address: str  # "" where it names none: the event service itself
    parameters: tuple[bytes, ...]  # serialised elements, to be echoed in every header
    term_seconds: float | None  # by the camera's own two times; None: not told


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull brought. `missed` counts messages beyond the limit, `malformed` those without a topic."""

    events: tuple[ReportedEvent, ...]
    missed: int
    malformed: int
    term_seconds: float | None


def create_request(termination: str) -> xml.Element:
    """Write CreatePullPointSubscription for every topic; `termination` is a duration, a time, or "" for none."""
    request = etree.Element(etree.QName(NS_EVENTS, "CreatePullPointSubscription"), nsmap={"tev": NS_EVENTS})
    if termination:
        etree.SubElement(request, etree.QName(NS_EVENTS, "InitialTerminationTime")).text = termination
    return request


def pull_request(wait_seconds: float, limit: int) -> xml.Element:
    """Write PullMessages."""
    request = etree.Element(etree.QName(NS_EVENTS, "PullMessages"), nsmap={"tev": NS_EVENTS})
    etree.SubElement(request, etree.QName(NS_EVENTS, "Timeout")).text = duration_text(wait_seconds)
    etree.SubElement(request, etree.QName(NS_EVENTS, "MessageLimit")).text = str(limit)
    return request


def synchronise_request() -> xml.Element:
    """Write SetSynchronizationPoint: every state is then told once more, as Initialized."""
    return etree.Element(etree.QName(NS_EVENTS, "SetSynchronizationPoint"), nsmap={"tev": NS_EVENTS})


def renew_request(termination: str) -> xml.Element:
    """Write Renew; `termination` is a duration or a time."""
    request = etree.Element(etree.QName(NS_NOTIFICATION, "Renew"), nsmap={"wsnt": NS_NOTIFICATION})
    etree.SubElement(request, etree.QName(NS_NOTIFICATION, "TerminationTime")).text = termination
    return request


def unsubscribe_request() -> xml.Element:
    """Write Unsubscribe."""
    return etree.Element(etree.QName(NS_NOTIFICATION, "Unsubscribe"), nsmap={"wsnt": NS_NOTIFICATION})


def addressing(action: str, to: str, message_id: str) -> list[xml.Element]:
    """Write the WS-Addressing headers of a request."""
    written = []
    for name, words in (("Action", action), ("MessageID", message_id), ("To", to)):
        header = etree.Element(etree.QName(NS_ADDRESSING, name), nsmap={"wsa": NS_ADDRESSING})
        header.text = words
        if name != "MessageID":
            header.set(etree.QName(NS_SOAP, "mustUnderstand"), "1")
        written.append(header)
    return written


def echoed(parameters: tuple[bytes, ...], *, marked: bool) -> list[xml.Element]:
    """Write reference parameters as headers; `marked` as WS-Addressing wants them (SOAP binding, section 3)."""
    written = [etree.fromstring(parameter) for parameter in parameters]
    for header in written if marked else ():
        header.set(etree.QName(NS_ADDRESSING, "IsReferenceParameter"), "true")
    return written


def granted(content: xml.Element) -> Granted:
    """Read CreatePullPointSubscriptionResponse. Raises TooManyParameters."""
    reference = xml.child(content, "SubscriptionReference")
    address = xml.whole_text(reference, "Address", limit=MAX_ADDRESS_CHARACTERS)
    if address.endswith(_ANONYMOUS):
        address = ""
    return Granted(address, tuple(_parameters(xml.child(reference, "ReferenceParameters"))), term_seconds(content))


def _parameters(reference: xml.Element | None) -> Iterator[bytes]:
    for count, element in enumerate(() if reference is None else reference):
        if xml.local_name(element) in _NOT_ECHOED or xml.namespace(element) in (NS_SOAP, NS_ADDRESSING):
            continue
        alone = etree.fromstring(etree.tostring(element, with_tail=False))
        etree.cleanup_namespaces(alone)  # some declare thirty of them
        written = etree.tostring(alone)
        if count >= MAX_PARAMETERS or len(written) > MAX_PARAMETER_BYTES:
            raise TooManyParameters
        yield written


def term_seconds(content: xml.Element) -> float | None:
    """Return how long a subscription has still to live by the camera's own two times; None where it does not say."""
    current, end = (
        utc_ms_of_text(xml.whole_text(content, name, limit=MAX_TIME_CHARACTERS))
        for name in ("CurrentTime", "TerminationTime")
    )
    return (end - current) / 1000 if current is not None and end is not None and end > current else None


def pulled(content: xml.Element) -> Pulled:
    """Read PullMessagesResponse."""
    events: list[ReportedEvent] = []
    missed = malformed = 0
    for count, message in enumerate(xml.children(content, "NotificationMessage")):
        if count >= MAX_MESSAGES:
            missed += 1
            continue
        event = event_of(message)
        if event is None:
            malformed += 1
        else:
            events.append(event)
    return Pulled(tuple(events), missed, malformed, term_seconds(content))


def event_of(notification: xml.Element) -> ReportedEvent | None:
    """Read one wsnt:NotificationMessage; None where it has no topic."""
    path = path_of(xml.text(notification, "Topic"))
    if not path:
        return None
    outer = xml.child(notification, "Message")
    message = xml.child(outer, "Message")
    if message is None:  # seen without its wrapping
        message = outer
    kind, tamper = kind_of(path)
    data = _items(message, "Data")
    value = deciding_value(kind, data)
    if kind is EventKind.RECORDING_JOB and not value:
        value = _job_state(xml.child(message, "Data"))
    operation = "" if message is None else message.get("PropertyOperation", "").strip().lower()
    return ReportedEvent(
        kind=kind,
        topic=path,
        begins=None if operation == "deleted" else begins(kind, value),
        initialized=operation == "initialized",
        camera_utc_ms=None if message is None else utc_ms_of_text(message.get("UtcTime", "")),
        source=_words(_items(message, "Source") + _items(message, "Key")),
        detail=_words(data),
        tamper=tamper,
        value=value,
        deleted=operation == "deleted",
    )


def _items(message: xml.Element | None, group: str) -> list[Item]:
    """Return the simple items of Source, Key or Data; names without prefixes."""
    parent = xml.child(message, group)
    found: list[Item] = []
    for element in () if parent is None else xml.children(parent, "SimpleItem"):
        if len(found) == MAX_ITEMS:
            break
        name = xml.one_line(element.get("Name", "")[:MAX_ITEM_CHARACTERS]).rpartition(":")[2]
        if name:
            found.append((name, xml.one_line(element.get("Value", "")[:MAX_ITEM_CHARACTERS])))
    return found


def _job_state(data: xml.Element | None) -> str:
    """Return the state inside an ElementItem (`RecordingJobStateInformation`), "" where none stands."""
    for item in () if data is None else xml.children(data, "ElementItem"):
        for element in item.iter():
            if xml.local_name(element) == "State" and element.text:
                return xml.one_line(element.text[:MAX_ITEM_CHARACTERS])
    return ""


def _words(items: list[Item]) -> str:
    return ", ".join(f"{name}={value}" for name, value in items)[:MAX_WORDS_CHARACTERS]
