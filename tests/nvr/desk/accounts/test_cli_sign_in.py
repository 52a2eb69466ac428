"""Signing in on the command line: the first account on the recorder, then commands that carry the sign-in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kuramori.cli import main
from tests.fakes.desk_room import AUDITOR, MANAGER, DeskRoom
from tests.fakes.staff import PASSWORD, Staff


@pytest.fixture
async def staff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Staff]:
    """A desk with sign-in that the command line finds."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(tmp_path / "desk.sock"))
    monkeypatch.setenv("KURAMORI_SESSION", str(tmp_path / "mine" / "session.json"))
    monkeypatch.delenv("KURAMORI_CONFIG", raising=False)
    room = DeskRoom(tmp_path)
    room.sign_in = True
    async with room:
        yield Staff(room)


async def run(*words: str) -> Result:
    """Run a command to its end."""
    return await asyncio.to_thread(CliRunner().invoke, main.build(), list(words), env={"KURAMORI_PERSON": ""})


async def test_a_command_carries_the_sign_in_of_this_machine(staff: Staff) -> None:
    """Refused before; after `kuramori sign-in` accounts can be given, and the file of the sign-in is private."""
    folder = staff.room.folder
    await staff.found(MANAGER)
    refused = await run("user", "add", AUDITOR, "--as", MANAGER)
    assert refused.exit_code == 1
    assert "kuramori sign-in" in refused.stderr
    for name, text in (("password", PASSWORD), ("code", staff.code(MANAGER))):
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)
    words = ["--password-file", str(folder / "password"), "--code-file", str(folder / "code")]
    signed = await run("sign-in", "--as", MANAGER, *words)
    assert signed.exit_code == 0, signed.output
    assert (folder / "mine" / "session.json").stat().st_mode & 0o777 == 0o600
    given = await run("user", "add", AUDITOR)
    assert given.exit_code == 0, given.output
    await staff.enrol(AUDITOR, given.output.split()[-1])
    assert AUDITOR in (await run("user", "list")).output
    assert PASSWORD not in (folder / "mine" / "session.json").read_text()
