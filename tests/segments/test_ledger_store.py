"""Ledger and mirror: what a lost, damaged, older or foreign file leads to, and what a kill at any moment leaves."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuramori_segments.ledger import Ledger
from kuramori_segments.ledger_fault import (
    LedgerForeign,
    LedgerInUse,
    LedgerLost,
    LedgerMissing,
    LedgerTooNew,
    LedgerUnwritable,
)
from kuramori_segments.ledger_schema import SCHEMA_VERSION
from kuramori_segments.ledger_store import OpeningRepair
from tests.fakes.memory_directory import memory_directory

NOW = 1_790_000_000_000


class Pair:
    """The two paths of a ledger that names the cameras c1, c2, ... of as many batches."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "a" / "ledger.db"
        self.mirror = folder / "b" / "mirror.db"
        for each in (self.path, self.mirror):
            each.parent.mkdir(exist_ok=True)

    def open(self) -> Ledger:
        return Ledger.open(self.path, self.mirror)

    def names(self) -> list[str]:
        with self.open() as ledger:
            return [entry.name for entry in ledger.cameras()]

    def dump(self, path: Path) -> list[str]:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return list(connection.iterdump())


@pytest.fixture
def pair() -> Iterator[Pair]:
    with memory_directory() as folder:
        made = Pair(folder)
        with Ledger.create(made.path, made.mirror, NOW) as ledger:
            ledger.camera_number("c1", NOW)
        yield made


def add(ledger: Ledger, name: str) -> None:
    ledger.camera_number(name, NOW)


class TestBothSound:
    def test_the_mirror_says_the_same_row_for_row(self, pair: Pair) -> None:
        """Replayed statements give equal tables."""
        with pair.open() as ledger:
            assert ledger.opening_repair is OpeningRepair.NONE
            add(ledger, "c2")
            ledger.open_run(1, NOW, 1)
            ledger.record_event("start", utc_ms=NOW, boot_ns=3, text="é")
        assert pair.dump(pair.path) == pair.dump(pair.mirror)

    def test_a_change_is_on_the_mirror_when_the_call_returns(self, pair: Pair) -> None:
        """Lose the ledger without any warning, and the last change is still there."""
        with pair.open() as ledger:
            add(ledger, "c2")
            elsewhere = pair.path.parent.parent / "elsewhere"
            elsewhere.mkdir()
            copy = Pair(elsewhere)
            for suffix in ("", "-wal"):
                file = pair.mirror.with_name(pair.mirror.name + suffix)
                copy.mirror.with_name(copy.mirror.name + suffix).write_bytes(file.read_bytes())
        assert copy.names() == ["c1", "c2"]

    def test_nobody_else_can_read_the_files(self, pair: Pair) -> None:
        """They name cameras, persons and reasons."""
        with pair.open() as ledger:
            add(ledger, "c2")
            for folder in (pair.path.parent, pair.mirror.parent):
                assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}

    def test_a_second_recorder_is_refused(self, pair: Pair) -> None:
        """One ledger, one user."""
        with pair.open():
            child = subprocess.run(
                [sys.executable, "-c", _OPEN_AND_REPORT, pair.path, pair.mirror], capture_output=True, text=True
            )
        assert child.stdout.strip() == LedgerInUse.__name__, child.stderr

    def test_a_ledger_without_a_mirror_works_and_says_so(self, tmp_path: Path) -> None:
        """It is allowed, and shown."""
        with Ledger.create(tmp_path / "ledger.db", None, NOW) as ledger:
            add(ledger, "c1")
            assert not ledger.statistics().mirror_sound
            assert ledger.statistics().mirror_detail == "none is configured"
            assert not ledger.repair_mirror()

    def test_creating_over_something_is_refused(self, pair: Pair) -> None:
        """Setting up twice loses nothing."""
        with pytest.raises(LedgerForeign):
            Ledger.create(pair.path, pair.mirror, NOW)
        assert pair.names() == ["c1"]


