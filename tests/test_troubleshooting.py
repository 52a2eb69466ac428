"""The troubleshooting page: every message of trouble and every alarm is a heading in it, in English and in Japanese.

The headings come from the code: a message without an entry fails, and so does a heading that nobody says any more.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.fakes.operator_messages import NO_TROUBLE, Message, all_messages, heading, messages_of

HOUSE = Path(__file__).resolve().parents[1]
ENGLISH = HOUSE / "nvr" / "TROUBLESHOOTING.md"
JAPANESE = HOUSE / "nvr" / "TROUBLESHOOTING.ja.md"
RULES = HOUSE / "metrics" / "rules" / "kuramori.rules.yml"
MARKS = {ENGLISH: ("Means:", "Do:", "Mended when:"), JAPANESE: ("意味:", "対応:", "確認:")}
LONGEST_LINE_OF_HELP = 600


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer: the headings over it, and its lines."""

    headings: tuple[str, ...]
    lines: tuple[str, ...]


def _entries(page: Path) -> list[Entry]:
    found: list[Entry] = []
    headings: list[str] = []
    lines: list[str] = []
    for line in [*page.read_text(encoding="utf-8").splitlines(), "## end"]:
        if line.startswith("#"):
            if lines and headings:
                found.append(Entry(tuple(headings), tuple(lines)))
                headings = []
            lines = []
            if line.startswith("### "):
                headings.append(line.removeprefix("### "))
        elif line:
            lines.append(line)
    return found


@cache
def _messages() -> tuple[Message, ...]:
    return tuple(all_messages())


def _alarms() -> set[str]:
    return set(re.findall(r"^\s*- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE))


def _by_heading(entries: list[Entry]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for number, entry in enumerate(entries):
        for one in entry.headings:
            found.setdefault(one, set()).add(number)
    return found


def test_every_message_has_one_answer_in_both_languages() -> None:
    """The English heading and the Japanese one stand over the same entry."""
    english, japanese = _by_heading(_entries(ENGLISH)), _by_heading(_entries(JAPANESE))
    lacking = [
        f"{one.place}: ### {one.headings[0]} | ### {one.headings[1]}"
        for one in _messages()
        if not english.get(one.headings[0], set()) & japanese.get(one.headings[1], set())
    ]
    assert not lacking, "add these headings to both pages, over an entry that fits:\n" + "\n".join(lacking)


def test_every_alarm_has_one_answer_in_both_languages() -> None:
    """Its name is the heading: the rules link to it."""
    alarms = _alarms()
    assert len(alarms) > 20
    english, japanese = _by_heading(_entries(ENGLISH)), _by_heading(_entries(JAPANESE))
    lacking = sorted(name for name in alarms if not english.get(name, set()) & japanese.get(name, set()))
    assert not lacking, f"add these headings to both pages, over an entry that fits: {lacking}"


@pytest.mark.parametrize("page", [ENGLISH, JAPANESE], ids=lambda page: page.name)
def test_no_heading_stands_there_that_nobody_says(page: Path) -> None:
    """A message that was reworded or removed leaves nothing behind."""
    said = _alarms() | {one.headings[0 if page is ENGLISH else 1] for one in _messages()}
    assert sorted(one for entry in _entries(page) for one in entry.headings if one not in said) == []


@pytest.mark.parametrize("page", [ENGLISH, JAPANESE], ids=lambda page: page.name)
def test_every_entry_says_what_it_means_what_to_do_and_how_to_see_the_end(page: Path) -> None:
    """Three lines, in this order, each short enough to be read."""
    for entry in _entries(page):
        assert len(entry.lines) == 3, entry.headings
        for line, mark in zip(entry.lines, MARKS[page], strict=True):
            assert line.startswith(f"- **{mark}** "), (entry.headings, line)
            assert len(line) < LONGEST_LINE_OF_HELP, entry.headings


def test_the_two_pages_have_the_same_entries() -> None:
    """As many sections and answers in one language as in the other."""
    assert len(_entries(ENGLISH)) == len(_entries(JAPANESE))
    sections = [page.read_text(encoding="utf-8").count("\n## ") for page in (ENGLISH, JAPANESE)]
    assert sections[0] == sections[1]


def test_messages_are_found_where_they_are_said() -> None:
    """What is raised, stands in an exception or is a finding; with ellipses, first sentences, and without labels."""
    source = """
class DeskBusy(DeskFault):
    def __init__(self, name):
        super().__init__(f"The desk {name} is away. Start it.", f"受付 {name} が応答しません。起動してください。")
def tell(name, count):
    print(tr("Desk", "受付"))
    yield warning("w", tr(f"{count} desks", f"受付 {count}"), tr("wait", "待つ"))
    raise Refused(tr("no: " f"{name}", "不可"))
"""
    found = [one.headings for one in messages_of(source, "desk/example.py")]
    assert found == [
        ("The desk … is away", "受付 … が応答しません"),
        ("… desks", "受付 …"),
        ("no: …", "不可"),
    ]
    assert heading("It is {value} % worn; look") == "It is … % worn; look"


def test_what_is_said_to_be_no_trouble_is_said_somewhere() -> None:
    """The list of exceptions keeps nothing that is gone."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (HOUSE / "nvr" / "kuramori").rglob("*.py"))
    for one in NO_TROUBLE:
        for part in one.split("…"):
            assert part.strip(" :") in text.replace('"\n            "', ""), one
