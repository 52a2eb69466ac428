"""What a bundle says of its times: whose clock, and whether that clock could be trusted.

Both languages, as they stand in the manifest and in the instructions. Pure; must not know files or how time is kept.
"""

from dataclasses import dataclass

from kuramori.clips.camera_clip import CameraClip
from kuramori.texts import BothLanguages
from kuramori_segments.codes import Provenance

SOURCE = "recorder"  # the only clock that dates what is received; stable, for programs

OWN_CLOCK = BothLanguages(
    "Times are the recorder's: its own clock (UTC) when the pictures arrived, at the distances that the stream states; "
    "a clock shown in the picture is the camera's and may differ.",
    "時刻は、映像が届いた時の録画装置の時計(協定世界時)により、間隔は映像の送出情報によるものです。"
    "画面内に表示される時刻はカメラのものであり、異なることがあります。",
)


@dataclass(frozen=True, slots=True)
class ClockState:
    """What is known of the clock while a camera's pictures were recorded."""

    unknown: int = 0  # segments recorded while the time was unknown
    dated: int = 0  # of them, those dated later
    most_dated_ms: int = 0  # by how much at the most, either way
    steps: int = 0  # events in the range, such as clock steps
    filled: bool = False  # pictures from the camera's card are there, under the camera's time


def clock_state(clip: CameraClip) -> ClockState:
    """Return the state for one camera's clip."""
    dated = [abs(item.dated_by_ms) for item in clip.evidence if item.dated_by_ms]
    return ClockState(
        unknown=sum(item.time_unknown for item in clip.evidence),
        dated=len(dated),
        most_dated_ms=max(dated, default=0),
        steps=sum(event.event.startswith("clock") for event in clip.events),
        filled=any(item.provenance is Provenance.FILLED_FROM_CAMERA for item in clip.evidence),
    )


def clock_words(state: ClockState) -> BothLanguages:
    """Return the statement."""
    english, japanese = [OWN_CLOCK.english], [OWN_CLOCK.japanese]
    if not state.unknown:
        english.append("The recorder held its clock for trustworthy throughout.")
        japanese.append("録画装置は、全ての範囲において時計を信頼できるものと判定していました。")
    else:
        english.append(f"{state.unknown} segments were recorded while the time was not known for certain.")
        japanese.append(f"正確な時刻が不明な間に記録したセグメントが {state.unknown} 件あります。")
    if state.dated:
        most = state.most_dated_ms
        english.append(
            f"{state.dated} of them were dated later by a clock that could be trusted, {most} ms at the most."
        )
        japanese.append(f"うち {state.dated} 件は、後に信頼できる時計により時刻を補正しました(最大 {most} ミリ秒)。")
    if state.steps:
        english.append(f"The clock was set {state.steps} times in the range; the manifest lists when and by how much.")
        japanese.append(f"対象範囲内に時計の修正が {state.steps} 回ありました。日時と量は目録に記載しています。")
    if state.filled:
        english.append("For pictures filled from the camera's card the camera's clock stands.")
        japanese.append("カメラのメモリーカードから補完した映像の時刻は、カメラの時計によるものです。")
    return BothLanguages(" ".join(english), "".join(japanese))
