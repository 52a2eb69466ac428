"""The act of an installer who takes a camera into service. Must not know any request."""

import time

from kuramori.demo.handover.walk import Walk
from kuramori.demo.stage import StepFailed
from kuramori.texts import tr

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.5
NAME = "park-entrance"


def an_installer_enrols_a_camera(walk: Walk) -> None:
    """Tried, registered, recorded; neither a shell nor a request is the installer's."""
    walk.narrator.act(tr("An installer takes a camera into service", "設置業者によるカメラの登録"))
    walk.narrator.say(
        tr(
            "The installer signs in at the office's address: no shell, no pictures, no requests. A still takes "
            "a handler beside it, and is counted.",
            "設置業者は窓口のアドレスにサインインします。シェルも画像も請求も扱えません。画角調整の静止画は取扱担当者の"
            "立会いが必要で、枚数が数えられます。",
        )
    )
    people, office = walk.people, walk.office
    wish = {
        "name": NAME,
        "place": tr("Park entrance, pole 7", "公園入口 7番柱"),
        "address": walk.scene.spare_camera,
    }
    trial = office.post(people.installer, "/v1/camera-trials", wish)
    found = trial["profiles"][0]
    walk.narrator.good(f"{trial['vendor']} {trial['model']}: {found['codec']} {found['width']}x{found['height']}")
    made = office.post(people.installer, "/v1/cameras", wish)
    walk.narrator.good(tr(f"Kept {made['retention']}, as the others.", f"保存期間は他と同じ {made['retention']}"))
    office.refused("role-missing", people.installer, "GET", "/v1/requests")
    office.refused("role-missing", people.installer, "GET", "/v1/register")
    office.refused("role-missing", people.installer, "POST", f"/v1/cameras/{NAME}/view-confirmation")
    _until_recording(walk)
    office.post(people.handler, f"/v1/cameras/{NAME}/view-confirmation")
    walk.narrator.good(
        tr(
            "A handler confirmed that no private space is visible.",
            "取扱担当者が私的空間の映り込みがないことを確認しました。",
        )
    )


def _until_recording(walk: Walk) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with walk.narrator.waiting(tr("connecting to the new camera", "新しいカメラに接続中")):
        while time.monotonic() < deadline:
            walk.scene.stage.require_alive()
            status = walk.office.quiet(walk.people.installer, "/v1/status")
            cameras = status["recorder"]["cameras"] if status["recorder"] else []
            if any(one["name"] == NAME and one["last_durable_utc_ms"] for one in cameras):
                walk.narrator.good(tr("It is recorded.", "録画が始まりました。"))
                return
            time.sleep(POLL_SECONDS)
    raise StepFailed(tr("The new camera is not recorded.", "新しいカメラの録画が始まりません。"))
