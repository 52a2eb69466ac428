"""The first acts: custodians and recovery sheets, a recorder, two cameras found, recording, coverage.

It must not know how requests are made.
"""

import json
import shutil
import time
from pathlib import Path

from kuramori.demo.cast import CUSTODIANS_NEEDED, DemoCamera, additions, answers, camera_texts
from kuramori.demo.narrator import POLL_SECONDS
from kuramori.demo.scene import Scene
from kuramori.demo.stage import COMMAND, StepFailed, free_port
from kuramori.texts import tr

RECOVERY_SHEETS = 3
PATIENCE_SECONDS = 60.0
TRIES = 3
SHOWN_BEFORE_MS = 5_000


def custodians_make_keys(scene: Scene) -> None:
    """Three custodians make their keys; a recovery key goes on paper."""
    scene.narrator.act(tr("Three custodians, and a paper in the safe", "鍵管理者3人と、金庫に入れる紙"))
    scene.narrator.say(
        tr(
            "Nobody opens recordings alone, not even the recorder. Each custodian makes a key on a machine of the own; "
            "the recorder only ever gets the public card.",
            "画像を一人で開けられる人はいません。録画機自身も開けません。鍵管理者は各自の端末で鍵を作り、"
            "録画機には公開カードだけを渡します。",
        )
    )
    cards = scene.folder / "people" / "cards"
    cards.mkdir(parents=True)
    for number, custodian in enumerate(scene.custodians):
        custodian.folder.mkdir(mode=0o700)
        custodian.passphrase_file.touch(mode=0o600)
        custodian.passphrase_file.write_text(custodian.passphrase + "\n", encoding="utf-8")
        words = ("custodian", "new", "--name", custodian.name, "--title", custodian.title, "--out", custodian.folder)
        scene.done(*words, "--passphrase-file", custodian.passphrase_file, silent=number > 0)
        shutil.copy(custodian.card, cards)
    _recovery_sheets(scene)


def _recovery_sheets(scene: Scene) -> None:
    """The words pass through this process only: shown, typed back, forgotten."""
    words = ["recovery", "new", "--out", str(scene.folder / "people"), "--words-file", "-", "--typed-back-from", "-"]
    scene.narrator.command([COMMAND, *words])
    outcome = scene.stage.converse(words, RECOVERY_SHEETS, "".join)
    if outcome.code != 0:
        raise StepFailed(tr("No recovery key was made.", "復旧鍵を作成できませんでした。"), outcome.errors)
    scene.narrator.output("\n".join(outcome.all_output.splitlines()[-5:]))
    scene.narrator.say(
        tr(
            "(Its words were shown once and typed back once; on paper they would now lie in the safe. "
            "The demo kept none.)",
            "（語は一度だけ表示し、一度だけ入力して確認しました。本番では紙を金庫に保管します。デモでは保存していません。）",
        )
    )


def a_recorder_is_set_up(scene: Scene) -> None:
    """`kuramori init` with answers."""
    scene.narrator.act(tr("A recorder is set up", "録画機の初期設定"))
    scene.narrator.say(
        tr(
            f"Six answers, and the recorder has its keys, its ring of sealed slots and its ledger. "
            f"{CUSTODIANS_NEEDED} of {len(scene.custodians)} custodians will be needed. "
            "The keystore's cell stands on a path of its own; later you see why.",
            f"6つの質問に答えると、鍵、封印された記録領域、台帳ができます。開封には{len(scene.custodians)}人中"
            f"{CUSTODIANS_NEEDED}人の鍵管理者が必要です。鍵保管庫の消去可能領域は別の場所に置きます（理由は後で示します）。",
        )
    )
    (scene.folder / "cell-device").mkdir()
    scene.medium.mkdir()
    people = scene.folder / "people"
    file = scene.folder / "answers.toml"
    recovery_card = next(people.glob("recovery-*.card.json"))
    text = answers(scene.folder.resolve(), scene.stage.runtime, (people / "cards").resolve(), recovery_card.resolve())
    file.write_text(text, encoding="utf-8")
    scene.done("init", "--config", scene.config, "--answers", file)


