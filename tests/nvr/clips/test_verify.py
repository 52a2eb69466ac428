"""Verification by whoever receives a clip: every verdict, on real files that were really cut, packed and altered."""

import json
import os
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from kuramori.capture.source import Codec
from kuramori.cli.main import build
from kuramori.clips.leaf_match import BreakKind
from kuramori.clips.manifest_reader import ManifestInvalid, read_manifest
from kuramori.clips.verify import Verdict, verify_bundle
from kuramori.device_certificate import new_certificate, new_device_key
from kuramori.messages import SegmentState
from kuramori_segments.canonical_json import canonical
from tests.fakes.bundles import archive_of, unpacked
from tests.fakes.handed_over import Given, HandedOver, altered_slice, ffmpeg
from tests.fakes.sealed_recording import START_UTC_MS
from tests.peers import require_program

STREAMS = [(Codec.H264, 0), (Codec.H264, 2), (Codec.H265, 2)]
NAMES = ["h264", "h264-b-frames", "h265-b-frames"]
Bundles = HandedOver


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    """Make bundles, each once."""

    @cache
    def make(codec: Codec = Codec.H264, b_frames: int = 0, state: SegmentState = SegmentState.CLOSED) -> Given:
        return Given(tmp_path_factory.mktemp("bundle"), codec, b_frames, state)

    return make


@pytest.mark.parametrize(("codec", "b_frames"), STREAMS, ids=NAMES)
class TestVerdicts:
    """What a recipient hears, for each kind of stream."""

    def test_as_handed_over(self, bundles: Bundles, codec: Codec, b_frames: int, tmp_path: Path) -> None:
        """The archive and the unpacked folder are unchanged."""
        given_one = bundles(codec, b_frames)
        certificate = given_one.recording.certificate
        assert verify_bundle(given_one.archive, certificate=certificate).verdict is Verdict.UNCHANGED
        assert verify_bundle(given_one.copy(tmp_path), certificate=certificate).verdict is Verdict.UNCHANGED

    @pytest.mark.parametrize("name", ["clip.mkv", "clip.ts", "again.mp4"])
    def test_repacked(self, bundles: Bundles, codec: Codec, b_frames: int, tmp_path: Path, name: str) -> None:
        """`ffmpeg -c copy` into another container changes no picture: genuine."""
        given_one = bundles(codec, b_frames)
        ffmpeg(given_one.copy(tmp_path), "-i", "clip.mp4", "-c", "copy", name)
        report = verify_bundle(given_one.archive, clip=tmp_path / name)
        assert report.verdict is Verdict.GENUINE

    @pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.ts"])
    def test_cut(self, bundles: Bundles, codec: Codec, b_frames: int, tmp_path: Path, name: str) -> None:
        """A cut is a genuine part, and the recorder's times of it are told."""
        given_one = bundles(codec, b_frames)
        ffmpeg(given_one.copy(tmp_path), "-ss", "1.5", "-t", "1.5", "-i", "clip.mp4", "-c", "copy", name)
        report = verify_bundle(given_one.archive, clip=tmp_path / name)
        assert report.verdict is Verdict.GENUINE_PART
        began = report.clips[0].from_utc_us / 1000 - START_UTC_MS
        assert began == pytest.approx(1000, abs=100)

    def test_cut_after_packing_again(self, bundles: Bundles, codec: Codec, b_frames: int, tmp_path: Path) -> None:
        """MP4 to MPEG-TS to Matroska to a cut MP4: still a genuine part."""
        given_one = bundles(codec, b_frames)
        folder = given_one.copy(tmp_path)
        ffmpeg(folder, "-i", "clip.mp4", "-c", "copy", "one.ts")
        ffmpeg(folder, "-i", "one.ts", "-c", "copy", "two.mkv")
        ffmpeg(folder, "-ss", "2", "-t", "1", "-i", "two.mkv", "-c", "copy", "three.mp4")
        assert verify_bundle(given_one.archive, clip=folder / "three.mp4").verdict is Verdict.GENUINE_PART

    def test_one_altered_bit_is_found_and_placed(
        self, bundles: Bundles, codec: Codec, b_frames: int, tmp_path: Path
    ) -> None:
        """One bit in the middle of the clip: altered, and at which second."""
        given_one = bundles(codec, b_frames)
        folder = given_one.copy(tmp_path, clip__mp4=altered_slice(given_one.files["clip.mp4"]))
        report = verify_bundle(folder)
        assert report.verdict is Verdict.ALTERED
        match = report.clips[0].match
        assert match is not None
        assert [place.kind for place in match.breaks] == [BreakKind.ALTERED]
        assert match.breaks[0].from_utc_us == match.breaks[0].to_utc_us

    def test_pictures_left_out_in_the_middle(
        self, bundles: Bundles, codec: Codec, b_frames: int, tmp_path: Path
    ) -> None:
        """Two genuine pieces put together are not genuine: what was left out is told."""
        given_one = bundles(codec, b_frames)
        folder = given_one.copy(tmp_path)
        ffmpeg(folder, "-i", "clip.mp4", "-c", "copy", "-t", "0.9", "a.ts")
        ffmpeg(folder, "-ss", "4", "-i", "clip.mp4", "-c", "copy", "b.ts")
        (folder / "both.ts").write_bytes((folder / "a.ts").read_bytes() + (folder / "b.ts").read_bytes())
        report = verify_bundle(given_one.archive, clip=folder / "both.ts")
        assert report.verdict is Verdict.ALTERED
        match = report.clips[0].match
        assert match is not None
        assert BreakKind.LEFT_OUT in [place.kind for place in match.breaks]


