"""The doctor: each thing that can be wrong has its finding, says what to do, and decides the exit code."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kuramori import setup
from kuramori.cli.main import build
from kuramori.doctor.checks import ALL_CHECKS
from kuramori.doctor.examination import Case, examine
from kuramori.doctor.finding import Finding, Severity, worst
from kuramori.doctor.machine import Machine
from kuramori.doctor.service_checks import camera_finding, check_processes, recorder_findings
from kuramori.messages import CameraState, CameraStatus, RecorderStatus, VolumeStatus
from kuramori.places import Places
from kuramori.supervisor import REPORT_NAME
from kuramori_config.load import parse_configuration
from tests.fakes.configuration import CAMERA, configuration_text
from tests.fakes.custodians import DAY_MS, make_custodians

NOW = 1_700_000_000_000
STAFF = '\n[[person]]\nname = "Tanaka Yuki"\ntitle = "Section"\nroles = ["handler"]\n'


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return a recorder that is set up and stopped, on a machine that is well."""
    make_custodians(tmp_path, NOW)
    return case_of(tmp_path, configuration_text(STAFF))


def case_of(folder: Path, text: str, *, set_up: bool = True) -> Case:
    """Return a case for a configuration whose places lie in `folder`."""
    text = text.replace('cell_directory = "cell"', 'cell_directory = "cell"\nfor_trial = true')
    text = text.replace('secrets_directory = "secrets"', 'secrets_directory = "secrets"\nledger_mirror = "mirror.db"')
    file = folder / "kuramori.toml"
    file.write_text(text, encoding="utf-8")
    configuration = parse_configuration(text, file)
    if set_up:
        setup.set_up(configuration, NOW)
    machine = Machine(NOW, os.geteuid(), True, (), frozenset({os.getpid()}))
    return Case(file, configuration, Places.of(configuration), machine, None)


def found(case: Case, code: str) -> list[Finding]:
    """Return the findings of that code from a whole examination."""
    return [finding for finding in examine(case, ALL_CHECKS) if finding.code == code]


class TestASoundRecorder:
    """What is well is said too."""

    def test_a_stopped_recorder_on_a_trial_cell(self, case: Case) -> None:
        """Nothing is wrong but that it is not running, has no camera, and that its cell is a trial."""
        wrong = {finding.code for finding in examine(case, ALL_CHECKS) if finding.severity is not Severity.FINE}
        assert wrong == {"no-cameras", "tier", "not-running"}

    def test_the_tier_is_said_with_what_would_raise_it(self, case: Case) -> None:
        """The claim and the advice stand together."""
        tier = found(case, "tier")[0]
        assert "E0" in tier.text
        assert "device of its own" in tier.advice

    def test_every_finding_that_is_not_fine_says_what_to_do(self, case: Case) -> None:
        """No complaint without advice."""
        assert all(finding.advice for finding in examine(case, ALL_CHECKS) if finding.severity is not Severity.FINE)

    def test_examining_changes_nothing(self, case: Case) -> None:
        """Every file is the same afterwards."""
        folder = case.file.parent
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        examine(case, ALL_CHECKS)
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


