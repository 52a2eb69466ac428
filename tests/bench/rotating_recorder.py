"""The recorder process as shipped, but for its hour: it rotates every three seconds and logs how long that took.

`python -m tests.bench.rotating_recorder --config FILE`. Only for `rotation`.
"""

import time

from kuramori import forgetting, log, recorder_process
from kuramori.process import run_process

EVENT = "bench_rotation"
EVERY_MS = 3000


_rotate_if_due = forgetting.Forgetting._rotate_if_due


async def hurried(self: forgetting.Forgetting) -> None:
    """Rotate whenever it is looked, due or not."""
    self._rotate_anyway = True
    began = time.monotonic()
    await _rotate_if_due(self)
    log.get().info(EVENT, seconds=time.monotonic() - began)


if __name__ == "__main__":
    forgetting.ROTATION_INTERVAL_MS = EVERY_MS
    forgetting.RETRY_SECONDS = EVERY_MS / 1000
    forgetting.Forgetting._rotate_if_due = hurried  # type: ignore[method-assign]
    run_process("recorder", recorder_process.main)
