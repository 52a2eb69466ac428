"""Opening, listing, writing and giving up bundles on the command line; a medium that fails costs nothing (K7)."""

import asyncio
import base64
import errno
import hashlib
import json
import os
import resource
import struct
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kuramori.cli import bundle_download
from kuramori.cli.bundle_folder import BundleRefused, not_written, require_place, write_bundle
from kuramori.cli.bundle_password import fits
from kuramori.cli.bundle_zip import write_zip
from kuramori.cli.medium_facts import System, medium_text
from kuramori.cli.medium_fault import require_room
from tests import peers
from tests.fakes.cutting_wire import CuttingWire
from tests.fakes.desk_room import DEPUTY, HANDLER, SECOND_HANDLER, DeskRoom
from tests.fakes.desk_steps import approved, content, handed_deks, kinds
from tests.fakes.fake_worker import CLIP, packed
from tests.nvr.desk.test_cli_path import Desk

PASSWORD = "correct horse battery staple"


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A desk with its command line, in English."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(tmp_path / "desk.sock"))
    monkeypatch.setenv("KURAMORI_NOTEBOOK", str(tmp_path / "notebook.json"))
    monkeypatch.delenv("KURAMORI_CONFIG", raising=False)
    monkeypatch.setattr(bundle_download, "PAUSE_SECONDS", 0.01)
    async with DeskRoom(tmp_path) as room:
        yield Desk(room, tmp_path)


async def opened(desk: Desk) -> str:
    """Return the number of a request whose bundle waits, opened through the API."""
    number = await approved(desk.room)
    body = {"deks": await handed_deks(desk.room, number)}
    content(await desk.room.call("POST", f"/v1/requests/{number}/opening", HANDLER, body), 201)
    return number


def stick(desk: Desk) -> Path:
    """Return a folder that stands for the recipient's medium."""
    folder = desk.folder / "stick"
    folder.mkdir(exist_ok=True)
    return folder


def bundle(**more: bytes) -> tuple[bytes, bytes]:
    """Return an archive and its manifest's digest."""
    files = {"clip.mp4": CLIP, **more}
    listed = [
        {"name": name, "sha256": base64.b64encode(hashlib.sha256(data).digest()).decode()}
        for name, data in files.items()
    ]
    manifest = json.dumps({"files": listed}).encode()
    return packed({"manifest.json": manifest, **files}), hashlib.sha256(manifest).digest()


async def test_open_list_write_and_nothing_waits_any_more(desk: Desk) -> None:
    """Opened once; written, read back, noted with what the system tells of the medium; then erased at the desk."""
    number = await desk.approved()
    key = ["--extraction-key", desk.extraction_key]
    assert "waits until" in await desk.good("bundle", "open", number, *key, "--witness", DEPUTY, person=HANDLER)
    assert "not yet taken" in await desk.good("bundle", "list", person=HANDLER)
    place = stick(desk) / "letter123"
    told = await desk.good("bundle", "write", number, place, "--medium", "USB 0001", person=HANDLER)
    assert "Written, read back and registered as: USB 0001" in told
    assert (place / "clip.mp4").read_bytes() == CLIP
    assert [path.name for path in place.parent.iterdir()] == ["letter123"]
    assert (place / "clip.mp4").stat().st_mode & 0o777 == 0o600
    assert "No opened bundle waits" in await desk.good("bundle", "list", person=HANDLER)
    assert desk.room.workers.streams[0].closed == 1
    request = json.loads(await desk.good("requests", number, "--json", person=HANDLER))
    assert request["handovers"][0]["medium"].startswith("USB 0001")
    assert (await kinds(desk.room))[-2:] == ["bundle_written", "hold_lifted"]
    assert "kuramori bundle open" in await desk.bad("bundle", "write", number, stick(desk) / "more", person=HANDLER)


