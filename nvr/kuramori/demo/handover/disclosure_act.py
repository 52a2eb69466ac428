"""The act of a citizen's disclosure: identity checked, everybody else masked, another person looks through it.

Must not know how pictures are masked.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any

from kuramori.demo.handover.opening_acts import terms
from kuramori.demo.handover.walk import Case, Walk, text
from kuramori.demo.stage import StepFailed
from kuramori.texts import tr

PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.3


def a_citizen_asks_for_disclosure(walk: Walk) -> None:
    """A masked copy: drawn by the handler, made in a confined worker, confirmed by another person."""
    walk.narrator.act(tr("A citizen asks for the own pictures", "本人からの開示請求（マスキング）"))
    walk.narrator.say(
        tr(
            "Whoever was filmed may ask for disclosure. Identity is checked; a box follows the person, everybody and "
            "everything else becomes a coarse mosaic; a second person looks through strips of it before it leaves.",
            "撮影された本人は開示を請求できます。本人確認の後、本人の位置を枠で囲み、それ以外は全て粗いモザイクにします。"
            "提供の前に、別の職員が一覧画像で確認します。",
        )
    )
    citizen = {
        "kind": "person-filmed",
        "name": tr("Aoki Hana", "青木 花"),
        "contact": "000-000-0001",
        "identity_check": tr("driving licence compared with the face", "運転免許証と本人の顔を照合"),
    }
    purpose = tr("Disclosure of the own personal information", "自己の保有個人情報の開示")
    document = {"ground": "disclosure", "document_number": tr("Disclosure 9", "開示請求第9号")}
    case = walk.file("citizen", walk.wish(citizen, purpose, **document, **terms(walk)))
    walk.decide(case, tr("the applicant is in the pictures", "請求者本人が写っている"))
    walk.approved_by_two(case)
    walk.present(case)
    body = {"deks": walk.keys(case), "boxes": text(_boxes(walk)), "present": [walk.people.witness]}
    begun = walk.office.post(walk.people.handler, case.path("masked-copies"), body)
    made = _until_made(walk, case, begun)
    _look_through(walk, case, made)
    walk.office.post(walk.people.handler, case.path(f"masked-copies/{made['number']}/release"))
    walk.take_waiting(case, walk.scene.folder / "bundles" / "masked-copy")
    walk.returned(case, citizen["name"], how="destroyed")


def _boxes(walk: Walk) -> bytes:
    """A box that walks through the picture, as staff would draw it on two frames."""
    first, last = walk.scene.from_utc_ms, walk.scene.to_utc_ms
    points = [
        {"at": _when(first), "left": 0.1, "top": 0.3, "width": 0.15, "height": 0.5},
        {"at": _when(last), "left": 0.6, "top": 0.3, "width": 0.15, "height": 0.5},
    ]
    camera = walk.scene.cameras[0].name
    return json.dumps({"kuramori": "boxes", "version": 1, "camera": camera, "keep": [{"points": points}]}).encode()


def _when(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _until_made(walk: Walk, case: Case, begun: dict[str, Any]) -> dict[str, Any]:
    path = case.path(f"masked-copies/{begun['number']}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    with walk.narrator.waiting(tr("masking", "マスキング中")):
        while time.monotonic() < deadline:
            found: dict[str, Any] = walk.office.quiet(walk.people.handler, path)
            if found["made"] is not None:
                pictures = found["made"]["pictures"]
                walk.narrator.good(
                    tr(
                        f"Masked copy no. {found['number']}: {pictures} pictures",
                        f"マスキング済み写し 第{found['number']}号（{pictures}枚）",
                    )
                )
                return found
            if found["state"] != "making":
                break
            time.sleep(POLL_SECONDS)
    raise StepFailed(tr("No masked copy was made.", "マスキング済み写しを作成できませんでした。"), str(begun))


def _look_through(walk: Walk, case: Case, made: dict[str, Any]) -> None:
    """The handler may not confirm the own work; the witness looks at every sheet and does."""
    path = case.path(f"masked-copies/{made['number']}")
    facts = made["made"]
    said = {"confirmed": True, "file_sha256": facts["file_sha256"], "strips_sha256": facts["strips_sha256"]}
    walk.office.refused("masked-copy-own", walk.people.handler, "POST", f"{path}/confirmation", said)
    place = walk.scene.folder / "strips"
    place.mkdir()
    for sheet in range(1, facts["sheets"] + 1):
        content = walk.office.file(walk.people.witness, f"{path}/sheets/{sheet}")
        (place / f"sheet-{sheet}.jpg").write_bytes(content)
    walk.office.post(walk.people.witness, f"{path}/confirmation", said)
