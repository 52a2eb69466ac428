"""The event service of a simulated camera by PullPoint (ONVIF Core section 9), and the subscriptions' own addresses.

Pure: a call in; out comes the content of the answer, or `Waiting`, a pull for which nothing is there yet. Whoever
holds the connection then asks again when something came or its time is over. This module must not know sockets.
"""

from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import NS_ADDRESSING, NS_VENDOR, Call, Fault, HangUp, Waiting
from kuramori.simulator.onvif.event_desk import DEFAULT_TERM_SECONDS, LONGEST_TERM_SECONDS, Subscription
from kuramori.simulator.onvif.event_topics import TOPICS, notification_message
from kuramori.simulator.onvif.time_text import duration_ms, moment, written
from kuramori_onvif import hardened_xml as xml

LONGEST_PULL_SECONDS = 60
MESSAGES_MOST = 100
SUBSCRIPTION_PATH = "subscription"
_OF_A_SUBSCRIPTION = frozenset({"PullMessages", "Renew", "Unsubscribe", "SetSynchronizationPoint"})


def answer(camera: CameraState, call: Call) -> str | Waiting | None:
    """Return the content of the answer, a wait, or None for an operation that the camera does not know."""
    if not camera.events.offered:
        return None
    desk = camera.events
    desk.expire(call.utc_ms)
    addressed = call.header is not None and any(xml.namespace(one) == NS_ADDRESSING for one in call.header)
    if addressed and desk.quirks.chokes_on_addressing:
        raise Fault("InvalidArgVal", "header not understood")
    if call.operation in _OF_A_SUBSCRIPTION:
        if desk.quirks.wants_addressing and not addressed:
            raise Fault("InvalidArgVal", "WS-Addressing header missing")
        return _of_subscription(camera, call, _subscription(camera, call))
    match call.operation:
        case "CreatePullPointSubscription":
            return _create(camera, call)
        case "GetEventProperties":
            return _properties(camera)
        case "GetServiceCapabilities":
            return (
                '<tev:GetServiceCapabilitiesResponse><tev:Capabilities WSSubscriptionPolicySupport="false" '
                'WSPausableSubscriptionManagerInterfaceSupport="false" MaxNotificationProducers="0" '
                f'MaxPullPoints="{desk.most_subscriptions}"/></tev:GetServiceCapabilitiesResponse>'
            )
        case _:
            return None


def pulled(camera: CameraState, waiting: Waiting, utc_ms: int) -> str | Waiting:
    """Answer a pull that waited, or let it wait on. Raises Fault (the subscription is gone), HangUp (a quirk)."""
    subscription = camera.events.subscriptions.get(waiting.subscription)
    if subscription is None or subscription.ends_utc_ms <= utc_ms:
        raise _unknown()
    if not subscription.queue:
        if utc_ms < waiting.until_utc_ms:
            return waiting
        if camera.events.quirks.closes_on_empty_pull:
            raise HangUp
    items = ""
    for _ in range(min(waiting.limit, len(subscription.queue))):
        told = notification_message(subscription.queue.popleft())
        items += f"<wsnt:NotificationMessage>{told}</wsnt:NotificationMessage>"
    return (
        f"<tev:PullMessagesResponse><tev:CurrentTime>{written(camera.camera_utc_ms(utc_ms))}</tev:CurrentTime>"
        f"<tev:TerminationTime>{_ends(camera, subscription)}</tev:TerminationTime>{items}</tev:PullMessagesResponse>"
    )


def _unknown() -> Fault:
    return Fault("InvalidArgVal/ResourceUnknownFault", "unknown subscription")


def _subscription(camera: CameraState, call: Call) -> Subscription:
    if camera.events.quirks.wants_subscription_id:
        word = xml.text(call.header, "SubscriptionId")
    else:
        word = call.path.rpartition(f"/{SUBSCRIPTION_PATH}/")[2]
    found = camera.events.subscriptions.get(int(word)) if word.isdecimal() else None
    if found is None:
        raise _unknown()
    return found


