"""Changing the configuration: whole or not at all, readable by the service, passwords in files of their own."""

import fcntl
import os
from pathlib import Path

import pytest

from kuramori.configuration_change import ChangeRefused, changing
from kuramori_config.editing import with_camera, with_changed_camera, with_removed_camera
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import load_configuration
from tests.fakes.configuration import CAMERA, configuration_text

YARD = {"name": "yard", "place": "Yard", "retention": "14 days", "rtsp": "rtsp://127.0.0.1/s"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration with one camera."""
    path = tmp_path / "kuramori.toml"
    path.write_text(configuration_text(CAMERA))
    path.chmod(0o640)
    return path


def test_a_change_keeps_owner_and_mode_and_follows_a_link(file: Path, tmp_path: Path) -> None:
    """What the service may read it may read afterwards; a link stays one."""
    if os.geteuid() == 0:
        os.chown(file, 1234, 1235)
    before = file.stat()
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    with changing(link) as configuration:
        configuration.apply(lambda text: with_camera(text, YARD))
    after = file.stat()
    assert link.is_symlink()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert [camera.name for camera in load_configuration(file).cameras] == ["gate", "yard"]


def test_a_result_with_faults_never_replaces_the_file(file: Path) -> None:
    """The fault names key and expectation; the old file is as it was, and nothing lies beside it."""
    before = file.read_bytes()
    for edit in (
        lambda text: with_camera(text, YARD | {"retention": "400 days"}),
        lambda text: with_camera(text, YARD | {"name": "gate"}),
        lambda text: with_changed_camera(text, "gate", {"rtsp": "rtsp://203.0.113.1/s"}),
    ):
        with changing(file) as configuration, pytest.raises(ConfigurationFault):
            configuration.apply(edit)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["kuramori.toml"]


def test_what_a_program_cannot_edit_is_said_in_a_sentence(file: Path) -> None:
    """With what to do instead."""
    table = '\ncamera = [{name = "gate", place = "x", retention = "14 days", rtsp = "rtsp://127.0.0.1/s"}]\n'
    file.write_text(table + configuration_text(""))
    with changing(file) as configuration, pytest.raises(ChangeRefused, match="change it by hand"):
        configuration.apply(lambda text: with_removed_camera(text, "gate", {"name": "gate"}))


def test_two_changes_at_once_are_refused(file: Path) -> None:
    """The second one is told to wait; when the first is done it may."""
    folder = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(ChangeRefused, match="Somebody else"), changing(file):
        pass
    os.close(folder)
    with changing(file):
        pass


def test_a_password_lies_in_a_new_file_of_mode_0600_and_goes_when_nobody_needs_it(file: Path) -> None:
    """A name that is taken is never overwritten; the old secret goes only when no camera names it."""
    secrets = file.parent / "secrets"
    with changing(file) as configuration:
        first = configuration.new_secret("gate")
        configuration.write_secret(first, "pass word")
        configuration.apply(lambda text: with_changed_camera(text, "gate", {"user": "u", "password": first.name}))
        second = configuration.new_secret("gate")
        assert (first.name, second.name) == ("gate", "gate.2")
        configuration.drop_secret("gate")
        assert (secrets / "gate").read_text() == "pass word"
        assert (secrets / "gate").stat().st_mode & 0o777 == 0o600
        assert secrets.stat().st_mode & 0o777 == 0o700
        configuration.write_secret(second, "other")
        configuration.apply(lambda text: with_changed_camera(text, "gate", {"password": second.name}))
        configuration.drop_secret("gate")
        assert [path.name for path in secrets.iterdir()] == ["gate.2"]
        configuration.drop_secret(None)
