"""`kuramori custodian` as a custodian meets it: key and card made, shown, tested; every slip in one sentence."""

import os
import pty
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kuramori.cli import main
from kuramori.key_texts import key_sentence
from kuramori_segments import key_faults
from kuramori_segments.custodian_card import read_card
from kuramori_segments.custodian_key import LEAST_COST, open_key_file, seal_key_file
from tests.fakes.key_holders import PASSPHRASE, custodian

NAME, TITLE = "佐藤 花子", "市民安全課長"


def run(*words: str | Path, language: str = "C") -> Result:
    return CliRunner().invoke(main.build(), [str(word) for word in words], env={"LC_ALL": language, "COLUMNS": "200"})


def refused(*words: str | Path, language: str = "C") -> str:
    """Run what must fail, and return its one sentence."""
    result = run(*words, language=language)
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    (sentence,) = result.stderr.strip().splitlines()
    return sentence


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_text(PASSPHRASE + "\n")
    return file


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "custodian.key.json"
    file.write_bytes(seal_key_file(custodian(NAME, TITLE), PASSPHRASE, LEAST_COST))
    return file


def test_new_makes_a_private_key_file_and_a_public_card(tmp_path: Path, passphrase_file: Path) -> None:
    """Both belong together, the key opens with the passphrase, and only its owner can read it."""
    out = tmp_path / "mine"
    before = os.umask(0o022)
    try:
        result = run(
            "custodian", "new", "--name", NAME, "--title", TITLE, "--out", out, "--passphrase-file", passphrase_file
        )
    finally:
        os.umask(before)
    assert result.exit_code == 0, result.output
    (key_path,) = out.glob("*.key.json")
    (card_path,) = out.glob("*.card.json")
    card = read_card(card_path.read_bytes())
    assert open_key_file(key_path.read_bytes(), PASSPHRASE).card == card
    assert (card.name, card.title) == (NAME, TITLE)
    assert card.fingerprint in result.stdout
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(card_path.stat().st_mode) == 0o644


def test_the_card_is_valid_for_the_years_asked_for(tmp_path: Path, passphrase_file: Path) -> None:
    """A term of office, unless told otherwise."""
    words = ["custodian", "new", "--name", NAME, "--title", TITLE, "--valid-years", "1"]
    assert run(*words, "--out", tmp_path, "--passphrase-file", passphrase_file).exit_code == 0
    (card_path,) = tmp_path.glob("*.card.json")
    card = read_card(card_path.read_bytes())
    assert card.expires_utc_ms - card.created_utc_ms == 365 * 24 * 3600 * 1000


def test_show_proves_a_card(tmp_path: Path) -> None:
    """Name, title, dates, fingerprint, and the reminder to compare it in person."""
    card = custodian(NAME, TITLE).card
    file = tmp_path / "card.json"
    file.write_bytes(card.to_bytes())
    result = run("custodian", "show", file)
    assert result.exit_code == 0
    for text in (NAME, TITLE, card.fingerprint, "in person"):
        assert text in result.stdout


def test_show_refuses_a_forged_card(tmp_path: Path) -> None:
    """One letter of the name changed."""
    file = tmp_path / "card.json"
    file.write_bytes(custodian(NAME, TITLE).card.to_bytes().replace("花子".encode(), "花代".encode()))
    assert "does not hold" in refused("custodian", "show", file)
    assert "一致しません" in refused("custodian", "show", file, language="ja_JP.UTF-8")


def test_check_proves_that_the_passphrase_opens_the_key(key_file: Path, passphrase_file: Path) -> None:
    """And says whose key it is."""
    result = run("custodian", "check", key_file, "--passphrase-file", passphrase_file)
    assert result.exit_code == 0
    assert "opens this key" in result.stdout
    assert NAME in result.stdout


def test_a_wrong_passphrase_is_one_clear_sentence(key_file: Path, passphrase_file: Path) -> None:
    """In the reader's language, with a non-zero exit."""
    passphrase_file.write_text("something else entirely\n")
    words = ("custodian", "check", key_file, "--passphrase-file", passphrase_file)
    assert refused(*words).endswith("The passphrase does not open this key file.")
    assert refused(*words, language="ja_JP.UTF-8").endswith("合言葉が違うため、鍵ファイルを開けません。")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_passphrase_file_that_others_can_read_is_refused(key_file: Path, passphrase_file: Path, mode: int) -> None:
    """It may be known already: the sentence says to choose a new one."""
    passphrase_file.chmod(mode)
    assert f"mode {mode:04o}" in refused("custodian", "check", key_file, "--passphrase-file", passphrase_file)


def test_odd_passphrase_files_are_refused(tmp_path: Path, key_file: Path) -> None:
    """Missing, a link, a folder, empty, not UTF-8, far too long."""
    real = tmp_path / "real"
    for name, content in (("empty", b""), ("binary", b"\xff\xfe\n"), ("long", b"x" * 5000)):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(content)
    real.touch(mode=0o600)
    real.write_text(PASSPHRASE)
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "folder").mkdir(mode=0o700)
    for name in ("missing", "link", "folder", "empty", "binary", "long"):
        assert name in refused("custodian", "check", key_file, "--passphrase-file", tmp_path / name)


def test_without_a_terminal_no_passphrase_is_asked_for(key_file: Path) -> None:
    """A script that forgot the file does not hang."""
    assert "--passphrase-file" in refused("custodian", "check", key_file)


