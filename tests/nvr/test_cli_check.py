"""`kuramori check`: clean volumes are said to be clean, broken ones are named, unreadable ones are told apart."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

from kuramori.cli.main import build
from kuramori_segments.limits import BLOCK_BYTES
from kuramori_segments.volume import Volume
from tests.fakes.configuration import CAMERA, configuration_text
from tests.fakes.segment_maker import RECORDER_ID, SegmentMaker
from tests.fakes.segments import DEVICE_KEY

SLOT_BYTES = 128 << 10
NOW = 1_800_000_000_000


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(), ["check", *map(str, arguments)])


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume file with some finished segments."""
    path = tmp_path / "ring"
    made = Volume.create_file(
        path,
        size_bytes=3 << 20,
        slot_bytes=SLOT_BYTES,
        volume_id=b"v" * 16,
        recorder_id=RECORDER_ID,
        created_utc_ms=NOW,
    )
    maker = SegmentMaker(made, 2, random.Random(1), NOW)
    for _ in range(5):
        maker.tick()
    maker.tick(close=True)
    made.flush()
    made.close()
    return path


def certificate(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "recorder")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    path.write_bytes(made)
    return path


def flip(path: Path, offset_bytes: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset_bytes)
        byte = file.read(1)[0]
        file.seek(offset_bytes)
        file.write(bytes([byte ^ 1]))


def chunk_offset() -> int:
    return (1 << 20) + BLOCK_BYTES + 500  # in the first chunk of slot 0


def test_a_clean_volume_is_said_to_be_clean(volume: Path, tmp_path: Path) -> None:
    """Exit code 0 and one sentence; with the certificate signatures are checked too."""
    result = run("--volume", volume, "--certificate", certificate(tmp_path / "device.pem", DEVICE_KEY))
    assert result.exit_code == 0
    assert "nothing is wrong" in result.stdout
    assert "Signatures were not checked" not in result.stdout


def test_checks_what_a_configuration_names(volume: Path, tmp_path: Path) -> None:
    """With --config volumes and certificate are those of the recorder."""
    (tmp_path / "kuramori.toml").write_text(configuration_text(CAMERA).replace('"volume0"', f'"{volume}"'))
    (tmp_path / "state").mkdir(mode=0o700)
    certificate(tmp_path / "state" / "device_certificate.pem", DEVICE_KEY)
    result = run("--config", tmp_path / "kuramori.toml")
    assert result.exit_code == 0, result.stderr
    assert f"{volume}: nothing is wrong." in result.stdout
    assert "Signatures" not in result.stdout


def test_says_when_signatures_were_not_checked(volume: Path) -> None:
    """Without certificate the reader is told what was left out."""
    result = run("--volume", volume)
    assert result.exit_code == 0
    assert "Signatures were not checked" in result.stdout


def test_names_what_is_broken(volume: Path) -> None:
    """Exit code 1, a row per finding with slot, camera and name, and the count."""
    flip(volume, chunk_offset())
    result = run("--volume", volume)
    assert result.exit_code == 1
    assert "chunk_checksum" in result.stdout
    assert "findings: 1" in result.stdout


def test_speaks_japanese(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a Japanese environment table and sentences are Japanese."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "問題はありません" in run("--volume", volume).stdout
    flip(volume, chunk_offset())
    result = run("--volume", volume)
    assert "問題 1件" in result.stdout
    assert "セグメントの一部が破損または改変" in result.stdout


def test_answers_a_program(volume: Path) -> None:
    """--json gives every finding with kind and place, the exit code is the same."""
    flip(volume, chunk_offset())
    result = run("--volume", volume, "--json")
    assert result.exit_code == 1
    (checked,) = json.loads(result.stdout)["volumes"]
    (finding,) = checked["findings"]
    assert checked["volume"] == str(volume)
    assert (finding["kind"], finding["slot"]) == ("chunk_checksum", 0)
    assert (1 << 20) <= finding["offset_bytes"] <= chunk_offset()


def test_names_a_forged_signer(volume: Path, tmp_path: Path) -> None:
    """Another recorder's certificate: every segment is signed by an unknown key."""
    other = certificate(tmp_path / "other.pem", ec.derive_private_key(5, ec.SECP256R1()))
    result = run("--volume", volume, "--certificate", other, "--json")
    kinds = {finding["kind"] for finding in json.loads(result.stdout)["volumes"][0]["findings"]}
    assert (result.exit_code, kinds) == (1, {"device_key_unknown"})


@pytest.mark.parametrize("content", [b"", b"hello" * 5000])
def test_what_is_no_volume_is_a_finding(tmp_path: Path, content: bytes) -> None:
    """A file that is no volume has one finding."""
    (tmp_path / "ring").write_bytes(content)
    result = run("--volume", tmp_path / "ring", "--json")
    assert result.exit_code == 1
    assert [f["kind"] for f in json.loads(result.stdout)["volumes"][0]["findings"]] == ["no_superblock"]


def test_what_cannot_be_read_is_told_apart(volume: Path, tmp_path: Path) -> None:
    """A missing volume, a missing certificate, a bad configuration: exit code 2 and one clear text."""
    (tmp_path / "bad.pem").write_text("nothing")
    for arguments in (
        ("--volume", tmp_path / "nowhere"),
        ("--volume", volume, "--certificate", tmp_path / "nowhere.pem"),
        ("--volume", volume, "--certificate", tmp_path / "bad.pem"),
        ("--config", tmp_path / "nowhere.toml"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert "nowhere" in result.stderr or "bad.pem" in result.stderr
        assert result.stdout == ""
