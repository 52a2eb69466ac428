"""The material of the benchmark: 1080p30 H.264 at 4 Mbit/s, a key frame every two seconds, made once with PyAV."""

from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS, SECONDS, BITRATE = 1920, 1080, 30, 10, 4_000_000
GOP = 2 * FPS


def make(path: Path) -> Path:
    """Write an Annex-B H.264 stream to `path` unless it is there; noise keeps the encoder at its bit rate."""
    if path.exists():
        return path
    interim = path.with_suffix(".part")
    random = np.random.default_rng(1)
    noise = random.integers(0, 48, (8, HEIGHT, WIDTH), dtype=np.uint8)
    ramp = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 192
    with av.open(str(interim), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", BITRATE
        stream.options = {
            "preset": "veryfast",
            "tune": "zerolatency",
            "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0:repeat-headers=1:"
            "slices=1:sliced-threads=0:vbv-maxrate=4400:vbv-bufsize=4400",
        }
        for number in range(FPS * SECONDS):
            luma = (np.roll(ramp, 7 * number, axis=1) + noise[number % len(noise)]).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.stack([luma] * 3, axis=-1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    interim.rename(path)
    return path