class TestOtherClips:
    """Clips that are not the recorder's."""

    def test_encoded_again(self, bundles: Bundles, tmp_path: Path) -> None:
        """A clip that was encoded again holds no picture of the recorder."""
        given_one = bundles()
        ffmpeg(given_one.copy(tmp_path), "-i", "clip.mp4", "-c:v", "libx264", "other.mp4")
        assert verify_bundle(given_one.archive, clip=tmp_path / "other.mp4").verdict is Verdict.UNKNOWN

    def test_no_clip_at_all(self, bundles: Bundles, tmp_path: Path) -> None:
        """A text is no clip of this recording."""
        (tmp_path / "text.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
        assert verify_bundle(bundles().archive, clip=tmp_path / "text.mp4").verdict is Verdict.UNKNOWN

    def test_added_sound_is_told(self, bundles: Bundles, tmp_path: Path) -> None:
        """Sound that somebody laid under genuine pictures is named as not the recorder's."""
        given_one = bundles()
        sound = ["-f", "lavfi", "-i", "sine=duration=3", "-c:v", "copy", "-c:a", "aac"]
        ffmpeg(given_one.copy(tmp_path), "-i", "clip.mp4", *sound, "loud.mp4")
        report = verify_bundle(given_one.archive, clip=tmp_path / "loud.mp4")
        assert report.verdict is Verdict.GENUINE
        assert report.clips[0].other_tracks == ("audio",)

    def test_another_cropping_is_an_alteration(self, bundles: Bundles, tmp_path: Path) -> None:
        """Parameter sets say how pictures are shown; changed ones are told even where all slices are genuine."""
        given_one = bundles()
        crop = "h264_metadata=crop_left=160"
        ffmpeg(given_one.copy(tmp_path), "-i", "clip.mp4", "-c", "copy", "-bsf:v", crop, "narrow.mp4")
        report = verify_bundle(given_one.archive, clip=tmp_path / "narrow.mp4")
        assert report.verdict is Verdict.ALTERED
        assert report.clips[0].other_parameter_sets

    def test_a_clip_of_another_camera(self, bundles: Bundles, tmp_path: Path) -> None:
        """The same pictures sealed by another recorder are another recording: its signature is another."""
        given_one = bundles()
        stranger = new_device_key()
        certificate = new_certificate(stranger, "Elsewhere", b"x" * 16, START_UTC_MS)
        report = verify_bundle(given_one.archive, certificate=certificate)
        assert (report.verdict, report.detail) == (Verdict.FORGED, "certificate")


class TestForgedBundles:
    """Whoever changes a bundle is found out, whatever is changed."""

    def test_another_manifest(self, bundles: Bundles, tmp_path: Path) -> None:
        """A changed manifest does not fit its signature."""
        manifest = bundles().files["manifest.json"].replace(b'"opening":1', b'"opening":2')
        folder = bundles().copy(tmp_path, manifest__json=manifest)
        assert verify_bundle(folder).verdict is Verdict.FORGED

    @pytest.mark.parametrize("field", ["nal_salt", "nal_root", "nal_leaves", "footer", "sequence"])
    def test_a_manifest_signed_by_the_recorder_but_not_proven(
        self, bundles: Bundles, tmp_path: Path, field: str
    ) -> None:
        """Even a manifest that the device key signed must lead to what the footers say."""
        given_one = bundles()

        def change(plain: dict[str, Any]) -> None:
            segments = plain["cameras"][0]["segments"]
            value = segments[0][field]
            segments[0][field] = value + 1 if isinstance(value, int) else segments[1][field]

        assert verify_bundle(given_one.signed_anew(tmp_path, change)).verdict is Verdict.FORGED

    @pytest.mark.parametrize("name", ["clip.srt", "conditions.txt", "granted-request.json", "clip.leaves"])
    def test_another_file(self, bundles: Bundles, tmp_path: Path, name: str) -> None:
        """Every file counts, not only the clip."""
        content = bundles().files[name]
        folder = bundles().copy(tmp_path, **{name.replace(".", "__"): content[:-1] + b"~"})
        report = verify_bundle(folder)
        assert (report.verdict, report.detail) == (Verdict.ALTERED, name)

    @pytest.mark.parametrize("name", ["manifest.json", "manifest.p7s", "clip.mp4", "clip.leaves", "receipt.txt"])
    def test_a_missing_file(self, bundles: Bundles, tmp_path: Path, name: str) -> None:
        """A bundle is whole or it is not verifiable."""
        folder = bundles().copy(tmp_path)
        (folder / name).unlink()
        assert verify_bundle(folder).verdict is Verdict.DAMAGED

    @pytest.mark.parametrize("part", [0, 100, 5000, 50_000, -4096])
    def test_a_truncated_archive(self, bundles: Bundles, tmp_path: Path, part: int) -> None:
        """An archive that was cut off anywhere is never taken for whole, and raises nothing."""
        whole = bundles().archive.read_bytes()
        cut = tmp_path / "cut.tar"
        cut.write_bytes(whole[:part])
        report = verify_bundle(cut)
        assert report.verdict in (Verdict.DAMAGED, Verdict.ALTERED)

    def test_links_and_paths_lead_nowhere(self, bundles: Bundles, tmp_path: Path) -> None:
        """A link in place of a file is not followed."""
        folder = bundles().copy(tmp_path / "bundle")
        (tmp_path / "outside").write_bytes(bundles().files["clip.srt"])
        (folder / "clip.srt").unlink()
        (folder / "clip.srt").symlink_to(tmp_path / "outside")
        assert verify_bundle(folder).verdict is Verdict.DAMAGED

    def test_further_files_are_named(self, bundles: Bundles, tmp_path: Path) -> None:
        """What was put beside the signed files is told."""
        report = verify_bundle(bundles().copy(tmp_path, note__txt=b"trust me"))
        assert report.verdict is Verdict.UNCHANGED
        assert report.extra_files == ("note.txt",)

    @given(content=st.binary(max_size=300))
    def test_any_manifest_is_read_or_refused(self, content: bytes) -> None:
        """No bytes bring the reader down."""
        with pytest.raises(ManifestInvalid):
            read_manifest(content)

    @settings(max_examples=60)
    @given(data=st.data())
    def test_any_field_may_be_anything(self, bundles: Bundles, data: st.DataObject) -> None:
        """A manifest with any field exchanged for anything is read or refused, nothing else."""
        plain = json.loads(bundles().files["manifest.json"])
        place: Any = plain
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
                place[key] = data.draw(st.sampled_from([None, -1, 0, 1 << 40, "", "x", [], {}, [1], True, "=="]))
                break
            place = place[key]
        try:
            read_manifest(canonical(plain))
        except ManifestInvalid:
            return

    @settings(max_examples=15, deadline=None)
    @given(data=st.data())
    def test_no_flipped_byte_of_an_archive_goes_unnoticed(
        self, bundles: Bundles, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        """Any byte of any file, changed: never *unchanged*, never an error.

        The signature file is left out: what wraps a signature (RFC 5652) is not signed and may differ.
        """
        given_one = bundles()
        name = data.draw(st.sampled_from(sorted(given_one.files.keys() - {"manifest.p7s"})))
        content = bytearray(given_one.files[name])
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        folder = given_one.copy(tmp_path_factory.mktemp("flipped"), **{name.replace(".", "__"): bytes(content)})
        assert verify_bundle(folder, certificate=given_one.recording.certificate).verdict is not Verdict.UNCHANGED


@pytest.mark.parametrize("state", [SegmentState.OPEN, SegmentState.RECOVERED])
def test_less_proven_segments_verify_and_are_told(bundles: Bundles, state: SegmentState) -> None:
    """Open and recovered segments verify by the manifest's signature, and the report counts them."""
    report = verify_bundle(bundles(state=state).archive)
    assert report.verdict is Verdict.UNCHANGED
    assert report.clips[0].self_vouched > 0


def test_openssl_accepts_the_manifest(bundles: Bundles, tmp_path: Path) -> None:
    """`openssl cms -verify` says the same as we do."""
    folder = bundles().copy(tmp_path)
    certificate = bundles().recording.folder / "device_certificate.pem"
    command = [require_program("openssl"), "cms", "-verify", "-binary", "-inform", "DER", "-in", "manifest.p7s"]
    command += ["-content", "manifest.json", "-CAfile", str(certificate), "-out", os.devnull]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "manifest.json").write_bytes(bundles().files["manifest.json"] + b" ")
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0


class TestCommand:
    """`kuramori verify`: one sentence and an exit code."""

    def run(self, *arguments: object, language: str = "C") -> tuple[int, str]:
        """Run the command."""
        result = CliRunner().invoke(
            build(), ["verify", *map(str, arguments)], env={"LC_ALL": language}, catch_exceptions=False
        )
        return result.exit_code, result.output

    def test_unchanged(self, bundles: Bundles) -> None:
        """0, and the sentence, with the recorder's local time."""
        certificate = bundles().recording.folder / "device_certificate.pem"
        code, text = self.run(bundles().archive, "--certificate", certificate)
        assert code == 0
        assert text.startswith("UNCHANGED: exactly as the recorder handed it over (gate 駅前, 2025-11-25 01:00:00 JST")

    def test_without_a_certificate_it_says_what_to_compare(self, bundles: Bundles) -> None:
        """Nobody vouches for the certificate inside: its fingerprint is shown."""
        code, text = self.run(bundles().archive)
        assert code == 0
        assert "Compare with what the site publishes" in text

    def test_altered_in_japanese(self, bundles: Bundles, tmp_path: Path) -> None:
        """20, in the reader's language."""
        folder = bundles().copy(tmp_path, clip__mp4=altered_slice(bundles().files["clip.mp4"]))
        code, text = self.run(folder, language="ja_JP.UTF-8")
        assert code == 20
        assert text.startswith("改変あり: ")

    def test_a_genuine_part(self, bundles: Bundles, tmp_path: Path) -> None:
        """11 for a cut."""
        ffmpeg(bundles().copy(tmp_path), "-ss", "2", "-i", "clip.mp4", "-c", "copy", "cut.mp4")
        code, text = self.run(bundles().archive, "--clip", tmp_path / "cut.mp4")
        assert (code, text.split(":")[0]) == (11, "GENUINE PART")

    def test_wrong_use(self, bundles: Bundles, tmp_path: Path) -> None:
        """2, with the file that is missing or no certificate."""
        assert self.run(tmp_path / "nothing")[0] == 2
        (tmp_path / "bad.pem").write_text("no")
        assert self.run(bundles().archive, "--certificate", tmp_path / "bad.pem")[0] == 2

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        """30 and one sentence."""
        code, text = self.run(tmp_path)
        assert (code, len(text.strip().splitlines())) == (30, 1)


def test_a_certificate_of_another_kind_of_key_is_refused(bundles: Bundles) -> None:
    """A published certificate that is not for the signing key makes it not genuine."""
    other = new_certificate(new_device_key(), "Site", b"r" * 16, START_UTC_MS)
    assert isinstance(other, x509.Certificate)
    assert verify_bundle(bundles().archive, certificate=other).verdict is Verdict.FORGED


def test_the_job_of_a_second_copy_says_so(bundles: Bundles) -> None:
    """Every copy is counted: the manifest names which opening it is (K7)."""
    job = replace(bundles().job, opening=2)
    assert json.loads(unpacked(archive_of(job))["manifest.json"])["request"]["opening"] == 2
