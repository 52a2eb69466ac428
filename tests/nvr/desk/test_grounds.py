"""Grounds by rule set, the site's own, and what is refused before anybody decides, with which referral (H2)."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.approval import read_approval
from kuramori.desk.fault import ApprovalRefused
from kuramori.desk.grounds import (
    RULE_SETS,
    Asked,
    Matter,
    Output,
    RecipientKind,
    Refusal,
    ground_named,
    rule_book,
)
from kuramori_config.load import parse_configuration
from kuramori_config.requests_table import NEVER_RECEIVE
from kuramori_config.rules import PUBLISHED
from tests.fakes.configuration import configuration_text


def assessed(rule_set: str, ground: str, document: str, recipient: RecipientKind, **more: Any) -> Refusal | None:
    """What a published rule set says of a request."""
    return rule_book(rule_set).assess(Asked(ground, document, recipient, **more))


def test_every_published_rule_set_has_grounds() -> None:
    """The configuration offers exactly the published rule sets whose grounds are known, and OWN."""
    assert set(RULE_SETS) == {rule_set.value for rule_set in PUBLISHED}


@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_each_ground_says_what_it_is_in_both_languages(rule_set: str) -> None:
    """Codes are unique; name, source and needed document stand in English and Japanese."""
    found = rule_book(rule_set).grounds
    assert len({ground.code for ground in found}) == len(found)
    for ground in found:
        for wording in (ground.name, ground.source, *([ground.document] if ground.document else [])):
            assert wording.english
            assert wording.english.isascii()
            assert not wording.japanese.isascii()
        assert ground.usual_recipient in ground.recipients
        assert not ground.recipients & NEVER_RECEIVE
        assert ground.outputs


@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_every_set_has_law_investigation_urgency_and_looking(rule_set: str) -> None:
    """The grounds that all the rules share, and looking, which is never a hand-over."""
    for code, document in (("law", True), ("investigation", True), ("urgent", True), ("installation-purpose", False)):
        ground = ground_named(rule_set, code)
        assert ground is not None
        assert (ground.document is not None) == document
        assert ground.hand_over == (code != "installation-purpose")
        assert ground.document_later == (code == "urgent")


def test_what_only_one_rule_set_knows_is_known_there_only() -> None:
    """Consent is Chiba's, other public interest Hokuto's, disclosure is the cities'."""
    assert [rule_set for rule_set in RULE_SETS if ground_named(rule_set, "consent")] == ["CHI"]
    assert [rule_set for rule_set in RULE_SETS if ground_named(rule_set, "public-interest")] == ["HOK"]
    assert [rule_set for rule_set in RULE_SETS if ground_named(rule_set, "disclosure")] == ["ISE", "HOK"]


@given(st.sampled_from(RULE_SETS), st.text(max_size=20), st.text(max_size=5), st.sampled_from(RecipientKind))
def test_whatever_is_not_a_ground_with_its_document_and_recipient_is_refused(
    rule_set: str, code: str, document: str, recipient: RecipientKind
) -> None:
    """Only a known ground, for a recipient it covers, with its document, is left to the manager."""
    codes = [code, *(ground.code for ground in rule_book(rule_set).grounds)]
    for tried in codes:
        ground = ground_named(rule_set, tried)
        documented = ground is not None and (ground.document is None or ground.document_later or bool(document))
        allowed = ground is not None and recipient in ground.recipients and documented
        refusal = assessed(rule_set, tried, document, recipient)
        assert (refusal is None) == allowed
        if recipient in NEVER_RECEIVE:
            assert refusal is not None
            assert refusal.reason in ("private-person", "lawyer-alone")


@pytest.mark.parametrize(
    ("matter", "ground", "english", "japanese"),
    [
        ("crime", "", "police", "被害届"),
        ("missing-person", "", "police", "行方不明者届"),
        ("dispute", "", "bar association", "弁護士会照会"),
        ("own-picture", "", "disclosure of their own data", "保有個人情報の開示請求"),
        ("records", "", "ordinance", "情報公開条例"),
        ("", "investigation", "police", "被害届"),
        ("", "urgent", "missing person", "行方不明者届"),
        ("", "law", "bar association", "弁護士会照会"),
        ("records", "urgent", "ordinance", "情報公開条例"),
    ],
)
@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_a_private_person_is_sent_where_it_applies(
    rule_set: str, matter: str, ground: str, english: str, japanese: str
) -> None:
    """By what they are after; where that is not said, by the ground they name."""
    refusal = assessed(rule_set, ground, "No. 1", RecipientKind.PRIVATE, matter=matter)
    assert refusal is not None
    assert refusal.reason == "private-person"
    assert english in refusal.text.english
    assert japanese in refusal.text.japanese
    assert refusal.matter == (
        matter or {"investigation": "crime", "urgent": "missing-person", "law": "dispute"}[ground]
    )


