"""Every finding has words in both languages."""

from kuramori.finding_texts import FINDING_TEXTS
from kuramori_segments.finding import FindingKind


def test_every_finding_has_its_words() -> None:
    """No kind is without text, and no two kinds say the same."""
    assert set(FINDING_TEXTS) == set(FindingKind)
    for language in ("english", "japanese"):
        texts = [getattr(text, language) for text in FINDING_TEXTS.values()]
        assert all(texts)
        assert len(set(texts)) == len(texts)
