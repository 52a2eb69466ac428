"""verify.html in a real browser: it says what `kuramori verify` says, word for word, whatever the files are."""

import json
import os
import random
import struct
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from kuramori.capture.source import Codec
from kuramori.clips.verdict_report import verdict_report
from kuramori.clips.verify import Report, verify_bundle
from kuramori.clips.verify_page import verify_page
from kuramori.device_certificate import fingerprint, new_certificate, new_device_key
from kuramori.messages import SegmentState
from tests.fakes.chromium import Browser, chromium
from tests.fakes.handed_over import Given, HandedOver
from tests.fakes.recipients_cases import CASES, Case
from tests.fakes.recipients_page import RecipientsPage
from tests.fakes.sealed_recording import START_UTC_MS

pytestmark = pytest.mark.asyncio(loop_scope="module")
LANGUAGES = {"en": "C", "ja": "ja_JP.UTF-8"}
LARGE_BYTES = 1_100 << 20
MEMORY_BYTES_MOST = 256 << 20
HOSTILE = "<img src=x onerror=window.caught=1><script>window.caught=1</script>"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> HandedOver:
    """Make bundles, each once."""

    @cache
    def make(
        codec: Codec = Codec.H264, b_frames: int = 0, state: SegmentState = SegmentState.CLOSED, frames: int = 0
    ) -> Given:
        return Given(tmp_path_factory.mktemp("bundle"), codec, b_frames, state, frames)

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """One browser for all."""
    async with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, tmp_path: Path) -> AsyncIterator[RecipientsPage]:
    """The page, opened from a file."""
    path = tmp_path / "verify.html"
    path.write_bytes(verify_page())
    opened = await RecipientsPage.open(browser, path)
    yield opened
    await opened.close()


