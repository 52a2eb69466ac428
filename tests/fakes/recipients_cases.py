"""What a recipient may hold in hands: bundles and clips, genuine, cut, packed anew, altered and forged.

Each case is a function that makes it; `kuramori verify` and verify.html are compared on all of them.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509

from kuramori.capture.source import Codec
from kuramori.clips.handover_mark import CAMERA_SIGNATURES, MARK_UUID
from kuramori.device_certificate import new_certificate, new_device_key
from kuramori.messages import SegmentState
from tests.fakes.bundles import archive_of, unpacked, write_files
from tests.fakes.handed_over import Given, HandedOver, altered_slice, ffmpeg
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, make_job, parameter_sets, pictures

COPY = ("-c", "copy")


@dataclass(frozen=True, slots=True)
class Case:
    """Files in a folder, perhaps another clip, perhaps a certificate to compare with; and the verdict."""

    verdict: str
    folder: Path
    clip: Path | None = None
    certificate: x509.Certificate | None = None


Maker = Callable[[HandedOver, Path], Case]
CASES: dict[str, Maker] = {}


def case(made: Maker) -> Maker:
    """Register a case under its name."""
    CASES[made.__name__] = made
    return made


@case
def as_handed_over(bundles: HandedOver, folder: Path) -> Case:
    """Untouched."""
    given = bundles()
    return Case("unchanged", given.copy(folder), certificate=given.recording.certificate)


@case
def h265_with_b_frames(bundles: HandedOver, folder: Path) -> Case:
    """Untouched, and further files beside it."""
    return Case("unchanged", bundles(Codec.H265, 2).copy(folder, note__txt=b"trust me"))


@case
def several_cameras(bundles: HandedOver, folder: Path) -> Case:
    """Two cameras, a folder each."""
    gate = SealedRecording(folder / "one")
    park = SealedRecording(folder / "two", name="park", number=8, key=gate.key)
    gate.add(Codec.H264, pictures(Codec.H264))
    park.add(Codec.H265, pictures(Codec.H265))
    job = make_job(gate, START_UTC_MS, START_UTC_MS + 2000, park)
    return Case("unchanged", write_files(folder / "bundle", unpacked(archive_of(job))))


@case
def still_open_segment(bundles: HandedOver, folder: Path) -> Case:
    """Vouched for by the manifest only."""
    return Case("unchanged", bundles(state=SegmentState.OPEN).copy(folder))


@case
def recovered_segment(bundles: HandedOver, folder: Path) -> Case:
    """After a crash."""
    return Case("unchanged", bundles(state=SegmentState.RECOVERED).copy(folder))


@case
def with_sound(bundles: HandedOver, folder: Path) -> Case:
    """Sound by written decision."""
    return Case("unchanged", bundles(frames=80).copy(folder))


def other_file(name: str) -> Maker:
    """Return a case in which the last byte of a file is another."""

    def made(bundles: HandedOver, folder: Path) -> Case:
        content = bundles().files[name]
        return Case("altered", write_files(folder, bundles().files | {name: content[:-1] + bytes([content[-1] ^ 1])}))

    return made


PAPERS = ("conditions.txt", "instructions.txt", "receipt.txt")
for _name in (*PAPERS, "clip.srt", "clip.leaves", "granted-request.json", "verify.html"):
    CASES[f"altered_{_name.replace('.', '_')}"] = other_file(_name)


@case
def altered_picture(bundles: HandedOver, folder: Path) -> Case:
    """One bit of one slice."""
    return Case("altered", bundles().copy(folder, clip__mp4=altered_slice(bundles().files["clip.mp4"])))


@case
def altered_picture_of_h265(bundles: HandedOver, folder: Path) -> Case:
    """One bit of one slice."""
    given = bundles(Codec.H265, 2)
    return Case("altered", given.copy(folder, clip__mp4=altered_slice(given.files["clip.mp4"])))


@case
def altered_container_only(bundles: HandedOver, folder: Path) -> Case:
    """One byte of the container's index: the pictures are the recorder's."""
    clip = bytearray(bundles().files["clip.mp4"])
    clip[clip.index(b"mvhd") + 8] ^= 1
    return Case("genuine", bundles().copy(folder, clip__mp4=bytes(clip)))


@case
def altered_set_in_the_stream(bundles: HandedOver, folder: Path) -> Case:
    """A parameter set between the slices."""
    clip, first = bytearray(bundles().files["clip.mp4"]), parameter_sets(Codec.H264)[0]
    clip[clip.index(first) + len(first) - 2] ^= 0x10
    return Case("altered", bundles().copy(folder, clip__mp4=bytes(clip)))


@case
def cut_off_clip(bundles: HandedOver, folder: Path) -> Case:
    """A copy that ended too early."""
    return Case("damaged", bundles().copy(folder, clip__mp4=bundles().files["clip.mp4"][:-5000]))


@case
def missing_receipt(bundles: HandedOver, folder: Path) -> Case:
    """A file is not there."""
    bundles().copy(folder)
    (folder / "receipt.txt").unlink()
    return Case("damaged", folder)


@case
def missing_manifest(bundles: HandedOver, folder: Path) -> Case:
    """Nothing says what should be there."""
    bundles().copy(folder)
    (folder / "manifest.json").unlink()
    return Case("damaged", folder)


@case
def changed_manifest(bundles: HandedOver, folder: Path) -> Case:
    """Another number in it."""
    manifest = bundles().files["manifest.json"].replace(b'"opening":1', b'"opening":2')
    return Case("forged", bundles().copy(folder, manifest__json=manifest))


@case
def broken_signature(bundles: HandedOver, folder: Path) -> Case:
    """Half a signature."""
    return Case("forged", bundles().copy(folder, manifest__p7s=bundles().files["manifest.p7s"][:-200]))


@case
def signature_that_is_text(bundles: HandedOver, folder: Path) -> Case:
    """No signature at all."""
    return Case("forged", bundles().copy(folder, manifest__p7s=b"-----BEGIN CMS-----\n"))


def _strangers(given: Given, folder: Path) -> tuple[Path, x509.Certificate]:
    key = new_device_key()
    certificate = new_certificate(key, "Elsewhere", b"x" * 16, START_UTC_MS)
    return given.signed_anew(folder, lambda plain: None, key, certificate), certificate


@case
def signed_by_another_key(bundles: HandedOver, folder: Path) -> Case:
    """The footers are not that key's."""
    return Case("forged", _strangers(bundles(), folder)[0])


