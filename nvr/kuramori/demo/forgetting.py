"""The last acts: a key is destroyed, no copy helps, and where everything lies.

It must not know how a request is made.
"""

import httpx

from kuramori.demo.cast import CUSTODIANS_NEEDED
from kuramori.demo.copied_medium import Loot, Obstacle, Wanted, copy_folder, custodian_keys, try_to_open
from kuramori.demo.opening import clip_of, the_same_again
from kuramori.demo.scene import Scene
from kuramori.demo.stage import StepFailed
from kuramori.texts import tr
from kuramori_segments.custodian_key import CustodianKey

VOLUME = "volume0"
KEYSTORE = "state/keystore"
METRICS_SECONDS = 10.0
ERASED_COVERAGE_LINES = 6  # heading, picture and legend
METRICS_SHOWN = (
    "kuramori_camera_recording{",
    "kuramori_camera_audio_offered{",
    "kuramori_camera_audio_setups_total{",
    "kuramori_camera_lost_packets_total{",
)


def forgetting(scene: Scene) -> None:
    """A copy is made; then the epoch key is destroyed; then nothing opens the copy any more."""
    scene.narrator.act(
        tr("Forgetting: the key dies, and every copy with it", "消去（鍵の破棄により複製も開けなくなる）")
    )
    keys = _keys(scene)
    before = _copy_the_medium(scene, keys)
    scene.narrator.say(
        tr(
            "The hand-over is finished. The manager has these seconds erased before their time:",
            "提供が終わりました。管理責任者が、この時間の画像を保存期間の満了前に消去します。",
        )
    )
    words = ("erase", "--camera", scene.cameras[0].name, *scene.asked_range)
    reason = tr("the purpose is fulfilled", "目的を達成したため")
    waiting = tr("destroying the epoch key", "鍵を破棄しています")
    scene.done(*words, "--reason", reason, "--yes", "--as", scene.people.manager, waiting=waiting)
    scene.narrator.say(
        tr(
            "The pictures still lie in the volume, sealed. The approved request, with both custodians' shares, again:",
            "封印された画像は記録領域に残っています。鍵管理者2人が承認済みの同じ請求をもう一度実行します。",
        )
    )
    the_same_again(scene)
    scene.narrator.say(
        tr(
            "Coverage does not hide it. Keys live per segment, so the whole segment is gone:",
            "録画状況にも消去済みと表示されます。鍵はセグメント単位のため、セグメント全体が対象です。",
        )
    )
    begin = scene.time(scene.recording_from_utc_ms)
    scene.done("coverage", "--camera", scene.cameras[0].name, "--from", begin, most_lines=ERASED_COVERAGE_LINES)
    _try_the_copy(scene, keys, before)
    scene.narrator.say(
        tr(
            "Why the cell's path matters: every epoch key is sealed under 32 bytes in the cell, and erasing replaces "
            "and overwrites those. A cell on a device of its own is in no copy of the recording medium, so a copy, "
            "whenever made, dies with the key (tier E2). Beside the volume it would have been copied too; there the "
            "recorder claims nothing (tier E0). In this demo both lie on one disk, and the recorder says so: E0.",
            "消去可能領域を別の場所に置く理由: 全ての鍵は、そこにある32バイトの下に封印され、消去とはその32バイトを"
            "取り替えて上書きすることです。専用の装置に置けば記録媒体の複製には含まれないため、いつ作られた複製も"
            "鍵とともに開けなくなります（区分E2）。記録領域と同じ媒体にあれば一緒に複製されるため、録画機は何も保証しません"
            "（区分E0）。このデモは1台のディスク上なので、録画機の表示もE0です。",
        )
    )


def _keys(scene: Scene) -> tuple[CustodianKey, ...]:
    with scene.narrator.waiting(tr("opening two custodians' keys", "鍵管理者2人の鍵を開いています")):
        chosen = scene.custodians[:CUSTODIANS_NEEDED]
        return custodian_keys([(custodian.key_file, custodian.passphrase) for custodian in chosen])


def _copy_the_medium(scene: Scene, keys: tuple[CustodianKey, ...]) -> Loot:
    """Copy volume and state, and see that the copy is worth something as long as the cell's root lives."""
    scene.narrator.say(
        tr(
            f"First, somebody secretly copies the whole recording medium: {scene.medium} → {scene.medium_copy}. "
            "The cell stands on another device and is not in it.",
            f"まず、誰かが記録媒体をひそかに丸ごと複製します: {scene.medium} → {scene.medium_copy}。"
            "消去可能領域は別の装置にあるため、複製に含まれません。",
        )
    )
    with scene.narrator.waiting(tr("copying", "複製中")):
        copy_folder(scene.medium, scene.medium_copy)
    loot = _try(scene, keys, from_copy=True)
    if not loot.pictures:
        raise StepFailed(tr("The copy cannot be read even now.", "複製が今の時点でも読めません。"), loot.detail)
    scene.narrator.say(
        tr(
            f"The copy is good: with two custodians as accomplices, and the cell as it is now, "
            f"{loot.pictures} pictures can be read from the recording that was asked for.",
            f"複製は有効です。鍵管理者2人が共謀し、現在の消去可能領域も手にすれば、請求された録画の画像{loot.pictures}枚を読めます。",
        )
    )
    return loot


