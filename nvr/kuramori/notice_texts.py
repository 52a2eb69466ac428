"""What has to be done beside a camera that was put up: notice, view, report, rule book; by the site's rule set.

The sources are the published rules (ISE, CHI, HOK). Pure. This module must not know the terminal.
"""

from kuramori.texts import tr
from kuramori_config.rules import RuleSet
from kuramori_config.schema import Site


def checklist(site: Site, camera: str) -> tuple[str, ...]:
    """Return the steps, one sentence each, in the reader's language."""
    return (_notice(site), _view(camera), *_reports(site), _rule_book(site))


def _notice(site: Site) -> str:
    """HOK 4-3; CHI 2-3; ISE 4."""
    where = {
        RuleSet.ISE: tr("in the filmed area or where it is well seen (ISE 4)", "防犯対象区域内又は見やすい場所(指針4)"),
        RuleSet.CHI: tr(
            "in the filmed area or at its entrance (CHI 2-3)", "撮影対象区域内又は出入口付近(ガイドライン第2の3)"
        ),
        RuleSet.HOK: tr("in the filmed area, well seen (HOK 4-3)", "撮影対象区域内の見やすい場所(要綱第4条第3項)"),
        RuleSet.OWN: tr("in the filmed area, well seen", "撮影対象区域内の見やすい場所"),
    }[site.rule_set]
    return tr(
        f"Put up a notice {where}: that a security camera films, {site.installer}, {site.contact}.",
        f"{where}に、防犯カメラを設置している旨、設置者「{site.installer}」、連絡先「{site.contact}」を表示する。",
    )


def _view(camera: str) -> str:
    """CHI 2-2: no private space, the inside of homes above all."""
    return tr(
        "With a handler present, see that no private space is visible and confirm it: "
        f"kuramori camera aim {camera}, then kuramori camera confirm-view {camera}.",
        "取扱担当者の立会いの下、住宅内部などの私的空間が映らないことを確かめて記録する"
        f"(kuramori camera aim {camera}、続いて kuramori camera confirm-view {camera})。",
    )


def _reports(site: Site) -> tuple[str, ...]:
    """ISE 1 asks for a report to the review board; HOK 9 names the section in charge."""
    if site.rule_set is RuleSet.ISE:
        return (
            tr(
                "Report the installation to the review board for disclosure and personal information without delay "
                "(ISE 1).",
                "設置状況等を速やかに情報公開・個人情報保護審査会に報告する(指針1)。",
            ),
        )
    if site.rule_set is RuleSet.HOK:
        return (
            tr(
                "Report place, direction and purpose of the camera to the section in charge (HOK 9 names it).",
                "設置場所、撮影方向及び目的を所管課(要綱第9条に定める課)に報告する。",
            ),
        )
    return ()


def _rule_book(site: Site) -> str:
    """CHI model rule 4: number and places; ISE 5(3): the operating standard; HOK leaves the form open."""
    source = {RuleSet.ISE: " (ISE 5(3))", RuleSet.CHI: " (CHI model rule 4)", RuleSet.HOK: "", RuleSet.OWN: ""}[
        site.rule_set
    ]
    japanese = {RuleSet.ISE: "(指針5(3))", RuleSet.CHI: "(運用規程例4)", RuleSet.HOK: "", RuleSet.OWN: ""}[
        site.rule_set
    ]
    return tr(
        f"Enter the camera in the rule book: number of cameras, place, retention{source}.",
        f"運用規程の設置台数、設置場所、保存期間を改める{japanese}。",
    )
