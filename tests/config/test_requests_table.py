"""The table [requests]: terms, own grounds and referrals, and what of them cannot be."""

from pathlib import Path

import pytest

from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import parse_configuration
from kuramori_config.requests_table import Matter, Output, RecipientKind, Requests
from tests.fakes.configuration import configuration_text

GROUND = """
[[requests.ground]]
code = "residents-safety"
name = "safety of the residents"
name_ja = "居住者の安全の確保"
source = "House rules, article 12"
source_ja = "管理規約第12条"
document = "a written application"
document_ja = "申請書"
recipients = ["authority", "public-body"]
"""
REFERRAL = """
[[requests.referral]]
matter = "crime"
text = "report it to Kita police station"
text_ja = "北警察署に届け出るよう案内してください"
"""


def read(more: str, rule_set: str = "OWN") -> Requests:
    """What a file with this addition says of requests."""
    text = configuration_text().replace('rule_set = "HOK"', f'rule_set = "{rule_set}"')
    return parse_configuration(text + more, Path("kuramori.toml")).requests


def faults(more: str, rule_set: str = "OWN") -> set[str]:
    """The keys that are wrong."""
    with pytest.raises(ConfigurationFault) as caught:
        read(more, rule_set)
    return {problem.key for problem in caught.value.problems}


def test_without_the_table_the_usual_terms_hold() -> None:
    """Thirty days, seven days, 72 hours, thirty days, and the published grounds."""
    found = read("", "HOK")
    terms = (found.hold_days, found.remind_before_hold_ends_days, found.urgent_documented_within_hours)
    assert terms == (30, 7, 72)
    assert found.handover_reported_within_days == 30
    assert found.grounds == found.referrals == ()


def test_a_site_brings_its_own_rules() -> None:
    """Each key as a typed value."""
    found = read("[requests]\nurgent_documented_within_hours = 24\n" + GROUND + REFERRAL)
    (ground,) = found.grounds
    assert ground.recipients == (RecipientKind.AUTHORITY, RecipientKind.PUBLIC_BODY)
    assert ground.outputs == (Output.VIEWING, Output.COPY)
    assert not ground.document_later
    assert found.referrals[0].matter is Matter.CRIME
    assert found.urgent_documented_within_hours == 24


def test_own_referrals_may_stand_beside_a_published_set() -> None:
    """The office names its own police station."""
    assert read(REFERRAL, "HOK").referrals[0].text_ja.startswith("北警察署")


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("", "requests.ground"),
        (GROUND + GROUND, "requests.ground.code"),
        (GROUND + REFERRAL + REFERRAL, "requests.referral.matter"),
        (GROUND.replace('document_ja = "申請書"\n', ""), "requests.ground[safety of the residents].document_ja"),
        (GROUND.replace("document = ", "#"), "requests.ground[safety of the residents].document"),
        (
            GROUND.replace('document = "a written application"\ndocument_ja = "申請書"', "document_later = true"),
            "requests.ground[safety of the residents].document",
        ),
        (GROUND.replace('"public-body"', '"private"'), "requests.ground[safety of the residents].recipients"),
        (GROUND.replace('"public-body"', '"lawyer"'), "requests.ground[safety of the residents].recipients"),
        (GROUND.replace('["authority", "public-body"]', "[]"), "requests.ground[safety of the residents].recipients"),
        (GROUND.replace("residents-safety", "Residents"), "requests.ground[safety of the residents].code"),
        (GROUND + "outputs = []\n", "requests.ground[safety of the residents].outputs"),
        ("[requests]\nhold_days = 0\n" + GROUND, "requests.hold_days"),
        ("[requests]\nurgent_documented_within_hours = 721\n" + GROUND, "requests.urgent_documented_within_hours"),
    ],
)
def test_what_cannot_be_is_named(more: str, key: str) -> None:
    """A private person or a lawyer alone receives on no ground of anybody's making."""
    assert key in faults(more)


def test_own_grounds_do_not_mend_a_published_set() -> None:
    """Who says to follow HOK follows HOK."""
    assert faults(GROUND, "HOK") == {"requests.ground"}