def test_a_weak_passphrase_is_refused_and_nothing_is_written(tmp_path: Path, passphrase_file: Path) -> None:
    """The sentence says what is expected."""
    passphrase_file.write_text("short\n")
    words = ["custodian", "new", "--name", NAME, "--title", TITLE, "--out", tmp_path / "mine"]
    sentence = refused(*words, "--passphrase-file", passphrase_file)
    assert "15 characters, 8 of them different" in sentence
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("name", "title", "option"), [(" x", "t", "--name"), ("x\ny", "t", "--name"), ("x", "", "--title")]
)
def test_a_name_that_cannot_stand_on_a_card_is_refused(
    tmp_path: Path, passphrase_file: Path, name: str, title: str, option: str
) -> None:
    """The option is named."""
    words = ["custodian", "new", "--name", name, "--title", title, "--out", tmp_path / "mine"]
    assert refused(*words, "--passphrase-file", passphrase_file).startswith(option)


def test_files_that_are_no_keys_are_refused(tmp_path: Path, passphrase_file: Path) -> None:
    """Missing, rubbish, a card instead of a key file, and the other way round."""
    (tmp_path / "rubbish").write_bytes(b"\x00\x01")
    (tmp_path / "card").write_bytes(custodian(NAME, TITLE).card.to_bytes())
    for name in ("missing", "rubbish", "card"):
        assert name in refused("custodian", "check", tmp_path / name, "--passphrase-file", passphrase_file)
    for name in ("missing", "rubbish"):
        assert name in refused("custodian", "show", tmp_path / name)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, passphrase_file: Path) -> None:
    """Something else is in its place."""
    (tmp_path / "taken").write_text("a file")
    words = ["custodian", "new", "--name", NAME, "--title", TITLE, "--out", tmp_path / "taken"]
    assert "taken" in refused(*words, "--passphrase-file", passphrase_file)


def test_a_passphrase_is_typed_without_echo(key_file: Path) -> None:
    """At a real terminal: the prompt shows, the passphrase does not."""
    shown, code = at_a_terminal(["custodian", "check", str(key_file)], {"Passphrase: ": PASSPHRASE})
    assert code == 0, shown
    assert "opens this key" in shown
    assert PASSPHRASE not in shown


def test_a_new_passphrase_is_typed_twice(tmp_path: Path) -> None:
    """Two that differ write nothing."""
    words = ["custodian", "new", "--name", "Hanako", "--title", "Chief", "--out", str(tmp_path / "mine")]
    shown, code = at_a_terminal(words, {"different: ": PASSPHRASE, "again: ": PASSPHRASE + "x"})
    assert code == 1
    assert "differ" in shown
    assert not (tmp_path / "mine").exists()
    shown, code = at_a_terminal(words, {"different: ": PASSPHRASE, "again: ": PASSPHRASE})
    assert code == 0, shown
    assert PASSPHRASE not in shown


def at_a_terminal(words: list[str], answers: dict[str, str]) -> tuple[str, int]:
    """Run the command at a pseudo terminal, giving each answer when its prompt shows; return what was shown."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"LC_ALL": "C.UTF-8", "COLUMNS": "200", "TERM": "dumb"}
    command = [sys.executable, "-m", "kuramori.cli", *words]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown, waiting = "", list(answers.items())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        shown += part.decode("utf-8", "replace")
        if waiting and waiting[0][0] in shown:
            os.write(ours, waiting.pop(0)[1].encode() + b"\n")
    os.close(ours)
    return shown, process.wait(timeout=60)


# ---- every fault has its sentence --------------------------------------------------------------------------

FAULTS = [
    key_faults.CardUnreadable("name", "something"),
    key_faults.CardForged("signature"),
    key_faults.KeyFileUnreadable("kdf", "something"),
    key_faults.KeyFileCostly("memory_kib", 10**9, 10**6),
    key_faults.KeyFileWeak("iterations", 1, 3),
    key_faults.PassphraseWrong(),
    key_faults.PassphraseWeak(15, 8),
    key_faults.CustodianTwice(NAME, TITLE),
    key_faults.ThresholdRefused(1, 3, 2, 16),
    key_faults.CustodiansExpired(1, 2),
    key_faults.ShareMalformed(0, 32),
    key_faults.ShareTwice(1),
    key_faults.SharesTooFew(1, 2),
    key_faults.SharesDisagree((1, 2, 3)),
    key_faults.SealNotOurs("share"),
    key_faults.BindingMismatch("k of n"),
    key_faults.NotACustodian(bytes(16)),
    key_faults.HandOnForged(NAME),
    key_faults.ChangeUnreadable("k", "something"),
    key_faults.ChangeOfAnotherSet(),
    key_faults.SignatureNotACustodians(NAME),
    key_faults.SignatureNotACustodians(""),
    key_faults.SignaturesTooFew(1, 2),
    key_faults.ChainBroken(1),
    key_faults.DrillRefused("too old"),
    *(key_faults.TimeRefused(reason, 2, 1) for reason in key_faults.TimeRefusedReason),
    key_faults.WordsMisspelt(1),
    key_faults.WordsTooFew(1, 2),
    key_faults.WordsTwice(2),
    key_faults.WordsStrange(),
    key_faults.WordsOfAnotherKey(),
]


def concrete(kind: type[key_faults.KeyFault]) -> set[type[key_faults.KeyFault]]:
    below = kind.__subclasses__()
    return {kind} if not below else set().union(*(concrete(one) for one in below))


def test_every_fault_is_said_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence each, none forgotten, none left in English."""
    assert {type(fault) for fault in FAULTS} == concrete(key_faults.KeyFault)
    for fault in FAULTS:
        monkeypatch.setenv("LC_ALL", "C")
        english = key_sentence(fault)
        monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
        japanese = key_sentence(fault)
        assert english.endswith(".")
        assert japanese.endswith("。")
        assert "\n" not in english + japanese
