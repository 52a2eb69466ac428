"""`python -m kuramori.demo`: tells the whole story in about two minutes (`--quick`: in less than one).

Leaves its output in demo-out/ in the current directory, and nothing running, however it ends.
"""

import sys
from pathlib import Path

from kuramori.demo.playing import play
from kuramori.demo.story import ACTS, tell

OUTPUT = Path("demo-out")


if __name__ == "__main__":
    sys.exit(play(OUTPUT, len(ACTS), tell))
