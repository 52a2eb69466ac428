"""The grounds of each rule set, and what is refused before anybody decides (H2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.approval import read_approval
from kuramori.desk.fault import ApprovalRefused
from kuramori.desk.grounds import RULE_SETS, RecipientKind, assess, ground_named, grounds
from kuramori_config.rules import RuleSet


def test_every_configured_rule_set_has_grounds() -> None:
    """The configuration offers exactly the rule sets whose grounds are known."""
    assert set(RULE_SETS) == {rule_set.value for rule_set in RuleSet}


@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_each_ground_says_what_it_is_in_both_languages(rule_set: str) -> None:
    """Codes are unique; name, source and needed document stand in English and Japanese."""
    found = grounds(rule_set)
    assert len({ground.code for ground in found}) == len(found)
    for ground in found:
        for wording in (ground.name, ground.source, *([ground.document] if ground.document else [])):
            assert wording.english
            assert wording.english.isascii()
            assert not wording.japanese.isascii()
        assert ground.usual_recipient in ground.recipients
        assert RecipientKind.PRIVATE not in ground.recipients


@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_every_set_has_law_investigation_urgency_and_looking(rule_set: str) -> None:
    """The three grounds that all the rules share, and looking, which is never a hand-over."""
    for code, document in (("law", True), ("investigation", True), ("urgent", False), ("installation-purpose", False)):
        ground = ground_named(rule_set, code)
        assert ground is not None
        assert (ground.document is not None) == document
        assert ground.hand_over == (code != "installation-purpose")


def test_what_only_one_rule_set_knows_is_known_there_only() -> None:
    """Consent is Chiba's, other public interest Hokuto's."""
    assert [rule_set for rule_set in RULE_SETS if ground_named(rule_set, "consent")] == ["CHI"]
    assert [rule_set for rule_set in RULE_SETS if ground_named(rule_set, "public-interest")] == ["HOK"]


@given(st.sampled_from(RULE_SETS), st.text(max_size=20), st.text(max_size=5), st.sampled_from(RecipientKind))
def test_whatever_is_not_a_ground_with_its_document_and_recipient_is_refused(
    rule_set: str, code: str, document: str, recipient: RecipientKind
) -> None:
    """Only a known ground, for a recipient it covers, with its document, is left to the manager."""
    codes = [code, *(ground.code for ground in grounds(rule_set))]
    for tried in codes:
        ground = ground_named(rule_set, tried)
        allowed = ground is not None and recipient in ground.recipients and (ground.document is None or bool(document))
        refusal = assess(rule_set, tried, document, recipient)
        assert (refusal is None) == allowed
        if recipient is RecipientKind.PRIVATE:
            assert refusal is not None
            assert "police" in refusal.text.english
            assert "警察" in refusal.text.japanese


def test_isesaki_refers_private_persons_to_its_disclosure_ordinance_too() -> None:
    """ISE guideline 9."""
    refusal = assess("ISE", "urgent", "", RecipientKind.PRIVATE)
    assert refusal is not None
    assert "ordinance" in refusal.text.english


@given(st.binary(max_size=200))
def test_any_bytes_are_an_approval_or_our_refusal(document: bytes) -> None:
    """Reading what a caller hands in never fails in another way."""
    with pytest.raises(ApprovalRefused):
        read_approval(document)
