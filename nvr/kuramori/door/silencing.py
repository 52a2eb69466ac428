"""What may be changed in a camera so that its profile is silent, and how often that is tried. Pure; one per camera.

A camera is looked at first, and changed only once it is known who answers. Where no silent profile came of it, that is
not tried again for a day, unless firmware, profiles or configuration are others by then or an operator asks. A profile
of ours with which the recorder gets no picture, though the camera answers, is shunned. This module must not know how a
camera is asked; times are handed in, in seconds of any clock that never steps.
"""

from dataclasses import dataclass, replace

from kuramori.door.inquiry import ProfileChanges
from kuramori.messages import CameraState, CameraStatus
from kuramori_config.schema import Camera as CameraTable
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.silent_profile import How

TRIED_AGAIN_SECONDS = 86_400.0
PROOF_SECONDS = 60.0  # a new profile has so long to show a picture; most cameras need two
FIRMWARE_UNTOLD = "?"
_STREAMS_NOTHING = ("camera_stalled", "camera_refused", "stream_ended")  # the camera answers, and no picture comes

_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Tried:
    """A try of which nothing came: on which camera, when, and what stood in the way."""

    key: _Key
    seconds: float
    evidence: str


@dataclass(frozen=True, slots=True)
class _Proving:
    """A stream of ours that has to show a picture, and since when."""

    stream: str
    since_utc_ms: int
    since_seconds: float


@dataclass(slots=True)
class Silencing:
    """What was tried at one camera. `shunned_firmware`: with this one, a profile of ours streamed nothing; "": none."""

    shunned_firmware: str = ""
    _tried: _Tried | None = None
    _proving: _Proving | None = None
    _proven: str = ""  # a stream of ours that has shown pictures

    @property
    def has_given_up(self) -> bool:
        """Whether something is not tried at the moment that an operator may want tried."""
        return self._tried is not None or bool(self.shunned_firmware)

    def ask_again(self) -> None:
        """An operator asks: everything may be tried once more."""
        self.shunned_firmware, self._tried, self._proving = "", None, None

    def changes(self, table: CameraTable, seen: CameraDescription, now_seconds: float) -> ProfileChanges | None:
        """Return what to try at a camera that was looked at and is known; None: nothing."""
        shun = self.shuns(seen)
        if shun and _is_made(seen):
            return ProfileChanges(edit=table.edit_profile, shun_made=True)
        if seen.silenced is None or seen.silenced.how is not How.NOT_SILENT:
            return None
        tried = self._tried
        if tried is not None and tried.key == _key(table, seen) and now_seconds - tried.seconds < TRIED_AGAIN_SECONDS:
            return None
        return ProfileChanges(make=not shun, edit=table.edit_profile, shun_made=shun)

    def tried(self, table: CameraTable, found: CameraDescription, now_seconds: float) -> None:
        """Note what came of a try."""
        failed = found.silenced is not None and found.silenced.how is How.NOT_SILENT
        self._tried = _Tried(_key(table, found), now_seconds, _evidence(found)) if failed else None

    def remembered(self, found: CameraDescription) -> CameraDescription:
        """Return a description with what stood in the way when it was tried, where it was not tried this time."""
        silenced, tried = found.silenced, self._tried
        if silenced is None or silenced.how is not How.NOT_SILENT or tried is None:
            return found
        return replace(found, silenced=replace(silenced, evidence=tried.evidence))

    # ---- whether a profile of ours streams -------------------------------------------------------------------------

    def shuns(self, seen: CameraDescription) -> bool:
        """Tell whether this firmware is known to stream nothing by a profile of ours."""
        return bool(self.shunned_firmware) and self.shunned_firmware == _firmware(seen)

    def told(self, found: CameraDescription, utc_ms: int, now_seconds: float) -> bool:
        """The recorder was told of this stream; tell whether it must now be proven to carry pictures."""
        stream = found.stream.uri
        if not _is_made(found) or stream == self._proven:
            self._proving = None
            return False
        if self._proving is None or self._proving.stream != stream:
            self._proving = _Proving(stream, utc_ms, now_seconds)
            return True
        return False

    def is_due(self, now_seconds: float) -> bool:
        """Tell whether the recorder is to be asked for the proof now."""
        return self._proving is not None and now_seconds - self._proving.since_seconds >= PROOF_SECONDS

    def judge(self, found: CameraDescription, status: CameraStatus) -> bool:
        """Tell whether the profile of ours streams nothing, by what the recorder says of the camera.

        Only where the camera answers and refuses or sends nothing: neither a dead network nor a dead disk is its fault.
        """
        if self._proving is None:
            return False
        proving = self._proving
        if status.last_durable_utc_ms is not None and status.last_durable_utc_ms >= proving.since_utc_ms:
            self._proven, self._proving = proving.stream, None
            return False
        if status.state in (CameraState.RECORDING, CameraState.PAUSED, CameraState.OFF):
            return False
        if status.gap_reason not in _STREAMS_NOTHING:
            return False
        self.shunned_firmware, self._proving = _firmware(found), None
        return True


def _is_made(found: CameraDescription) -> bool:
    return found.silenced is not None and found.silenced.how is How.MADE


def _firmware(found: CameraDescription) -> str:
    return (found.information.firmware if found.information is not None else "") or FIRMWARE_UNTOLD


def _evidence(found: CameraDescription) -> str:
    return found.silenced.evidence if found.silenced is not None else ""


def _key(table: CameraTable, found: CameraDescription) -> _Key:
    """What makes another try worth it: rates that a camera adapts by itself do not."""
    serial = found.information.serial if found.information is not None else ""
    profiles = tuple(
        (one.token, one.name, one.audio, one.video.encoding if one.video is not None else "") for one in found.profiles
    )
    return (serial, _firmware(found), table.profile, table.edit_profile, profiles)
