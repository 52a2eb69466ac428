"""What `kuramori init` made as root is handed to the service's account, and nothing else is."""

import os
from pathlib import Path

import pytest

from kuramori import service_account
from kuramori.places import Places
from kuramori.service_account import ServiceAccount

UID, GID = 4711, 4712


def places_in(folder: Path) -> Places:
    """Places as a set-up leaves them: a folder of its own for the ring, and a volume among foreign files."""
    for name in ("state/keystore", "secrets", "cell", "ring", "shared"):
        (folder / name).mkdir(parents=True)
    for name in ("state/ledger.db", "state/keystore/a", "secrets/gate", "cell/a", "ring/v0", "ring/mirror.db-wal"):
        (folder / name).write_bytes(b"x")
    for name in ("ring/mirror.db", "shared/v1", "shared/foreign", "kuramori.toml"):
        (folder / name).write_bytes(b"x")
    (folder / "state/link").symlink_to(folder / "shared/foreign")
    return Places(
        state=folder / "state",
        runtime=folder / "run",
        secrets=folder / "secrets",
        volumes=(folder / "ring/v0", folder / "shared/v1"),
        cell=folder / "cell",
        fallback_cell=None,
        ledger_mirror=folder / "ring/mirror.db",
    )


def owner(path: Path) -> tuple[int, int]:
    """Who owns it."""
    status = path.lstat()
    return status.st_uid, status.st_gid


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files are given to another account")
def test_the_account_gets_what_the_recorder_writes_and_nothing_else(tmp_path: Path) -> None:
    """State, secrets, cell, volumes, mirror and a folder that holds only them; no foreign file, no link's target."""
    places = places_in(tmp_path)
    ServiceAccount(UID, GID).take_over(tmp_path / "kuramori.toml", places)
    theirs = ("state", "state/ledger.db", "state/keystore/a", "secrets/gate", "cell/a", "ring", "ring/v0")
    assert {owner(tmp_path / name) for name in (*theirs, "ring/mirror.db", "ring/mirror.db-wal")} == {(UID, GID)}
    assert owner(tmp_path / "shared/v1") == (UID, GID)
    assert {owner(tmp_path / name) for name in ("shared", "shared/foreign", "state/link")} == {(0, 0)}
    assert owner(tmp_path / "kuramori.toml") == (0, GID)
    assert (tmp_path / "kuramori.toml").stat().st_mode & 0o777 == 0o640


def test_without_the_account_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without the package, or for who is not root, everything stays where it is."""
    monkeypatch.setattr(service_account, "ACCOUNT", "no-such-account")
    assert ServiceAccount.of_this_machine() is None