@case
def another_recorders_certificate(bundles: HandedOver, folder: Path) -> Case:
    """The receipt names another one."""
    certificate = new_certificate(new_device_key(), "Elsewhere", b"x" * 16, START_UTC_MS)
    return Case("forged", bundles().copy(folder), certificate=certificate)


def unproven(field: str) -> Maker:
    """Return a case in which the recorder signed a manifest whose proofs lead nowhere."""

    def made(bundles: HandedOver, folder: Path) -> Case:
        def change(plain: dict) -> None:  # type: ignore[type-arg]
            segments = plain["cameras"][0]["segments"]
            value = segments[0][field]
            segments[0][field] = value + 1 if isinstance(value, int) else segments[1][field]

        return Case("forged", bundles().signed_anew(folder, change))

    return made


for _name in ("nal_salt", "nal_root", "nal_leaves", "footer", "sequence", "header_digest", "segment_uid", "runs"):
    CASES[f"unproven_{_name}"] = unproven(_name)


@case
def unknown_version(bundles: HandedOver, folder: Path) -> Case:
    """A manifest of a later program."""
    return Case("damaged", bundles().signed_anew(folder, lambda plain: plain.update(version=2)))


@case
def a_gap_and_its_reason(bundles: HandedOver, folder: Path) -> Case:
    """Gaps are told in the reader's words, also those with a reason of a newer recorder."""
    spans = [
        {"kind": "gap", "filled": False, "from_utc_ms": START_UTC_MS + n, "to_utc_ms": START_UTC_MS + n + 500}
        | {"reason": reason}
        for n, reason in enumerate(("camera_offline", "", "from_the_future"))
    ]

    def change(plain: dict) -> None:  # type: ignore[type-arg]
        plain["cameras"][0]["gaps"] = spans

    return Case("unchanged", bundles().signed_anew(folder, change))