class TestTheSite:
    """What people decided."""

    def test_a_ring_that_is_too_short_is_said_in_days(self, tmp_path: Path) -> None:
        """Requirement K3, as a warning: recording goes on."""
        finding = found(case_of(tmp_path, configuration_text(STAFF, CAMERA), set_up=False), "ring-too-short")[0]
        assert "of the 14 days" in finding.text
        assert finding.severity is Severity.WARNING

    def test_a_site_without_handler(self, tmp_path: Path) -> None:
        """Nobody could file a request, and one person alone may not open."""
        case = case_of(tmp_path, configuration_text(), set_up=False)
        assert found(case, "no-handler")
        assert found(case, "too-few-staff")

    def test_a_camera_whose_secret_is_missing(self, tmp_path: Path) -> None:
        """The camera is named, and where the secret was looked for."""
        camera = CAMERA + 'user = "recorder"\npassword = "gate-password"\n'
        case = case_of(tmp_path, configuration_text(STAFF, camera), set_up=False)
        assert "camera gate" in found(case, "secret-refused")[0].text
        assert case.places.secrets.name in found(case, "secret-refused")[0].text
        case.places.secrets.mkdir()
        (case.places.secrets / "gate-password").write_bytes(b"hush")
        (case.places.secrets / "gate-password").chmod(0o600)
        assert not found(case, "secret-refused")

    def test_what_is_promised_less_over_udp(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each camera with transport av is named with what holds less for it; that alone makes nothing worse."""
        camera = CAMERA + 'transport = "av"\n'
        case = case_of(tmp_path, configuration_text(STAFF, camera, CAMERA.replace("gate", "yard")), set_up=False)
        (finding,) = found(case, "av-promises-less")
        assert finding.severity is Severity.FINE
        for promise in ("gate", "lost packets", "dated", "own clock", "encrypted", "sound", "process", "memory"):
            assert promise.replace("memory", "40 MB") in finding.text
        assert "transport = native" in finding.advice
        monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
        (finding,) = found(case, "av-promises-less")
        for promise in ("gate", "欠落", "時刻", "時計", "暗号化", "音声", "プロセス", "メモリー"):
            assert promise in finding.text

    def test_udp_with_tls_is_a_contradiction(self, tmp_path: Path) -> None:
        """The camera would never be recorded."""
        camera = CAMERA.replace("rtsp://", "rtsps://") + 'transport = "av"\n'
        (finding,) = found(case_of(tmp_path, configuration_text(STAFF, camera), set_up=False), "av-speaks-no-tls")
        assert finding.severity is Severity.ERROR
        assert "gate" in finding.text


class TestTheStorage:
    """What `kuramori init` made."""

    def test_nothing_is_set_up(self, tmp_path: Path) -> None:
        """The command that sets up is named."""
        case = case_of(tmp_path, configuration_text(STAFF), set_up=False)
        assert "kuramori init" in found(case, "not-set-up")[0].advice

    def test_an_unfinished_set_up(self, case: Case) -> None:
        """A set-up without identity but with its note is called unfinished."""
        case.places.identity.rename(case.places.unfinished)
        assert found(case, "set-up-unfinished")

    def test_a_damaged_identity(self, case: Case) -> None:
        """A damaged identity is restored, never made anew."""
        case.places.identity.write_bytes(b"{}")
        assert "copy" in found(case, "identity-damaged")[0].advice

    def test_a_key_that_others_can_read(self, case: Case) -> None:
        """The mode is named, and the command that corrects it."""
        case.places.device_key.chmod(0o644)
        assert found(case, "open-to-others")[0].advice == f"chmod 0600 {case.places.device_key}"

    def test_another_account(self, case: Case) -> None:
        """Files of another account are pointed out."""
        other = replace(case, machine=replace(case.machine, account=case.machine.account + 1))
        assert found(other, "foreign-owner")

    def test_a_missing_volume(self, case: Case) -> None:
        """A volume that is not there is an error."""
        case.places.volumes[0].unlink()
        assert found(case, "volume-unusable")[0].severity is Severity.ERROR

    def test_a_volume_of_another_recorder(self, case: Case) -> None:
        """A volume whose superblock names another recorder is an error."""
        text = case.places.identity.read_text()
        identity = json.loads(text)
        case.places.identity.write_text(text.replace(identity["recorder_id"], "00" * 16))
        assert found(case, "volume-of-another-recorder")

    def test_a_volume_that_the_configuration_has_outgrown(self, case: Case) -> None:
        """A larger size in the configuration does not enlarge the volume."""
        case = case_of(case.file.parent, configuration_text(STAFF).replace("64 MiB", "640 MiB"), set_up=False)
        assert found(case, "volume-smaller-than-configured")

    @pytest.mark.parametrize(
        ("days", "code"), [(290, ""), (310, "custodian-card-expires"), (366, "custodians-expired")]
    )
    def test_cards_that_expire(self, case: Case, days: int, code: str) -> None:
        """Two months before a card expires it is said; when too few are valid it is an error."""
        later = replace(case, machine=replace(case.machine, utc_ms=NOW + days * DAY_MS))
        codes = {finding.code for finding in examine(later, ALL_CHECKS)}
        assert codes.intersection({"custodian-card-expires", "custodians-expired"}) == ({code} if code else set())

    def test_a_damaged_custodian_set(self, case: Case) -> None:
        """A set that cannot be read keeps the recorder from sealing."""
        case.places.custodians.write_bytes(b"{}")
        assert found(case, "custodians-unreadable")

    def test_a_lost_cell(self, case: Case) -> None:
        """A keystore whose root is gone is an error."""
        for cell in case.places.cell.iterdir():
            cell.unlink()
        assert found(case, "keystore-closed")[0].severity is Severity.ERROR

    def test_a_ledger_without_mirror(self, case: Case) -> None:
        """A mirror that is not there, or not configured, is a warning."""
        assert case.places.ledger_mirror is not None
        case.places.ledger_mirror.unlink()
        assert found(case, "ledger-mirror-missing")
        assert found(replace(case, places=replace(case.places, ledger_mirror=None)), "no-ledger-mirror")


class TestTheMachine:
    """Clock and memory."""

    @pytest.mark.parametrize(("synchronised", "code"), [(False, "clock-not-synchronised"), (True, "clock")])
    def test_the_clock(self, case: Case, synchronised: bool, code: str) -> None:
        """A clock that nothing keeps right is a warning."""
        assert found(replace(case, machine=replace(case.machine, clock_synchronised=synchronised)), code)

    def test_swap_in_clear(self, case: Case) -> None:
        """Swap that is not in memory or mapped may hold pictures."""
        swapping = replace(case, machine=replace(case.machine, swap=("/dev/sda2", "/dev/zram0")))
        assert "/dev/sda2" in found(swapping, "swap-in-clear")[0].text
        assert "zram" not in found(swapping, "swap-in-clear")[0].text

    def test_the_kernel_is_asked(self, tmp_path: Path) -> None:
        """Swap and processes are read from /proc."""
        (tmp_path / "swaps").write_text("Filename Type Size\n/dev/sda2 partition 1 0 -2\n")
        (tmp_path / "12").mkdir()
        looked = Machine.look(NOW, tmp_path)
        assert (looked.swap, looked.running) == (("/dev/sda2",), frozenset({12}))


@pytest.fixture
def listening(case: Case) -> Iterator[Case]:
    """Let this test stand for the service: three sockets that listen, and the supervisor's report."""
    places = case.places
    places.runtime.mkdir()
    sockets = []
    for path in (places.recorder_socket, places.door_socket, places.desk_socket):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
        sockets.append(listener)
    report(case, 0)
    yield case
    for listener in sockets:
        listener.close()


def report(case: Case, restarts: int) -> None:
    """Write the supervisor's report: all processes are this one."""
    processes = {name: {"pid": os.getpid(), "restarts": restarts} for name in ("recorder", "door", "desk")}
    content = json.dumps({"supervisor_pid": os.getpid(), "processes": processes})
    (case.places.runtime / REPORT_NAME).write_text(content)


class TestTheService:
    """The three processes and what the recorder says."""

    def codes(self, case: Case) -> list[str]:
        """Return the codes of the process check."""
        return [finding.code for finding in check_processes(case)]

    def test_all_three_run(self, listening: Case) -> None:
        """Each process that runs and answers is well."""
        assert self.codes(listening) == ["process"] * 3

    def test_one_died_again_and_again(self, listening: Case) -> None:
        """Restarts are a warning."""
        report(listening, 4)
        assert self.codes(listening) == ["process-restarted"] * 3

    def test_one_does_not_answer(self, listening: Case) -> None:
        """A process whose socket is gone is an error."""
        listening.places.desk_socket.unlink()
        assert self.codes(listening) == ["process", "process", "process-silent"]

    def test_a_report_of_a_dead_supervisor_counts_for_nothing(self, listening: Case) -> None:
        """What a supervisor left behind when it was killed is not believed."""
        dead = replace(listening, machine=replace(listening.machine, running=frozenset()))
        assert self.codes(dead) == ["no-supervisor"]
        dead.places.recorder_socket.unlink()
        assert self.codes(dead) == ["not-running"]

    @pytest.mark.parametrize("content", [b"", b"[]", b'{"supervisor_pid": "x"}', b'{"processes": 3}', b"\xff"])
    def test_a_damaged_report_counts_for_nothing(self, listening: Case, content: bytes) -> None:
        """Whatever stands in the report, the doctor says something."""
        (listening.places.runtime / REPORT_NAME).write_bytes(content)
        assert self.codes(listening) == ["no-supervisor"]


SOUND = RecorderStatus(
    recorder_id=b"r" * 16,
    utc_ms=NOW,
    started_utc_ms=NOW - 1000,
    recording=True,
    custodian_set_id=b"s" * 16,
    threshold=2,
    custodians=3,
    erasure_tier="E2",
    clock_trusted=True,
    volumes=(VolumeStatus("/v", 16 << 20, 100, 100, 50, 0, 0, healthy=True),),
)
RECORDING = CameraStatus("gate", 1, CameraState.RECORDING, NOW - 5000, last_durable_utc_ms=NOW - 900)


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (SOUND, []),
        (replace(SOUND, recording=False), ["not-recording"]),
        (replace(SOUND, clock_trusted=False), ["clock-not-trusted"]),
        (replace(SOUND, problems=("the mirror is gone",)), ["recorder-problem"]),
        (replace(SOUND, volumes=(replace(SOUND.volumes[0], healthy=False),)), ["volume-failing"]),
        (replace(SOUND, volumes=(replace(SOUND.volumes[0], bad_slots=2),)), ["bad-slots"]),
    ],
)
def test_what_the_recorder_says_of_itself(status: RecorderStatus, codes: list[str]) -> None:
    """Each complaint of the recorder becomes a finding."""
    assert [finding.code for finding in recorder_findings(status)] == codes


