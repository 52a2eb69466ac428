"""Which privacy masks a camera has (R4): media2 GetMasks, written and read by hand. Pure.

Only what hides something counts: a mask that is switched off, or does not say that it is on, hides nothing. This
module must not know HTTP, nor whether a camera should have a mask.
"""

from dataclasses import dataclass

from kuramori_onvif import answers
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.profile_requests import NS_MEDIA2

MAX_MASKS = 512
MAX_SOURCES = 64
TRUE = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True)
class SourceMasks:
    """The masks of one video source configuration. `off`: there, but switched off or not told to be on."""

    source_token: str
    on: int
    off: int


@dataclass(frozen=True, slots=True)
class PrivacyMasks:
    """All masks of a camera, by video source configuration, in the order in which these were named."""

    sources: tuple[SourceMasks, ...]

    @property
    def on(self) -> int:
        """Return how many masks hide something."""
        return sum(source.on for source in self.sources)


def masks_request() -> xml.Element:
    """Ask for all masks (ONVIF Media2 5.10)."""
    return answers.request(NS_MEDIA2, "GetMasks")


def read_masks(content: xml.Element, known_sources: tuple[str, ...] = ()) -> PrivacyMasks:
    """Read a GetMasksResponse. `known_sources` that have no mask are there with none; one without a name is ""."""
    counts: dict[str, list[int]] = {source: [0, 0] for source in known_sources[:MAX_SOURCES]}
    for number, mask in enumerate(xml.children(content, "Masks")):
        if number == MAX_MASKS:
            break
        source = xml.whole_text(mask, "ConfigurationToken", limit=answers.MAX_TOKEN_CHARACTERS)
        if source not in counts and len(counts) >= MAX_SOURCES:
            source = ""
        on_and_off = counts.setdefault(source, [0, 0])
        on_and_off[0 if xml.text(mask, "Enabled").lower() in TRUE else 1] += 1
    return PrivacyMasks(tuple(SourceMasks(source, on, off) for source, (on, off) in counts.items()))
