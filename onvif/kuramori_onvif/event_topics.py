"""What an event is about: from its topic to its kind, and from its data to began or ended. Pure.

Topics are paths whose prefixes, capitals and last parts differ by vendor (`.../ImageTooDark/ImagingService`,
`tnsaxis:Tampering`), so single parts decide. Motion is told as the camera tells it; nothing is analysed. This module
must not know SOAP or XML.
"""

from collections.abc import Sequence
from itertools import pairwise

from kuramori_onvif.event_models import EventKind, Tamper

MAX_TOPIC_CHARACTERS = 256
MAX_TOPIC_PARTS = 16

Item = tuple[str, str]  # name without prefix, value

_SIGHT = {
    "globalscenechange": Tamper.SCENE_CHANGE,
    "imagetoodark": Tamper.TOO_DARK,
    "imagetoobright": Tamper.TOO_BRIGHT,
    "imagetooblurry": Tamper.BLURRED,
    "signalloss": Tamper.SIGNAL_LOSS,
    "videoloss": Tamper.SIGNAL_LOSS,
}
_REBOOTS = frozenset({"lastreboot", "lastreset"})
_DECIDING = {
    EventKind.STORAGE_FAILURE: ("failed", "failure", "disruption", "state", "value"),
    EventKind.RECORDING_JOB: ("state",),
    EventKind.MOTION: ("ismotion", "motion", "state", "active", "value"),
    EventKind.TAMPER: ("istamper", "tampering", "tamper", "state", "active", "value"),
    EventKind.SIGNAL_LOSS: ("state", "active", "value", "signalloss"),
}
_USUAL = ("state", "active", "value", "isrecording", "isdatapresent")
_ON = frozenset({"true", "1", "on"})
_OFF = frozenset({"false", "0", "off"})


def path_of(topic: str) -> str:
    """Return a topic without namespace prefixes and spaces, parts joined by "/", bounded in length."""
    parts = (part.rpartition(":")[2].strip() for part in topic[: 4 * MAX_TOPIC_CHARACTERS].split("/"))
    return "/".join([part for part in parts if part][:MAX_TOPIC_PARTS])[:MAX_TOPIC_CHARACTERS]


def kind_of(path: str) -> tuple[EventKind, Tamper]:
    """Return what a topic path is about; (OTHER, NONE) for all that has no name with us."""
    parts = path.lower().split("/")
    pairs = set(pairwise(parts))
    if "storagefailure" in parts or ("storage", "disruption") in pairs:
        return EventKind.STORAGE_FAILURE, Tamper.NONE
    if ("recordingconfig", "jobstate") in pairs:
        return EventKind.RECORDING_JOB, Tamper.NONE
    for part in reversed(parts):  # the last is the most special
        tamper = _SIGHT.get(part)
        if tamper is not None:
            return (EventKind.SIGNAL_LOSS if tamper is Tamper.SIGNAL_LOSS else EventKind.TAMPER), tamper
    if any("tamper" in part for part in parts):
        return EventKind.TAMPER, Tamper.TAMPERING
    if _REBOOTS & set(parts):
        return EventKind.REBOOT, Tamper.NONE
    if any("motion" in part for part in parts):
        return EventKind.MOTION, Tamper.NONE
    return EventKind.OTHER, Tamper.NONE


def deciding_value(kind: EventKind, data: Sequence[Item]) -> str:
    """Return the datum that tells the state: by its usual name, else the only one; "" where none is clear."""
    values = {name.lower(): value for name, value in reversed(data)}  # the first of a doubled name counts
    for name in _DECIDING.get(kind, _USUAL):
        if name in values:
            return values[name]
    return data[0][1] if len(data) == 1 else ""


def begins(kind: EventKind, value: str) -> bool | None:
    """Read a deciding value: True on, False off, None for a moment, a job's state, or words not understood."""
    word = value.strip().lower()
    if kind in (EventKind.RECORDING_JOB, EventKind.REBOOT):
        return None
    return True if word in _ON else (False if word in _OFF else None)
