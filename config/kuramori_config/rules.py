"""The rule sets a site can be bound by, and how long each lets a recording be kept (requirement K2). Pure.

ISE is Isesaki City's consultation no. 105 with its guideline (2010), CHI Chiba City's guideline (2018), HOK Hokuto
City's directive no. 27 (2023). OWN is a site with rules of its own. This file must not know the configuration file.
"""

from dataclasses import dataclass
from enum import StrEnum

from kuramori_config.faults import Wording
from kuramori_config.quantities import Duration

DEFAULT_FLOOR = Duration.of_days(7)

# An epoch of a camera's key lasts up to an hour and may die up to two hours early; below three hours a retention
# would promise nothing.
SHORTEST_RETENTION = Duration(3 * 3600)


class RuleSet(StrEnum):
    """Which published rules the site follows."""

    ISE = "ISE"
    CHI = "CHI"
    HOK = "HOK"
    OWN = "OWN"  # the site's own, in [requests]


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long a rule set lets a recording be kept, and who may decide on longer."""

    rule_set: RuleSet
    ceiling: Duration
    source: Wording
    longer_decided_by: Wording
    by_manager: bool  # the decision is the site's manager's own
    by_mayor: bool  # the decision is the mayor's
    practice: Wording  # what the documents' authors do themselves, for whoever chooses a retention


_RULES = {
    RuleSet.ISE: RetentionRule(
        RuleSet.ISE,
        Duration.of_days(30),
        Wording("ISE 6(4)", "伊勢崎市 指針6(4)"),
        Wording("the manager (site.manager)", "管理責任者（site.manager）"),
        by_manager=True,
        by_mayor=False,
        practice=Wording("Isesaki itself keeps one week", "伊勢崎市の運用は直近1週間"),
    ),
    RuleSet.CHI: RetentionRule(
        RuleSet.CHI,
        Duration.of_days(31),
        Wording("CHI 2-5(2)", "千葉市 ガイドライン2-5(2)"),
        Wording("the person who decided, by name", "決定した者の氏名"),
        by_manager=False,
        by_mayor=False,
        practice=Wording("about one month at most, as short as possible", "概ね1箇月以内、できるだけ短期間"),
    ),
    RuleSet.HOK: RetentionRule(
        RuleSet.HOK,
        Duration.of_days(30),
        Wording("HOK 6-4", "北斗市 訓令第27号 第6条第4項"),
        Wording('the mayor, such as "mayor Yamada Taro"', "市長（例: 「市長 山田太郎」）"),
        by_manager=False,
        by_mayor=True,
        practice=Wording("within 30 days", "30日以内"),
    ),
    RuleSet.OWN: RetentionRule(
        RuleSet.OWN,
        Duration.of_days(30),
        Wording("the site's own rules", "独自の規程"),
        Wording("the manager (site.manager)", "管理責任者（site.manager）"),
        by_manager=True,
        by_mayor=False,
        practice=Wording("as short as the purpose allows", "目的達成に必要な最小限度の期間"),
    ),
}
PUBLISHED = (RuleSet.ISE, RuleSet.CHI, RuleSet.HOK)

_MAYOR_WORDS = ("mayor", "市長", "町長", "村長", "区長")


def retention_rule(rule_set: RuleSet) -> RetentionRule:
    """Return the retention rule of a rule set."""
    return _RULES[rule_set]


def may_decide_longer(rule: RetentionRule, who: str, manager: str) -> bool:
    """Tell whether `who` is the office that the rule set lets decide on a retention beyond the ceiling."""
    if rule.by_manager:
        return who == manager
    if rule.by_mayor:
        return any(word in who.lower() for word in _MAYOR_WORDS)
    return bool(who)
