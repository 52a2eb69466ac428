"""The load: a child process that serves N cameras from one clip over RTSP, and says on stdout where.

Usage: python -m tests.bench.cameras CLIP COUNT. Ends with its standard input, so it never outlives the benchmark.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from kuramori.capture.source import Codec
from kuramori.simulator.material import material_from_annexb
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.bench import media


async def serve(clip: Path, count: int) -> None:
    """Serve /cam0 ... until standard input ends; then print what was sent."""
    video = material_from_annexb(clip.read_bytes(), Codec.H264, media.FPS)
    server = RtspServer([Mount(f"/cam{number}", video) for number in range(count)])
    await server.start()
    print(json.dumps({"url": server.url("/cam{}"), "pid": os.getpid()}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
