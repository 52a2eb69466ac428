"""The middle acts: a request, one custodian who is not enough, two who are, a clip that proves itself.

It must not know how the recorder was set up.
"""

import re
import shutil
from pathlib import Path

from kuramori.cli.verify import EXIT_CODES
from kuramori.demo.cast import Custodian
from kuramori.demo.scene import Scene
from kuramori.demo.setting_up import choose_seconds
from kuramori.demo.stage import StepFailed
from kuramori.texts import tr

REQUEST_NUMBER = re.compile(r"\b\d{8}-\d+\b")
CLIP_NAME = "clip.mp4"


def a_request(scene: Scene) -> None:
    """A handler files, the manager decides; a private person is refused."""
    choose_seconds(scene)
    scene.narrator.act(
        tr(f"A request: {scene.pace.request_seconds} lawful seconds", f"画像の請求（{scene.pace.request_seconds}秒間）")
    )
    scene.narrator.say(
        tr(
            "The police ask in writing for a few seconds of the school gate. A handler files the request; from now on "
            "these seconds are held. The manager decides: a police document alone grants nothing.",
            "警察から文書で、校門前の数秒間の画像について照会がありました。取扱担当者が請求を受け付けると、該当時間は"
            "保存されます。許可するかどうかは管理責任者が決めます。文書があるだけでは許可になりません。",
        )
    )
    camera = scene.cameras[0].name
    words = ["request", "--camera", camera, *scene.asked_range]
    purpose = tr("Theft of a bicycle", "自転車盗の捜査")
    private = [*words, "--recipient", tr("A neighbour", "近隣住民"), "--recipient-kind", "private"]
    private += ["--purpose", tr("Curiosity", "確認したいため"), "--out-key", str(_extraction_key(scene))]
    scene.refused(*private, "--as", scene.people.handler)
    words += ["--ground", "investigation", "--document", tr("Investigation 123", "捜査第123号")]
    words += ["--recipient", tr("Takahashi Shichiro", "高橋 七郎"), "--organisation", tr("North Police", "北警察署")]
    words += ["--identity-check", tr("police ID", "警察手帳")]
    words += ["--purpose", purpose, "--witness", scene.people.witness, "--out-key", str(_extraction_key(scene))]
    outcome = scene.done(*words, "--as", scene.people.handler)
    number = REQUEST_NUMBER.search(outcome.output)
    if number is None:
        raise StepFailed(tr("The request got no number.", "請求番号がありません。"), outcome.all_output)
    scene.request = number[0]
    reason = tr("the document names the case", "文書により事件が特定されている")
    scene.done("decide", scene.request, "--grant", "--reason", reason, "--as", scene.people.manager)


def _extraction_key(scene: Scene) -> Path:
    return scene.folder / "people" / "extraction.key"


def one_custodian(scene: Scene) -> None:
    """One approval opens nothing."""
    scene.narrator.act(tr("One custodian is not enough", "鍵管理者1人では開けない"))
    _approve(scene, scene.custodians[0])
    scene.refused(*_clip_words(scene, scene.bundle))
    if scene.bundle.exists():
        raise StepFailed(tr("Something was written.", "何かが書き込まれました。"))
    scene.narrator.refused(
        tr(
            "Refused, and not by a rule alone: with one share there is no key to open anything with.",
            "拒否されました。規則によるだけでなく、1人分の分散鍵からは鍵そのものが得られません。",
        )
    )


def two_custodians(scene: Scene) -> None:
    """Two approvals open what was granted."""
    scene.narrator.act(tr("Two custodians open it", "鍵管理者2人で開封"))
    _approve(scene, scene.custodians[1], brief=True)
    waiting = tr("decrypting, verifying, cutting", "復号・検証・切出し中")
    scene.done(*_clip_words(scene, scene.bundle), waiting=waiting)
    scene.narrator.good(
        tr(
            f"The clip: {clip_of(scene.bundle)}. Not re-encoded, no sound, cut at key frames, its true range stated.",
            f"動画: {clip_of(scene.bundle)}（再圧縮なし、音声なし、キーフレームで切出し、実際の範囲を明示）",
        )
    )


def _approve(scene: Scene, custodian: Custodian, *, brief: bool = False) -> None:
    scene.narrator.say(tr(f"{custodian.name} approves:", f"{custodian.name} が承認します。"))
    words = ("approve", scene.request, "--key", custodian.key_file, "--passphrase-file", custodian.passphrase_file)
    outcome = scene.done(*words, "--yes", waiting=tr("opening own shares", "分散鍵を開いています"), silent=brief)
    if brief:
        scene.narrator.output(outcome.all_output.splitlines()[-1])


def _clip_words(scene: Scene, out: Path) -> tuple[str | Path, ...]:
    words = ("clip", scene.request, "--extraction-key", _extraction_key(scene), "--out", out)
    return (*words, "--medium", "USB 0001", "--as", scene.people.handler)


def clip_of(bundle: Path) -> Path:
    """Return the clip in a bundle. Raises StepFailed."""
    found = sorted(bundle.rglob(CLIP_NAME))
    if not found:
        raise StepFailed(tr(f"There is no clip in {bundle}.", f"{bundle} に動画がありません。"))
    return found[0]


def a_clip_proves_itself(scene: Scene) -> None:
    """Verified as it is; refused with one byte flipped."""
    scene.narrator.act(tr("The clip proves itself", "改ざんの検知"))
    scene.narrator.say(
        tr(
            "With the certificate that the site publishes, who receives the bundle can tell whether it was altered.",
            "受け取った人は、設置者が公開する証明書を使って、改ざんの有無を確かめることができます。",
        )
    )
    scene.done("verify", scene.bundle, "--certificate", scene.certificate)
    altered = scene.folder / "bundle-with-one-byte-flipped"
    shutil.copytree(scene.bundle, altered)
    clip = clip_of(altered)
    place = flip_a_byte(clip)
    scene.narrator.say(
        tr(
            f"Now one byte of a copy is flipped: byte {place} of {clip}.",
            f"複製の1バイトを書き換えます: {clip} の {place} バイト目",
        )
    )
    scene.refused("verify", altered, "--certificate", scene.certificate, code=EXIT_CODES["altered"])
    scene.narrator.refused(tr("Altered, and it is seen.", "改ざんが検知されました。"))


def flip_a_byte(file: Path) -> int:
    """Flip one byte in the middle, where the pictures are, and return its place."""
    place = file.stat().st_size // 2
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes((byte ^ 0x01,)))
    return place


def the_same_again(scene: Scene) -> None:
    """After the erasure: neither the approved request nor a new one gives anything. Raises StepFailed."""
    again = scene.folder / "bundle-again"
    scene.refused(*_clip_words(scene, again))
    if again.exists():
        raise StepFailed(tr("Something was written.", "何かが書き込まれました。"))
