"""`kuramori init`: six questions or a file of answers; the configuration it writes is valid; the tier is said."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kuramori.cli.main import build
from kuramori.setup_answers import QUESTIONS, Answers, AnswersRefused, configuration_text, read_answers
from kuramori_config.load import load_configuration, parse_configuration
from tests.fakes.configuration import configuration_text as fake_configuration
from tests.fakes.custodians import make_custodians

NOW = 1_700_000_000_000
runner = CliRunner()

ANSWERS = """\
site = "Kita school route"
purpose = "Safety of children"
installer = "Kita City"
contact = "000-000-0000"
rule_set = "HOK"
manager = "Sato Hanako"
manager_title = "Head of section"
volume = "volume0"
size = "64 MiB"
cell_directory = "cell"
cards_directory = "cards"
threshold = 2
recovery_card = "recovery.card"
"""


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def answers_in(folder: Path, text: str = ANSWERS) -> Path:
    """Write a file of answers."""
    file = folder / "answers.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_there_are_six_questions_and_they_ask_for_every_answer() -> None:
    """The questions and the answers name the same keys."""
    assert len(QUESTIONS) == 6
    asked = [part.key for question in QUESTIONS for part in question.parts]
    assert asked == [line.split(" = ")[0] for line in ANSWERS.splitlines()]
    assert all(question.english and question.japanese for question in QUESTIONS)


def test_answers_become_a_valid_configuration(tmp_path: Path) -> None:
    """What is written loads, in any language."""
    answers = read_answers(answers_in(tmp_path, ANSWERS.replace("Sato Hanako", '佐藤 花子 \\"x\\"')))
    configuration = parse_configuration(configuration_text(answers), tmp_path / "kuramori.toml")
    assert configuration.site.manager == '佐藤 花子 "x"'
    assert configuration.custody.cards_directory == tmp_path / "cards"


def test_the_ledger_gets_a_mirror_beside_a_volume_file() -> None:
    """An absolute volume file brings a mirror beside it; a device does not."""
    given = {line.split(" = ")[0]: eval(line.split(" = ")[1]) for line in ANSWERS.splitlines()}
    for volume, expected in (("/srv/k/volume0", "/srv/k/ledger-mirror.db"), ("/dev/sdb", None)):
        text = configuration_text(Answers(**(given | {"volume": volume})))
        mirror = parse_configuration(text, Path("/etc/k.toml")).storage.ledger_mirror
        assert (str(mirror) if mirror else None) == expected


def test_a_file_may_say_where_the_recorder_keeps_its_own_files(tmp_path: Path) -> None:
    """Who tries it out without rights to the usual places names others; left out, the defaults stand."""
    usual = parse_configuration(configuration_text(read_answers(answers_in(tmp_path))), tmp_path / "kuramori.toml")
    assert usual.storage.state_directory == Path("/var/lib/kuramori")
    assert not usual.keystore.for_trial
    more = (
        'state_directory = "state"\nruntime_directory = "/tmp/run"\nsecrets_directory = "secrets"\nfor_trial = true\n'
    )
    text = configuration_text(read_answers(answers_in(tmp_path, ANSWERS + more)))
    tried = parse_configuration(text, tmp_path / "kuramori.toml")
    assert tried.storage.state_directory == tmp_path / "state"
    assert tried.storage.runtime_directory == Path("/tmp/run")
    assert tried.storage.secrets_directory == tmp_path / "secrets"
    assert tried.keystore.for_trial


def test_a_file_may_bring_cameras_and_persons_along(tmp_path: Path) -> None:
    """Who sets many recorders up alike writes them once; the configuration judges them as any other."""
    more = (
        '[network]\nlocal_networks = ["192.168.1.0/24"]\n[[camera]]\nname = "gate"\nplace = "Gate"\nonvif = "http://192.168.1.20/"\n'
        'retention = "7 days"\nfloor = "1 day"\nexpected_mbit_per_second = 2\n'
        '[[person]]\nname = "Suzuki Ichiro"\ntitle = "Clerk"\nroles = ["handler"]\n'
    )
    text = configuration_text(read_answers(answers_in(tmp_path, ANSWERS + more)))
    configuration = parse_configuration(text, tmp_path / "kuramori.toml")
    assert [camera.name for camera in configuration.cameras] == ["gate"]
    assert [person.name for person in configuration.people] == ["Sato Hanako", "Suzuki Ichiro"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('site = "Kita school route"\n', "", "missing: site"),
        ("threshold = 2", "threshold = 2\ncolour = 1", "unknown: colour"),
        ("threshold = 2", 'threshold = "2"', "threshold: expected a number"),
        ("threshold = 2", "threshold = 2\nfor_trial = 1", "for_trial: expected true or false"),
        ('site = "Kita', "site = Kita", "not TOML"),
    ],
)
def test_answers_that_do_not_fit_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    """What is missing, unknown or of the wrong kind is said by its key."""
    with pytest.raises(AnswersRefused, match=said):
        read_answers(answers_in(tmp_path, ANSWERS.replace(old, new)))


def test_init_from_answers_sets_up_and_says_the_tier(tmp_path: Path) -> None:
    """One command: configuration written, everything made, the tier in plain words, what comes next."""
    make_custodians(tmp_path, NOW, valid_days=100_000)
    config = tmp_path / "kuramori.toml"
    with_storage = configuration_text(read_answers(answers_in(tmp_path)))
    text = with_storage.replace("[keystore]", '[storage]\nstate_directory = "state"\n\n[keystore]\nfor_trial = true')
    config.write_text(text, encoding="utf-8")
    result = runner.invoke(build(), ["init", "--config", str(config)])
    assert result.exit_code == 0, result.output
    assert "The recorder is set up." in result.output
    assert "Erasure tier E0" in result.output
    assert "To raise it" in result.output
    assert result.output.count("Custodian") == 3
    assert "compare each fingerprint" in result.output
    assert (tmp_path / "state" / "identity.json").exists()
    again = runner.invoke(build(), ["init", "--config", str(config)])
    assert again.exit_code == 1
    assert "already" in again.output


def test_asked_on_a_terminal_the_answers_are_the_same(tmp_path: Path) -> None:
    """Typed answers make the same configuration; an impossible one is refused before anything is made."""
    make_custodians(tmp_path, NOW, count=1, valid_days=100_000)
    config = tmp_path / "kuramori.toml"
    typed = [str(line.split(" = ")[1]).strip('"') for line in ANSWERS.splitlines()]
    result = runner.invoke(build(), ["init", "--config", str(config)], input="\n".join(typed) + "\n")
    assert result.exit_code == 1
    assert "6/6" in result.output
    assert "1 custodian cards" in result.output
    assert load_configuration(config).site.name == "Kita school route"
    assert config.stat().st_mode & 0o777 == 0o640


def test_answers_beside_a_configuration_are_refused(tmp_path: Path) -> None:
    """Two sources of truth are one too many."""
    config = tmp_path / "kuramori.toml"
    config.write_text(fake_configuration(), encoding="utf-8")
    result = runner.invoke(build(), ["init", "--config", str(config), "--answers", str(answers_in(tmp_path))])
    assert result.exit_code == 1
    assert "nothing to answer" in result.output


def test_a_wrong_answer_writes_no_configuration(tmp_path: Path) -> None:
    """An answer that makes no valid configuration is said by its key, and no file is written."""
    config = tmp_path / "kuramori.toml"
    file = answers_in(tmp_path, ANSWERS.replace('"HOK"', '"ABC"'))
    result = runner.invoke(build(), ["init", "--config", str(config), "--answers", str(file)])
    assert result.exit_code == 1
    assert "site.rule_set" in result.output
    assert not config.exists()