def said_by_the_command(report: Report, language: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Return the answer of `kuramori verify --json`."""
    with monkeypatch.context() as patched:
        patched.setenv("LC_ALL", LANGUAGES[language])
        zone = ZoneInfo(report.manifest.time_zone if report.manifest is not None else "UTC")
        return verdict_report(report, zone)


async def compare(page: RecipientsPage, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both verify a case; they must agree in everything, in both languages."""
    await page.choose("folder", [case.folder])
    if case.clip is not None:
        await page.choose("clip", [case.clip])
    if case.certificate is not None:
        await page.compare(fingerprint(case.certificate))
    await page.verify()
    for language, locale in LANGUAGES.items():
        with monkeypatch.context() as patched:
            patched.setenv("LC_ALL", locale)
            report = verify_bundle(case.folder, certificate=case.certificate, clip=case.clip)
        said = said_by_the_command(report, language, monkeypatch)
        assert await page.read_in(language) == said
        assert said["verdict"] == case.verdict


@pytest.fixture
def handed(request: pytest.FixtureRequest, bundles: HandedOver, tmp_path: Path) -> Case:
    """One case."""
    return CASES[request.param](bundles, tmp_path / "handed")


@pytest.mark.parametrize("handed", ["altered_picture"], indirect=True)
async def test_an_altered_picture_is_found_in_the_browser(
    page: RecipientsPage, handed: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signature, digests and proofs are checked, and the picture is named, as the command does it."""
    await compare(page, handed, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("handed", sorted(CASES.keys() - {"altered_picture"}), indirect=True)
async def test_the_page_says_what_the_command_says(
    page: RecipientsPage, handed: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdict, sentence, facts, times, numbers of pictures: all the same, in both languages."""
    await compare(page, handed, monkeypatch)


@pytest.mark.slow
async def test_files_may_be_chosen_one_by_one_or_dropped(page: RecipientsPage, bundles: HandedOver) -> None:
    """Without folder too; and a dragged heap of files is taken as it is."""
    folder = bundles().job.spool_directory.parent / "dropped"
    files = [bundles().copy(folder) / name for name in bundles().files]
    await page.choose("files", files)
    assert (await page.verify())["verdict"] == "unchanged"
    await page.drop("bundle-zone", files[:-1])
    await page.page.until(
        "!document.getElementById('bundle-names').textContent.includes(" + json.dumps(files[-1].name) + ")"
    )
    assert (await page.verify())["verdict"] == "damaged"


@pytest.mark.slow
async def test_a_file_of_more_than_a_gigabyte_is_read_in_pieces(
    page: RecipientsPage, bundles: HandedOver, tmp_path: Path
) -> None:
    """All of it is read, and little of it is ever in memory."""
    clip = bundles().files["clip.mp4"]
    large = tmp_path / "large.mp4"
    large.write_bytes(clip + struct.pack(">I4sQ", 1, b"free", LARGE_BYTES))
    os.truncate(large, len(clip) + LARGE_BYTES)
    await page.choose("folder", [bundles().copy(tmp_path / "handed")])
    await page.choose("clip", [large])
    assert (await page.verify(patience_seconds=1200))["verdict"] == "genuine"
    large.unlink()
    used = await page.page.evaluate("performance.memory.usedJSHeapSize")
    assert used < MEMORY_BYTES_MOST


@pytest.mark.slow
async def test_a_file_that_is_no_mp4_is_not_judged(page: RecipientsPage, bundles: HandedOver, tmp_path: Path) -> None:
    """The page says that it reads MP4 only, and what to do."""
    (tmp_path / "text.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    await page.choose("folder", [bundles().copy(tmp_path / "handed")])
    await page.choose("clip", [tmp_path / "text.mp4"])
    found = await page.verify()
    assert found["verdict"] == "unknown"
    assert found["sentence"].startswith("NOT READ: this page reads MP4 only")


@pytest.mark.slow
async def test_an_edit_list_that_repeats_pictures_is_told(
    page: RecipientsPage, bundles: HandedOver, tmp_path: Path
) -> None:
    """Genuine pictures in an order that the file's edit list made up are not called genuine."""
    clip = bytearray(bundles().files["clip.mp4"])
    edits = b"".join(struct.pack(">IiI", 1000, start, 1 << 16) for start in (90_000, 0))
    elst = struct.pack(">I4sII", 16 + len(edits), b"elst", 0, 2) + edits
    edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst
    tkhd = clip.index(b"tkhd") - 4
    behind = tkhd + struct.unpack_from(">I", clip, tkhd)[0]
    for name in (b"moov", b"trak"):
        at = clip.index(name) - 4
        struct.pack_into(">I", clip, at, struct.unpack_from(">I", clip, at)[0] + len(edts))
    clip[behind:behind] = edts
    await page.choose("folder", [bundles().copy(tmp_path / "handed", clip__mp4=bytes(clip))])
    found = await page.verify()
    assert found["verdict"] == "altered"
    assert "edit list" in found["sentence"]


class TestHostileFiles:
    """Nothing in a file becomes part of the page, and nothing keeps it from an answer."""

    pytestmark = pytest.mark.slow

    async def test_markup_in_names_is_text(self, page: RecipientsPage, bundles: HandedOver, tmp_path: Path) -> None:
        """A manifest that a stranger signed, full of markup: it is shown as letters, and nothing of it runs."""

        def change(plain: dict) -> None:  # type: ignore[type-arg]
            plain["site"] = plain["request"]["id"] = HOSTILE
            plain["time_zone"] = f"Asia/{HOSTILE}"
            camera = plain["cameras"][0]
            camera["camera"] = camera["place"] = HOSTILE
            camera["gaps"] = [{"from_utc_ms": 0, "to_utc_ms": 1 << 52, "reason": "__proto__"}]
            for segment in camera["segments"]:
                segment |= {"state": "open"}

        key = new_device_key()
        certificate = new_certificate(key, HOSTILE, b"x" * 16, START_UTC_MS)
        folder = bundles().signed_anew(tmp_path / "handed", change, key, certificate)
        await page.choose("folder", [folder])
        found = await page.verify()
        assert found["verdict"] == "unchanged"
        assert HOSTILE[:40] in found["sentence"]
        assert await page.page.evaluate("typeof window.caught") == "undefined"
        assert await page.page.evaluate("document.images.length + document.scripts.length") == 1

    @pytest.mark.parametrize("seed", range(6))
    async def test_damaged_clips_get_an_answer(
        self, page: RecipientsPage, bundles: HandedOver, tmp_path: Path, seed: int
    ) -> None:
        """Numbers of the container's index exchanged for extremes, boxes cut: an answer, never a failure."""
        chance = random.Random(seed)
        folder = bundles().copy(tmp_path / "handed")
        await page.choose("folder", [folder])
        clip = bundles().files["clip.mp4"]
        for number in range(8):
            content = bytearray(clip)
            index = content.index(b"moov") - 4
            for _ in range(chance.choice((1, 3, 20))):
                at = chance.randrange(index, len(content) - 4)
                content[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\1", b"\x7f\xff\xff\xff")
                )
            if chance.random() < 0.3:
                del content[chance.randrange(8, len(content)) :]
            odd = tmp_path / f"odd-{number}.mp4"
            odd.write_bytes(content)
            await page.choose("clip", [odd])
            found = await page.verify()
            assert found["verdict"] in ("genuine", "genuine-part", "altered", "unknown"), (seed, found)

    async def test_any_flipped_byte_of_the_manifest_is_told(
        self, page: RecipientsPage, bundles: HandedOver, tmp_path: Path
    ) -> None:
        """No byte of what was signed may be another."""
        for number, odd in enumerate(flipped(bundles().files["manifest.json"], 20)):
            await page.choose("folder", [bundles().copy(tmp_path / f"handed-{number}", manifest__json=odd)])
            assert (await page.verify())["verdict"] == "forged"

    async def test_a_flipped_byte_of_the_signature_file_is_told_or_shown(
        self, page: RecipientsPage, bundles: HandedOver, tmp_path: Path
    ) -> None:
        """Where the command accepts it the page does too; a changed certificate shows another fingerprint at least."""
        right = fingerprint(bundles().recording.certificate)
        for number, odd in enumerate(flipped(bundles().files["manifest.p7s"], 40)):
            folder = bundles().copy(tmp_path / f"handed-{number}", manifest__p7s=odd)
            await page.choose("folder", [folder])
            found = await page.verify()
            if found["verdict"] != verify_bundle(folder).verdict.value:
                assert (found["verdict"], found["certificate"]["sha256"] != right) == ("unchanged", True)


def flipped(content: bytes, times: int) -> Iterator[bytes]:
    """Yield content with one byte changed, a different one each time."""
    chance = random.Random(len(content))
    for _ in range(times):
        odd = bytearray(content)
        odd[chance.randrange(len(odd))] ^= chance.randrange(1, 256)
        yield bytes(odd)
