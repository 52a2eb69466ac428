"""The desk's client: where it looks for the desk, and what a person reads when something is wrong."""

import socket
from pathlib import Path

import pytest

from kuramori.cli.client import (
    CommandFailure,
    DeskClient,
    DeskNotRunning,
    acting_person,
    find_socket,
)


def test_a_desk_that_does_not_run_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket: the sentence names it and the command that starts the desk."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with DeskClient(tmp_path / "desk.sock") as desk, pytest.raises(DeskNotRunning) as caught:
        desk.get_json("/v1/status")
    assert str(tmp_path / "desk.sock") in str(caught.value)
    assert "kuramori run" in str(caught.value)


def test_a_socket_left_behind_is_a_desk_that_does_not_run(tmp_path: Path) -> None:
    """A dead socket file is told like a missing one."""
    path = tmp_path / "desk.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with DeskClient(path) as desk, pytest.raises(DeskNotRunning):
        desk.get_json("/v1/status")


def test_the_sentence_is_japanese_where_lang_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG=ja_JP gives the Japanese sentence."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    with DeskClient(tmp_path / "desk.sock") as desk, pytest.raises(DeskNotRunning, match="応答しません"):
        desk.get_json("/v1/status")


def test_the_socket_is_found_in_the_order_option_environment_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option, be it socket or configuration, beats the environment, which beats the default."""
    configuration = tmp_path / "kuramori.toml"
    configuration.write_text('[recorder]\nruntime_directory = "/run/elsewhere"\n', encoding="utf-8")
    monkeypatch.delenv("KURAMORI_DESK_SOCKET", raising=False)
    monkeypatch.delenv("KURAMORI_CONFIG", raising=False)
    assert find_socket(None, configuration) == Path("/run/elsewhere/desk.sock")
    monkeypatch.setenv("KURAMORI_CONFIG", str(configuration))
    assert find_socket() == Path("/run/elsewhere/desk.sock")
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", "/run/environment.sock")
    assert find_socket() == Path("/run/environment.sock")
    assert find_socket(None, configuration) == Path("/run/elsewhere/desk.sock")
    assert find_socket(Path("/run/option.sock"), configuration) == Path("/run/option.sock")


def test_a_named_configuration_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong --config is an error, not a silent default."""
    monkeypatch.delenv("KURAMORI_DESK_SOCKET", raising=False)
    with pytest.raises(CommandFailure, match=r"missing\.toml"):
        find_socket(None, tmp_path / "missing.toml")


def test_who_acts_comes_from_the_option_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """--as beats KURAMORI_PERSON; neither means nobody."""
    monkeypatch.delenv("KURAMORI_PERSON", raising=False)
    assert acting_person(None) is None
    monkeypatch.setenv("KURAMORI_PERSON", "hanako")
    assert acting_person(None) == "hanako"
    assert acting_person("taro") == "taro"