class TestOneIsGone:
    @pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty", "garbage inside"])
    def test_a_lost_ledger_is_restored_from_its_mirror(self, pair: Pair, damage: str) -> None:
        """Nothing that was durable is missing, and the damaged file is kept beside it."""
        with pair.open() as ledger, ledger.batch():
            for number in range(2, 200):
                add(ledger, f"c{number}")
        spoil(pair.path, damage)
        with pair.open() as ledger:
            assert ledger.opening_repair is OpeningRepair.LEDGER_RESTORED
            assert ledger.opening_detail
            assert len(ledger.cameras()) == 199
            add(ledger, "after")
        assert pair.dump(pair.path) == pair.dump(pair.mirror)
        if damage != "missing":
            assert pair.path.with_name("ledger.db.set-aside").exists()

    @pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty", "garbage inside"])
    def test_a_lost_mirror_is_made_anew(self, pair: Pair, damage: str) -> None:
        """And the ledger loses nothing by it."""
        with pair.open() as ledger, ledger.batch():
            for number in range(2, 200):
                add(ledger, f"c{number}")
        spoil(pair.mirror, damage)
        with pair.open() as ledger:
            assert ledger.opening_repair is OpeningRepair.MIRROR_REBUILT
            assert ledger.statistics().mirror_sound
            add(ledger, "after")
        assert pair.dump(pair.path) == pair.dump(pair.mirror)

    def test_an_older_ledger_gives_way_to_its_mirror(self, pair: Pair) -> None:
        """A ledger that came back from a backup, or lost what its medium had confirmed."""
        old = pair.path.read_bytes()
        with pair.open() as ledger:
            add(ledger, "c2")
        pair.path.write_bytes(old)
        assert pair.names() == ["c1", "c2"]

    def test_an_older_mirror_catches_up(self, pair: Pair) -> None:
        """As after a stop between the two commits."""
        old = pair.mirror.read_bytes()
        with pair.open() as ledger:
            add(ledger, "c2")
        pair.mirror.write_bytes(old)
        with pair.open() as ledger:
            assert ledger.opening_repair is OpeningRepair.MIRROR_REBUILT
        assert pair.dump(pair.path) == pair.dump(pair.mirror)

    def test_both_gone_is_an_error_until_someone_begins_anew(self, pair: Pair) -> None:
        """Missing is not damaged; a new beginning keeps what lay there."""
        spoil(pair.path, "garbage")
        spoil(pair.mirror, "garbage")
        with pytest.raises(LedgerLost):
            pair.open()
        with Ledger.start_afresh(pair.path, pair.mirror, NOW) as ledger:
            assert ledger.opening_repair is OpeningRepair.BEGUN_ANEW
            assert ledger.cameras() == ()
        assert pair.path.with_name("ledger.db.set-aside").read_bytes() == b"garbage" * 100
        for each in (pair.path, pair.mirror):
            each.unlink()
        with pytest.raises(LedgerMissing):
            pair.open()

    def test_a_mirror_lost_while_running_costs_nothing_but_a_figure(self, pair: Pair) -> None:
        """The ledger goes on; later the mirror comes back whole."""
        with pair.open() as ledger:
            turn_read_only(ledger, mirror=True)
            add(ledger, "c2")
            figures = ledger.statistics()
            assert not figures.mirror_sound
            assert figures.mirror_failures == 1
            assert "readonly" in figures.mirror_detail
            add(ledger, "c3")
            assert ledger.repair_mirror()
            assert ledger.statistics().mirror_sound
            add(ledger, "c4")
        assert pair.dump(pair.path) == pair.dump(pair.mirror)

    def test_a_mirror_that_cannot_be_made_does_not_keep_us_from_recording(self, pair: Pair) -> None:
        """Its directory is gone, with the stick it was on."""
        for file in pair.mirror.parent.iterdir():
            file.unlink()
        pair.mirror.parent.rmdir()
        with pair.open() as ledger:
            assert not ledger.statistics().mirror_sound
            add(ledger, "c2")
            pair.mirror.parent.mkdir()
            assert ledger.repair_mirror()
        assert pair.dump(pair.path) == pair.dump(pair.mirror)


