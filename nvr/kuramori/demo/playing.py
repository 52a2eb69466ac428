"""Plays a story in its folder: takes the stage down however it ends, and says in one sentence what went wrong.

It must not know any story.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from kuramori.cli.times import site_zone
from kuramori.demo.folder import DemoFolder, FolderRefused
from kuramori.demo.narrator import Narrator, child_environment
from kuramori.demo.scene import FULL, QUICK, Scene
from kuramori.demo.stage import Stage, StepFailed
from kuramori.texts import tr
from kuramori_config.schema import Site

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def play(output: Path, acts: int, tell: Callable[[Scene], None]) -> int:
    """Play a story of so many acts; return the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {_program()}", description=tr("The story.", "全体の流れのデモ"))
    parser.add_argument("--quick", action="store_true", help=tr("record 12 s only", "録画を12秒に短縮"))
    quick = parser.parse_args().quick
    try:
        folder = DemoFolder.take(output)
    except FolderRefused as refusal:
        print(refusal, file=sys.stderr)
        return EXIT_FAILED
    narrator = Narrator(acts)
    stage = Stage(output, child_environment(narrator.columns))
    for number in ENDING_SIGNALS:
        signal.signal(number, lambda _number, _frame: stage.interrupt())
    stage.environment |= {
        "KURAMORI_CONFIG": str((output / "kuramori.toml").resolve()),
        "KURAMORI_NOTEBOOK": str((output / "people" / "notebook.json").resolve()),
    }
    try:
        zone = site_zone(Site.model_fields["time_zone"].default)
        tell(Scene(output, stage, narrator, QUICK if quick else FULL, zone))
    except StepFailed as failed:
        narrator.failure(tr(f"The demo stops here: {failed}", f"デモを中断します: {failed}"), failed.detail)
        narrator.say(tr(f"More may stand in {output}/logs/.", f"詳細は {output}/logs/ を確認してください。"))
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


def _program() -> str:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return str(spec.name).removesuffix(".__main__") if spec is not None else "kuramori.demo"
