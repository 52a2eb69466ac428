"""What is red: the one place that says so, for the status, the mails, the metrics page and whoever else shows a light.

Pure: what recorder and desk told goes in, a light and its reasons come out. Each problem has a key that stays the same
while only its figures change, so that it is told once. This module must not know who is told, or when.
"""

import re
from dataclasses import dataclass

from kuramori.camera_messages import Light
from kuramori.gap_texts import gap_text
from kuramori.messages import CameraState, CameraStatus, RecorderStatus
from kuramori.texts import both, tr

DURABLE_AGE_MS = 60_000  # a camera that records has something newer on disk
SENTENCE_CHARACTERS_MOST = 400
RECORDER = "recorder"  # the key of a recorder that does not answer
_FIGURE = re.compile(r"(?<![A-Za-z0-9_/.-])[+-]?[0-9]+(?:[.:,/-][0-9]+)*(?![A-Za-z0-9_-])")


@dataclass(frozen=True, slots=True)
class SiteProblem:
    """One thing that is wrong. `urgent`: more than one camera's pictures are at stake."""

    key: str
    english: str
    japanese: str
    urgent: bool = False

    def text(self, *, japanese: bool) -> str:
        """Return the sentence in the language asked for."""
        return self.japanese if japanese else self.english


@dataclass(frozen=True, slots=True)
class SiteState:
    """The light, and why it is red; green has no problems."""

    light: Light
    problems: tuple[SiteProblem, ...]

    @classmethod
    def of(cls, problems: tuple[SiteProblem, ...]) -> "SiteState":
        """Return the state with these problems, each key once."""
        once = tuple({problem.key: problem for problem in problems}.values())
        return cls(Light.RED if once else Light.GREEN, once)


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What is known: the recorder's status, or why there is none; who is down; what others say is wrong."""

    recorder: RecorderStatus | None
    away: str = ""  # why the recorder did not answer
    processes_down: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()  # of the desk


def site_state(facts: SiteFacts) -> SiteState:
    """Return the light and everything that is wrong."""
    found: list[SiteProblem] = []
    if facts.recorder is None:
        found.append(_recorder_away(facts.away))
    else:
        found += _of_recorder(facts.recorder)
    names = _names(facts.recorder)
    found += [_spoken(sentence, names) for sentence in facts.sentences]
    for name in facts.processes_down:
        if name != RECORDER:
            found.append(
                SiteProblem(f"process {name}", f"the process {name} does not run", f"プロセス {name} が停止しています")
            )
    return SiteState.of(tuple(found))


def one_line(text: str, most: int = SENTENCE_CHARACTERS_MOST) -> str:
    """Return a foreign text as one printable line of bounded length."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: most * 4]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _recorder_away(why: str) -> SiteProblem:
    detail = one_line(why)
    return SiteProblem(
        RECORDER,
        "the recorder does not answer: nothing may be recorded now" + (f" ({detail})" if detail else ""),
        "録画プロセスが応答していません。録画が止まっているおそれがあります" + (f"（{detail}）" if detail else ""),
        urgent=True,
    )


def _of_recorder(status: RecorderStatus) -> list[SiteProblem]:
    found = [problem for camera in status.cameras if (problem := _of_camera(camera, status.utc_ms)) is not None]
    resting = sum(camera.state is CameraState.PAUSED for camera in status.cameras)
    if len(found) > 1 and len(found) == len(status.cameras) - resting:
        found.insert(
            0, SiteProblem("no camera", "NO camera is being recorded", "録画中のカメラがありません", urgent=True)
        )
    spoken = "\n".join(status.problems)
    for volume in status.volumes:
        if not volume.healthy and not volume.permitted and volume.path not in spoken:
            detail = one_line(volume.detail) or "-"
            found.append(
                SiteProblem(
                    f"volume {volume.path}",
                    f"the volume {volume.path} is faulty: {detail}",
                    f"記録媒体 {volume.path} の異常: {detail}",
                    urgent=True,
                )
            )
    told = [tr(one.english, one.japanese) for one in status.problem_texts] or status.problems
    return found + [_spoken(sentence, _names(status)) for sentence in told]


def _of_camera(camera: CameraStatus, utc_ms: int) -> SiteProblem | None:
    key, name = f"camera {camera.name}", camera.name
    if camera.state is CameraState.PAUSED:
        return None
    if camera.state is not CameraState.RECORDING:
        reason = gap_text(camera.gap_reason)
        return SiteProblem(
            key, f"camera {name} is not recorded: {reason.english}", f"カメラ {name} 録画停止: {reason.japanese}"
        )
    durable = camera.last_durable_utc_ms
    if durable is not None and utc_ms - max(durable, camera.since_utc_ms) > DURABLE_AGE_MS:
        return SiteProblem(
            key,
            f"camera {name} is received, but no picture becomes durable",
            f"カメラ {name} の映像は届いていますが、保存されていません",
        )
    return None


def _names(status: RecorderStatus | None) -> tuple[str, ...]:
    if status is None:
        return ()
    return (*(camera.name for camera in status.cameras), *(volume.path for volume in status.volumes))


def _spoken(sentence: str, names: tuple[str, ...]) -> SiteProblem:
    """Return what somebody said as a problem; its key is the sentence without its figures, and whom it names."""
    said = both(sentence)
    line = one_line(said.english)
    named = [name for name in names if re.search(rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9-])", line)]
    return SiteProblem(f"said {_FIGURE.sub('#', line)} {' '.join(named)}".rstrip(), line, one_line(said.japanese))