class TestRefused:
    def test_a_newer_format_is_not_touched(self, pair: Pair) -> None:
        """Going back to an older program is refused with both versions named."""
        with contextlib.closing(sqlite3.connect(pair.path)) as connection:
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
        before = pair.path.read_bytes()
        with pytest.raises(LedgerTooNew, match=f"format {SCHEMA_VERSION + 1}"):
            pair.open()
        assert pair.path.read_bytes() == before

    def test_another_recorders_mirror_is_not_overwritten(self, pair: Pair, tmp_path: Path) -> None:
        """Two recorders with one mirror path: the second is told."""
        other = tmp_path / "other.db"
        Ledger.create(other, None, NOW).close()
        with pytest.raises(LedgerForeign):
            Ledger.open(other, pair.mirror)
        assert pair.names() == ["c1"]

    def test_another_programs_database_is_not_a_ledger(self, tmp_path: Path) -> None:
        """Even if it is perfectly sound."""
        path = tmp_path / "cookies.db"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE cookie (name TEXT)")
        with pytest.raises(LedgerForeign):
            Ledger.open(path, None)

    def test_a_change_that_cannot_be_durable_is_undone_and_can_be_made_again(self, pair: Pair) -> None:
        """The medium takes no writes for a moment."""
        with pair.open() as ledger:
            turn_read_only(ledger)
            with pytest.raises(LedgerUnwritable, match="readonly"):
                add(ledger, "c2")
            assert [entry.name for entry in ledger.cameras()] == ["c1"]
            turn_read_only(ledger, lifted=True)
            add(ledger, "c2")
        assert pair.dump(pair.path) == pair.dump(pair.mirror)


class TestKilled:
    @pytest.mark.parametrize("moment", range(6))
    def test_everything_that_returned_is_there_after_a_kill(self, pair: Pair, moment: int) -> None:
        """A process killed at any moment: both files open, agree, and hold every acknowledged batch."""
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITE_FOR_EVER, pair.path, pair.mirror], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        acknowledged = 0
        for line in child.stdout:
            acknowledged = int(line)
            if acknowledged >= 20 + 13 * moment:
                os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if moment % 2:
            spoil(pair.path, "missing")
        names = pair.names()
        assert len(names) - 1 in (acknowledged, acknowledged + 1)
        assert pair.dump(pair.path) == pair.dump(pair.mirror)


def test_opening_again_and_again_leaves_no_files_behind(pair: Pair) -> None:
    """A restore leaves what it set aside, once, and nothing else."""
    for _ in range(3):
        spoil(pair.path, "garbage")
        pair.open().close()
    assert sorted(file.name for file in pair.path.parent.iterdir()) == ["ledger.db", "ledger.db.set-aside"]
    assert [file.name for file in pair.mirror.parent.iterdir()] == ["mirror.db"]


def test_a_restore_that_was_cut_off_is_done_again(pair: Pair) -> None:
    """Every state between its steps leads to the restored ledger."""
    whole = pair.path.read_bytes()
    restoring = pair.path.with_name("ledger.db.restoring")
    restoring.write_bytes(whole[:5000])
    pair.path.unlink()
    pair.path.with_name("ledger.db-wal").write_bytes(b"stale")
    assert pair.names() == ["c1"]
    assert not restoring.exists()


def spoil(path: Path, damage: str) -> None:
    """Do to a file what media do."""
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "garbage":
        path.write_bytes(b"garbage" * 100)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        third = len(content) // 3
        path.write_bytes(content[:third] + os.urandom(len(content) - third))


def turn_read_only(ledger: Ledger, mirror: bool = False, lifted: bool = False) -> None:
    """Let one of the two files refuse writes, as on a medium that the system has turned read-only."""
    database = ledger._store._mirror if mirror else ledger._store._database
    assert database is not None
    database.execute((f"PRAGMA query_only={'OFF' if lifted else 'ON'}", ()))


_OPEN_AND_REPORT = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from kuramori_segments.ledger import Ledger
    from kuramori_segments.ledger_fault import LedgerFault
    try:
        Ledger.open(Path(sys.argv[1]), Path(sys.argv[2]))
    except LedgerFault as fault:
        print(type(fault).__name__)
    """
)

_WRITE_FOR_EVER = textwrap.dedent(
    """
    import itertools, sys
    from pathlib import Path
    from kuramori_segments.ledger import Ledger
    ledger = Ledger.open(Path(sys.argv[1]), Path(sys.argv[2]))
    for number in itertools.count(1):
        ledger.camera_number(f"n{number}", 0)
        print(number, flush=True)
    """
)
