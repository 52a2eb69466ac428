"""Who wants to hear of a simulated camera's events, and what waits for them: subscriptions and property states.

Pure: times are handed in (our clock, except where camera time is said). Whoever holds a long poll registers a
listener and is called when something came. This module must not know SOAP or sockets.
"""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from kuramori.simulator.onvif.event_topics import TOPICS, EventKind, Notification, topic_path

QUEUED_MOST = 1000  # per subscription; the oldest is dropped, as cameras do
HISTORY_KEPT = 10_000
LONGEST_TERM_SECONDS = 600
DEFAULT_TERM_SECONDS = 60


@dataclass(slots=True)
class EventQuirks:
    """What real cameras do with events, each a switch."""

    closes_on_empty_pull: bool = False  # instead of answering with an empty list it closes the connection
    wants_subscription_id: bool = False  # all subscriptions on one address, told apart by a reference parameter
    absolute_time_only: bool = False  # refuses a duration as termination time
    chokes_on_addressing: bool = False  # refuses any request with a WS-Addressing header
    wants_addressing: bool = False  # refuses Renew, Unsubscribe and PullMessages without one
    ending: str = ""  # "ImagingService", "AnalyticsService": what topics of the picture end in
    no_synchronization_point: bool = False
    initialized_at_once: bool = False  # tells property states unasked when somebody subscribes


@dataclass(slots=True)
class Subscription:
    """One subscriber. An empty filter hears everything."""

    number: int
    ends_utc_ms: int
    topics: tuple[str, ...] = ()
    queue: deque[Notification] = field(default_factory=lambda: deque(maxlen=QUEUED_MOST))

    def hears(self, topic: str) -> bool:
        """Tell whether its filter lets a topic through: the topic itself, or a subtree written `a/b//.`."""
        if not self.topics:
            return True
        return any(topic_matches(topic, wanted) for wanted in self.topics)


@dataclass(slots=True)
class EventDesk:
    """The events of one camera. `offered` False: a camera without an event service."""

    offered: bool = True
    most_subscriptions: int = 4
    quirks: EventQuirks = field(default_factory=EventQuirks)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    states: dict[EventKind, str] = field(default_factory=dict)  # of properties
    changed_camera_utc_ms: dict[EventKind, int] = field(default_factory=dict)
    history: deque[Notification] = field(default_factory=lambda: deque(maxlen=HISTORY_KEPT))
    listeners: set[Callable[[], None]] = field(default_factory=set)
    refused: int = 0  # subscriptions that were one too many
    opened: int = 0  # subscriptions ever

    def emit(self, kind: EventKind, value: str, camera_utc_ms: int) -> None:
        """Tell every subscriber. A property is told again even when its state is the same."""
        operation = ""
        if TOPICS[kind].is_property:
            operation = "Changed"
            self.states[kind] = value
            self.changed_camera_utc_ms[kind] = camera_utc_ms
        notification = Notification(kind, topic_path(kind, self.quirks.ending), operation, value, camera_utc_ms)
        self.history.append(notification)
        for subscription in self.subscriptions.values():
            if subscription.hears(notification.topic):
                subscription.queue.append(notification)
        self._ring()

    def subscribe(self, utc_ms: int, ends_utc_ms: int, filter_text: str) -> Subscription | None:
        """Open a subscription, or None when there are too many."""
        self.expire(utc_ms)
        if len(self.subscriptions) >= self.most_subscriptions:
            self.refused += 1
            return None
        self.opened += 1
        number = secrets.randbelow(1 << 30)
        topics = tuple(word.strip() for word in filter_text.split("|") if word.strip())
        subscription = Subscription(number, ends_utc_ms, topics)
        self.subscriptions[number] = subscription
        if self.quirks.initialized_at_once:
            self.synchronize(subscription)
        return subscription

    def synchronize(self, subscription: Subscription) -> None:
        """Queue the state of every property for this subscriber (ONVIF Core 9.6)."""
        for kind, value in self.states.items():
            topic = topic_path(kind, self.quirks.ending)
            if subscription.hears(topic):
                since = self.changed_camera_utc_ms[kind]
                subscription.queue.append(Notification(kind, topic, "Initialized", value, since))
        self._ring()

    def expire(self, utc_ms: int) -> None:
        """Forget the subscriptions whose term is over."""
        for number in [one.number for one in self.subscriptions.values() if one.ends_utc_ms <= utc_ms]:
            self.subscriptions.pop(number)
        self._ring()

    def forget(self) -> None:
        """Lose every subscription, as by a reboot."""
        self.subscriptions.clear()
        self._ring()

    def _ring(self) -> None:
        for listener in tuple(self.listeners):
            listener()


def topic_matches(topic: str, wanted: str) -> bool:
    """Tell whether a topic is the wanted one, or below it where `wanted` ends in `//.`."""
    plain, sought = _without_prefixes(topic), _without_prefixes(wanted)
    return plain == sought or (sought.endswith("//.") and f"{plain}/".startswith(sought[:-3].rstrip("/") + "/"))


def _without_prefixes(topic: str) -> str:
    """`tns1:Device/tnsx:Y` is `Device/Y`: cameras and clients choose prefixes as they like."""
    return "/".join(part.rpartition(":")[2] for part in topic.split("/"))