def _of_subscription(camera: CameraState, call: Call, subscription: Subscription) -> str | Waiting | None:
    match call.operation:
        case "PullMessages":
            asked_ms = duration_ms(xml.text(call.request, "Timeout"))
            if asked_ms is None:
                raise Fault("InvalidArgVal", "no timeout")
            until_utc_ms = call.utc_ms + min(asked_ms, LONGEST_PULL_SECONDS * 1000)
            limit = xml.text(call.request, "MessageLimit")
            most = min(int(limit), MESSAGES_MOST) if limit.isdecimal() and int(limit) else MESSAGES_MOST
            return pulled(camera, Waiting(subscription.number, until_utc_ms, most), call.utc_ms)
        case "Renew":
            subscription.ends_utc_ms = _term(camera, call, xml.text(call.request, "TerminationTime"))
            return (
                f"<wsnt:RenewResponse><wsnt:TerminationTime>{_ends(camera, subscription)}</wsnt:TerminationTime>"
                f"<wsnt:CurrentTime>{written(call.camera_utc_ms)}</wsnt:CurrentTime></wsnt:RenewResponse>"
            )
        case "Unsubscribe":
            camera.events.subscriptions.pop(subscription.number)
            camera.events.expire(call.utc_ms)
            return "<wsnt:UnsubscribeResponse/>"
        case _ if camera.events.quirks.no_synchronization_point:
            return None
        case _:
            camera.events.synchronize(subscription)
            return "<tev:SetSynchronizationPointResponse/>"


def _create(camera: CameraState, call: Call) -> str:
    desk = camera.events
    ends_utc_ms = _term(camera, call, xml.text(call.request, "InitialTerminationTime"))
    chosen = xml.child(call.request, "Filter", "TopicExpression")
    subscription = desk.subscribe(call.utc_ms, ends_utc_ms, (chosen.text or "") if chosen is not None else "")
    if subscription is None:
        raise Fault("Action/SubscribeCreationFailedFault", "too many subscriptions", code="Receiver", status=500)
    if desk.quirks.wants_subscription_id:
        address = camera.service_url("event_service")
        parameters = (
            f'<wsa:ReferenceParameters><vendor:SubscriptionId xmlns:vendor="{NS_VENDOR}">{subscription.number}'
            "</vendor:SubscriptionId></wsa:ReferenceParameters>"
        )
    else:
        address, parameters = camera.service_url(f"{SUBSCRIPTION_PATH}/{subscription.number}"), ""
    return (
        "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
        f"<wsa:Address>{address}</wsa:Address>{parameters}</tev:SubscriptionReference>"
        f"<wsnt:CurrentTime>{written(call.camera_utc_ms)}</wsnt:CurrentTime>"
        f"<wsnt:TerminationTime>{_ends(camera, subscription)}</wsnt:TerminationTime>"
        "</tev:CreatePullPointSubscriptionResponse>"
    )


def _term(camera: CameraState, call: Call, text: str) -> int:
    """Return when a term ends by our clock: a duration from now, or a moment by the camera's clock."""
    if not text:
        return call.utc_ms + DEFAULT_TERM_SECONDS * 1000
    term_ms = duration_ms(text)
    if term_ms is not None and camera.events.quirks.absolute_time_only:
        raise Fault("InvalidArgVal/UnacceptableTerminationTimeFault", "termination time must be absolute")
    if term_ms is None:
        end_camera_utc_ms = moment(text)
        if end_camera_utc_ms is None or end_camera_utc_ms <= call.camera_utc_ms:
            raise Fault("InvalidArgVal/UnacceptableTerminationTimeFault", "termination time not understood")
        term_ms = end_camera_utc_ms - call.camera_utc_ms
    return call.utc_ms + min(term_ms, LONGEST_TERM_SECONDS * 1000)


def _ends(camera: CameraState, subscription: Subscription) -> str:
    return written(camera.camera_utc_ms(subscription.ends_utc_ms))


class _Branch(dict[str, "_Branch"]):
    """A part of the tree of topics: names and what stands below them."""


def _properties(camera: CameraState) -> str:
    tree = _Branch()
    for topic in TOPICS.values():
        branch = tree
        parts = [*topic.path.split("/"), camera.events.quirks.ending if topic.ends else ""]
        for part in filter(None, parts):
            branch = branch.setdefault(part, _Branch())
    return (
        "<tev:GetEventPropertiesResponse><tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/"
        "topicns.xml</tev:TopicNamespaceLocation><wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>"
        f"{_written_tree(tree)}</wstop:TopicSet><wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/"
        "TopicExpression/Concrete</wsnt:TopicExpressionDialect><wsnt:TopicExpressionDialect>http://www.onvif.org/"
        "ver10/tev/topicExpression/ConcreteSet</wsnt:TopicExpressionDialect><tev:MessageContentFilterDialect>"
        "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>"
        "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd"
        "</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>"
    )


def _written_tree(tree: _Branch) -> str:
    return "".join(
        f"<{name}>{_written_tree(below)}</{name}>" if below else f'<{name} wstop:topic="true"/>'
        for name, below in tree.items()
    )
