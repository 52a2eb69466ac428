"""Every reader of foreign bytes, in one list. A reader that is not here is not fuzzed: add it."""

from functools import cache

from tests.fuzz.camera_targets import CAMERA_TARGETS
from tests.fuzz.campaign import Outcome, fire
from tests.fuzz.onvif_targets import ONVIF_TARGETS
from tests.fuzz.target import Target
from tests.fuzz.vault_targets import vault_targets
from tests.fuzz.wire_targets import WIRE_TARGETS


@cache
def all_targets() -> tuple[Target, ...]:
    """Return them all; the first call makes keys."""
    return (*WIRE_TARGETS, *ONVIF_TARGETS, *CAMERA_TARGETS, *vault_targets())


def names() -> list[str]:
    """Return their names in the order of the table."""
    return [target.name for target in all_targets()]


def fire_at(name: str, inputs: int, seed: int) -> Outcome:
    """Fire at the reader of that name."""
    return fire(next(target for target in all_targets() if target.name == name), inputs, seed)
