"""`kuramori recovery` as a person at a safe meets it: words shown once, typed back once, then forgotten."""

import os
import pty
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kuramori_segments.opening_key import public_half
from kuramori_segments.recovery_key import read_recovery_card, restore
from tests.fakes.key_holders import recovery
from tests.nvr.test_cli_custodian import refused, run

SHEETS = recovery()


@pytest.fixture
def card_file(tmp_path: Path) -> Path:
    file = tmp_path / "recovery.card.json"
    file.write_bytes(SHEETS.card.to_bytes())
    return file


def words_file(path: Path, *sheets: str) -> Path:
    path.write_text("".join(f"{sheet}\n" for sheet in sheets))
    return path


def test_words_typed_back_right_make_a_card(tmp_path: Path) -> None:
    """The way of a script: words into a private file, and back from it."""
    words = tmp_path / "words"
    result = run("recovery", "new", "--out", tmp_path / "out", "--words-file", words, "--typed-back-from", words)
    assert result.exit_code == 0, result.output
    (path,) = (tmp_path / "out").iterdir()
    card = read_recovery_card(path.read_bytes())
    sheets = words.read_text().splitlines()
    assert (card.threshold, card.sheets, len(sheets)) == (2, 3, 3)
    assert public_half(restore(card, sheets[1:])) == card.opening_key
    assert stat.S_IMODE(words.stat().st_mode) == 0o600
    assert card.fingerprint in result.stdout


def test_words_can_go_through_standard_output_and_input(tmp_path: Path) -> None:
    """Without a file: the driving program reads the lines and gives them back."""
    command = [sys.executable, "-m", "kuramori.cli", "recovery", "new", "--out", str(tmp_path), "--shares", "5"]
    command += ["--threshold", "3", "--words-file", "-", "--typed-back-from", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        sheets = [process.stdout.readline() for _ in range(5)]
        process.stdin.write("".join(sheets))
        process.stdin.flush()
        assert "any 3 of 5" in process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert len(list(tmp_path.glob("*.card.json"))) == 1


def test_words_not_typed_back_right_write_nothing(tmp_path: Path) -> None:
    """The sheet is named; no card appears for a key that nobody has on paper."""
    other = words_file(tmp_path / "other", *SHEETS.words)
    out = tmp_path / "out"
    sentence = refused("recovery", "new", "--out", out, "--words-file", tmp_path / "words", "--typed-back-from", other)
    assert "Sheet 1" in sentence
    assert not out.exists()


def test_a_missing_sheet_is_noticed(tmp_path: Path) -> None:
    """Nothing came back at all."""
    empty = words_file(tmp_path / "empty")
    words = ("recovery", "new", "--out", tmp_path / "out", "--words-file", tmp_path / "w", "--typed-back-from", empty)
    assert "Sheet 1" in refused(*words)


def test_an_existing_words_file_is_never_overwritten(tmp_path: Path) -> None:
    """It may hold the only copy of another key."""
    taken = words_file(tmp_path / "taken", "precious")
    words = ("recovery", "new", "--out", tmp_path / "out", "--words-file", taken, "--typed-back-from", taken)
    assert "taken" in refused(*words)
    assert taken.read_text() == "precious\n"


@pytest.mark.parametrize(("shares", "threshold"), [("3", "1"), ("1", "1"), ("2", "3"), ("17", "2")])
def test_impossible_sharings_are_refused(tmp_path: Path, shares: str, threshold: str) -> None:
    """Before any word is shown."""
    words = ["recovery", "new", "--out", tmp_path / "out", "--shares", shares, "--threshold", threshold]
    sentence = refused(*words, "--words-file", tmp_path / "w", "--typed-back-from", tmp_path / "w")
    assert f"{threshold} of {shares}" in sentence
    assert not (tmp_path / "w").exists()


def test_without_a_terminal_no_words_are_shown(tmp_path: Path) -> None:
    """They would end in a log."""
    assert "terminal" in refused("recovery", "new", "--out", tmp_path / "out")


def test_check_proves_sheets(tmp_path: Path, card_file: Path) -> None:
    """Any two of three."""
    result = run("recovery", "check", card_file, "--words-from", words_file(tmp_path / "w", *SHEETS.words[1:]))
    assert result.exit_code == 0
    assert "give the recovery key of this card" in result.stdout


def test_check_names_what_is_wrong(tmp_path: Path, card_file: Path) -> None:
    """Too few, twice, misspelt, of another key; and in Japanese."""
    first, second, _ = SHEETS.words
    cases = {
        "2 sheets are needed": (first,),
        "typed before": (first, first),
        "Sheet 2 is not complete": (first, second.rsplit(" ", 1)[0]),
        "do not belong together": (first, recovery(2, 2).words[1]),
    }
    for number, (expected, sheets) in enumerate(cases.items()):
        words = ("recovery", "check", card_file, "--words-from", words_file(tmp_path / f"w{number}", *sheets))
        assert expected in refused(*words)
        assert refused(*words, language="ja_JP.UTF-8").endswith("。")


def test_show_proves_a_card(tmp_path: Path, card_file: Path) -> None:
    """And refuses what is none."""
    result = run("recovery", "show", card_file)
    assert SHEETS.card.fingerprint in result.stdout
    assert "rubbish" in refused("recovery", "show", words_file(tmp_path / "rubbish", "{}"))
    assert "missing" in refused("recovery", "show", tmp_path / "missing")


def test_the_whole_conversation_at_a_terminal(tmp_path: Path) -> None:
    """Sheets shown one after the other, the screen cleared, a slip forgiven, all typed back, one card written."""
    shown, code = converse(tmp_path, slips=1)
    assert code == 0, shown[-2000:]
    assert "once more" in shown
    assert len(list(tmp_path.glob("*.card.json"))) == 1
    assert "\x1b[2J\x1b[3J" in shown.partition("Type sheet 1")[0]


def test_three_slips_end_the_conversation(tmp_path: Path) -> None:
    """Then nothing is written."""
    shown, code = converse(tmp_path, slips=3)
    assert code == 1
    assert "start anew" in shown
    assert list(tmp_path.iterdir()) == []


def converse(out: Path, slips: int) -> tuple[str, int]:
    """Be the person at the terminal: copy the words that are shown, press Enter, type them back."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"LC_ALL": "C.UTF-8", "COLUMNS": "200"}
    command = [sys.executable, "-m", "kuramori.cli", "recovery", "new", "--out", str(out), "--shares", "2"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown, seen, sheets = "", 0, list[str]()
    while True:
        try:
            shown += os.read(ours, 4096).decode("utf-8", "replace")
        except OSError:
            break
        fresh = shown[seen:]
        if "Press Enter." in fresh:
            numbered = re.findall(r"(\d+)\. ([a-z]+)", fresh)
            sheets.append(" ".join(word for _, word in sorted(numbered, key=lambda pair: int(pair[0]))))
            os.write(ours, b"\n")
            seen = len(shown)
        elif (asked := re.search(r"Type sheet (\d) of 2.*\n.*1> $", fresh, re.DOTALL)) is not None:
            words = sheets[int(asked[1]) - 1]
            if slips:
                slips, words = slips - 1, " ".join(reversed(words.split()))
            os.write(ours, (words + "\n").encode())
            seen = len(shown)
    os.close(ours)
    return shown, process.wait(timeout=60)
