"""Pages to print: read back by another program, the text whole, the font inside, the same bytes each time."""

import subprocess
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kuramori.paper.line_breaking import NEVER_FIRST, broken_into_lines
from kuramori.paper.pdf import MISSING, FormRow, PdfDocument
from tests.peers import require_program

CREATED = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


def document() -> PdfDocument:
    """An empty one."""
    return PdfDocument("記録簿", created=CREATED, footer="北斗市 防犯カメラ")


def read_by(program: str, pdf: bytes) -> str:
    """What a program of Poppler says of a file on its standard input."""
    to_standard_output = ["-"] if program == "pdftotext" else []
    command = [require_program(program), "-", *to_standard_output]
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()


def text_of(pdf: bytes) -> str:
    """All text of a file, without spaces and line breaks."""
    return "".join(read_by("pdftotext", pdf).split())


def test_japanese_is_readable_and_the_font_lies_in_the_file() -> None:
    """Heading, paragraph, form and rare names come back as text; every font of the file is embedded."""
    pages = document()
    pages.heading("防犯カメラ画像閲覧等記録簿", centred=True)
    pages.paragraph("髙橋 﨑子、𠮷野 太郎")
    pages.form([FormRow("所属機関", "北警察署", "提供先"), FormRow("職・氏名", "巡査部長 髙橋", "提供先")])
    pdf = pages.to_bytes()
    text = text_of(pdf)
    for expected in (
        "防犯カメラ画像閲覧等記録簿",
        "髙橋﨑子、𠮷野太郎",
        "所属機関",
        "巡査部長髙橋",
        "北斗市防犯カメラ",
    ):
        assert expected in text
    assert text.count("提供先") == 1  # one cell for both rows
    fonts = read_by("pdffonts", pdf).splitlines()[2:]
    assert fonts
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)  # embedded, subset, with Unicode


def test_a_letter_without_a_glyph_is_shown_as_missing() -> None:
    """What the font has not is a sign that something stood there; a mark that only chooses a variant is left out."""
    pages = document()
    pages.paragraph("辻\U000e0100さん \U00012000 終")
    assert text_of(pages.to_bytes()).startswith(f"辻さん{MISSING}終")


def test_long_values_and_tables_go_on_over_pages() -> None:
    """A value longer than a page and a table of many rows lose nothing; the table's head is on every page."""
    pages = document()
    pages.form([FormRow("その他事項", "\n".join(f"行{number}番" for number in range(120)))])
    pages.new_page()
    pages.table(("番号", "内容"), [(str(number), f"項目{number}目") for number in range(100)], (1, 4))
    pdf = pages.to_bytes()
    text = text_of(pdf)
    assert all(f"行{number}番" in text for number in range(120))
    assert all(f"項目{number}目" in text for number in range(100))
    with_rows = [page for page in read_by("pdftotext", pdf).split("\f") if "項目" in page]
    assert len(with_rows) > 1
    assert all("番号" in page for page in with_rows)


def test_the_same_content_gives_the_same_bytes() -> None:
    """Nothing of the moment of printing is in the file but the time that was passed in."""

    def printed() -> bytes:
        pages = document()
        pages.paragraph("同じ内容")
        return pages.to_bytes()

    assert printed() == printed()


def test_lines_keep_the_rules_of_japanese_print() -> None:
    """A closing mark moves with the letter before it, a bracket with the one behind; words stay whole."""
    assert broken_into_lines("あいう。え", 3, len) == ["あい", "う。え"]
    assert broken_into_lines("あい「うえ」", 3, len) == ["あい", "「う", "え」"]
    assert broken_into_lines("see gate now", 8, len) == ["see gate", "now"]
    assert broken_into_lines("abcdefgh", 3, len) == ["abc", "def", "gh"]
    assert broken_into_lines("一\n\n二", 5, len) == ["一", "", "二"]


@given(st.text(st.sampled_from("あ、。「」 abア\n"), max_size=60), st.integers(1, 12))
def test_no_text_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    """Whatever the text: all of it but spaces is there, in order, and no line is wider than it may be."""
    lines = broken_into_lines(text, width, len)
    assert "".join(lines).replace(" ", "") == text.replace("\n", "").replace(" ", "")
    assert all(len(line) <= width for line in lines)


@given(st.text(st.sampled_from("あいう、。"), max_size=40).filter(lambda text: "、、" not in text))
def test_a_mark_begins_a_line_only_where_marks_fill_it(text: str) -> None:
    """With room for six, a closing mark stands first only behind more marks than fit."""
    for line, before in zip(broken_into_lines(text, 6, len)[1:], broken_into_lines(text, 6, len), strict=False):
        assert line[0] not in NEVER_FIRST or len(before) == 6