@pytest.mark.parametrize(
    ("camera", "code"),
    [
        (RECORDING, "camera"),
        (replace(RECORDING, state=CameraState.WAITING, detail="refused"), "camera-not-recording"),
        (replace(RECORDING, last_durable_utc_ms=NOW - 60_000), "camera-late"),
        (replace(RECORDING, last_durable_utc_ms=None), "camera-late"),
        (replace(RECORDING, audio_offered=("PCMU",)), "camera-offers-audio"),
        (replace(RECORDING, audio_offered=("AAC",), setups=("video", "audio")), "camera-records-sound"),
    ],
)
def test_what_the_recorder_says_of_a_camera(camera: CameraStatus, code: str) -> None:
    """A camera that does not record, is late or offers audio is said to."""
    assert camera_finding(camera, NOW).code == code


class TestTheCommand:
    """`kuramori doctor`."""

    def test_the_exit_code_is_the_worst_finding(self, case: Case) -> None:
        """A stopped recorder ends with 2, and the JSON says the same."""
        result = CliRunner().invoke(build(), ["doctor", "--config", str(case.file), "--json"])
        document = json.loads(result.output)
        assert (result.exit_code, document["worst"]) == (2, "error")
        assert {"code", "severity", "text", "advice"} == set(document["findings"][0])

    def test_each_finding_has_its_mark_and_advice(self, case: Case) -> None:
        """What a person reads: mark, text, and what to do."""
        output = CliRunner().invoke(build(), ["doctor", "--config", str(case.file)]).output
        assert "ERROR    the service is not running" in output
        assert "→ start it: kuramori run" in output

    def test_in_japanese(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        """LANG decides the language."""
        monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
        assert "録画されていません" in CliRunner().invoke(build(), ["doctor", "--config", str(case.file)]).output

    def test_a_configuration_that_does_not_load(self, tmp_path: Path) -> None:
        """Every problem of the configuration is a finding."""
        file = tmp_path / "kuramori.toml"
        file.write_text(configuration_text().replace('"HOK"', '"X"').replace('"64 MiB"', '"1"'))
        result = CliRunner().invoke(build(), ["doctor", "--config", str(file), "--json"])
        assert result.exit_code == 2
        assert len(json.loads(result.output)["findings"]) == 2

    def test_no_findings_are_fine(self) -> None:
        """The worst of nothing is fine."""
        assert worst([]) is Severity.FINE
