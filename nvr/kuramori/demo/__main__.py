"""`python -m kuramori.demo`: tells the whole story in about two minutes (`--quick`: in less than one).

Leaves its output in demo-out/ in the current directory, and nothing running, however it ends.
"""

import argparse
import signal
import sys
from pathlib import Path

from kuramori.cli.times import site_zone
from kuramori.demo.folder import DemoFolder, FolderRefused
from kuramori.demo.narrator import Narrator, child_environment
from kuramori.demo.scene import FULL, QUICK, Scene
from kuramori.demo.stage import Stage, StepFailed
from kuramori.demo.story import ACTS, tell
from kuramori.texts import tr
from kuramori_config.schema import Site

OUTPUT = Path("demo-out")
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m kuramori.demo", description=tr("The whole story.", "全体の流れのデモ")
    )
    parser.add_argument("--quick", action="store_true", help=tr("record 12 s only", "録画を12秒に短縮"))
    quick = parser.parse_args().quick
    try:
        folder = DemoFolder.take(OUTPUT)
    except FolderRefused as refusal:
        print(refusal, file=sys.stderr)
        return EXIT_FAILED
    narrator = Narrator(len(ACTS))
    stage = Stage(OUTPUT, child_environment(narrator.columns))
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda _number, _frame: stage.interrupt())
    stage.environment |= {
        "KURAMORI_CONFIG": str((OUTPUT / "kuramori.toml").resolve()),
        "KURAMORI_NOTEBOOK": str((OUTPUT / "people" / "notebook.json").resolve()),
    }
    try:
        zone = site_zone(Site.model_fields["time_zone"].default)
        tell(Scene(OUTPUT, stage, narrator, QUICK if quick else FULL, zone))
    except StepFailed as failed:
        narrator.failure(tr(f"The demo stops here: {failed}", f"デモを中断します: {failed}"), failed.detail)
        narrator.say(tr(f"More may stand in {OUTPUT}/logs/.", f"詳細は {OUTPUT}/logs/ を確認してください。"))
        return EXIT_FAILED
    except KeyboardInterrupt:
        narrator.failure(tr("Interrupted.", "中断されました。"))
        return EXIT_INTERRUPTED
    finally:
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stage.clear()
        folder.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
