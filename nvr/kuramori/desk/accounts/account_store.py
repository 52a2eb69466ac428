"""Where accounts, known devices, machines' tokens and the recovery code's digest are kept: `accounts.db`.

One SQLite file, mode 0600; durable when a method returns. The secret of one-time codes has to stand there as it is, so
the file is as secret as the device key beside it. Must not know sessions or the register.
"""

import sqlite3
from pathlib import Path
from typing import Self

from kuramori.desk.accounts.account import DEVICES_MOST, Account, ApiToken, Scope
from kuramori.desk.store_file import StoreFile

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS account (
    person TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    made_utc_ms INTEGER NOT NULL,
    totp_secret BLOB NOT NULL,
    last_step INTEGER NOT NULL,
    acknowledged_utc_ms INTEGER NOT NULL,
    left_utc_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS device (
    digest TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    used_utc_ms INTEGER NOT NULL
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS token (
    token_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_utc_ms INTEGER NOT NULL,
    until_utc_ms INTEGER NOT NULL
) STRICT
""",
    "CREATE TABLE IF NOT EXISTS recovery (number INTEGER PRIMARY KEY, digest TEXT NOT NULL) STRICT",
)
_ONE = 1  # the only row of `recovery`


class AccountStoreFault(Exception):
    """The file of accounts cannot be read or written."""


class AccountStore:
    """The open file. Thread-safe; every method blocks for as long as the disk does. Raises AccountStoreFault."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the file."""
        return cls(StoreFile(path, _SCHEMA, AccountStoreFault))

    def accounts(self) -> dict[str, Account]:
        """Return all accounts by person, also of those who left."""
        return {row[0]: Account(*row) for row in self._file.rows("SELECT * FROM account ORDER BY person")}

    def put(self, account: Account) -> None:
        """Keep an account as it is now."""
        values = (
            account.person,
            account.password,
            account.made_utc_ms,
            account.totp_secret,
            account.last_step,
            account.acknowledged_utc_ms,
            account.left_utc_ms,
        )
        self._file.rows("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def replace(self, account: Account) -> None:
        """Keep an account anew: devices that were known count no more."""

        def work(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM device WHERE person = ?", (account.person,))

        self._file.together(work)
        self.put(account)

    def device_person(self, digest: str) -> str:
        """Return whose device this is; "" for nobody's."""
        rows = self._file.rows("SELECT person FROM device WHERE digest = ?", (digest,))
        return str(rows[0][0]) if rows else ""

    def remember_device(self, digest: str, person: str, utc_ms: int) -> None:
        """Keep a device as known to a person; the one used longest ago goes where there are too many."""

        def work(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?)", (digest, person, utc_ms))
            database.execute(
                "DELETE FROM device WHERE person = ?1 AND digest NOT IN"
                " (SELECT digest FROM device WHERE person = ?1 ORDER BY used_utc_ms DESC LIMIT ?2)",
                (person, DEVICES_MOST),
            )

        self._file.together(work)

    def tokens(self) -> list[ApiToken]:
        """Return the machines' tokens, in the order in which they were made."""
        rows = self._file.rows("SELECT * FROM token ORDER BY made_utc_ms, token_id")
        return [
            ApiToken(token_id, name, digest, tuple(Scope(one) for one in scopes.split()), by, made, until)
            for token_id, name, digest, scopes, by, made, until in rows
        ]

    def put_token(self, token: ApiToken) -> None:
        """Keep a token."""
        scopes = " ".join(scope.value for scope in token.scopes)
        values = (token.token_id, token.name, token.digest, scopes, token.made_by, token.made_utc_ms)
        self._file.rows("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, token.until_utc_ms))

    def drop_token(self, token_id: str) -> None:
        """Forget a token."""
        self._file.rows("DELETE FROM token WHERE token_id = ?", (token_id,))

    def recovery_digest(self) -> str:
        """Return the digest of the recovery code; "" where there is none, or it was used."""
        rows = self._file.rows("SELECT digest FROM recovery WHERE number = ?", (_ONE,))
        return str(rows[0][0]) if rows else ""

    def put_recovery_digest(self, digest: str) -> None:
        """Keep the digest of a new code; "" when the code was used."""
        self._file.rows("INSERT OR REPLACE INTO recovery VALUES (?, ?)", (_ONE, digest))

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()
