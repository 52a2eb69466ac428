"""Secrets: read only from where nobody else could read them, and shown nowhere."""

import os
import pickle
from pathlib import Path

import pytest

from kuramori_config.faults import SecretRefused
from kuramori_config.secrets import Secret, credentials_directory, read_secret


def put(folder: Path, name: str, content: bytes, mode: int = 0o600) -> Path:
    """Write a secret file and return its path."""
    path = folder / name
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_private_file_is_read_without_its_newline(tmp_path: Path) -> None:
    """A file of mode 0600 that belongs to us is a secret; the newline an editor adds is not part of it."""
    put(tmp_path, "gate", b"hush hush\n")
    assert read_secret("gate", credentials_directory=None, secrets_directory=tmp_path).reveal() == "hush hush"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o601, 0o700])
def test_a_file_others_could_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Any other mode than 0600 (or 0400) is refused, with the mode and what to do."""
    put(tmp_path, "gate", b"hush", mode)
    with pytest.raises(SecretRefused, match=f"mode {mode:04o}.*chmod 0600") as caught:
        read_secret("gate", credentials_directory=None, secrets_directory=tmp_path)
    assert "hush" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A private file that belongs to another account is refused."""
    os.chown(put(tmp_path, "gate", b"hush"), 12345, 12345)
    with pytest.raises(SecretRefused, match="belongs to user 12345"):
        read_secret("gate", credentials_directory=None, secrets_directory=tmp_path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    """A symbolic link is not followed."""
    put(tmp_path, "real", b"hush")
    (tmp_path / "gate").symlink_to(tmp_path / "real")
    with pytest.raises(SecretRefused, match="cannot be read"):
        read_secret("gate", credentials_directory=None, secrets_directory=tmp_path)


def test_a_pipe_does_not_block_and_is_refused(tmp_path: Path) -> None:
    """Something that is not an ordinary file is refused at once."""
    os.mkfifo(tmp_path / "gate", 0o600)
    with pytest.raises(SecretRefused, match="ordinary file"):
        read_secret("gate", credentials_directory=None, secrets_directory=tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"a" * 4097, b"nul\0"])
def test_what_is_no_single_line_of_text_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, several lines, not UTF-8, too long: refused, without repeating it."""
    put(tmp_path, "gate", content)
    with pytest.raises(SecretRefused, match="1 to 4096 bytes"):
        read_secret("gate", credentials_directory=None, secrets_directory=tmp_path)


@pytest.mark.parametrize("name", ["../gate", "/etc/passwd", "", "Gate", "a/b", "a" * 65])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    """Only plain names are looked up; anything else is refused and not repeated."""
    with pytest.raises(SecretRefused, match="not the name of a secret"):
        read_secret(name, credentials_directory=tmp_path, secrets_directory=tmp_path)


def test_a_credential_wins_over_a_file(tmp_path: Path) -> None:
    """What systemd hands over comes first; without it the file is taken."""
    credentials, files = tmp_path / "credentials", tmp_path / "files"
    credentials.mkdir()
    files.mkdir()
    put(files, "gate", b"from the file")
    assert read_secret("gate", credentials_directory=credentials, secrets_directory=files).reveal() == "from the file"
    put(credentials, "gate", b"from systemd", 0o400)
    assert read_secret("gate", credentials_directory=credentials, secrets_directory=files).reveal() == "from systemd"


def test_a_missing_secret_says_where_to_put_it(tmp_path: Path) -> None:
    """A secret that is nowhere names the file it was looked for in, in both languages."""
    with pytest.raises(SecretRefused, match=r"gate.*put it into this file, mode 0600") as caught:
        read_secret("gate", credentials_directory=None, secrets_directory=tmp_path)
    assert caught.value.path == tmp_path / "gate"
    assert "0600" in caught.value.text(japanese=True)
    with pytest.raises(SecretRefused, match="no such credential"):
        read_secret("gate", credentials_directory=tmp_path, secrets_directory=None)


def test_a_secret_shows_itself_nowhere() -> None:
    """repr, str, format, a container's repr and pickle do not hold the value."""
    secret = Secret("hush")
    for text in (repr(secret), str(secret), f"{secret}", f"{secret:>30}", repr([secret]), "%s" % secret):  # noqa: UP031
        assert "hush" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret == Secret("hush")
    assert secret != Secret("other")


def test_the_credentials_directory_comes_from_systemd() -> None:
    """The variable that systemd sets is read; none set means none."""
    assert credentials_directory({"CREDENTIALS_DIRECTORY": "/run/credentials/x"}) == Path("/run/credentials/x")
    assert credentials_directory({}) is None


def test_a_credential_from_a_folder_of_them_is_found_behind_its_prefix(tmp_path: Path) -> None:
    """systemd names what it takes from a folder after the folder's id; the plain name wins."""
    folder = tmp_path / "kuramori_gate"
    folder.write_text("by the folder\n")
    folder.chmod(0o400)
    assert read_secret("gate", credentials_directory=tmp_path, secrets_directory=None).reveal() == "by the folder"
    (tmp_path / "gate").write_text("by itself")
    for path in tmp_path.iterdir():
        path.chmod(0o400)
    assert read_secret("gate", credentials_directory=tmp_path, secrets_directory=None).reveal() == "by itself"
