"""What a verification answers to programs, and where exactly it says that a clip was altered."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kuramori.capture.source import Codec
from kuramori.cli.main import build
from kuramori.cli.verify import EXIT_CODES
from kuramori.clips.leaf_list import ENTRY, decode_leaves
from kuramori.clips.leaf_match import BreakKind
from kuramori.clips.verdict_words import FACTS, PARTICULARS, VERDICTS, Words
from kuramori.clips.verify import Verdict, verify_bundle
from tests.fakes.bundles import archive_of, unpacked, write_files
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job, parameter_sets, pictures


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of one bundle of four seconds."""
    recording = SealedRecording(tmp_path_factory.mktemp("recording"), slot_bytes=64 << 10)
    recording.add_all(Codec.H264, pictures(Codec.H264, repeat=2))
    return unpacked(archive_of(make_job(recording, START_UTC_MS, START_UTC_MS + 4000)))


def answer(*arguments: object) -> tuple[int, dict[str, object]]:
    """Return exit code and answer of `kuramori verify --json`."""
    result = CliRunner().invoke(build(), ["verify", "--json", *map(str, arguments)], env={"LC_ALL": "C"})
    return result.exit_code, json.loads(result.output)


def test_the_answer_for_programs_of_an_unchanged_bundle(files: dict[str, bytes], tmp_path: Path) -> None:
    """Verdict, request, the certificate to compare with, and the range of each clip."""
    code, found = answer(write_files(tmp_path, files))
    assert (code, found["verdict"]) == (0, "unchanged")
    assert found["request"] == {
        "id": "20251124-1",
        "site": "市役所",
        "from_utc_ms": START_UTC_MS,
        "to_utc_ms": START_UTC_MS + 4000,
    }
    assert isinstance(found["clips"], list)
    assert found["clips"][0]["from_utc_us"] == START_UTC_MS * 1000
    assert found["clips"][0]["known"] == found["clips"][0]["units"] == len(files["clip.leaves"]) // ENTRY.size


def test_an_altered_picture_is_named_by_its_time_and_number(files: dict[str, bytes], tmp_path: Path) -> None:
    """One bit in a slice: which picture of the clip as handed over, counted in decode order, and its time."""
    clip = bytearray(files["clip.mp4"])
    clip[len(clip) // 2] ^= 1
    code, found = answer(write_files(tmp_path, files | {"clip.mp4": bytes(clip)}))
    assert (code, found["verdict"]) == (20, "altered")
    assert isinstance(found["clips"], list)
    (place,) = found["clips"][0]["places"]
    assert (place["kind"], place["from_picture"]) == (BreakKind.ALTERED.value, place["to_picture"])
    times = list(dict.fromkeys(decode_leaves(files["clip.leaves"])[0]))
    assert times[place["from_picture"] - 1] == place["from_utc_us"]
    assert f"(picture {place['from_picture']} of the clip as handed over)" in str(found["sentence"])


def test_a_parameter_set_changed_inside_the_stream_is_an_alteration(files: dict[str, bytes], tmp_path: Path) -> None:
    """Parameter sets between the slices decide what a player shows: another one is told though every slice is right."""
    clip = bytearray(files["clip.mp4"])
    at = clip.index(parameter_sets(Codec.H264)[0])
    clip[at + len(parameter_sets(Codec.H264)[0]) - 2] ^= 0x10
    report = verify_bundle(write_files(tmp_path, files | {"clip.mp4": bytes(clip)}))
    assert report.verdict is Verdict.ALTERED
    assert report.clips[0].other_parameter_sets
    assert report.clips[0].match is not None
    assert report.clips[0].match.is_run


def test_a_missing_file_still_tells_whose_bundle_it_is(files: dict[str, bytes], tmp_path: Path) -> None:
    """The signature was checked before: request and certificate are told, and the file that is missing."""
    folder = write_files(tmp_path, {name: content for name, content in files.items() if name != "receipt.txt"})
    code, found = answer(folder)
    assert (code, found["verdict"], found["detail"]) == (30, "damaged", "receipt.txt is missing")
    assert found["request"] is not None
    assert found["certificate"] is not None


def test_every_verdict_has_an_exit_code_and_stands_in_the_document() -> None:
    """MANIFEST.md lists each verdict with its exit code."""
    document = (Path(__file__).parents[3] / "nvr/kuramori/clips/MANIFEST.md").read_text(encoding="utf-8")
    table = document.partition("## Verdicts")[2]
    for verdict in Verdict:
        assert f"| {verdict.value} | {EXIT_CODES[verdict.value]} |" in table


@pytest.mark.parametrize("words", [*VERDICTS.values(), *PARTICULARS.values(), *FACTS.values()])
def test_both_languages_name_the_same_facts(words: Words) -> None:
    """No fact is told in one language only."""

    def places(text: str) -> list[str]:
        return sorted(part.partition("}")[0] for part in text.split("{")[1:])

    assert places(words.english) == places(words.japanese)