def _try_the_copy(scene: Scene, keys: tuple[CustodianKey, ...], before: Loot) -> None:
    """The copy of before, with the keystore of before and with that of today; the cell as it is today."""
    scene.narrator.say(
        tr(
            "Now the copy made before, with the same two custodians, and with today's cell on top:",
            "次に、消去前の複製を、同じ鍵管理者2人と現在の消去可能領域を使って開いてみます。",
        )
    )
    why = {
        Obstacle.ROOT_GONE: tr(
            "The cell no longer holds the 32 bytes under which the copied keystore is sealed: all of it is noise.",
            "複製した鍵保管庫を封印していた32バイトは、消去可能領域に残っていません。鍵保管庫全体が読めません。",
        ),
        Obstacle.EPOCH_KEY_GONE: tr(
            "It opens, but the key of these pictures is no longer in it.",
            "鍵保管庫は開けますが、この画像の鍵は残っていません。",
        ),
    }
    for from_copy, name in (
        (True, tr("with the copied keystore", "複製した鍵保管庫を使用")),
        (False, tr("with today's keystore", "現在の鍵保管庫を使用")),
    ):
        loot = _try(scene, keys, from_copy=from_copy)
        if loot.pictures or loot.obstacle not in why or loot.custody_halves < before.custody_halves:
            raise StepFailed(tr("The copy still opens.", "複製がまだ開けます。"), f"{name}: {loot}")
        scene.narrator.refused(
            tr(
                f"{name}: segments found: {loot.segments}, the custodians' half of the keys: {loot.custody_halves}, "
                f"pictures: {loot.pictures} of {before.pictures}.",
                f"{name}: セグメント{loot.segments}件、鍵管理者側の鍵{loot.custody_halves}件を復元、"
                f"画像は{before.pictures}枚中{loot.pictures}枚",
            )
        )
        scene.narrator.say(f"  {why[loot.obstacle]}")
        scene.narrator.output(f"({loot.detail})")


def _try(scene: Scene, keys: tuple[CustodianKey, ...], *, from_copy: bool) -> Loot:
    keystore = (scene.medium_copy if from_copy else scene.medium) / KEYSTORE
    workshop = scene.stage.runtime / "workshop"
    wanted = Wanted(scene.cameras[0].name, scene.from_utc_ms, scene.to_utc_ms)
    with scene.narrator.waiting(tr("trying to open the copy", "複製を開こうとしています")):
        return try_to_open(scene.medium_copy / VOLUME, keystore, scene.cell, keys, wanted, workshop)


def where_things_lie(scene: Scene) -> None:
    """The register verified, the metrics page read, everything stopped."""
    scene.narrator.act(tr("Where things lie", "保存場所"))
    scene.narrator.say(
        tr(
            "Every step stands in the register, which nobody can change unnoticed:",
            "全ての手続は、気付かれずに変更できない記録簿に残っています。",
        )
    )
    scene.done("register", "--as", scene.people.manager)
    scene.done("register", "--verify", "--as", scene.people.manager)
    _metrics(scene)
    scene.narrator.say(tr("Everything is stopped now.", "全ての処理を終了します。"))
    for actor in reversed(list(scene.stage.actors)):
        seconds = scene.stage.stop(actor)
        scene.narrator.good(
            tr(f"{actor.name} ended in {seconds:.1f} s", f"{actor.name} を終了しました（{seconds:.1f}秒）")
        )
    for what, where in (
        (tr("the clip, for any player", "動画（一般の再生ソフトで再生可能）"), clip_of(scene.bundle)),
        (tr("bundle", "提供データ"), scene.bundle),
        (tr("register", "記録簿"), scene.medium / "state" / "register.db"),
        (tr("metrics page", "指標ページ"), scene.folder / "metrics.txt"),
        (tr("logs", "動作記録"), scene.folder / "logs"),
        (tr("configuration", "設定ファイル"), scene.config),
    ):
        scene.narrator.say(f"  {where}  ({what})")


def _metrics(scene: Scene) -> None:
    """Fetch the page as Prometheus would, show some lines, keep all of it."""
    url = f"http://127.0.0.1:{scene.metrics_port}/metrics"
    scene.narrator.say(tr(f"The metrics page, {url}:", f"指標ページ {url}:"))
    try:
        answer = httpx.get(url, timeout=METRICS_SECONDS, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise StepFailed(tr("The metrics page does not answer.", "指標ページが応答しません。"), str(error)) from error
    (scene.folder / "metrics.txt").write_text(answer.text, encoding="utf-8")
    shown = [line for line in answer.text.splitlines() if line.startswith(METRICS_SHOWN)]
    setups = [line for line in shown if line.startswith("kuramori_camera_audio_setups_total")]
    if not setups or any(float(line.rsplit(" ", 1)[1]) != 0 for line in setups):
        raise StepFailed(tr("Sound was set up.", "音声が取得されました。"), "\n".join(shown))
    scene.narrator.output("\n".join(shown))
    scene.narrator.good(
        tr(
            "Sound was offered by one camera and asked of none.",
            "1台が音声を提供しましたが、音声は一切取得していません。",
        )
    )
