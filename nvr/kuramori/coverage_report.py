"""What `GET /v1/coverage` answers and `kuramori coverage` shows: the coverage of one or of all cameras.

As JSON it is what `kuramori.wire.to_plain` makes of it: `{"utc_ms": ..., "cameras": [{"camera": "gate", "from_utc_ms":
..., "to_utc_ms": ..., "spans": [{"from_utc_ms": ..., "to_utc_ms": ..., "kind": "gap", "reason": "camera_offline"}]}]}`.
Query parameters: `camera` (without it: all cameras), `from_utc_ms`, `to_utc_ms`.

This module must not know HTTP, nor how coverage is found.
"""

from dataclasses import dataclass

from kuramori.messages import Coverage

COVERAGE_PATH = "/v1/coverage"


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """The coverage of cameras in one range, as of `utc_ms`. Cameras in the order of the configuration."""

    utc_ms: int
    cameras: tuple[Coverage, ...]
