"""Runs another program with its clock ahead: `python clock_ahead.py MINUTES MODULE ARGUMENTS...`.

Only what is o'clock is moved; what measures durations is not. Knows nothing of the project's packages.
"""

import datetime
import runpy
import sys
import time

_real_time = time.time
_real_datetime = datetime.datetime


def _move(seconds: float) -> None:
    ahead = datetime.timedelta(seconds=seconds)

    class Moved(_real_datetime):  # type: ignore[valid-type,misc]
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return _real_datetime.now(tz) + ahead

        @classmethod
        def utcnow(cls) -> datetime.datetime:
            return _real_datetime.now(datetime.UTC).replace(tzinfo=None) + ahead

    time.time = lambda: _real_time() + seconds
    datetime.datetime = Moved  # type: ignore[misc]


def main() -> None:
    minutes, module, *arguments = sys.argv[1:]
    sys.argv[:] = [module, *arguments]
    sys.path[0] = ""
    _move(float(minutes) * 60)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
