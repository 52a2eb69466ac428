"""The path of a request on the command line, against a desk over its real socket; each bad input in one sentence."""

import asyncio
import io
import json
import re
import tarfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from kuramori.cli import main
from kuramori.cli.bundle_folder import BundleRefused, write_bundle
from kuramori.desk.extraction_key import ExtractionKey, write_key
from kuramori.desk.signed_note import Checkpoint, NoteSigner
from kuramori_segments.custodian_key import LEAST_COST, seal_key_file
from tests.fakes.desk_room import DEPUTY, HANDLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import kinds
from tests.fakes.fake_worker import CLIP
from tests.fakes.key_holders import PASSPHRASE, custodian, keys_of


@cache
def command_line() -> typer.Typer:
    """Return the command, built once."""
    return main.build()


@cache
def key_file(name: str) -> bytes:
    """Return a custodian's key file: stretching a passphrase is costly, so each is made once."""
    return seal_key_file(custodian(name), PASSPHRASE, LEAST_COST)


class Desk:
    """A desk, key files of its custodians, and the command line."""

    def __init__(self, room: DeskRoom, folder: Path) -> None:
        self.room = room
        self.folder = folder
        self.app = command_line()
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE + "\n")
        self.passphrase.chmod(0o600)
        self.keys = []
        for number, key in enumerate(keys_of(room.custodians), start=1):
            path = folder / f"custodian{number}.key"
            path.write_bytes(key_file(key.card.name))
            self.keys.append(path)
        self.extraction_key = folder / "extraction.key"

    async def run(self, *words: str | Path, person: str | None = None) -> Result:
        """Run a command to its end, in a thread, as a person."""
        environment = {"KURAMORI_PERSON": person or "", "COLUMNS": "200"}
        return await asyncio.to_thread(CliRunner().invoke, self.app, [str(word) for word in words], env=environment)

    async def good(self, *words: str | Path, person: str | None = None) -> str:
        """Run a command that must succeed; return what it printed."""
        result = await self.run(*words, person=person)
        assert result.exit_code == 0, result.output
        return result.output

    async def bad(self, *words: str | Path, person: str | None = None) -> str:
        """Run a command that must fail with one sentence; return it."""
        result = await self.run(*words, person=person)
        assert result.exit_code == 1, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert len(result.stderr.strip().splitlines()) == 1, result.output
        return result.stderr.strip()

    async def file(self, *more: str, person: str | None = HANDLER) -> str:
        """File a request; return its number."""
        output = await self.good(*self.request_words(*more), person=person)
        found = re.search(r"\d{8}-\d+", output)
        assert found is not None
        return found[0]

    def request_words(self, *more: str) -> list[str | Path]:
        """The words of a request that the rules allow, with changes behind."""
        zone = "Z"
        words = ["request", "--camera", "gate", "--from", utc(self.room.from_utc_ms) + zone]
        words += ["--to", utc(self.room.to_utc_ms) + zone, "--ground", "investigation", "--document", "捜査第123号"]
        words += ["--recipient", "高橋 七郎", "--organisation", "北警察署", "--purpose", "窃盗事件の捜査"]
        words += ["--identity-check", "警察手帳"]
        return [*words, "--witness", DEPUTY, "--out-key", self.extraction_key, *more]

    async def approve(self, number: str, custodian_number: int, *more: str | Path) -> Result:
        """Approve as custodian n."""
        key = self.keys[custodian_number - 1]
        return await self.run("approve", number, "--key", key, "--passphrase-file", self.passphrase, "--yes", *more)

    async def approved(self) -> str:
        """File, grant, approve twice."""
        number = await self.file()
        await self.good("decide", number, "--grant", "--reason", "要件を満たす", person=MANAGER)
        for custodian_number in (1, 2):
            result = await self.approve(number, custodian_number)
            assert result.exit_code == 0, result.output
        return number


def utc(utc_ms: int) -> str:
    """Return a time as a person writes it."""
    return datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk with its command line, in English, with a notebook of its own."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(tmp_path / "desk.sock"))
    monkeypatch.setenv("KURAMORI_NOTEBOOK", str(tmp_path / "notebook.json"))
    monkeypatch.delenv("KURAMORI_CONFIG", raising=False)
    async with DeskRoom(tmp_path) as room:
        yield Desk(room, tmp_path)


