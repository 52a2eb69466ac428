"""Log events, not prose: a fixed event name and key-value pairs.

As entries of the journal where systemd started the process, else one JSON object a line on standard error. Never a
secret, never a URL with credentials: who logs hands over values that are already clean.
"""

import logging
import os
import sys

from kuramori.journal import JournalWriter, printer, stderr_is_journal
from kuramori.lean_structlog import structlog


def configure(process: str, level: int = logging.INFO) -> None:
    """Set the logs of this process up; its name (recorder, door, desk ...) is bound to every event."""
    journal = stderr_is_journal(os.environ)
    written: structlog.typing.Processor = (
        JournalWriter() if journal else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            _naming(process),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            written,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=printer if journal else structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _naming(process: str) -> structlog.typing.Processor:
    """Return what puts the process into every line, from whichever thread it is logged."""

    def name(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("process", process)
        return event

    return name


def get(**facts: object) -> structlog.typing.FilteringBoundLogger:
    """Return a logger with these facts bound."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**facts)
    return logger
