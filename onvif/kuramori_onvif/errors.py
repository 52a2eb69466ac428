"""What can go wrong at the door, one class per event; callers choose by type, never by text.

    OnvifError
    ├── CameraUnreachable          no route, refused, name unknown
    │   └── ConnectionClosed       closed without a word in answer
    ├── DeadlineExceeded           the whole exchange took too long (a drip-fed body among others)
    ├── CertificateUntrusted       TLS: not the pinned certificate, or not a valid one
    ├── AnswerTooLarge             more bytes, elements or nesting than any camera needs
    ├── AnswerMalformed            not HTTP, not UTF-8, not XML, a DTD, or not what was asked for
    │   └── DatagramMalformed      the same for a WS-Discovery datagram
    ├── AnswerRedirected           a camera never sends us elsewhere
    ├── AddressRefused             an address that the camera handed out cannot be used safely
    ├── CameraFault                a SOAP fault
    │   └── OperationUnsupported   the camera does not know the operation
    ├── CredentialsMissing         the camera asks for a sign-in and none is configured
    ├── CredentialsRefused         the camera refuses user and password
    ├── EventsUnsupported          the camera offers no events that could be pulled
    ├── SubscriptionLost           the camera no longer knows our subscription, mostly after a restart
    ├── CardUnsupported            the camera does not let its own recordings be searched or replayed
    ├── NoSuitableProfile          nothing that could be recorded, or not the configured one
    └── DiscoveryImpossible        no interface to search on

Every text is one sentence that an operator can act on. No error carries a secret: what a camera wrote is cut,
stripped of control characters and of anything that looks like a password. This module must not know HTTP or SOAP.
"""

import re

QUOTED_CHARACTERS = 160  # how much of a camera's own words we repeat
_SECRET_IN_TEXT = re.compile(r"((?:pass(?:word|wd)?|pwd|secret)\s*[=:]\s*)[^\s&/;,\"'<>]+", re.IGNORECASE)
_USER_INFORMATION = re.compile(r"(://)[^/\s@]*@")