async def test_file_decide_approve_twice_and_take_the_clip(desk: Desk) -> None:
    """Four people, five commands: the bundle lies where the handler said, mode 0600, registered as written."""
    number = await desk.file()
    assert desk.extraction_key.stat().st_mode & 0o777 == 0o600
    await desk.good("decide", number, "--grant", "--reason", "要件を満たす", person=MANAGER)
    first = await desk.approve(number, 1)
    assert "1 more custodians are needed" in first.output
    assert "compare the fingerprint" in first.output
    for shown in ("gate (North gate)", "北警察署", "窃盗事件の捜査", MANAGER, "gate: 1"):
        assert shown in first.output
    second = await desk.approve(number, 3)
    assert "That is enough" in second.output
    assert "compare the fingerprint" not in second.output
    out = desk.folder / "usb" / "bundle"
    words = ["clip", number, "--extraction-key", desk.extraction_key, "--out", out, "--medium", "USB 0001"]
    await desk.good(*words, person=HANDLER)
    assert (out / "clip.mp4").read_bytes() == CLIP
    assert sorted(path.name for path in out.iterdir()) == ["clip.mp4", "manifest.json"]
    assert (out / "clip.mp4").stat().st_mode & 0o777 == 0o600
    assert out.stat().st_mode & 0o777 == 0o700
    request = json.loads(await desk.good("requests", number, "--json", person=HANDLER))
    assert request["handovers"][0]["medium"].startswith("USB 0001")
    returned = ["returned", number, "--how", "erased", "--told-by", "高橋 七郎"]
    assert "finished" in await desk.good(*returned, person=HANDLER)
    assert (await kinds(desk.room))[-1] == "returned"
    verified = await desk.good("register", "--verify", person=MANAGER)
    assert "none changed or removed" in verified
    listed = await desk.good("register", person=MANAGER)
    last = listed.splitlines()[-3:]
    assert all(kind in line for kind, line in zip(("bundle written", "hold lifted", "returned"), last, strict=True)), (
        last
    )


async def test_refused_with_one_custodian_granted_with_two(desk: Desk) -> None:
    """One approval opens nothing and leaves nothing on disk; two do."""
    number = await desk.file()
    await desk.good("decide", number, "--grant", "--reason", "x", person=MANAGER)
    await desk.approve(number, 1)
    out = desk.folder / "bundle"
    words = ["clip", number, "--extraction-key", desk.extraction_key, "--out", out]
    assert "1 of the 2 approvals" in await desk.bad(*words, person=HANDLER)
    assert not out.exists()
    await desk.approve(number, 2)
    await desk.good(*words, person=HANDLER)
    assert out.exists()


BAD_REQUESTS: list[tuple[list[str], str]] = [
    (["--ground", ""], "without a ground is refused"),
    (["--ground", "curiosity"], "no such ground"),
    (["--document", ""], "needs the authority's official document"),
    (["--recipient-kind", "private"], "have them report it to the police"),
    (["--camera", "nowhere"], "there is no camera nowhere"),
    (["--from", "yesterday"], "not a time"),
    (["--from", "2026-01-01 10:00", "--to", "2026-01-01 09:00"], "not after the beginning"),
    (["--from", "2026-01-01 10:00", "--to", "2026-01-01 10:10"], "Nothing is recorded"),
    (["--purpose", ""], "purpose"),
    (["--witness", "Nobody"], "nobody is called Nobody"),
    (["--as", "Nobody"], "has no duties"),
    (["--as", MANAGER], "takes the role handler"),
]


async def test_a_bad_request_is_one_sentence_and_leaves_no_key(desk: Desk) -> None:
    """Each way of being wrong has its sentence, exit code 1, and no key file is left behind."""
    for more, sentence in BAD_REQUESTS:
        assert sentence in await desk.bad(*desk.request_words(*more), person=HANDLER)
        assert not desk.extraction_key.exists()


async def test_a_key_file_is_never_overwritten(desk: Desk) -> None:
    """The extraction key of another request stays as it is."""
    desk.extraction_key.write_text("precious")
    assert "exists already" in await desk.bad(*desk.request_words(), person=HANDLER)
    assert desk.extraction_key.read_text() == "precious"
    assert "filed" not in await kinds(desk.room)


async def test_the_grounds_are_listed_with_their_source(desk: Desk) -> None:
    """--ground help shows code, source and needed document of each ground."""
    output = await desk.good(*desk.request_words("--ground", "help"), person=HANDLER)
    assert "HOK 6-1(2)" in output
    assert not desk.extraction_key.exists()


