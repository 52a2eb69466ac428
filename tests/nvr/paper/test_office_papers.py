"""The office's papers say what the configuration says: each name, figure and place, nothing that it does not (O6)."""

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kuramori.desk.paper_fault import PaperOptionMissing, PaperUnknown
from kuramori.paper.blank_forms import BlankForm, blank_form
from kuramori.paper.document import Block, Document, Form, Grid, Heading, Items, Large, NewPage, Paragraph
from kuramori.paper.document_pdf import to_pdf
from kuramori.paper.language import Language
from kuramori.paper.markdown import to_markdown
from kuramori.paper.notice_paper import NoticeSize, notice
from kuramori.paper.pdf import MISSING
from kuramori.paper.rules_paper import rules
from kuramori_config.schema import Configuration
from tests.nvr.paper.office import CAMERAS, PAPERS, WHOLE, configured, facts_of
from tests.peers import require_program

JA, EN = Language.JAPANESE, Language.ENGLISH
AUDIO = """
[camera.audio]
who = "市長 山田 太郎"
date = 2026-05-01
reason = "暴言を伴う被害の頻発"
"""
LONGER = """
[camera.retention_decision]
who = "市長 山田 太郎"
date = 2026-06-01
reason = "捜査への協力"
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """The whole office."""
    return configured(tmp_path)


def said(document: Document) -> str:
    """All text of a paper."""
    return to_markdown(document)


def test_the_rules_name_everything_that_is_configured(configuration: Configuration) -> None:
    """Every camera with place, purpose and retention; every person with every duty; site, contact, ceiling, k of n."""
    text = said(rules(facts_of(configuration), JA))
    site, papers = configuration.site, configuration.papers
    for camera in configuration.cameras:
        row = f"| {camera.name} | {camera.place} | {camera.purpose or site.purpose} | {int(camera.retention.days)}日 |"
        assert row in text
    assert f"台数は{len(configuration.cameras)}台" in text
    for person in configuration.people:
        assert f"{person.title} {person.name}" in text
    for expected in (
        site.name,
        site.purpose,
        site.contact,
        papers.operator,
        papers.address,
        papers.recorder_place,
        papers.legal_basis,
        "令和8年4月1日から施行する",
        "10日以内に回答",
        "鍵管理者3人のうち2人以上",
        "30日以内(北斗市 訓令第27号 第6条第4項)",
        "音声は取得しない",
        "5年間保存",
        "消去保証区分 E2",
        "192.168.10.0/24",
        "防犯カメラ管理運用要領",
    ):
        assert expected is not None
        assert expected in text, expected


def test_the_rules_name_every_ground_of_the_rule_set(configuration: Configuration) -> None:
    """With its source and the document that it needs, in both languages; another rule set has others."""
    facts = facts_of(configuration)
    japanese, english = said(rules(facts, JA)), said(rules(facts, EN))
    for ground in facts.grounds:
        assert ground.name.japanese in japanese
        assert ground.source.japanese in japanese
        assert ground.name.english in english
        assert ground.document is None or ground.document.japanese in japanese


@pytest.mark.parametrize(
    ("before", "after", "gone", "there"),
    [
        ('retention = "14 days"', 'retention = "36 hours"\nfloor = "12 hours"', "| 14日 |", "| 36時間 |"),
        ('place = "中央公園入口"', 'place = "駅前広場"', "中央公園入口", "駅前広場"),
        ('name = "田中 次郎"', 'name = "髙橋 七海"', "田中 次郎", "防犯課主任 髙橋 七海"),
        ('contact = "北市防犯課 000-000-0000"', 'contact = "総務課 111"', "000-000-0000", "総務課 111"),
        ('rule_set = "HOK"', 'rule_set = "CHI"', "30日以内", "31日以内"),
        ('operator = "北市(市長 山田 太郎)"', "", "山田 太郎", "北市が「北市通学路」において"),
        ('answer_within = "10 days"', "", "10日以内", "14日以内"),
        (
            "[papers]",
            '[papers]\nrules_title = "北市見守りカメラ要綱"',
            "# 防犯カメラ管理運用要領",
            "# 北市見守りカメラ要綱",
        ),
        ("[network]", '[network]\nvpn = "市役所VPN"', "VPNなし", "VPN(市役所VPN)"),
        (CAMERAS, CAMERAS + AUDIO, "音声は取得しない", "市長 山田 太郎の令和8年5月1日の書面による決定"),
        (CAMERAS, CAMERAS.replace("7 days", "60 days") + LONGER, "| 7日 |", "令和8年6月1日の書面による決定により60日"),
    ],
)
def test_what_changes_in_the_configuration_changes_in_the_rules(
    tmp_path: Path, before: str, after: str, gone: str, there: str
) -> None:
    """The old text is no longer in it and the new one is."""
    assert before in WHOLE
    changed = said(rules(facts_of(configured(tmp_path, WHOLE.replace(before, after))), JA))
    assert gone not in changed
    assert there in changed


def test_custodians_and_tier_are_those_in_use(configuration: Configuration) -> None:
    """Not those that are only configured; where nobody can say, the paper says so and claims nothing."""
    assert "鍵管理者5人のうち4人以上" in said(rules(facts_of(configuration, k=4, n=5), JA))
    unknown = said(rules(facts_of(configuration, n=0, tier=""), JA))
    assert "鍵管理者2人以上が各自の鍵により" in unknown
    assert "現在確認できない" in unknown
    assert "消去保証区分 E" not in unknown
    assert "何も保証しません" in said(rules(facts_of(configuration, tier="E0"), JA))


@pytest.mark.parametrize("key", ["address", "recorder_place", "in_force_from"])
def test_a_missing_option_is_named_in_one_sentence(tmp_path: Path, key: str) -> None:
    """No paper with a hole: the sentence says which key to set, in both languages."""
    lines = [line for line in WHOLE.splitlines() if not line.startswith(f"{key} =")]
    facts = facts_of(configured(tmp_path, "\n".join(lines)))
    with pytest.raises(PaperOptionMissing) as missing:
        rules(facts, JA)
    assert missing.value.field == f"papers.{key}"
    assert f"papers.{key}" in missing.value.english
    assert f"papers.{key}" in missing.value.japanese


def test_all_missing_options_are_named_at_once(tmp_path: Path) -> None:
    """Nobody sets one only to be asked for the next."""
    facts = facts_of(configured(tmp_path, WHOLE.replace(PAPERS, "")))
    with pytest.raises(PaperOptionMissing, match=r"papers\.address, papers\.recorder_place, papers\.in_force_from"):
        rules(facts, JA)
    assert "14日" in said(notice(facts, JA, NoticeSize.A4))  # the notice needs none of them


def test_the_notice_says_who_why_how_long_and_no_sound(tmp_path: Path) -> None:
    """One page for each camera, or for the named one; sound is told where somebody decided on it."""
    facts = facts_of(configured(tmp_path, WHOLE + AUDIO))
    text = said(notice(facts, JA, NoticeSize.A4, "gate"))
    for expected in (
        "防犯カメラ作動中",
        "SECURITY CAMERA IN OPERATION",
        "設置者: 北市(市長 山田 太郎)",
        "連絡先: 北市防犯課 000-000-0000",
        "14日保存",
        "音声は記録していません",
        "正門前電柱14号",
    ):
        assert expected in text
    assert "中央公園入口" not in text
    both = said(notice(facts, JA, NoticeSize.SMALL))
    assert both.count("公園内の器物損壊の防止") == both.count("正門前電柱14号") == 4
    assert "音声を記録しています(令和8年5月1日 市長 山田 太郎決定)" in both
    with pytest.raises(PaperUnknown):
        notice(facts, JA, NoticeSize.A4, "none")


@pytest.mark.parametrize("which", BlankForm)
def test_every_form_knows_the_office_and_leaves_room(configuration: Configuration, which: BlankForm) -> None:
    """In both languages; the application offers the grounds on which something can be handed over."""
    facts = facts_of(configuration)
    for say in Language:
        text = said(blank_form(facts, say, which))
        assert "______" in text
        assert "北市" in text
    if which is BlankForm.APPLICATION:
        text = said(blank_form(facts, JA, which))
        offered = {ground.code: f"□ {ground.name.japanese}" in text for ground in facts.grounds}
        assert offered == {ground.code: ground.hand_over for ground in facts.grounds}
    if which is BlankForm.COMPLAINT:
        assert "回答の目安: 10日以内" in said(blank_form(facts, JA, which))


def read_by(program: str, pdf: bytes) -> str:
    """What a program of Poppler says of a file."""
    command = [require_program(program), "-", *(["-"] if program == "pdftotext" else [])]
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()


def squeezed(text: str) -> str:
    """A text without blanks."""
    return "".join(text.split())


def test_the_pdf_says_what_the_markdown_says(configuration: Configuration) -> None:
    """Every paper drawn, in one file: each text of the trees can be read back from it, and every font lies in it."""
    facts = facts_of(configuration)
    papers = [
        rules(facts, JA),
        notice(facts, JA, NoticeSize.A4),
        *(blank_form(facts, JA, which) for which in BlankForm),
    ]
    blocks: list[Block] = []
    for paper in papers:
        blocks += [Heading(paper.title), *paper.blocks, NewPage()]
    document = Document("書類一式", JA, tuple(blocks), papers[0].footer)
    pdf = to_pdf(document, datetime(2026, 4, 1, tzinfo=UTC))
    foot = squeezed(document.footer)
    pages = squeezed(read_by("pdftotext", pdf).replace("\f", ""))
    text = re.sub(re.escape(foot) + r"\d+", "", pages)  # a paragraph may go on over a page
    told = [part for block in blocks for value in _texts(block) for part in re.split(r"[\u3000\n]+", value) if part]
    assert len(told) > 100
    assert [value for value in told if squeezed(value) not in text] == []
    assert foot in pages
    assert MISSING not in text  # no sign that the font lacks
    fonts = read_by("pdffonts", pdf).splitlines()[2:]
    assert fonts
    assert all(line.split()[-5] == "yes" for line in fonts)


def _texts(block: Block) -> list[str]:
    """The texts of a block, line by line where a line of a cell may be broken off by another cell's."""
    match block:
        case Heading() | Paragraph() | Large():
            return [block.text]
        case Items():
            return list(block.texts)
        case Form():
            return [row.label for row in block.rows]
        case Grid():
            return list(block.head)
        case NewPage():
            return []


def test_what_people_wrote_is_no_markup(configuration: Configuration) -> None:
    """A place that looks like a table or a link stays a text in its cell."""
    office = facts_of(configuration).office
    camera = replace(office.cameras[0], place="角|地 [x](http://x)")
    facts = facts_of(configuration, office=replace(office, cameras=(camera,)))
    assert "角\\|地 \\[x\\](http://x)" in said(rules(facts, JA))
