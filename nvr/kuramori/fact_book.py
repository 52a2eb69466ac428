"""What the door last told of each camera, kept in memory and, with its time, in `camera_facts.json`.

So audio report, metrics and status go on telling after a restart of the recorder, and say how old it is. A camera is
not believed to be brief: texts and lists are cut. What was told long ago is no longer known: the light of a card then
is unknown again (K8). Writing blocks; the rest is pure. This module must not know ONVIF, metrics or the clock.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from kuramori import log
from kuramori.camera_messages import CameraFacts, CardFacts, Light
from kuramori.durable_file import write_file
from kuramori.wire import WireInvalid, from_plain, to_plain

FACTS_VERSION = 1
MAX_FACTS_BYTES = 16 * 1024 * 1024
TEXT_CHARACTERS_MOST = 300
LIST_ENTRIES_MOST = 32
STALE_MS = 3_600_000  # the door tells again every few minutes; an hour without it is an hour without knowledge


@dataclass(frozen=True, slots=True)
class FactFile:
    """The whole file."""

    version: int
    cameras: tuple[CameraFacts, ...]


class FactBook:
    """The latest facts of each camera."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._facts: dict[str, CameraFacts] = {}

    def read(self) -> None:
        """Take over what the file says; a file that cannot be read is begun anew. Blocking."""
        try:
            found = from_plain(FactFile, json.loads(self._path.read_bytes()[:MAX_FACTS_BYTES]))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError, WireInvalid) as fault:
            log.get().warning("camera_facts_unreadable", path=str(self._path), detail=str(fault))
            return
        if found.version == FACTS_VERSION:
            self._facts = {facts.camera: facts for facts in found.cameras}

    def of(self, camera: str) -> CameraFacts | None:
        """Return what was last told of a camera, however long ago."""
        return self._facts.get(camera)

    def note(self, facts: CameraFacts) -> None:
        """Take over what the door tells."""
        self._facts = {**self._facts, facts.camera: _brief(facts)}

    @property
    def cameras(self) -> frozenset[str]:
        """The names of all cameras that something is known of."""
        return frozenset(self._facts)

    def forget(self, camera: str) -> None:
        """The camera is not in use any more."""
        self._facts = {name: facts for name, facts in self._facts.items() if name != camera}

    def save(self) -> None:
        """Write it down. Blocking. Raises OSError."""
        document = to_plain(FactFile(FACTS_VERSION, tuple(self._facts.values())))
        write_file(self._path, json.dumps(document, ensure_ascii=False).encode())


def is_stale(facts: CameraFacts, utc_ms: int) -> bool:
    """Tell whether what was told is too old to be called known. A time ahead of ours is as doubtful."""
    return abs(utc_ms - facts.utc_ms) > STALE_MS


def light_of(facts: CameraFacts | None, utc_ms: int) -> Light:
    """Return the light of the card inside the camera: what is not told, or was told long ago, is unknown.

    Red stays red: that a card failed is not forgotten because nobody asked again.
    """
    if facts is None:
        return Light.UNKNOWN
    if facts.card.light is Light.GREEN and is_stale(facts, utc_ms):
        return Light.UNKNOWN
    return facts.card.light


def _brief(facts: CameraFacts) -> CameraFacts:
    audio, card = facts.audio, facts.card
    return replace(
        facts,
        audio=replace(
            audio,
            profiles_with_audio=_few(audio.profiles_with_audio),
            encodings=_few(audio.encodings),
            chosen_profile=_short(audio.chosen_profile),
            evidence=_short(audio.evidence),
        ),
        card=_brief_card(card),
        tampered=_few(facts.tampered),
        clock_source=_short(facts.clock_source),
        ntp=_short(facts.ntp),
        certificate=_short(facts.certificate),
        concerns=_few(facts.concerns),
    )


def _brief_card(card: CardFacts) -> CardFacts:
    return replace(card, evidence=_short(card.evidence))


def _few(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_short(text) for text in texts[:LIST_ENTRIES_MOST])


def _short(text: str) -> str:
    """Return a text that can be shown: no control characters, no half characters, not endless."""
    return "".join(character if character.isprintable() else "?" for character in text[:TEXT_CHARACTERS_MOST])
