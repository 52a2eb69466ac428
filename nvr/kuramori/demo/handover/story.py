"""The walk-through's acts in order, and what is said before and after. Must not know how an act is done."""

from collections.abc import Callable

from kuramori.demo import setting_up
from kuramori.demo.cast import VOLUME_SIZE
from kuramori.demo.handover import camera_acts, disclosure_act, office_acts, opening_acts, signing_in
from kuramori.demo.handover.office import Office
from kuramori.demo.handover.people import staff, with_office
from kuramori.demo.handover.walk import Walk
from kuramori.demo.scene import Scene
from kuramori.demo.stage import free_port
from kuramori.texts import tr

SETTING_UP: tuple[Callable[[Scene], None], ...] = (
    setting_up.custodians_make_keys,
    setting_up.a_recorder_is_set_up,
    lambda scene: setting_up.cameras_are_found(scene, spare=1),
)
OFFICE: tuple[Callable[[Walk], None], ...] = (
    signing_in.everybody_signs_in,
    camera_acts.an_installer_enrols_a_camera,
    opening_acts.a_police_request,
    opening_acts.a_bar_association_asks,
    opening_acts.a_missing_person,
    disclosure_act.a_citizen_asks_for_disclosure,
    opening_acts.a_refused_request,
    opening_acts.the_bar_association_is_answered,
    office_acts.a_complaint_is_answered,
    office_acts.a_medium_is_disposed_of,
    office_acts.the_season_on_paper,
)
ACTS = (*SETTING_UP, setting_up.recording, *OFFICE)


def tell(scene: Scene) -> None:
    """Tell and do everything. Raises StepFailed."""
    scene.narrator.opening(
        tr("Kuramori: what an office does in a season", "Kuramori（蔵守）: 窓口業務の一巡"),
        tr(
            "After the setting up everything goes through the admin API over TLS 1.3; each line names the call and who "
            f"makes it. All of it stays in {scene.folder}/.",
            "初期設定の後は全て管理API（TLS 1.3）で行います。各行は、APIの呼出しと操作した人です。"
            f"全て {scene.folder}/ の中で行われます。",
        ),
    )
    for prepare in SETTING_UP:
        prepare(scene)
    people, port = staff(), free_port()
    scene.quiet("volume", "add", scene.second_volume, "--size", VOLUME_SIZE, "--config", scene.config)
    text = scene.config.read_text(encoding="utf-8")
    scene.config.write_text(with_office(text, people, scene.custodians, port), encoding="utf-8")
    setting_up.recording(scene)
    setting_up.choose_seconds(scene)
    office = Office(port, scene.medium / "state" / "api_certificate.pem", scene.narrator)
    try:
        walk = Walk(scene, people, office)
        for act in OFFICE:
            act(walk)
    finally:
        office.close()
    scene.narrator.say(
        "",
        tr(
            f"That was the season. What it left lies in {scene.folder}/; nothing is left running.",
            f"以上で一巡です。成果物は {scene.folder}/ にあります。実行中の処理は残っていません。",
        ),
    )
