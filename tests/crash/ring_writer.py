"""A process that records into a volume until it is killed, and says after each commit what is durable.

Run as: python -m tests.crash.ring_writer VOLUME SEED. Each line: access units that are durable, per camera, as JSON.
"""

import json
import random
import sys
from pathlib import Path

from kuramori_segments.recovery import recover
from kuramori_segments.volume import Volume
from tests.fakes.segment_maker import SegmentMaker
from tests.fakes.segments import SIGNER

CAMERAS = 3
START_UTC_MS = 1_800_000_000_000


def main() -> None:
    path, seed = Path(sys.argv[1]), int(sys.argv[2])
    volume = Volume.open_file(path)
    report = recover(volume, SIGNER)
    maker = SegmentMaker(volume, CAMERAS, random.Random(seed), START_UTC_MS + seed * 1_000_000)
    maker.go_on(volume, report.tails)
    print("ready", flush=True)
    while True:
        maker.tick()
        print(json.dumps({camera.number: camera.acknowledged for camera in maker.cameras}), flush=True)


if __name__ == "__main__":
    main()