@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_where_nothing_is_said_every_way_is_named(rule_set: str) -> None:
    """The police, the bar association, the person's own data, the ordinance."""
    refusal = assessed(rule_set, "", "", RecipientKind.PRIVATE)
    assert refusal is not None
    for words in ("警察", "弁護士会照会", "本人の開示請求", "情報公開条例"):
        assert words in refusal.text.japanese


def test_a_lawyer_who_asks_directly_is_sent_to_the_bar_association() -> None:
    """Attorney Act, article 23-2; through the association it is a ground of law."""
    refusal = assessed("HOK", "law", "No. 5", RecipientKind.LAWYER)
    assert refusal is not None
    assert refusal.reason == "lawyer-alone"
    assert "弁護士法第23条の2" in refusal.text.japanese
    assert assessed("HOK", "law", "No. 5", RecipientKind.LEGAL) is None


def test_isesaki_refers_to_its_disclosure_ordinance_by_its_article() -> None:
    """ISE guideline 9."""
    refusal = assessed("ISE", "", "", RecipientKind.PRIVATE, matter="records")
    assert refusal is not None
    assert "guideline 9" in refusal.text.english


def test_the_person_filmed_gets_nothing_but_a_masked_copy() -> None:
    """Everybody else is made unrecognisable (H9), whatever the ground would allow others."""
    for rule_set, ground in (("HOK", "disclosure"), ("CHI", "consent")):
        assert assessed(rule_set, ground, "1", RecipientKind.PERSON_FILMED, outputs=(Output.MASKED_COPY,)) is None
        refusal = assessed(rule_set, ground, "1", RecipientKind.PERSON_FILMED, outputs=(Output.COPY,))
        assert refusal is not None
        assert refusal.reason == "output-unfit"


OWN = """
[requests]
[[requests.ground]]
code = "residents-safety"
name = "safety of the residents"
name_ja = "居住者の安全の確保"
source = "House rules, article 12"
source_ja = "管理規約第12条"
document = "a written application"
document_ja = "申請書"
recipients = ["authority", "public-body"]
referral = "crime"
[[requests.ground]]
code = "looking"
name = "looking"
name_ja = "閲覧"
source = "House rules, article 13"
source_ja = "管理規約第13条"
recipients = ["staff"]
outputs = ["viewing"]
[[requests.referral]]
matter = "crime"
text = "report it to Kita police station"
text_ja = "北警察署に届け出るよう案内してください"
"""


def test_a_site_can_bring_its_own_grounds_and_referrals() -> None:
    """They are judged like the published ones; a private person hears the site's own sentence."""
    text = configuration_text().replace('rule_set = "HOK"', 'rule_set = "OWN"') + OWN
    terms = parse_configuration(text, Path("kuramori.toml")).requests
    book = rule_book("OWN", terms)
    assert [ground.code for ground in book.grounds] == ["residents-safety", "looking"]
    assert book.assess(Asked("residents-safety", "No. 3", RecipientKind.AUTHORITY)) is None
    missing = book.assess(Asked("residents-safety", "", RecipientKind.AUTHORITY))
    assert missing is not None
    assert missing.reason == "document-missing"
    unknown = book.assess(Asked("investigation", "No. 3", RecipientKind.AUTHORITY))
    assert unknown is not None
    assert unknown.reason == "ground-unknown"
    private = book.assess(Asked("residents-safety", "No. 3", RecipientKind.PRIVATE))
    assert private is not None
    assert private.text.english == "Pictures are not given to private persons: report it to Kita police station."
    assert private.matter == Matter.CRIME
    looking = book.ground("looking")
    assert looking is not None
    assert not looking.hand_over


@given(st.binary(max_size=200))
def test_any_bytes_are_an_approval_or_our_refusal(document: bytes) -> None:
    """Reading what a caller hands in never fails in another way."""
    with pytest.raises(ApprovalRefused):
        read_approval(document)
