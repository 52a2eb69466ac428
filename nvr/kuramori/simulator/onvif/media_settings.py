"""How a simulated camera treats its media profiles and masks: the switches, each seen in some firmware."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kuramori.simulator.onvif.profile import SimulatedProfile

PROFILES_MOST = 6


def _unheard(_profile: SimulatedProfile, _exists: bool) -> None:
    return


@dataclass(slots=True)
class MediaSettings:
    """What may be changed and what comes of it. `on_profile` hears of every profile that changed or is gone."""

    most_profiles: int = PROFILES_MOST
    refuses_profiles: bool = False  # makes none, however few there are
    lies_on_removal: bool = False  # answers OK and changes nothing
    removes_on_paper_only: bool = False  # the profile reads silent, the stream keeps its sound
    adds_audio: bool = False  # a profile that is made gets sound by itself
    fixed_means_unchangeable: bool = False  # most cameras let fixed profiles be edited
    masks: int = 0
    masks_offered: bool = True
    on_profile: Callable[[SimulatedProfile, bool], None] = _unheard
    encoders: dict[str, SimulatedProfile] = field(default_factory=dict)  # by token, from the profiles ever seen
    made: int = 0


@dataclass(slots=True)
class TimeSettings:
    """The clock's settings."""

    kind: str = "NTP"  # or "Manual"
    from_dhcp: bool = True
    servers: tuple[str, ...] = ()
    refuses: bool = False  # SetNTP is answered with a fault
    ignores: bool = False  # SetNTP is answered OK and changes nothing
    reachable: bool = False  # time is right from then on that a server is set by hand