async def test_who_is_not_named_or_lacks_the_role_is_told(desk: Desk) -> None:
    """Deciding takes a manager or deputy, and somebody has to be named."""
    number = await desk.file()
    words = ["decide", number, "--grant", "--reason", "x"]
    assert "Say who acts" in await desk.bad(*words)
    assert "manager" in await desk.bad(*words, person=HANDLER)
    assert "Say one of" in await desk.bad("decide", number, "--reason", "x", person=MANAGER)
    assert "There is no request" in await desk.bad("decide", "20200101-1", "--grant", "--reason", "x", person=MANAGER)


async def test_wrong_passphrase_key_and_file_are_told(desk: Desk) -> None:
    """A wrong passphrase, a stranger's key, and a file that is no key: one sentence each, nothing approved."""
    number = await desk.file()
    await desk.good("decide", number, "--grant", "--reason", "x", person=MANAGER)
    wrong = desk.folder / "wrong"
    wrong.write_text("not the passphrase at all")
    wrong.chmod(0o600)
    approve = ["approve", number, "--yes", "--key"]
    assert "passphrase does not open" in await desk.bad(*approve, desk.keys[0], "--passphrase-file", wrong)
    stranger = desk.folder / "stranger.key"
    stranger.write_bytes(key_file("a stranger"))
    assert "not a custodian's of this recorder" in await desk.bad(*approve, stranger, "--passphrase-file", wrong)
    assert "not a key file" in await desk.bad(*approve, wrong, "--passphrase-file", wrong)
    assert "cannot be read" in await desk.bad(*approve, desk.folder / "none", "--passphrase-file", wrong)
    assert "approved" not in await kinds(desk.room)


async def test_the_wrong_extraction_key_opens_nothing(desk: Desk) -> None:
    """Another request's key, a damaged one and one that others can read are told before anything is opened."""
    number = await desk.approved()
    other = desk.folder / "other.key"
    write_key(other, ExtractionKey.new())
    out = desk.folder / "bundle"
    words = ["clip", number, "--out", out, "--extraction-key"]
    assert "not the extraction key of request" in await desk.bad(*words, other, person=HANDLER)
    other.chmod(0o644)
    assert "read by others" in await desk.bad(*words, other, person=HANDLER)
    assert "not an extraction key" in await desk.bad(*words, garbage(desk), person=HANDLER)
    assert "opened" not in await kinds(desk.room)


def garbage(desk: Desk) -> Path:
    """Return a file that is no key."""
    path = desk.folder / "garbage"
    path.write_bytes(b"\x00\xff")
    path.chmod(0o600)
    return path


async def test_a_bundle_that_breaks_off_or_is_forged_leaves_nothing(desk: Desk) -> None:
    """Broken off, with strange names, or with another manifest: one sentence, and no half folder."""
    number = await desk.approved()
    out = desk.folder / "bundle"
    words = ["clip", number, "--extraction-key", desk.extraction_key, "--out", out]
    desk.room.workers.break_after = 65536
    assert "broke off" in await desk.bad(*words, person=HANDLER)
    desk.room.workers.break_after = None
    for name in ("../outside", "/etc/outside", "a/b/c", ".hidden"):
        desk.room.workers.files = {name: b"x"}
        assert "not one of this version" in await desk.bad(*words, person=HANDLER)
    desk.room.workers.files = {"gate/manifest.json": b"{}"}
    assert "manifest is not the one" in await desk.bad(*words, person=HANDLER)
    desk.room.workers.files = {}
    assert not list(desk.folder.glob("bundle*"))
    assert not (desk.folder.parent / "outside").exists()
    await desk.good(*words, person=HANDLER)
    assert "exists already" in await desk.bad(*words, person=HANDLER)