def quoted(text: str) -> str:
    """Return a camera's words fit for a log line: one line, short, without anything like a password."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    clean = _USER_INFORMATION.sub(r"\1", _SECRET_IN_TEXT.sub(r"\1***", " ".join(printable.split())))
    return clean if len(clean) <= QUOTED_CHARACTERS else clean[: QUOTED_CHARACTERS - 1] + "…"


class OnvifError(Exception):
    """Anything that goes wrong with a camera at the door. `camera` is host:port, `operation` may be empty."""

    code = "onvif"

    def __init__(self, camera: str, operation: str, sentence: str) -> None:
        super().__init__(sentence)
        self.camera = camera
        self.operation = operation


class CameraUnreachable(OnvifError):
    """No connection: name unknown, no route, refused, reset."""

    code = "camera-unreachable"

    def __init__(self, camera: str, operation: str, why: str) -> None:
        self.why = quoted(why)
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} cannot be reached ({self.why}); check its power, cable and address.",
        )


class ConnectionClosed(CameraUnreachable):
    """The connection was closed before any answer. To a long poll some cameras say "nothing new" in this way."""

    code = "connection-closed"

    def __init__(self, camera: str, operation: str) -> None:
        super().__init__(camera, operation, "it closed the connection without an answer")


class DeadlineExceeded(OnvifError):
    """The whole exchange, connect to last byte, took longer than allowed."""

    code = "deadline-exceeded"

    def __init__(self, camera: str, operation: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} did not finish its answer to {operation} within {seconds:g} s; "
            "it is overloaded, or the line is bad.",
        )


class CertificateUntrusted(OnvifError):
    """TLS: the certificate is not the pinned one, or no trusted one.

    `presented` and `expected` are SHA-256 in 64 hexadecimal digits, "" where there is none: an operator who knows why
    the certificate changed accepts the presented one.
    """

    code = "certificate-untrusted"

    def __init__(self, camera: str, operation: str, why: str, *, presented: str = "", expected: str = "") -> None:
        self.why = quoted(why)
        self.presented = presented
        self.expected = expected
        awaited = f", expected is sha256:{expected}" if expected else ""
        shown = f" It shows sha256:{presented}{awaited}." if presented else ""
        super().__init__(
            camera,
            operation,
            f"The certificate of the camera at {camera} is not trusted ({self.why}).{shown} "
            "If the camera or its certificate was replaced on purpose, accept the new fingerprint; "
            "if not, somebody may stand between.",
        )


class AnswerTooLarge(OnvifError):
    """The answer exceeds a limit; it was dropped unread beyond it."""

    code = "answer-too-large"

    def __init__(self, camera: str, operation: str, what: str, limit: int) -> None:
        self.what = what
        self.limit = limit
        super().__init__(
            camera,
            operation,
            f"The answer of the camera at {camera} to {operation} has more than {limit} {what}; "
            "it was dropped. Check that this is a camera.",
        )


class AnswerMalformed(OnvifError):
    """The answer is not HTTP, UTF-8, XML or not what was asked for. It never stands for an empty answer."""

    code = "answer-malformed"

    def __init__(self, camera: str, operation: str, why: str) -> None:
        self.why = quoted(why)
        super().__init__(
            camera,
            operation,
            f"The answer of the camera at {camera} to {operation} cannot be understood ({self.why}); "
            "nothing is concluded from it. A firmware update may help.",
        )


class DatagramMalformed(AnswerMalformed):
    """A WS-Discovery datagram that is none."""

    code = "datagram-malformed"

    def __init__(self, source: str, why: str) -> None:
        super().__init__(source, "WS-Discovery", why)


class AnswerRedirected(OnvifError):
    """The camera answered with a redirect; it was not followed."""

    code = "answer-redirected"

    def __init__(self, camera: str, operation: str, status: int) -> None:
        self.status = status
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} answers {operation} with a redirect (HTTP {status}), which is never "
            "followed; enter the address at which it really answers.",
        )


class AddressRefused(OnvifError):
    """An address that the camera handed out is unusable: wrong scheme, a password inside, too long."""

    code = "address-refused"

    def __init__(self, camera: str, operation: str, why: str) -> None:
        self.why = quoted(why)
        super().__init__(
            camera,
            operation,
            f"The address that the camera at {camera} gave for {operation} is not used ({self.why}).",
        )


class CameraFault(OnvifError):
    """The camera answered with a SOAP fault. `codes` are the fault code and its sub-codes, outermost first."""

    code = "camera-fault"

    def __init__(self, camera: str, operation: str, codes: tuple[str, ...], reason: str) -> None:
        self.codes = codes
        self.reason = quoted(reason)
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} refuses {operation}: {self.reason or 'no reason given'} "
            f"({' / '.join(quoted(part) for part in codes) or 'no code'}).",
        )


class OperationUnsupported(CameraFault):
    """The camera does not know the operation or the service."""

    code = "operation-unsupported"


class CredentialsMissing(OnvifError):
    """The camera wants a sign-in, none is configured."""

    code = "credentials-missing"

    def __init__(self, camera: str, operation: str) -> None:
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} asks for a user and password for {operation}; enter them for this camera.",
        )


class CredentialsRefused(OnvifError):
    """The camera refuses user and password, by every method that it and we know."""

    code = "credentials-refused"

    def __init__(self, camera: str, operation: str, tried: tuple[str, ...]) -> None:
        self.tried = tried
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} refuses the user and password for {operation} (tried: {', '.join(tried)}); "
            "check both, and the camera's clock.",
        )


class EventsUnsupported(OnvifError):
    """The camera offers no event service, or refuses every subscription that we can make."""

    code = "events-unsupported"

    def __init__(self, camera: str, why: str) -> None:
        self.why = quoted(why)
        super().__init__(
            camera,
            "CreatePullPointSubscription",
            f"The camera at {camera} reports no events ({self.why}); its recording is not concerned.",
        )


class SubscriptionLost(OnvifError):
    """The camera refuses a subscription that it had granted: it restarted, or let it run out. Subscribe again."""

    code = "subscription-lost"

    def __init__(self, camera: str, operation: str, why: str) -> None:
        self.why = quoted(why)
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} no longer knows our subscription to its events ({self.why}); "
            "it probably restarted. A new one is made.",
        )


class CardUnsupported(OnvifError):
    """The camera offers no service by which its own recordings are found or replayed (ONVIF Profile G)."""

    code = "card-unsupported"

    def __init__(self, camera: str, operation: str, service: str) -> None:
        self.service = service
        super().__init__(
            camera,
            operation,
            f"The camera at {camera} has no {service} service; what its own card holds cannot be fetched.",
        )


class NoSuitableProfile(OnvifError):
    """No media profile can be recorded, or the configured one does not exist."""

    code = "no-suitable-profile"

    def __init__(self, camera: str, wanted: str | None, offered: tuple[str, ...]) -> None:
        self.wanted = wanted
        self.offered = offered
        names = ", ".join(quoted(name) for name in offered) or "none"
        missing = f"no media profile named {quoted(wanted)}" if wanted else "no media profile with H.264 or H.265"
        super().__init__(camera, "GetProfiles", f"The camera at {camera} has {missing}; it offers: {names}.")


class DiscoveryImpossible(OnvifError):
    """There is no interface on which to search."""

    code = "discovery-impossible"

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__("", "WS-Discovery", f"Cameras cannot be searched for: {why}.")
