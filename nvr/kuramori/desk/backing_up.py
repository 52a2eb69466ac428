"""The desk's part in a backup: registered first, then its databases and the ledger copied at one moment.

The copies lie in a private folder of the state directory until whoever asked has read them; the next backup, or the
next start, clears it. Which files go into a backup, and its passphrase, are not the desk's business.
"""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from kuramori.backup.snapshot import begin_snapshot, end_snapshot
from kuramori.database_copy import copy_open_database
from kuramori.desk.approval_store import ApprovalStore, ApprovalStoreFault
from kuramori.desk.custody_store import CustodyStore, CustodyStoreFault
from kuramori.desk.ending_fault import BackupRefused
from kuramori.desk.ending_steps import BackedUp
from kuramori.desk.fault import DeskFault
from kuramori.desk.journal import Actor, Journal
from kuramori.desk.recorder import Recorder, asking
from kuramori.desk.register import RegisterUnwritable
from kuramori.timebase import Clock


class BackingUp:
    """Copies for a backup. One at a time."""

    def __init__(
        self,
        *,
        journal: Journal,
        store: ApprovalStore,
        custody_store: CustodyStore,
        recorder: Recorder,
        accounts: Path,
        folder: Path,
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._store = store
        self._custody_store = custody_store
        self._recorder = recorder
        self._accounts = accounts
        self._folder = folder
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        shutil.rmtree(folder, ignore_errors=True)

    async def copy(self, with_secrets: bool, actor: Actor) -> Path:
        """Register the backup and make the copies; return their folder. Raises BackupRefused and other DeskFaults."""
        async with self._one_at_a_time:
            await self._journal.write(BackedUp(with_secrets), actor, self._clock.utc_ms())
            try:
                await asyncio.to_thread(self._copy)
                async with asking():
                    await self._recorder.snapshot()
            except (OSError, sqlite3.Error, ApprovalStoreFault, CustodyStoreFault, RegisterUnwritable) as fault:
                end_snapshot(self._folder)
                raise BackupRefused(str(fault)) from fault
            except DeskFault:
                end_snapshot(self._folder)
                raise
            return self._folder

    def _copy(self) -> None:
        begin_snapshot(self._folder)
        self._journal.register.copy_to_new(self._folder / "register.db")
        self._store.copy_to_new(self._folder / "requests.db")
        self._custody_store.copy_to_new(self._folder / "custody.db")
        if self._accounts.exists():  # where people sign in
            with closing(sqlite3.connect(self._accounts)) as database:
                copy_open_database(database, self._folder / "accounts.db")