async def test_links_in_a_bundle_are_refused(desk: Desk) -> None:
    """A member that is no plain file never reaches the disk."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("clip.mp4")
        member.type = tarfile.SYMTYPE
        member.linkname = "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(BundleRefused):
        write_bundle(iter([buffer.getvalue()]), desk.folder / "bundle", b"")
    assert not list(desk.folder.glob("bundle*"))


async def test_a_custodian_notices_other_keys_a_renamed_camera_and_a_rewritten_register(desk: Desk) -> None:
    """What the client saw before must still hold; otherwise it refuses, loudly, and approves nothing."""
    number = await desk.approved()
    notebook = desk.folder / "notebook.json"
    seen = json.loads(notebook.read_text())
    (recorder_id,) = seen
    second = await desk_second_request(desk)

    async def refused_with(change: dict[str, object]) -> str:
        notebook.write_text(json.dumps({recorder_id: {**seen[recorder_id], **change}}))
        result = await desk.approve(second, 1)
        assert result.exit_code == 1, result.output
        return result.stderr

    assert "other keys than before" in await refused_with({"device_key": "AAAA"})
    assert "was called park" in await refused_with({"cameras": {"1": "park"}})
    register = desk.room.open_desk.journal.register
    signer = register._signer
    assert isinstance(signer, NoteSigner)
    elsewhere = signer.sign(Checkpoint(signer.name, 3, b"\x01" * 32).text())
    assert "no longer contains" in await refused_with({"checkpoint": elsewhere})
    longer = signer.sign(Checkpoint(signer.name, 1000, b"\x01" * 32).text())
    assert "no longer contains" in await refused_with({"checkpoint": longer})
    notebook.write_text("not a notebook")
    assert "cannot be read" in (await desk.approve(second, 1)).stderr
    notebook.write_text(json.dumps(seen))
    assert (await desk.approve(second, 1)).exit_code == 0
    assert number != second


async def desk_second_request(desk: Desk) -> str:
    """File and grant another request."""
    desk.extraction_key = desk.folder / "second.key"
    number = await desk.file()
    await desk.good("decide", number, "--grant", "--reason", "x", person=MANAGER)
    return number


async def test_a_custodian_who_says_no_opens_nothing(desk: Desk) -> None:
    """Without --yes the client asks back; no answer is no."""
    number = await desk.file()
    await desk.good("decide", number, "--grant", "--reason", "x", person=MANAGER)
    words = ["approve", number, "--key", desk.keys[0], "--passphrase-file", desk.passphrase]
    result = await desk.run(*words)
    assert result.exit_code == 1
    assert "Nothing was done" in result.output
    assert "approved" not in await kinds(desk.room)


async def test_holds_and_erasures_on_the_command_line(desk: Desk) -> None:
    """Place, list and lift a hold; erase; the receipt says keys and tier."""
    times = ["--from", utc(desk.room.from_utc_ms) + "Z", "--to", utc(desk.room.to_utc_ms) + "Z"]
    until = utc(desk.room.clock.utc_ms() + 86_400_000) + "Z"
    place = ["hold", "place", "--camera", "gate", *times, "--until", until, "--reason", "市長の指示"]
    assert "takes the role" in await desk.bad(*place, person=HANDLER)
    output = await desk.good(*place, person=MANAGER)
    hold_id = output.strip().rpartition(" ")[2]
    assert hold_id in await desk.good("hold", "list", person=MANAGER)
    await desk.good("hold", "lift", hold_id, "--reason", "不要", person=MANAGER)
    assert "Nothing is held" in await desk.good("hold", "list", person=MANAGER)
    assert "No hold" in await desk.bad("hold", "lift", hold_id, "--reason", "不要", person=MANAGER)
    erase = ["erase", "--camera", "gate", *times, "--reason", "誤って撮影", "--yes"]
    assert "takes the role" in await desk.bad(*erase, person=HANDLER)
    assert "receipt 1, tier E0" in await desk.good(*erase, person=MANAGER)
    assert (await kinds(desk.room))[-2:] == ["erase_ordered", "erased"]


async def test_status_says_when_the_recorder_is_away(desk: Desk) -> None:
    """All well is exit code 0; a recorder that does not answer is told, and exit code 1."""
    assert "gate: recording" in await desk.good("status")
    await desk.room.stop_recorder()
    result = await desk.run("status")
    assert result.exit_code == 1
    assert "PROBLEM" in result.output
    coverage = ["request", *desk.request_words()[1:]]
    filed = await desk.good(*coverage, person=HANDLER)
    assert "not held" in filed


async def test_japanese_is_spoken_where_lang_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sentences in Japanese, those of the desk too."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "警察に被害届" in await desk.bad(*desk.request_words("--recipient-kind", "private"), person=HANDLER)
    output = await desk.good(*desk.request_words(), person=HANDLER)
    assert "請求を受け付けました" in output
