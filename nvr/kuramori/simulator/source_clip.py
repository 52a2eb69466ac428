"""The clip that simulated cameras play: made at first use, then taken from a cache folder.

A cached file is checked against the digest inside it and made again when it does not fit. The folder holds nothing
but synthetic pictures. This module must not know cameras, sockets or time.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.simulator.clock_card import ClockCard
from kuramori.simulator.material import VideoMaterial, material_from_annexb

_VERSION = 1  # of picture and file; another one is made anew
_MOST_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """What is to be seen. `number` None: no camera number in the picture. A clip of whole GOPs loops cleanly."""

    codec: Codec = Codec.H264
    width: int = 1280
    height: int = 720
    frames_per_second: int = 15
    bits_per_second: int = 2_000_000
    gop_seconds: float = 1.0
    seconds: int = 8
    number: int | None = None

    @property
    def gop_frames(self) -> int:
        """Frames from key frame to key frame."""
        return max(1, round(self.gop_seconds * self.frames_per_second))

    @property
    def frames(self) -> int:
        """Frames in the clip: as many whole GOPs as come nearest to `seconds`, at least one."""
        return max(1, round(self.seconds * self.frames_per_second / self.gop_frames)) * self.gop_frames

    def file_name(self) -> str:
        """Return the name under which a clip of these settings is cached."""
        text = json.dumps([_VERSION, asdict(self)], sort_keys=True)
        return f"clip-{hashlib.sha256(text.encode()).hexdigest()[:24]}.bin"


def material(settings: ClipSettings, cache_directory: Path) -> VideoMaterial:
    """Return the packetised clip, from the cache or freshly made and cached. Blocks for seconds when made.

    Raises OSError when the cache folder cannot be made; a file that cannot be written is no error.
    """
    cache_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = cache_directory / settings.file_name()
    stored = _read(file)
    if stored is None:
        stored = _make(settings)
        _write(file, *stored)
    stream, presentation = stored
    return material_from_annexb(stream, settings.codec, settings.frames_per_second, presentation=presentation)


def _make(settings: ClipSettings) -> tuple[bytes, tuple[int, ...]]:
    from kuramori.simulator.clip import make_clip  # the media library is loaded for this only

    card = ClockCard(settings.width, settings.height, settings.frames_per_second, settings.number, noisy=True)
    clip = make_clip(
        settings.codec,
        width=settings.width,
        height=settings.height,
        frames=settings.frames,
        frames_per_second=settings.frames_per_second,
        gop_frames=settings.gop_frames,
        bits_per_second=settings.bits_per_second,
        painter=card.planes,
    )
    return clip.stream, clip.presentation


def _read(file: Path) -> tuple[bytes, tuple[int, ...]] | None:
    """Return what a cached file holds, or None when there is none or it is damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    header, _, stream = content.partition(b"\n")
    if len(header) > _MOST_HEADER_BYTES:
        return None
    with contextlib.suppress(ValueError, KeyError, TypeError):
        facts = json.loads(header)
        presentation = tuple(int(index) for index in facts["presentation"])
        if facts["sha256"] == hashlib.sha256(stream).hexdigest():
            return stream, presentation
    return None


def _write(file: Path, stream: bytes, presentation: tuple[int, ...]) -> None:
    facts = {"sha256": hashlib.sha256(stream).hexdigest(), "presentation": presentation}
    interim = file.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):  # next time it is made again
        interim.write_bytes(json.dumps(facts).encode() + b"\n" + stream)
        interim.replace(file)
