"""Keeps a simulated camera's streams in step with its media profiles: one mount for each, sound as the profile says.

A profile that is made shows the pictures of the stream that it was made from. This module must not know SOAP.
"""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from kuramori.simulator.onvif.profile import SimulatedProfile
from kuramori.simulator.rtsp_mount import Mount


def follow(mounts: dict[str, Mount]) -> Callable[[SimulatedProfile, bool], None]:
    """Return what `MediaSettings.on_profile` is to call; `mounts` is `RtspServer.mounts`."""

    def heard(profile: SimulatedProfile, exists: bool) -> None:
        path = urlsplit(profile.rtsp_url).path
        if not exists:
            mounts.pop(path, None)
        elif path in mounts:
            mounts[path].audio = profile.audio
        else:
            origin = mounts[urlsplit(profile.origin_url).path]
            mounts[path] = replace(origin, path=path, audio=profile.audio)

    return heard
