"""Bad requests, keys and bundles at a running service: one clear sentence each, and recording and register go on."""

import asyncio
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kuramori.messages import SpanKind
from kuramori_segments.custodian_key import LEAST_COST, seal_key_file
from tests.end_to_end.commands import Typed, contents, typed
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.simulated import simulated_cameras

PASSPHRASE = "correct horse battery staple"
HANDLER, MANAGER = "Suzuki Ichiro", "Sato Hanako"
CLIP_SECONDS = 3
EXIT_CONFIGURATION = 78


@dataclass(slots=True)
class Office:
    """A running service with one request that was granted, approved and taken."""

    installation: Installation
    folder: Path
    begin: float
    number: str = ""

    def run(self, *words: object, japanese: bool = False) -> Typed:
        """Type a command for this recorder."""
        return typed(*words, "--config", self.installation.config_path, japanese=japanese, home=self.folder)

    def good(self, *words: object) -> str:
        """Type a command that must succeed."""
        answer = self.run(*words)
        assert answer.code == 0, answer
        return answer.out

    def request(self, *more: object, begin: float | None = None, japanese: bool = False) -> Typed:
        """File a request for some seconds; `more` says on which ground."""
        start = self.begin if begin is None else begin
        words = ["request", "--as", HANDLER, "--camera", "gate", "--recipient", "Takahashi", "--purpose", "theft"]
        words += ["--identity-check", "police ID"]
        words += ["--witness", MANAGER, "--from", written(start), "--to", written(start + CLIP_SECONDS)]
        return self.run(*words, *more, japanese=japanese)

    def approve(self, number: str, custodian: int, passphrase: str = PASSPHRASE) -> Typed:
        """Approve as custodian n."""
        assert self.installation.custodians is not None
        key, secret = self.folder / f"custodian{custodian}.key", self.folder / "passphrase"
        if not key.exists():
            key.write_bytes(seal_key_file(self.installation.custodians.keys[custodian - 1], PASSPHRASE, LEAST_COST))
        secret.touch(mode=0o600)
        secret.write_text(passphrase)
        return self.run("approve", number, "--key", key, "--passphrase-file", secret, "--yes")

    def clip(self, number: str, out: Path, key: Path | None = None) -> Typed:
        """Take the bundle."""
        extraction_key = key or self.folder / "extraction.key"
        return self.run("clip", number, "--as", HANDLER, "--extraction-key", extraction_key, "--out", out)

    def entries(self) -> list[str]:
        """Return the kinds of the register's entries, without receipts of erasure: those come by themselves."""
        kinds = [entry["kind"] for entry in json.loads(self.good("register", "--as", MANAGER, "--json"))]
        return [kind for kind in kinds if kind != "erased"]


def written(seconds: float) -> str:
    """A time as a person writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") + "Z"


GROUND = ("--ground", "investigation", "--document", "No. 1")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The whole service; a first request went all the way, with a refusal at each step before it was ready."""
    folder = tmp_path_factory.mktemp("office")
    with simulated_cameras(folder / "cache", 1) as (url,):
        made = Installation(folder / "site", [CameraAt("gate", url)], volume_size="400 MiB").make()
        made.start(whole_service=True)
        try:
            asyncio.run(made.until_recording())
            its = Office(made, folder, time.time())
            yield its
            assert_unbroken(made)
            assert "none changed or removed" in its.good("register", "--as", MANAGER, "--verify")
        finally:
            made.stop()


def assert_unbroken(installation: Installation) -> None:
    """Everything above cost no second of recording and no process."""
    now = int(time.time() * 1000)
    spans = asyncio.run(installation.recorder.coverage("gate", now - 600_000, now)).spans
    assert [span.kind for span in spans] == [SpanKind.GAP, SpanKind.RECORDED]
    assert not installation.events("process_died")
    assert not installation.events("request_failed")


def test_no_step_of_a_request_can_be_skipped(office: Office) -> None:
    """Too early, wrong person, wrong passphrase, one custodian twice, no place for the clip: refused, then it works."""
    time.sleep(max(0.0, office.begin + CLIP_SECONDS + 2 - time.time()))  # the minutes asked for have to pass
    filed = office.request(*GROUND, "--out-key", office.folder / "extraction.key")
    found = re.search(r"\d{8}-\d+", filed.out)
    assert found is not None, filed
    office.number = number = found[0]
    out = office.folder / "bundle"
    assert "has not been granted" in office.approve(number, 1).refusal()
    assert HANDLER in office.run("decide", number, "--as", HANDLER, "--grant", "--reason", "x").refusal()
    office.good("decide", number, "--as", MANAGER, "--grant", "--reason", "in order")
    wrong = office.approve(number, 1, "not the right passphrase").refusal()
    assert wrong.endswith("custodian1.key: The passphrase does not open this key file.")
    assert office.approve(number, 1).code == 0
    assert "Custodian 1 has approved request" in office.approve(number, 1).refusal()
    assert "1 of the 2 approvals" in office.clip(number, out).refusal()
    assert office.approve(number, 2).code == 0
    before = office.entries()
    assert "nothing was opened" in office.clip(number, Path("/proc/bundle")).refusal()
    assert "cannot be used" in office.clip(number, out, office.folder / "no.key").refusal()
    assert office.entries() == before
    assert not out.exists()
    assert office.clip(number, out).code == 0
    assert "exists already" in office.clip(number, out).refusal()
    assert sorted(path.name for path in office.folder.glob("bundle*")) == ["bundle"]
    kinds = ["filed", "hold_placed", "decided", "approved", "approved", "opened", "released", "bundle_written"]
    assert [kind for kind in office.entries() if kind in kinds] == kinds


