"""What holds for all tests: a busy machine is no failure, and a log line is no output of a command."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

settings.register_profile("kuramori", deadline=None)
settings.load_profile("kuramori")

# A desk in the test's own process logs too; what a command prints beside it stays what the command prints.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """Every event that is logged while a test runs, as a mapping with the member `event`."""
    with structlog.testing.capture_logs() as events:
        yield events
