"""Bad input before anything runs: one clear sentence, a non-zero exit, nothing made, changed or lost."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kuramori_segments.custodian_key import LEAST_COST, seal_key_file
from tests.end_to_end.commands import contents, typed
from tests.end_to_end.installation import CameraAt, Installation

PASSPHRASE = "correct horse battery staple"
EXIT_CONFIGURATION = 78


@pytest.fixture
def drafted(tmp_path: Path) -> Installation:
    """A configuration and custodians' cards; nothing is set up."""
    return Installation(tmp_path / "site", [CameraAt("gate", "rtsp://127.0.0.1:9/s")], "400 MiB").draft()


def change(path: Path, old: str, new: str) -> None:
    """Put a slip of the pen into a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_misspelt_key_is_named_with_what_was_meant(drafted: Installation) -> None:
    """Every command that reads the file says the same, once, and none begins anything."""
    change(drafted.config_path, 'retention = "3 hours"', 'retnetion = "3 hours"')
    before = contents(drafted.folder)
    for words, code in (
        (["config", "check", drafted.config_path], 1),
        (["init", "--config", drafted.config_path], 1),
        (["run", "--config", drafted.config_path], EXIT_CONFIGURATION),
    ):
        said = typed(*words).refusal(code)
        assert f"{drafted.config_path}: camera[gate].retnetion: found an unknown key" in said
        assert 'did you mean "retention"?' in said
    assert contents(drafted.folder) == before


def test_a_misspelt_key_is_named_in_japanese(drafted: Installation) -> None:
    """The service says it in the reader's language too."""
    change(drafted.config_path, 'retention = "3 hours"', 'retnetion = "3 hours"')
    for words, code in ((["config", "check"], 1), (["run", "--config"], EXIT_CONFIGURATION)):
        said = typed(*words, drafted.config_path, japanese=True).refusal(code)
        assert "不明なキー" in said
        assert "「retention」の誤りではありませんか" in said


def test_each_fault_of_a_configuration_has_a_line_of_its_own(drafted: Installation) -> None:
    """Three faults, three lines: nobody has to come back three times."""
    change(drafted.config_path, 'rule_set = "HOK"', 'rule_set = "NONE"')
    change(drafted.config_path, 'transport = "native"', 'transport = "carrier pigeon"')
    change(drafted.config_path, "expected_mbit_per_second = 0.02", "expected_mbit_per_second = -1")
    said = typed("config", "check", drafted.config_path).refusal(sentences=3)
    for key in ("site.rule_set", "camera[gate].transport", "camera[gate].expected_mbit_per_second"):
        assert f"{key}: found " in said


def test_a_volume_too_small_is_told_in_days_with_the_size_that_would_do(drafted: Installation) -> None:
    """By `config check` and by `init`, which makes nothing."""
    change(drafted.config_path, 'retention = "3 hours"', 'retention = "14 days"')
    change(drafted.config_path, "expected_mbit_per_second = 0.02", "expected_mbit_per_second = 4")
    before = contents(drafted.folder)
    for words in (["config", "check"], ["init", "--config"]):
        said = typed(*words, drafted.config_path).refusal()
        assert "volume0 of 400 MiB holds about 0.008 days of the 14 days asked for (camera gate" in said
        assert "570 GiB would do" in said
    said = typed("config", "check", drafted.config_path, japanese=True).refusal()
    assert "約0.008日分" in said
    assert "570 GiB あれば足ります" in said
    assert contents(drafted.folder) == before


def test_one_custodian_twice_is_refused_by_name(drafted: Installation) -> None:
    """The same card under two names is one person; no key, volume or keystore is made."""
    cards = drafted.folder / "people" / "cards"
    (cards / "another.card").write_bytes((cards / "custodian-1.card").read_bytes())
    before = contents(drafted.folder)
    said = typed("init", "--config", drafted.config_path).refusal()
    assert "Custodian 1 (Office) is among the custodians twice" in said
    assert "重複" in typed("init", "--config", drafted.config_path, japanese=True).refusal()
    assert contents(drafted.folder) == before


def test_a_card_that_was_altered_is_refused(drafted: Installation) -> None:
    """Another name on somebody's keys: the proof in the card does not hold."""
    card = drafted.folder / "people" / "cards" / "custodian-2.card"
    document = json.loads(card.read_bytes())
    card.write_text(json.dumps(document | {"name": "Mallory"}))
    before = contents(drafted.folder)
    said = typed("init", "--config", drafted.config_path).refusal()
    assert f"{card}: the proof in the card does not hold" in said
    assert contents(drafted.folder) == before


def test_nothing_starts_where_nothing_is_set_up(drafted: Installation) -> None:
    """`run` says what to do first and leaves no folder behind."""
    before = contents(drafted.folder)
    assert "run `kuramori init` first" in typed("run", "--config", drafted.config_path).refusal(EXIT_CONFIGURATION)
    assert contents(drafted.folder) == before


def _costly(document: dict[str, Any]) -> None:
    document["kdf"]["memory_kib"] = 100 << 20  # 100 GiB


def _weak(document: dict[str, Any]) -> None:
    document["kdf"]["memory_kib"] = 8


def _unchanged(_document: dict[str, Any]) -> None:
    return None


@pytest.mark.parametrize(
    ("alter", "passphrase", "said"),
    [
        (_unchanged, "not the right passphrase", "The passphrase does not open this key file."),
        (_costly, PASSPHRASE, "asks for more than any honest one (memory_kib 104857600"),
        (_weak, PASSPHRASE, "memory_kib"),
    ],
)
def test_a_key_file_opens_only_with_its_passphrase_and_at_a_price_that_is_meant(
    drafted: Installation, tmp_path: Path, alter: Callable[[dict[str, Any]], None], passphrase: str, said: str
) -> None:
    """Wrong passphrase; 100 GB of memory asked for; nearly none: refused, and the key file is as it was."""
    assert drafted.custodians is not None
    key, secret = tmp_path / "custodian.key", tmp_path / "passphrase"
    document = json.loads(seal_key_file(drafted.custodians.keys[0], PASSPHRASE, LEAST_COST))
    alter(document)
    key.write_text(json.dumps(document))
    secret.touch(mode=0o600)
    secret.write_text(passphrase)
    before = contents(tmp_path)
    answer = typed("custodian", "check", key, "--passphrase-file", secret)
    assert said in answer.refusal()
    assert passphrase not in answer.out + answer.err
    assert contents(tmp_path) == before


def test_a_passphrase_that_others_can_read_is_not_used(drafted: Installation, tmp_path: Path) -> None:
    """Mode 0644, or a link to somewhere else: refused before the key file is opened."""
    assert drafted.custodians is not None
    key, secret, link = tmp_path / "custodian.key", tmp_path / "passphrase", tmp_path / "link"
    key.write_bytes(seal_key_file(drafted.custodians.keys[0], PASSPHRASE, LEAST_COST))
    secret.write_text(PASSPHRASE)
    secret.chmod(0o644)
    link.symlink_to(secret)
    for path in (secret, link):
        said = typed("custodian", "check", key, "--passphrase-file", path).refusal()
        assert str(path) in said
        assert PASSPHRASE not in said
