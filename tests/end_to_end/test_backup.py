"""A backup of a running recorder, restored onto a bare machine: what goes on there, and what never leaves."""

import asyncio
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from kuramori.backup import sealing
from kuramori.backup.archive import Content, Part, is_part, unpack
from kuramori.capture.source import Codec
from kuramori.configuration_change import changing
from kuramori.desk.merkle_log import verify_consistency
from kuramori.desk.register import ORIGIN_PREFIX, Register
from kuramori.desk.signed_note import Checkpoint, open_checkpoint
from kuramori.numbering_floor import ACCESS_UNIT_LEAP, SEQUENCE_LEAP
from kuramori.simulator.rtsp_server import Mount
from kuramori_config.editing import with_camera
from kuramori_config.enrolled import ENROLLED_SECRETS_NAME
from kuramori_config.load import load_configuration
from kuramori_segments.erasable_cell import CELL_NAMES, open_file_cells
from kuramori_segments.keystore import Keystore
from kuramori_segments.store_files import DirectoryFiles
from tests.end_to_end.commands import Typed, contents, typed
from tests.end_to_end.installation import CameraAt, Installation
from tests.end_to_end.opening import numbers, opened
from tests.fakes.rtsp_camera import clip_material, running_camera

PASSPHRASE = "correct horse battery staple"
MANAGER = "Sato Hanako"


def plain(backup: Path) -> tuple[Content, dict[str, bytes]]:
    """Open a backup as whoever has the passphrase could."""
    found: dict[str, bytes] = {}

    def take(part: Part, piece: bytes) -> None:
        found[part.name] = found.get(part.name, b"") + piece

    content = unpack(sealing.unseal(io.BytesIO(backup.read_bytes()).read, PASSPHRASE), lambda _content: take)
    return content, found


def secrets_of_recordings(installation: Installation, uids: list[bytes]) -> list[bytes]:
    """Return every root, epoch key and segment key that a stopped recorder has."""
    places = installation.places
    assert places.cell is not None
    roots = [(places.cell / name).read_bytes()[8:40] for name in CELL_NAMES if (places.cell / name).exists()]
    store = Keystore.open(DirectoryFiles(places.keystore), open_file_cells(places.cell, (), for_trial=True))
    try:
        epochs = store.epochs()
        keys = [bytes(row[52:84]) for row in store._table._epochs.values()]
        segment_keys = [store.segment_key(epoch.epoch_id, uid) for epoch in epochs for uid in uids]
    finally:
        store.close()
    assert roots
    assert keys
    assert all(len(secret) == 32 and any(secret) for secret in (*roots, *keys, *segment_keys))
    return [*roots, *keys, *segment_keys]


@dataclass(slots=True)
class Machine:
    """An office with a recorder that has recorded a little, and the backup that was made meanwhile."""

    old: Installation
    backup: Path
    words: list[object]  # the passphrase, for a command
    checkpoint: Checkpoint  # of the register when the backup was made
    last_sequence: int
    last_unit: int
    uids: list[bytes]


async def entered(*words: object, home: Path | None = None) -> Typed:
    """Run a command while cameras and service go on."""
    return await asyncio.to_thread(typed, *words, home=home)


async def backed_up(folder: Path, camera_url: str) -> Machine:
    secret = folder / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    words: list[object] = ["--passphrase-file", secret]
    camera = CameraAt("gate", camera_url, user="viewer", password="a password of a camera")
    old = Installation(folder / "old", [camera], volume_size="400 MiB").make()
    enrol(old, camera_url)
    old.start(whole_service=True)
    backup = folder / "kuramori.backup"
    try:
        await old.until_recording()
        await old.until_desk_answers()
        made = await entered("backup", backup, "--secrets", "--as", MANAGER, "--config", old.config_path, *words)
        assert made.code == 0, made.err
        segments = await opened(old, "gate")
    finally:
        old.stop()
    register = Register.open(old.places.register, old.places.register_key, load_identity(old))
    try:
        note = register.records()[0].checkpoint
        checkpoint = open_checkpoint(note, register.verifier)
    finally:
        register.close()
    return Machine(
        old,
        backup,
        words,
        checkpoint,
        max(segment.header.sequence for segment in segments),
        max(numbers(segments)),
        [segment.header.segment_uid for segment in segments],
    )


def enrol(installation: Installation, camera_url: str) -> None:
    """Let a second camera have been taken into service at the desk."""
    with changing(installation.config_path) as file:
        file.turn_to_enrolled()
        secret = file.new_secret("enrolled.south")
        table = {"name": "south", "place": "South gate", "retention": "14 days", "rtsp": camera_url, "user": "viewer"}
        table |= {"password": secret.name, "secrets_directory": ENROLLED_SECRETS_NAME}
        file.write_secret(secret, "another password")
        file.apply(lambda text: with_camera(text, table))


def load_identity(installation: Installation) -> bytes:
    return bytes.fromhex(json.loads(installation.places.identity.read_text())["recorder_id"])


