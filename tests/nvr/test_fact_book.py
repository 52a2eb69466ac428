"""What the door told of cameras: kept over a restart with its time, cut to a length, and not called known for ever."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.camera_messages import (
    AudioFacts,
    CameraFacts,
    CardFacts,
    EventsState,
    Light,
    MaskFacts,
    SilenceBy,
)
from kuramori.fact_book import LIST_ENTRIES_MOST, STALE_MS, TEXT_CHARACTERS_MOST, FactBook, light_of

NOW = 1_790_000_000_000
FACTS = CameraFacts(
    camera="gate",
    utc_ms=NOW,
    audio=AudioFacts(("main", "sub"), ("AAC",), "silent", SilenceBy.MADE, "made and read back"),
    card=CardFacts(Light.GREEN, "data grows", True, True, False, None, NOW - 9_000_000, NOW),
    masks=MaskFacts(2, True),
    events=EventsState.SUBSCRIBED,
    tampered=("too_dark",),
    clock_offset_ms=-1500,
    clock_source="onvif",
    certificate="pinned sha256:00",
    concerns=("カードの容量が少ない",),
)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """All facts, with the time at which they were told."""
    book = FactBook(tmp_path / "facts.json")
    book.read()
    assert book.of("gate") is None
    book.note(FACTS)
    book.note(replace(FACTS, camera="yard"))
    book.forget("yard")
    book.save()
    again = FactBook(tmp_path / "facts.json")
    again.read()
    assert again.of("gate") == FACTS
    assert again.of("yard") is None


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"version":1}', b'{"version":9,"cameras":[]}', b"[" * 9999])
def test_a_file_that_cannot_be_read_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    """The door will tell again."""
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    book = FactBook(path)
    book.read()
    book.note(FACTS)
    book.save()
    assert book.of("gate") == FACTS


@given(text=st.text(max_size=2000), count=st.integers(0, 100))
def test_a_camera_is_not_believed_to_be_brief(text: str, count: int) -> None:
    """Texts are cut and shown without control characters, lists are short; nothing raises."""
    book = FactBook(Path("unused"))
    book.note(
        replace(
            FACTS,
            audio=replace(FACTS.audio, evidence=text, profiles_with_audio=(text,) * count),
            card=replace(FACTS.card, evidence=text),
            tampered=(text,) * count,
            concerns=(text,) * count,
            certificate=text,
        )
    )
    kept = book.of("gate")
    assert kept is not None
    for told in (kept.audio.evidence, kept.card.evidence, kept.certificate, *kept.concerns, *kept.tampered):
        assert len(told) <= TEXT_CHARACTERS_MOST
        assert told.isprintable()
    assert len(kept.concerns) <= LIST_ENTRIES_MOST
    assert len(kept.audio.profiles_with_audio) <= LIST_ENTRIES_MOST


def test_a_green_light_fades_and_a_red_one_does_not() -> None:
    """Nobody asked for an hour: then nobody knows that the card is well (K8). That it failed is not forgotten."""
    red = replace(FACTS, card=replace(FACTS.card, light=Light.RED))
    assert light_of(FACTS, NOW + STALE_MS) is Light.GREEN
    assert light_of(FACTS, NOW + STALE_MS + 1) is Light.UNKNOWN
    assert light_of(FACTS, NOW - STALE_MS - 1) is Light.UNKNOWN
    assert light_of(red, NOW + 100 * STALE_MS) is Light.RED
    assert light_of(None, NOW) is Light.UNKNOWN
