"""structlog without the coloured traces that it would load for a developer: no process here writes them.

They are fifty modules: a tenth of a start, and some megabytes in every process. This module must not know what is
logged.
"""

import sys

_HIDDEN = "rich" not in sys.modules  # a command that shows tables has it already
if _HIDDEN:
    sys.modules["rich"] = None  # type: ignore[assignment]  # structlog takes it for not installed
import structlog  # noqa: E402

if _HIDDEN:
    del sys.modules["rich"]

__all__ = ["structlog"]
