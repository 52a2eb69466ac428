"""Checks of the running service: its three processes, and what the recorder says of itself and of each camera.

A stopped service is no fault of the set-up, but nothing is recorded: it is an error all the same.
"""

import asyncio
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kuramori.doctor.examination import Case
from kuramori.doctor.finding import Finding, error, fine, warning
from kuramori.messages import CameraState, CameraStatus, RecorderStatus
from kuramori.recorder_client import RecorderClient, RecorderFault
from kuramori.supervisor import REPORT_NAME
from kuramori.texts import tr

SOCKET_TIMEOUT_SECONDS = 2.0
STATUS_TIMEOUT_SECONDS = 5.0
DURABLE_LATE_SECONDS = 10.0  # a commit follows every second; a quiet camera sends a picture at least now and then
MAX_REPORT_BYTES = 65536
AUDIO_SETUP = "audio"
_START = "kuramori run"


def check_processes(case: Case) -> Iterator[Finding]:
    """Recorder, door and desk run, answer on their sockets, and have not died again and again."""
    sockets = {
        "recorder": case.places.recorder_socket,
        "door": case.places.door_socket,
        "desk": case.places.desk_socket,
    }
    report = _report(case.places.runtime / REPORT_NAME)
    if report is None or report[0] not in case.machine.running:
        if _answers(case.places.recorder_socket):
            yield warning(
                "no-supervisor",
                tr(
                    "the recorder answers, but nothing starts it again when it dies",
                    "録画機は応答しますが、監視されていません",
                ),
                tr(f"start the service as a whole: {_START}", f"{_START} でサービス全体を起動してください"),
            )
            return
        yield error(
            "not-running",
            tr("the service is not running: nothing is recorded", "サービスが停止中です。録画されていません"),
            tr(f"start it: {_START}", f"{_START} で起動してください"),
        )
        return
    for name, path in sockets.items():
        pid, restarts = report[1].get(name, (None, 0))
        if pid is None or pid not in case.machine.running or not _answers(path):
            yield error(
                "process-silent",
                tr(f"{name} does not answer on {path}", f"{name} が {path} で応答しません"),
                tr(
                    "look into its log; the supervisor starts it again",
                    "ログを確認してください（自動で再起動されます）",
                ),
            )
        elif restarts:
            yield warning(
                "process-restarted",
                tr(f"{name} runs; it was started again {restarts} times", f"{name} は稼働中（再起動 {restarts}回）"),
                tr("look into the log for the reason", "ログで原因を確認してください"),
            )
        else:
            yield fine("process", tr(f"{name} runs", f"{name} は稼働中"))


def _report(path: Path) -> tuple[int, dict[str, tuple[int | None, int]]] | None:
    """Return the supervisor's pid, and (pid, restarts) per process; None where it left no report."""
    try:
        document = json.loads(path.read_bytes()[:MAX_REPORT_BYTES])
        processes = {name: (facts["pid"], int(facts["restarts"])) for name, facts in document["processes"].items()}
        return int(document["supervisor_pid"]), processes
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(SOCKET_TIMEOUT_SECONDS)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def check_recorder(case: Case) -> Iterator[Finding]:
    """What the recorder says of itself, its volumes and its cameras."""
    if not case.places.recorder_socket.exists():
        return
    client = RecorderClient(case.places.recorder_socket, STATUS_TIMEOUT_SECONDS)
    try:
        status = asyncio.run(client.status())
    except RecorderFault as fault:
        yield warning("recorder-silent", str(fault), tr("try again, then look into its log", "ログを確認してください"))
        return
    yield from recorder_findings(status)
    for camera in status.cameras:
        yield camera_finding(camera, status.utc_ms)


def recorder_findings(status: RecorderStatus) -> Iterator[Finding]:
    """Return what the recorder's own report says is wrong."""
    for problem in status.problems:
        yield warning("recorder-problem", problem, "")
    if not status.recording:
        yield error(
            "not-recording",
            tr("the recorder runs but does not record", "録画機は稼働中ですが、録画していません"),
            tr("its problems stand above", "上記の問題を解決してください"),
        )
    if not status.clock_trusted:
        yield warning(
            "clock-not-trusted",
            tr(
                "the recorder does not trust its clock: what is overdue since before its last start is not erased yet",
                "録画機は現在の時刻を信頼していません。前回の起動より前の期限切れの録画は、まだ消去されていません",
            ),
            tr("synchronise the clock", "時刻を同期してください"),
        )
    for volume in status.volumes:
        if not volume.healthy and not volume.permitted:
            yield error(
                "volume-failing",
                f"{volume.path}: {volume.detail}",
                tr("replace the medium; recording goes on elsewhere if it can", "媒体を交換してください"),
            )
        elif volume.bad_slots:
            yield warning(
                "bad-slots",
                tr(
                    f"{volume.path}: {volume.bad_slots} slots failed", f"{volume.path}: 不良スロット {volume.bad_slots}"
                ),
                tr("have a spare medium ready", "交換用の媒体を準備してください"),
            )


def camera_finding(camera: CameraStatus, utc_ms: int) -> Finding:
    """Return how one camera is."""
    since = datetime.fromtimestamp(camera.since_utc_ms / 1000, UTC).isoformat(timespec="seconds")
    name = tr(f"camera {camera.name}", f"カメラ {camera.name}")
    if camera.state is not CameraState.RECORDING:
        detail = camera.detail or camera.gap_reason
        return error(
            "camera-not-recording",
            f"{name}: {camera.state.value}" + tr(f" since {since}: {detail}", f"（{since} から）: {detail}"),
            tr("look at the camera, its power and its network", "カメラ本体・電源・回線を確認してください"),
        )
    durable = camera.last_durable_utc_ms
    if durable is None or utc_ms - durable > DURABLE_LATE_SECONDS * 1000:
        return warning(
            "camera-late",
            tr(f"{name}: connected, but nothing durable for a while", f"{name}: 接続中ですが、保存が遅れています"),
            tr("if it stays so, look at the camera and the volume", "続く場合はカメラと記録領域を確認してください"),
        )
    if AUDIO_SETUP in camera.setups:
        words = tr(f"{name}: records, with sound: ", f"{name}: 音声とともに録画中: ")
        return fine("camera-records-sound", words + camera.sound)
    if camera.audio_offered:
        return warning(
            "camera-offers-audio",
            tr(
                f"{name}: records; it offers audio, which is not taken",
                f"{name}: 録画中（音声を提供していますが、取得していません）",
            ),
            tr("turn the microphone off in the camera", "カメラ側でマイクを無効にしてください"),
        )
    return fine("camera", tr(f"{name}: records since {since}", f"{name}: {since} から録画中"))