def clip_of(verdict: str, *arguments: str, codec: Codec = Codec.H264, b_frames: int = 0, frames: int = 0) -> Maker:
    """Return a case of a clip made with ffmpeg: several runs stand behind one another, parted by `then`."""

    def made(bundles: HandedOver, folder: Path) -> Case:
        given = bundles(codec, b_frames, frames=frames) if frames else bundles(codec, b_frames)
        given.copy(folder)
        run: list[str] = []
        for argument in (*arguments, "then"):
            if argument != "then":
                run.append(argument)
                continue
            ffmpeg(folder, *run)
            run = []
        clip = folder.parent / "elsewhere.mp4"
        (folder / arguments[-1]).rename(clip)
        for rest in {path.name for path in folder.iterdir()} - given.files.keys():
            (folder / rest).unlink()
        return Case(verdict, folder, clip)

    return made


FROM = ("-i", "clip.mp4", *COPY)
CUT = ("-ss", "1.5", "-t", "1.5", "-i", "clip.mp4", *COPY)
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
CASES |= {
    "cut": clip_of("genuine-part", *CUT, "cut.mp4"),
    "cut_of_h264_with_b_frames": clip_of("genuine-part", *CUT, "cut.mp4", b_frames=2),
    "cut_of_h265": clip_of("genuine-part", *CUT, "cut.mp4", codec=Codec.H265, b_frames=2),
    "cut_with_sound": clip_of("genuine-part", *CUT, "cut.mp4", frames=80),
    "repacked": clip_of("genuine", *FROM, "one.mkv", "then", "-i", "one.mkv", *COPY, "two.mp4"),
    "repacked_h265": clip_of(
        "genuine", *FROM, "one.mkv", "then", "-i", "one.mkv", *COPY, "two.mp4", codec=Codec.H265, b_frames=2
    ),
    "repacked_through_mpegts": clip_of("genuine", *FROM, "one.ts", "then", "-i", "one.ts", *COPY, "two.mp4"),
    "cut_after_repacking": clip_of(
        "genuine-part", *FROM, "one.mkv", "then", "-ss", "2", "-t", "1", "-i", "one.mkv", *COPY, "two.mp4"
    ),
    "in_fragments": clip_of("genuine", *FROM, *FRAGMENTS, "parts.mp4"),
    "in_old_fragments": clip_of("genuine", *FROM, "-movflags", "frag_keyframe+empty_moov", "parts.mp4"),
    "index_first": clip_of("genuine", *FROM, "-movflags", "faststart", "first.mp4"),
    "cut_in_fragments": clip_of("genuine-part", *CUT, *FRAGMENTS, "parts.mp4"),
    "encoded_again": clip_of("unknown", "-i", "clip.mp4", "-c:v", "libx264", "other.mp4"),
    "of_another_codec": clip_of("unknown", "-i", "clip.mp4", "-c:v", "mpeg4", "other.mp4"),
    "sound_laid_under": clip_of(
        "genuine", "-i", "clip.mp4", "-f", "lavfi", "-i", "sine=duration=3", "-c:v", "copy", "-c:a", "aac", "loud.mp4"
    ),
    "sound_taken_out": clip_of("genuine", *FROM, "-an", "silent.mp4", frames=80),
    "sound_encoded_again": clip_of("altered", "-i", "clip.mp4", "-c:v", "copy", "-c:a", "aac", "loud.mp4", frames=80),
    "sound_of_another_codec": clip_of(
        "altered", "-i", "clip.mp4", "-c:v", "copy", "-c:a", "ac3", "loud.mp4", frames=80
    ),
    "other_cropping": clip_of("altered", *FROM, "-bsf:v", "h264_metadata=crop_left=160", "narrow.mp4"),
    "left_out_in_the_middle": clip_of(
        "altered",
        *(*FROM, "-t", "0.9", "a.ts", "then", "-ss", "4", "-i", "clip.mp4", *COPY, "b.ts", "then"),
        *("-i", "concat:a.ts|b.ts", *COPY, "both.mp4"),
    ),
    "twice_the_same": clip_of(
        "altered",
        *(*FROM, "-t", "0.9", "a.ts", "then", "-i", "concat:a.ts|a.ts", *COPY, "both.mp4"),
    ),
}


@case
def the_handed_over_clip_itself(bundles: HandedOver, folder: Path) -> Case:
    """Under another name."""
    (folder.parent / "renamed.mp4").write_bytes(bundles().files["clip.mp4"])
    return Case("unchanged", bundles().copy(folder), folder.parent / "renamed.mp4")


