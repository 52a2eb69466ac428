"""A recorder that keeps two registers, one to show and one to use: every client that saw the other one refuses."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.desk.merkle_log import leaf_hash
from kuramori.desk.package import PackageRefused, check_approved
from kuramori.desk.signed_note import NoteVerifier, open_checkpoint
from tests.fakes.desk_room import MANAGER, DeskRoom
from tests.fakes.desk_steps import content, fetched_package, granted, judged, kinds, raw
from tests.fakes.key_holders import custodian, keys_of
from tests.nvr.desk import second_client
from tests.nvr.desk.second_client import Keys, Memory, Refused
from tests.nvr.desk.test_cli_path import Desk


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk with its command line."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(tmp_path / "desk.sock"))
    monkeypatch.delenv("KURAMORI_CONFIG", raising=False)
    async with DeskRoom(tmp_path) as room:
        yield Desk(room, tmp_path)


async def turned_back(room: DeskRoom, kept: Path) -> None:
    """Go on with a copy of the register from before, and the same key, as whoever owns the recorder can."""
    await room.stop_desk()
    for path in room.folder.glob("register.db*"):
        path.unlink()
    shutil.copyfile(kept, room.places.register)
    await room.start_desk()


async def copied(room: DeskRoom) -> Path:
    """Copy the register as it stands."""
    await room.stop_desk()
    kept = room.folder / "kept.db"
    shutil.copyfile(room.places.register, kept)
    await room.start_desk()
    return kept


async def test_a_register_that_forgets_an_approval_is_refused_by_who_gave_it(desk: Desk) -> None:
    """Turned back to right before the approval and grown past it: the one who approved refuses, others compare."""
    room, number = desk.room, await granted(desk.room)
    kept = await copied(room)
    books = [desk.folder / f"notebook-{n}.json" for n in (1, 2)]
    done = await desk.approve(number, 1, "--notebook", books[0])
    assert done.exit_code == 0, done.output
    (noted,) = json.loads(books[0].read_text()).values()
    records = room.open_desk.journal.register.records()
    for kind in ("decided", "approved"):
        entry = next(one.entry for one in records if one.entry.kind == kind)
        assert noted["entries"][f"{kind} {number}"] == f"{entry.index}:{leaf_hash(entry.to_bytes()).hex()}"
    await turned_back(room, kept)
    assert "approved" not in await kinds(room)
    second = await granted(room)
    before = len(await kinds(room))
    for asked in (number, second):
        refused = await desk.approve(asked, 1, "--notebook", books[0])
        assert refused.exit_code == 1
        assert "no longer contains" in refused.stderr
    assert len(await kinds(room)) == before
    assert (await desk.approve(second, 2, "--notebook", books[1])).exit_code == 0  # nobody had shown them the other one
    verifier = NoteVerifier.parse(noted["verifier"])
    seen = open_checkpoint(noted["checkpoint"], verifier)
    sealed = f"{seen.size}:{seen.root.hex()}"
    compared = await desk.run("register", "--sealed", sealed, "--notebook", books[1], person=MANAGER)
    assert compared.exit_code == 1
    assert "no longer contains" in compared.stderr


@pytest.mark.slow
async def test_the_second_client_notices_it_too(desk: Desk) -> None:
    """From APPROVALS.md alone: it goes on from a register that is proven to hold its own approval."""
    room, key, memory = desk.room, custodian("custodian 1"), Memory()
    number = await granted(room)
    kept = await copied(room)
    keys = Keys(key.custodian_id, key.opening_private, key.signing_private)
    ask = (str(room.socket), number, keys, memory, room.clock.utc_ms())
    assert (await asyncio.to_thread(second_client.approve, *ask))[0] == 201
    await turned_back(room, kept)
    with pytest.raises(Refused, match="rewritten"):
        await asyncio.to_thread(second_client.approve, *ask)


@pytest.mark.slow
async def test_an_approval_that_is_not_in_the_register_is_told(desk: Desk) -> None:
    """The proof of another entry, of another custodian's approval, or none: the client says so."""
    room, number = desk.room, await granted(desk.room)
    keys = keys_of(room.custodians)
    package = await fetched_package(room, number, keys[0])
    facts = content(await room.call("GET", "/v1/register/checkpoint"))
    made, signature = await judged(room, package, keys[0])
    path = f"/v1/requests/{number}/approvals"
    nothing = await room.call("GET", f"{path}/{keys[0].custodian_id.hex()}")
    assert content(nothing, 404)["code"] == "request-unknown"
    for n in (1, 2):
        assert (await desk.approve(number, n, "--notebook", desk.folder / "book.json")).exit_code == 0
    granted_request = room.open_desk.journal.request(number).granted
    assert granted_request is not None
    other = content(await room.call("GET", f"{path}/{keys[1].custodian_id.hex()}"))
    checkpoint = open_checkpoint(other["checkpoint"], NoteVerifier.parse(facts["verifier"]))
    found = type(package.decided)(
        raw(other["entry"]), raw(other["salt"]), raw(other["body"]), tuple(raw(part) for part in other["path"])
    )
    for proof in (package.decided, found):
        with pytest.raises(PackageRefused, match="does not hold it"):
            check_approved(proof, granted_request, made.custodian_id, signature, checkpoint)
