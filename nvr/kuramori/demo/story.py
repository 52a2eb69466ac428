"""The story: its acts in order, and what is said before and after them.

It must not know how an act is done.
"""

from collections.abc import Callable

from kuramori.demo import forgetting, opening, setting_up
from kuramori.demo.scene import Scene
from kuramori.texts import tr

Act = Callable[[Scene], None]

ACTS: tuple[Act, ...] = (
    setting_up.custodians_make_keys,
    setting_up.a_recorder_is_set_up,
    setting_up.cameras_are_found,
    setting_up.recording,
    setting_up.coverage,
    opening.a_request,
    opening.one_custodian,
    opening.two_custodians,
    opening.a_clip_proves_itself,
    forgetting.forgetting,
    forgetting.where_things_lie,
)


def tell(scene: Scene) -> None:
    """Tell and do everything. Raises StepFailed."""
    scene.narrator.opening(
        tr("Kuramori: the whole story, with simulated cameras", "Kuramori（蔵守）: 模擬カメラで全体の流れをたどる"),
        tr(
            "Every line that begins with $ is a command that you could type; everything happens on this machine, "
            f"in {scene.folder}/.",
            f"$ で始まる行は、実際に入力できるコマンドです。全てこのパソコン上の {scene.folder}/ で行われます。",
        ),
        tr(
            f"(Where no --config stands, KURAMORI_CONFIG={scene.config} says which recorder is meant.)",
            f"（--config がない場合は、KURAMORI_CONFIG={scene.config} の録画機が対象です。）",
        ),
    )
    for act in ACTS:
        act(scene)
    scene.narrator.say(
        "",
        tr(
            "That was the whole story. Nothing is left running.", "以上が全体の流れです。実行中の処理は残っていません。"
        ),
    )