@case
def a_cut_of_a_stream_that_the_camera_signs(bundles: HandedOver, folder: Path) -> Case:
    """Its own signature (ONVIF Media Signing) stands in SEI units: handed over and cut with the pictures, untouched."""
    signature = b"\x06" + bytes((5, 16 + 200)) + CAMERA_SIGNATURES[0] + bytes(range(1, 201)) + b"\x80"
    recording = SealedRecording(folder.parent / "signing", slot_bytes=64 << 10)
    content = pictures(Codec.H264, repeat=2)
    content = [replace(one, nals=(*one.nals[:-1], signature, one.nals[-1])) if one.is_key else one for one in content]
    recording.add_all(Codec.H264, content)
    files = unpacked(archive_of(make_job(recording, START_UTC_MS, START_UTC_MS + 4000)))
    write_files(folder, files)
    ffmpeg(folder, "-ss", "1.5", "-i", "clip.mp4", *COPY, "../cut.mp4")
    if (folder.parent / "cut.mp4").read_bytes().count(signature) != 3 or files["clip.mp4"].count(signature) != 4:
        raise AssertionError("the camera's signature did not come through")
    return Case("genuine-part", folder, folder.parent / "cut.mp4")


@case
def two_copies_put_together(bundles: HandedOver, folder: Path) -> Case:
    """One second of the first copy, the rest of the second one: genuine pictures, marks of two hand-overs."""
    given = bundles()
    second = unpacked(archive_of(replace(given.job, opening=2)))["clip.mp4"]
    work = given.copy(folder.parent / "work")
    (work / "second.mp4").write_bytes(second)
    ffmpeg(work, *FROM, "-frames:v", "30", "a.ts")
    ffmpeg(work, "-ss", "1.5", "-i", "second.mp4", *COPY, "b.ts")
    ffmpeg(work, "-i", "concat:a.ts|b.ts", *COPY, "both.mp4")
    return Case("genuine", given.copy(folder), work / "both.mp4")


@case
def a_mark_that_was_made_up(bundles: HandedOver, folder: Path) -> Case:
    """The mark names another copy than the recorder signed; the pictures are the recorder's."""
    clip = bundles().files["clip.mp4"]
    opening = MARK_UUID + b"\1" + bundles().recording.recorder_id
    if b"\0\0\3\0\1" not in clip or opening not in clip:
        raise AssertionError("the mark stands there in another form")
    changed, at = bytearray(clip), -1
    while (at := changed.find(opening, at + 1)) >= 0:
        place = changed.index(b"\0\0\3\0\1", at)
        changed[place + 4] = 7
    return Case("genuine", bundles().copy(folder, clip__mp4=bytes(changed)))


@case
def a_clip_of_another_recorder(bundles: HandedOver, folder: Path) -> Case:
    """The same format, other pictures."""
    stranger = SealedRecording(folder.parent / "stranger")
    stranger.add(Codec.H264, pictures(Codec.H264, width=480))
    job = make_job(stranger, START_UTC_MS, START_UTC_MS + 2000)
    (folder.parent / "foreign.mp4").write_bytes(unpacked(archive_of(job))["clip.mp4"])
    return Case("unknown", bundles().copy(folder), folder.parent / "foreign.mp4")


@case
def a_clip_of_lengths_without_end(bundles: HandedOver, folder: Path) -> Case:
    """An index that says to be longer than the file: what is there is read."""
    clip = bytearray(bundles().files["clip.mp4"])
    at = clip.index(b"moov") - 4
    clip[at : at + 4] = struct.pack(">I", 0xFFFFFFF0)
    (folder.parent / "long.mp4").write_bytes(clip)
    return Case("genuine", bundles().copy(folder), folder.parent / "long.mp4")


@case
def a_clip_cut_off_behind_its_index(bundles: HandedOver, folder: Path) -> Case:
    """The index stands first, and the file ends in the middle of the pictures."""
    bundles().copy(folder)
    ffmpeg(folder, *FROM, "-movflags", "faststart", "first.mp4")
    whole = (folder / "first.mp4").read_bytes()
    (folder / "first.mp4").unlink()
    (folder.parent / "half.mp4").write_bytes(whole[: len(whole) // 2])
    return Case("altered", folder, folder.parent / "half.mp4")