@pytest.mark.slow
async def test_a_backup_goes_on_on_a_bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made while recording, restored into empty folders: recorder, register and numbers go on, no key came along."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    async with running_camera(Mount("/gate", clip_material(Codec.H264))) as camera:
        machine = await backed_up(tmp_path, camera.url("/gate"))
        old = machine.old
        _nothing_that_opens_is_inside(machine)
        new = Installation(tmp_path / "new", old.cameras, custodians=old.custodians)
        written = typed("restore", machine.backup, "--configuration-only", "--config", new.config_path, *machine.words)
        assert written.code == 0, written.err
        assert new.config_path.read_text() == old.config_path.read_text()  # its paths are relative: other folders here
        done = typed("restore", machine.backup, "--config", new.config_path, "--as", MANAGER, *machine.words)
        assert done.code == 0, done.err
        assert "cannot be opened here" in done.out
        assert load_identity(new) == load_identity(old)
        assert (new.places.secrets / "gate").read_text() == "a password of a camera"
        assert (new.places.enrolled_secrets / "enrolled.south").read_text() == "another password"
        assert [one.name for one in load_configuration(new.config_path).cameras] == ["gate", "south"]
        doctor = typed("doctor", "--json", "--config", new.config_path)
        codes = {one["code"]: one["severity"] for one in json.loads(doctor.out)["findings"]}
        assert "identity" in codes
        assert {code for code, severity in codes.items() if severity == "error"} <= {"not-running"}, doctor.out
        new.start(whole_service=True)
        try:
            await new.until_recording()
            segments = await opened(new, "gate")
            plan = await new.recorder.plan_extraction("gate", 0, 1 << 52)
            await new.until_desk_answers()
            verified = await entered(
                "register", "--verify", "--as", MANAGER, "--config", new.config_path, home=tmp_path
            )
            assert verified.code == 0, verified.err
            listed = (await entered("register", "--as", MANAGER, "--config", new.config_path)).out
        finally:
            new.stop()
    assert "restored" in listed
    assert "backed up" in listed
    assert not {segment.segment_uid for segment in plan.segments} & set(machine.uids)
    assert min(segment.header.sequence for segment in segments) == SEQUENCE_LEAP + machine.last_sequence + 1
    assert min(numbers(segments)) > ACCESS_UNIT_LEAP
    assert min(numbers(segments)) > machine.last_unit
    _the_register_contains(machine, new)
    _the_old_pictures_stay_closed(machine, new)


def _nothing_that_opens_is_inside(machine: Machine) -> None:
    """Neither in the file nor in what the passphrase opens stands any byte of a root, an epoch key or a segment key."""
    content, parts = plain(machine.backup)
    assert all(is_part(name) for name in content.names)
    whole = b"".join(parts.values()) + machine.backup.read_bytes()
    for secret in secrets_of_recordings(machine.old, machine.uids):
        for shown in (secret, secret.hex().encode(), secret[:16], secret[16:]):
            assert shown not in whole
    for part in machine.old.places.keystore.iterdir():
        sealed = part.read_bytes()
        assert len(sealed) < 64 or sealed[64:] not in whole
    names = [path.name for path in machine.old.places.state.iterdir()]
    assert "backup-snapshot" not in names  # the copies are gone


def _the_register_contains(machine: Machine, new: Installation) -> None:
    """The register of the new machine verifies, and is proven to go on from what was seen of the old one."""
    register = Register.open(new.places.register, new.places.register_key, load_identity(new))
    try:
        register.verify()
        now = open_checkpoint(register.checkpoint, register.verifier)
        path = register.consistency_proof(machine.checkpoint.size, now.size)
        assert verify_consistency(machine.checkpoint.size, machine.checkpoint.root, now.size, now.root, path)
        assert register.verifier.name == ORIGIN_PREFIX + load_identity(machine.old).hex()
    finally:
        register.close()


def _the_old_pictures_stay_closed(machine: Machine, new: Installation) -> None:
    """No key of the new machine is one of the old machine's."""
    theirs = set(secrets_of_recordings(machine.old, machine.uids))
    assert not theirs & set(secrets_of_recordings(new, machine.uids))


@pytest.mark.slow
async def test_a_restore_overwrites_nothing_and_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorder in the way, a damaged backup, a wrong passphrase: one sentence each, and nothing is changed."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    words = ["--passphrase-file", secret]
    old = Installation(tmp_path / "old", [], volume_size="400 MiB").make()
    backup = tmp_path / "kuramori.backup"
    assert typed("backup", backup, "--config", old.config_path, *words).code == 0  # the service rests
    listed = typed("backup", backup, "--list", "--json", *words)
    assert {"ledger.db", "identity.json"} <= {part["name"] for part in json.loads(listed.out)["parts"]}
    before = contents(old.folder)
    again = typed("backup", backup, "--config", old.config_path, *words)
    assert "nothing is overwritten" in again.refusal(2)
    there = typed("restore", backup, "--config", old.config_path, *words)
    assert "set up" in there.refusal(2)
    assert contents(old.folder) == before
    bare = tmp_path / "bare"
    bare.mkdir()
    file = bare / "kuramori.toml"
    shutil.copy(old.config_path, file)
    torn = tmp_path / "torn.backup"
    data = bytearray(backup.read_bytes())
    data[-20] ^= 1
    torn.write_bytes(data)
    assert "damaged" in typed("restore", torn, "--config", file, *words).refusal(2)
    other = tmp_path / "other"
    other.write_text("another horse battery staple")
    other.chmod(0o600)
    wrong = typed("restore", backup, "--config", file, "--passphrase-file", other)
    assert "does not open this backup" in wrong.refusal(2)
    words_ja = typed("restore", backup, "--config", file, "--passphrase-file", other, japanese=True)
    assert "合言葉が違うか" in words_ja.refusal(2)
    missing = typed("restore", tmp_path / "none", "--config", file, *words)
    assert "cannot be used" in missing.refusal(2)
    assert list(contents(bare)) == ["kuramori.toml"]
    (bare / "state").mkdir(mode=0o700)
    (bare / "state" / "streams.json").write_text("{}")
    (bare / "state" / "register.db").write_bytes(b"somebody's")
    assert "bare machine" in typed("restore", backup, "--config", file, *words).refusal(2)
