"""What is said beforehand about the machine's death is what `kuramori open-offline` can do."""

import pytest

from kuramori.survival_texts import survival_claim, survives
from kuramori_segments.tier import ErasureTier, TierAssessment, TierReason


@pytest.mark.parametrize("reason", [TierReason.TPM, TierReason.SOFTWARE_TPM])
def test_pictures_die_with_a_tpm(reason: TierReason) -> None:
    """A cell in the machine's TPM leaves it with nobody."""
    assessment = TierAssessment(ErasureTier.E2, reason, ("tpm",), ("sda",))
    assert not survives(assessment)
    assert "die with it" in survival_claim(assessment)


def test_pictures_survive_where_everything_is_rescued(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell on a disk can be taken out: on the same one, or on another that has to be rescued too."""
    same = TierAssessment(ErasureTier.E0, TierReason.SAME_DISK, ("sda",), ("sda",))
    other = TierAssessment(ErasureTier.E2, TierReason.SEPARATE_DISK, ("sdb",), ("sda",))
    assert survives(same)
    assert "(sda)" in survival_claim(same)
    assert "all three are rescued" in survival_claim(other)
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "別の機器で開けます" in survival_claim(other)
