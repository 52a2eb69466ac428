"""Bundles as recipients have them: made once by the real worker, then copied, changed, cut and packed anew."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from kuramori.capture.source import Codec
from kuramori.clips.cms import sign_detached
from kuramori.messages import SegmentState
from kuramori_segments.canonical_json import canonical
from tests.fakes.bundles import archive_of, unpacked, write_files
from tests.fakes.sealed_recording import START_UTC_MS, SealedRecording, heard, make_job, pictures
from tests.peers import require_program

HandedOver = Callable[..., "Given"]


class Given:
    """A bundle in a folder of its own, and whose it is. `frames`: of sound, recorded by decision."""

    def __init__(self, folder: Path, codec: Codec, b_frames: int, state: SegmentState, frames: int = 0) -> None:
        recording = SealedRecording(folder / "recorder", slot_bytes=64 << 10)
        how: dict[str, Any] = {"state": state}
        if frames:
            how["track"], how["sound"] = heard(frames)
        recording.add_all(codec, pictures(codec, b_frames=b_frames, repeat=3), **how)
        self.recording = recording
        self.job = make_job(recording, START_UTC_MS + 500, START_UTC_MS + 5500)
        self.archive = folder / "bundle.tar"
        self.archive.write_bytes(archive_of(self.job))
        self.files = unpacked(self.archive.read_bytes())

    def copy(self, folder: Path, **changes: bytes) -> Path:
        """Write its files, some of them changed."""
        return write_files(folder, self.files | {name.replace("__", "."): data for name, data in changes.items()})

    def signed_anew(
        self,
        folder: Path,
        change: Callable[[dict[str, Any]], object],
        key: ec.EllipticCurvePrivateKey | None = None,
        certificate: x509.Certificate | None = None,
    ) -> Path:
        """Write its files with a changed manifest, signed by the recorder or by somebody else."""
        plain = json.loads(self.files["manifest.json"])
        change(plain)
        manifest = canonical(plain)
        signature = sign_detached(manifest, certificate or self.recording.certificate, key or self.recording.key)
        return self.copy(folder, manifest__json=manifest, manifest__p7s=signature)


def ffmpeg(folder: Path, *arguments: str) -> None:
    """Run ffmpeg in a folder."""
    command = [require_program("ffmpeg"), "-v", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, cwd=folder, check=True, timeout=60)


def altered_slice(clip: bytes) -> bytes:
    """Return the clip with one bit of one slice in its middle changed."""
    changed = bytearray(clip)
    changed[len(clip) // 2] ^= 1
    return bytes(changed)