async def test_a_download_that_is_cut_goes_on_where_it_broke(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut twice, each time taken up by its range; what stands on the medium is whole."""
    number = await opened(desk)
    async with CuttingWire(desk.room.socket, tmp_path / "wire.sock", after_bytes=60_000, cuts=2) as wire:
        monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(wire.socket))
        await desk.good("bundle", "write", number, stick(desk) / "b", person=HANDLER)
        starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in wire.ranges]
        assert len(starts) == 2
        assert 0 < starts[0] < starts[1]
    assert (stick(desk) / "b" / "clip.mp4").read_bytes() == CLIP


async def test_a_wire_that_always_cuts_ends_in_one_sentence(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left on the medium, and the bundle waits."""
    number = await opened(desk)
    async with CuttingWire(
        desk.room.socket, tmp_path / "wire.sock", after_bytes=60_000, cuts=1000, dead_then=True
    ) as wire:
        monkeypatch.setenv("KURAMORI_DESK_SOCKET", str(wire.socket))
        assert "broke off" in await desk.bad("bundle", "write", number, stick(desk) / "b", person=HANDLER)
    assert list(stick(desk).iterdir()) == []
    assert desk.room.workers.streams[0].closed == 0


async def test_another_bundle_in_between_is_never_mixed_in(desk: Desk) -> None:
    """Whoever opens anew while one is being fetched gets no halves of both: the entity tag differs."""
    number = await opened(desk)

    client = bundle_download.DeskClient(desk.room.socket, HANDLER)
    download = bundle_download.WaitingDownload(client, f"/v1/requests/{number}/bundle")
    download._tag, download.size_bytes, download._taken_bytes = '"another"', 10**6, 70_000

    def take() -> None:
        list(download.pieces())

    with client, pytest.raises(bundle_download.CommandFailure, match="broke off"):
        await asyncio.to_thread(take)


async def test_given_up_it_is_gone_and_others_have_no_say(desk: Desk) -> None:
    """Only who filed the request; the second time there is nothing."""
    number = await opened(desk)
    assert "may do this" in await desk.bad("bundle", "erase", number, person=SECOND_HANDLER)
    assert "Erased" in await desk.good("bundle", "erase", number, person=HANDLER)
    assert json.loads(await desk.good("bundle", "erase", number, "--json", person=HANDLER)) == {"erased": False}
    assert desk.room.workers.streams[0].closed == 1


async def test_a_place_that_is_taken_or_leads_elsewhere_is_refused(desk: Desk) -> None:
    """A folder, a file, a link, a link to nowhere: as they were, and the bundle waits."""
    number = await opened(desk)
    here = stick(desk)
    (here / "folder").mkdir()
    (here / "file").write_text("precious")
    (here / "link").symlink_to(here / "folder")
    (here / "dangling").symlink_to(here / "nowhere")
    for name, sentence in (
        ("folder", "exists already"),
        ("file", "exists already"),
        ("link", "is a link"),
        ("dangling", "is a link"),
    ):
        for more in ([], ["--zip", "--password-out", desk.folder / "sheet"]):
            assert sentence in await desk.bad("bundle", "write", number, here / name, *more, person=HANDLER)
    assert (here / "file").read_text() == "precious"
    assert not list((here / "folder").iterdir())
    assert not (here / "nowhere").exists()
    assert not (desk.folder / "sheet").exists()
    assert desk.room.workers.streams[0].closed == 0


async def test_without_a_note_in_the_register_it_does_not_count(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A medium text that the desk refuses: said plainly, and the bundle still waits."""
    number = await opened(desk)
    words = ["bundle", "write", number, stick(desk) / "b", "--medium", "USB\u202e1"]
    assert "is not noted" in await desk.bad(*words, person=HANDLER)
    assert desk.room.workers.streams[0].closed == 0
    assert "bundle_written" not in await kinds(desk.room)


async def test_one_zip_that_the_made_password_opens_elsewhere(desk: Desk) -> None:
    """AES-256 by AE-2: an independent program opens it with the password from the sheet, and not without."""
    bsdtar = peers.require_program("bsdtar")
    number = await opened(desk)
    place, sheet, out = stick(desk) / "letter.zip", desk.folder / "sheet.txt", desk.folder / "unpacked"
    words = ["bundle", "write", number, place, "--zip", "--password-out", sheet, "--json"]
    told = json.loads(await desk.good(*words, person=HANDLER))
    assert "AES-256 zip" in told["medium"]
    assert sheet.stat().st_mode & 0o777 == 0o600
    password = sheet.read_text().splitlines()[0]
    assert fits(password)
    assert password not in json.dumps(told)
    out.mkdir()
    for said, code in (("wrong" * 4, 1), (password, 0)):
        ran = subprocess.run([bsdtar, "--passphrase", said, "-xf", place, "-C", out], capture_output=True)
        assert ran.returncode == code, ran.stderr
    assert (out / "clip.mp4").read_bytes() == CLIP
    assert {one["name"]: one["sha256"] for one in told["files"]}["clip.mp4"] == hashlib.sha256(CLIP).hexdigest()
    assert CLIP[:64] not in place.read_bytes()


async def test_the_zip_password_is_strong_given_apart_and_asked_for(desk: Desk) -> None:
    """Weak, beside the zip, both ways at once, for no zip, or none: one sentence each, and no file is left."""
    number = await opened(desk)
    weak, place = desk.folder / "weak", stick(desk) / "l.zip"
    weak.write_text("aaaaaaaaaaaaaaaaaaaaaaaaa\n")
    weak.chmod(0o600)
    beside, away = stick(desk) / "sheet", desk.folder / "sheet"
    cases: list[tuple[list[str | Path], str]] = [
        (["--zip", "--password-file", weak], "too weak"),
        (["--zip", "--password-out", beside], "travel with the zip"),
        (["--zip", "--password-out", away, "--password-file", weak], "either"),
        (["--password-out", away], "belongs to --zip"),
        (["--zip"], "--password-file"),
        (["--zip", "--password-out", weak], "cannot be written"),
    ]
    for more, sentence in cases:
        assert sentence in await desk.bad("bundle", "write", number, place, *more, person=HANDLER)
    assert not list(stick(desk).iterdir())
    assert not away.exists()
    weak.write_text(PASSWORD + "\n")
    await desk.good("bundle", "write", number, place, "--zip", "--password-file", weak, person=HANDLER)


async def test_the_sheet_of_a_zip_that_came_to_nothing_is_removed(desk: Desk) -> None:
    """So that the same command can be given again."""
    number = await opened(desk)
    desk.room.workers.streams[0].break_after = 65536
    sheet = desk.folder / "sheet"
    words = ["bundle", "write", number, stick(desk) / "l.zip", "--zip", "--password-out", sheet]
    await desk.bad(*words, person=HANDLER)
    assert not sheet.exists()
    assert not list(stick(desk).iterdir())


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("aB3$aB3$aB3$aB3", False),
        ("abcdefghijklmnop", True),
        ("ababababababababab", False),
        ("パスワードパスワードあいうえおかき", False),
        (" abcdefghijklmnopq", False),
        ("abcdefgh" * 13, False),
    ],
)
def test_what_a_password_has_to_be(password: str, good: bool) -> None:
    """Long, varied, ASCII, visible."""
    assert fits(password) is good


def test_the_zip_is_ae_2_with_256_bits_and_without_checksums(tmp_path: Path) -> None:
    """Each entry: method 99, extra field 9901 with version 2, vendor AE, strength 3, stored; CRC 0 (WinZip's AE-2)."""
    archive, digest = bundle(**{"empty.txt": b""})
    place = tmp_path / "b.zip"
    files = write_zip(iter([archive]), place, digest, PASSWORD.encode())
    assert [one.name for one in files] == ["manifest.json", "clip.mp4", "empty.txt"]
    assert place.stat().st_mode & 0o777 == 0o600
    assert list(entries(place.read_bytes())) == [(99, 0, 2, b"AE", 3, 0)] * 3


def entries(content: bytes) -> Iterator[tuple[int, int, int, bytes, int, int]]:
    """Yield method, CRC, and the AES extra field of each entry of a zip's directory (APPNOTE 4.3.12)."""
    at = content.index(b"PK\x01\x02")
    while content[at : at + 4] == b"PK\x01\x02":
        method, crc = struct.unpack_from("<10xH4xI", content, at)
        names, extras, comments = struct.unpack_from("<28xHHH", content, at)
        extra = content[at + 46 + names : at + 46 + names + extras]
        version, vendor, strength, inner = struct.unpack_from("<4xH2sBH", extra, extra.index(b"\x01\x99"))
        yield method, crc, version, vendor, strength, inner
        at += 46 + names + extras + comments


def test_a_zip_whose_bytes_changed_on_the_medium_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading back opens it with the password; one altered byte is found."""
    archive, digest = bundle()
    monkeypatch.setattr("kuramori.cli.bundle_zip.forget_pages", lambda _: spoil(tmp_path / "b.zip.partial", 70_000))
    with pytest.raises(BundleRefused):
        write_zip(iter([archive]), tmp_path / "b.zip", digest, PASSWORD.encode())
    assert not list(tmp_path.iterdir())


def test_a_folder_whose_bytes_changed_on_the_medium_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A medium that lies, as forged ones do, is told as such."""
    archive, digest = bundle()
    monkeypatch.setattr(
        "kuramori.cli.bundle_folder.forget_pages", lambda _: spoil(tmp_path / "b.partial" / "clip.mp4", 7)
    )
    with pytest.raises(BundleRefused, match="other bytes than were written"):
        write_bundle(iter([archive]), tmp_path / "b", digest)
    assert not list(tmp_path.iterdir())


def spoil(path: Path, offset: int) -> None:
    """Put other bytes there, whenever the page cache is dropped."""
    if not path.exists() or path.stat().st_size <= offset:
        return
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes(8))


def test_what_the_manifest_lists_has_to_be_there(tmp_path: Path) -> None:
    """A released manifest with other files beside it is refused."""
    archive, digest = bundle()
    for changed in (archive.replace(b"not a real clip", b"now a fake clip"), None):
        content_ = changed or packed({"manifest.json": manifest_of(archive)})
        with pytest.raises(BundleRefused, match="not the one that was released"):
            write_bundle(iter([content_]), tmp_path / "b", digest)
    assert not list(tmp_path.iterdir())


def manifest_of(archive: bytes) -> bytes:
    """Return the first file of an archive of `bundle`."""
    size = int(archive[124:135], 8)
    return archive[512 : 512 + size]


def test_a_file_that_the_file_system_does_not_take_leaves_nothing(tmp_path: Path) -> None:
    """The kernel's EFBIG, as FAT32 gives it at 4 GiB; here from the limit of this process."""
    archive, digest = bundle()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(BundleRefused, match="takes no file of this size"):
            write_bundle(iter([archive]), tmp_path / "b", digest)
        with pytest.raises(BundleRefused, match="takes no file of this size"):
            write_zip(iter([archive]), tmp_path / "b.zip", digest, PASSWORD.encode())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "english", "japanese"),
    [
        (errno.EROFS, "write-protected", "書込みが禁止"),
        (errno.ENOSPC, "no room", "空き容量"),
        (errno.EIO, "pulled out or has failed", "取り外されたか故障"),
        (errno.ENODEV, "pulled out or has failed", "取り外されたか故障"),
        (errno.EFBIG, "4 GiB", "4 GiB"),
        (errno.EINVAL, "cannot have the name", "名前を使用できません"),
        (errno.EACCES, "nothing was left there", "書きかけのデータは削除"),
    ],
)
def test_each_way_of_failing_has_its_sentence(
    code: int, english: str, japanese: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both languages."""
    for language, part in (("C.UTF-8", english), ("ja_JP.UTF-8", japanese)):
        monkeypatch.setenv("LC_ALL", language)
        assert part in str(not_written(OSError(code, os.strerror(code)), Path("/media/usb/b")))


def test_names_that_windows_refuses_are_refused_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a FAT medium only; a name with a dot at its end would silently get another one there."""
    monkeypatch.setattr("kuramori.cli.medium_fault.file_system", lambda _: FatMedium)
    for name in ("a:b", "end.", "con", "NUL.zip", "what?"):
        with pytest.raises(BundleRefused, match="cannot have the name"):
            require_place(tmp_path / name)
    require_place(tmp_path / "請求123.zip")
    monkeypatch.undo()
    require_place(tmp_path / "a:b")


def test_a_zip_beyond_four_gibibytes_is_refused_on_fat_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zip is one file; a folder of smaller ones may go there."""
    monkeypatch.setattr("kuramori.cli.medium_fault.file_system", lambda _: FatMedium)
    monkeypatch.setattr("kuramori.cli.medium_fault.FAT_FILE_BYTES_MOST", 1000)
    with pytest.raises(BundleRefused, match="4 GiB"):
        require_room(tmp_path / "b.zip", 1001, one_file=True)
    require_room(tmp_path / "b.zip", 1000, one_file=True)
    require_room(tmp_path / "b", 1001, one_file=False)


class FatMedium:
    """What a FAT medium says of itself."""

    kind = "vfat"


def test_the_register_gets_what_the_system_tells_of_the_medium(tmp_path: Path) -> None:
    """File system, label and serial number of the stick; rubbish in them is cut; nothing told, nothing noted."""
    status = tmp_path.stat()
    number = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 1 {number} / /media/usb rw - vfat {tmp_path}/sdx1 rw\n")
    (tmp_path / "sdx1").write_text("")
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "KITA\\x20POLICE").symlink_to(tmp_path / "sdx1")
    node = tmp_path / "devices" / "usb1" / "1-1" / "host" / "block" / "sdx" / "sdx1"
    node.mkdir(parents=True)
    for name, value in (("idVendor", "0951"), ("serial", "1C6F\x1b[31m\n")):
        (node.parents[3] / name).write_text(value)
    (node.parents[4] / "serial").write_text("of the hub")
    links = tmp_path / "dev" / "block"
    links.mkdir(parents=True)
    (links / number).symlink_to(node)
    system = System(mounts, tmp_path, labels)
    told = medium_text("USB 0001", tmp_path, ("AES-256 zip",), system)
    assert told == "USB 0001 (vfat, AES-256 zip, label KITA POLICE, serial 1C6F[31m)"
    nothing = System(tmp_path / "none", tmp_path / "none", tmp_path / "none")
    assert medium_text("USB 0001", tmp_path, (), nothing) == "USB 0001"
