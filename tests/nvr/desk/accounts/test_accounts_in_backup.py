"""Who may sign in goes into a backup and comes back with it: copied while the desk runs, and while it rests."""

from pathlib import Path

import pytest

from kuramori.api.tls import ensure_own
from kuramori.desk.accounts.account import Account
from kuramori.desk.accounts.account_store import AccountStore
from tests.end_to_end.commands import typed
from tests.end_to_end.installation import Installation
from tests.fakes.desk_room import MANAGER, DeskRoom
from tests.fakes.desk_steps import content
from tests.fakes.staff import Staff

PASSPHRASE = "correct horse battery staple"


def accounts_of(path: Path) -> dict[str, Account]:
    """Return what stands in a file of accounts."""
    store = AccountStore.open(path)
    try:
        return store.accounts()
    finally:
        store.close()


async def test_accounts_are_copied_while_the_desk_has_them_open(tmp_path: Path) -> None:
    """The copy beside the register's has the same accounts."""
    room = DeskRoom(tmp_path)
    room.sign_in = True
    async with room:
        staff = Staff(room)
        await staff.found(MANAGER)
        made = await staff.as_person("POST", "/v1/backup-copies", MANAGER, {"with_secrets": False})
        folder = Path(content(made, 201)["folder"])
        copied = accounts_of(folder / "accounts.db")
        assert copied[MANAGER].is_enrolled
        assert (folder / "accounts.db").stat().st_mode & 0o077 == 0
    assert copied == accounts_of(tmp_path / "accounts.db")


@pytest.mark.slow
def test_accounts_and_the_desks_certificate_are_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the bare machine people sign in as before and clients know the desk; the command says what to look after."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    old = Installation(tmp_path / "old", [], volume_size="400 MiB").make()
    store = AccountStore.open(old.places.accounts)
    store.put(Account(MANAGER, "$argon2id$stretched", 1, b"secret of codes", 2, 3))
    store.close()
    ensure_own(old.places.api_certificate, old.places.api_key, "site", bytes(16), "127.0.0.1", 1_790_000_000_000)
    backup, words = tmp_path / "kuramori.backup", ["--passphrase-file", secret]
    assert typed("backup", backup, "--config", old.config_path, *words).code == 0
    new = Installation(tmp_path / "new", [], custodians=old.custodians)
    written = typed("restore", backup, "--configuration-only", "--config", new.config_path, *words)
    assert written.code == 0, written.err
    done = typed("restore", backup, "--config", new.config_path, *words)
    assert done.code == 0, done.err
    assert "Accounts and tokens are those of that day" in done.out
    assert accounts_of(new.places.accounts) == accounts_of(old.places.accounts)
    for name in ("api_certificate", "api_key"):
        assert getattr(new.places, name).read_bytes() == getattr(old.places, name).read_bytes()
    assert new.places.api_key.stat().st_mode & 0o077 == 0