@pytest.mark.parametrize(
    ("more", "english", "japanese"),
    [
        ((), "A request without a ground is refused; the grounds are: law, ", "根拠法令等のない請求"),
        (("--ground", "curiosity"), "knows no such ground", "根拠"),
        (("--ground", "investigation"), "needs the authority's official document", "文書"),
    ],
)
def test_a_request_without_its_ground_is_refused_and_registered(
    office: Office, more: tuple[str, ...], english: str, japanese: str
) -> None:
    """In both languages; each refusal stands in the register, and no key is left on the handler's machine."""
    before, key = office.entries(), office.folder / "refused.key"
    assert english in office.request(*more, "--out-key", key).refusal()
    assert japanese in office.request(*more, "--out-key", key, japanese=True).refusal()
    assert not key.exists()
    assert office.entries() == [*before, "refused", "refused"]


def test_a_request_for_what_is_not_there_changes_nothing(office: Office) -> None:
    """No recording in the range, no such camera, a path as camera, a time that is none, a number that is none."""
    before, key = office.entries(), office.folder / "none.key"
    year_2020 = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    empty = office.request(*GROUND, "--out-key", key, begin=year_2020)
    assert empty.refusal() == "Nothing is recorded of gate in this range; see: kuramori coverage"
    future = office.request(*GROUND, "--out-key", key, begin=time.time() + 3600).refusal()
    assert "future" in future
    for camera in ("../../etc/passwd", "gate\x1b[2J"):
        words = ["--recipient", "T", "--purpose", "p", "--from", "-10s", "--to", "-5s", "--out-key", key, *GROUND]
        said = office.run("request", "--as", HANDLER, "--camera", camera, *words).refusal()
        assert "there is no camera" in said
        assert "\x1b" not in said
    said = office.run("decide", "../../status", "--as", MANAGER, "--grant", "--reason", "x").refusal()
    assert "is not the number of a request" in said
    assert not key.exists()
    assert office.entries() == before


def _cut_off(bundle: Path) -> None:
    with (bundle / "clip.mp4").open("r+b") as file:
        file.truncate(1000)


def _changed_picture(bundle: Path) -> None:
    clip = bundle / "clip.mp4"
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.write_bytes(content)


def _changed_manifest(bundle: Path) -> None:
    manifest = bundle / "manifest.json"
    manifest.write_text(manifest.read_text().replace("gate", "yard"))


def _without_signature(bundle: Path) -> None:
    (bundle / "manifest.p7s").unlink()


def _empty(bundle: Path) -> None:
    shutil.rmtree(bundle)
    bundle.mkdir()


@pytest.mark.parametrize(
    ("harm", "code", "said"),
    [
        (_cut_off, 30, "NOT VERIFIABLE: this is no whole bundle (clip.mp4 is cut off)."),
        (_changed_picture, 20, "ALTERED: pictures were changed at "),
        (_changed_manifest, 31, "NOT GENUINE: signature or proof does not fit (manifest.json)."),
        (_without_signature, 30, "NOT VERIFIABLE: this is no whole bundle (manifest.p7s is missing)."),
        (_empty, 30, "NOT VERIFIABLE: this is no whole bundle (manifest.json is missing)."),
    ],
)
def test_a_truncated_or_forged_bundle_is_told(
    office: Office, tmp_path: Path, harm: Callable[[Path], None], code: int, said: str
) -> None:
    """The verdict is the first line, the exit code says it to programs, and the bundle is as it was."""
    bundle = tmp_path / "bundle"
    shutil.copytree(office.folder / "bundle", bundle)
    harm(bundle)
    before = contents(tmp_path)
    answer = typed("verify", bundle)
    assert (answer.code, answer.err) == (code, "")
    assert answer.out.splitlines()[0].startswith(said)
    assert contents(tmp_path) == before


def test_what_is_no_file_is_not_verified(office: Office, tmp_path: Path) -> None:
    """A pipe, an endless device, nothing at all: wrong use, said at once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    bundle = office.folder / "bundle"
    for words in ([pipe], [bundle, "--clip", "/dev/zero"], [tmp_path / "nothing"]):
        assert str(words[-1]) in typed("verify", *words).refusal(2)


def test_a_second_service_on_the_same_recorder_is_refused(office: Office) -> None:
    """The first one keeps its sockets and goes on."""
    places = office.installation.places
    sockets = (places.recorder_socket, places.door_socket, places.desk_socket)
    before = [path.stat().st_ino for path in sockets]
    said = office.run("run").refusal(EXIT_CONFIGURATION)
    assert "A service runs in" in said
    assert "already" in office.run("init").refusal()
    assert [path.stat().st_ino for path in sockets] == before
    assert "recording" in office.good("status")


def test_no_secret_is_where_others_could_read_it(office: Office) -> None:
    """Not in a process's arguments or environment, not in the log; sockets, folders and files are for their owner."""
    installation = office.installation
    assert installation.process is not None
    for pid in (str(installation.process.pid), *_children(installation.process.pid)):
        for name in ("cmdline", "environ"):
            assert PASSPHRASE.encode() not in Path("/proc", pid, name).read_bytes()
    assert PASSPHRASE not in installation.log_path.read_text()
    places = installation.places
    modes = {path: path.stat().st_mode & 0o777 for path in (places.recorder_socket, places.door_socket)}
    assert set(modes.values()) == {0o600}
    assert places.desk_socket.stat().st_mode & 0o007 == 0
    assert places.runtime.stat().st_mode & 0o007 == 0
    for folder in (places.state, places.cell, places.keystore):
        assert folder.stat().st_mode & 0o077 == 0
    public = {places.device_certificate}
    loose = [path for path in places.state.rglob("*") if path.stat().st_mode & 0o077 and path not in public]
    assert not loose


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