def cameras_are_found(scene: Scene, spare: int = 0) -> None:
    """Simulated cameras, found by WS-Discovery, written into the configuration; so many spare ones are left out."""
    scene.narrator.act(tr("Two cameras are found", "カメラ2台の発見"))
    scene.narrator.say(
        tr(
            "Two simulated ONVIF cameras start on this machine; the first offers sound. Discovery finds them.",
            "このパソコン上で模擬ONVIFカメラを2台起動し（1台目は音声も提供）、ネットワーク検索で見つけます。",
        )
    )
    simulate = ["simulate", "--cameras", str(2 + spare), "--audio-on", "1", "--host", "127.0.0.1", "--bitrate", "1M"]
    simulate += ["--size", "960x540", "--cache", str(scene.folder / "simulated-pictures"), "--json"]
    scene.narrator.command([COMMAND, *simulate])
    actor = scene.stage.start("cameras", simulate)
    with scene.narrator.waiting(tr("making test pictures", "テスト映像を作成中")):
        started = json.loads(_first_line(scene, actor.log))["cameras"]
    wanted = {camera["endpoint_id"]: camera["audio"] for camera in started}
    found = _discover(scene, wanted)
    texts = camera_texts()
    scene.spare_camera = "".join(found[endpoint] for endpoint in list(wanted)[len(texts) :])
    scene.cameras = tuple(
        DemoCamera(name, place, found[endpoint], audio != "none")
        for (name, place), (endpoint, audio) in zip(texts, wanted.items(), strict=False)
    )
    for camera in scene.cameras:
        sound = tr("offers sound", "音声を提供") if camera.audio_offered else tr("no sound", "音声なし")
        scene.narrator.good(f"{camera.address}  →  {camera.name} ({sound})")
    scene.metrics_port = free_port()
    with scene.config.open("a", encoding="utf-8") as file:
        file.write(additions(scene.cameras, scene.metrics_port))
    scene.narrator.say(
        tr(
            f"Both now stand in {scene.config}, with place and retention, and so do two handlers.",
            f"2台の設置場所・保存期間と、取扱担当者2名を {scene.config} に記載しました。",
        )
    )
    scene.done("config", "check", scene.config)


def _discover(scene: Scene, wanted: dict[str, str]) -> dict[str, str]:
    """Return endpoint id → address of the wanted cameras. A probe is a datagram: it may be asked again."""
    words = ("discover", "--interface", "127.0.0.1", "--seconds", str(scene.pace.discover_seconds), "--json")
    found: dict[str, str] = {}
    for _ in range(TRIES):
        outcome = scene.done(*words, waiting=tr("searching the network", "検索中"), silent=True)
        for device in scene.json_of(outcome)["devices"]:
            found[device["endpoint_id"]] = device["address"]
        if wanted.keys() <= found.keys():
            return found
    raise StepFailed(
        tr("Discovery did not find both cameras.", "2台のカメラが見つかりませんでした。"), outcome.all_output
    )


def _first_line(scene: Scene, log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8", errors="replace")
        line, ended, _ = text.partition("\n")
        if ended and line.startswith("{"):
            return line
        scene.stage.require_alive()
        time.sleep(POLL_SECONDS)
    raise StepFailed(
        tr("The cameras did not start.", "カメラを起動できませんでした。"), log.read_text(encoding="utf-8")
    )


def recording(scene: Scene) -> None:
    """`kuramori run`, until both cameras are durable, and then for the time of this demo."""
    scene.narrator.act(tr("Recording: sealed, and without sound", "録画（封印・音声なし）"))
    words = ["run", "--config", str(scene.config)]
    scene.narrator.command([COMMAND, *words])
    actor = scene.stage.start("recorder", words)
    with scene.narrator.waiting(tr("connecting to the cameras", "カメラに接続中")):
        scene.recording_from_utc_ms = _until_recording(scene)
    scene.narrator.say(
        tr(
            "Every picture is sealed in memory before it touches the disk, once a second, and nothing kept here "
            f"opens it without {CUSTODIANS_NEEDED} custodians. The service's own words are in {actor.log}.",
            "映像は毎秒、メモリー上で封印してから記録媒体に書き込みます。この録画機にあるものだけでは、鍵管理者2人がいない限り開けません。"
            f"動作記録は {actor.log} にあります。",
        )
    )
    scene.narrator.progress(
        tr("recording two cameras", "2台を録画中"), scene.pace.record_seconds, scene.stage.require_alive
    )
    scene.done("status")


def _until_recording(scene: Scene) -> int:
    """Return from when on both cameras are durable, UTC milliseconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not scene.desk_socket.exists() and time.monotonic() < deadline:  # before that nobody answers
        scene.stage.require_alive()
        time.sleep(POLL_SECONDS)
    outcome = scene.quiet("status", "--json")
    while time.monotonic() < deadline:
        scene.stage.require_alive()
        if outcome.output.startswith("{"):
            recorder = scene.json_of(outcome)["recorder"]
            cameras = recorder["cameras"] if recorder else []
            durable = [one["last_durable_utc_ms"] for one in cameras if one["state"] == "recording"]
            if len(durable) == len(scene.cameras) and all(durable):
                return int(max(durable))
        time.sleep(POLL_SECONDS)
        outcome = scene.quiet("status", "--json")
    raise StepFailed(
        tr("The recorder does not record.", "録画が始まりません。"),
        outcome.all_output + "\n" + scene.stage.actors[-1].tail(),
    )


def coverage(scene: Scene) -> None:
    """What is recorded, and what is not, and why."""
    scene.narrator.act(
        tr("Coverage: every second is recorded, or a gap with its reason", "録画状況（欠落には必ず理由）")
    )
    begin = scene.time(scene.recording_from_utc_ms - SHOWN_BEFORE_MS)
    scene.done("coverage", "--from", begin)


def choose_seconds(scene: Scene) -> None:
    """Whole seconds well inside what is recorded."""
    first_second = scene.recording_from_utc_ms // 1000 + 1 + int(scene.pace.record_seconds // 4)
    scene.from_utc_ms = first_second * 1000
    scene.to_utc_ms = scene.from_utc_ms + scene.pace.request_seconds * 1000
