"""The shipped rules with shorter times, for a trial in which an alarm must be seen to arrive within seconds.

    python -m kuramori_metrics.scaled_rules --factor 60 --scrape-interval 1s kuramori.rules.yml >trial.rules.yml

Every `for:` and every range in an expression is divided by the factor; a range stays long enough for `rate` to find
its samples. Thresholds stay: they are what is measured. Alertmanager's file is shortened in the same way: how long it
gathers, repeats and remembers. This module must not know any particular rule.
"""

import argparse
import re
import sys
from pathlib import Path

RANGE_SCRAPES_LEAST = 5  # a range that spans fewer scrapes may find one sample alone, and `rate` and `changes` nothing
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = r"(?:\d+(?:ms|[smhdw]))+"
_PAUSE_KEYS = "for|group_wait|group_interval|repeat_interval|resolve_timeout"
_PAUSE = re.compile(rf"^(\s+(?:{_PAUSE_KEYS}): )({_DURATION})$", re.MULTILINE)
_RANGE = re.compile(rf"\[({_DURATION})\]")


class DurationInvalid(ValueError):
    """A text is no duration as Prometheus writes it, such as 90s or 1h30m."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text!r} is no duration; write it as Prometheus does: 90s, 5m, 1h30m")


def seconds_of(duration: str) -> float:
    """Return a duration in seconds. Raises DurationInvalid."""
    if not re.fullmatch(_DURATION, duration):
        raise DurationInvalid(duration)
    return sum(int(number) * UNIT_SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", duration))


def scaled(rules: str, factor: float, scrape_seconds: float) -> str:
    """Return a rules file, or Alertmanager's file, with its times divided; all else, comments too, stays as it is."""
    if factor <= 0 or scrape_seconds <= 0:
        raise ValueError("factor and scrape interval must be positive")

    def paused(found: re.Match[str]) -> str:
        return f"{found[1]}{_duration(seconds_of(found[2]) / factor)}"

    def ranged(found: re.Match[str]) -> str:
        return f"[{_duration(max(seconds_of(found[1]) / factor, RANGE_SCRAPES_LEAST * scrape_seconds))}]"

    return _RANGE.sub(ranged, _PAUSE.sub(paused, rules))


def _duration(seconds: float) -> str:
    milliseconds = max(1, round(seconds * 1000))
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def main(arguments: list[str]) -> int:
    """Write the scaled rules to standard output; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m kuramori_metrics.scaled_rules", description=__doc__.split("\n")[0])
    parser.add_argument("rules", type=Path, help="kuramori.rules.yml, or the file of Alertmanager")
    parser.add_argument("--factor", type=float, default=60.0, help="divide all times by it (60)")
    parser.add_argument("--scrape-interval", default="1s", help="the scrape_interval of the trial (1s)")
    asked = parser.parse_args(arguments)
    try:
        sys.stdout.write(scaled(asked.rules.read_text("utf-8"), asked.factor, seconds_of(asked.scrape_interval)))
    except (OSError, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
