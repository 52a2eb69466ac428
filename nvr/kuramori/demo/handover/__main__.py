"""`python -m kuramori.demo.handover`: plays a season of requests through the HTTP API, in about three minutes.

Leaves bundles, register, forms and checkpoint in demo-handover-out/ in the current directory, and nothing running.
"""

import sys
from pathlib import Path

from kuramori.demo.handover.story import ACTS, tell
from kuramori.demo.playing import play

OUTPUT = Path("demo-handover-out")


if __name__ == "__main__":
    sys.exit(play(OUTPUT, len(ACTS), tell))
