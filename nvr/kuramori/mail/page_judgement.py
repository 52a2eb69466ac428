"""What the metrics page says of a recorder to somebody on another machine, and what its silence says. Pure.

A page that is not there, is not made anew, shows red or another time is a problem each. This module must not know
HTTP or mail.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from kuramori.camera_messages import Light
from kuramori.mail.post import Moment
from kuramori.site_state import RECORDER, SiteProblem, one_line

CLOCK_DIFFERENCE_MS = 120_000
CAMERAS_MOST = 1000
NAME_CHARACTERS_MOST = 64


class PageUnreadable(Exception):
    """What came is not a metrics page."""


@dataclass(frozen=True, slots=True)
class PageFigures:
    """What is taken from a page."""

    page_utc_ms: int | None
    light: Light | None
    recorder_up: bool | None
    cameras: tuple[tuple[str, bool], ...]  # name, recorded or paused


def read_page(text: str) -> PageFigures:
    """Return the figures of a page. Raises PageUnreadable."""
    page: int | None = None
    light: Light | None = None
    up: bool | None = None
    recorded: dict[str, bool] = {}
    try:
        for name, labels, value in _samples(text):
            if name == "kuramori_page_timestamp_seconds":
                page = int(value * 1000)
            elif name == "kuramori_site_light" and value == 1 and labels.get("light") in tuple(Light):
                light = Light(labels["light"])
            elif name == "kuramori_process_up" and labels.get("process") == "recorder":
                up = value == 1
            elif name in ("kuramori_camera_recording", "kuramori_camera_paused") and len(recorded) < CAMERAS_MOST:
                camera = one_line(labels.get("camera", "-"), NAME_CHARACTERS_MOST)
                recorded[camera] = recorded.get(camera, False) or value == 1
    except (ValueError, KeyError, IndexError, OverflowError, RecursionError):
        raise PageUnreadable("what it answers is not a metrics page") from None
    return PageFigures(page, light, up, tuple(recorded.items()))


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, float(sample.value)


class PageJudge:
    """Judges one reading after another, by boot time."""

    def __init__(self, unreachable_after_ms: int, now: Moment) -> None:
        self._after_ms = unreachable_after_ms
        self.figures: PageFigures | None = None  # of the last page that could be read
        self.read_utc_ms: int | None = None
        self.missed = ""  # why the last page could not be read; empty where it could
        self._read_boot_ms = now.boot_ms
        self._advanced_boot_ms = now.boot_ms
        self._apart_ms = 0

    @property
    def blind(self) -> bool:
        """Tell whether the last page could not be read: what it would have said is not known."""
        return bool(self.missed)

    def read(self, figures: PageFigures, now: Moment) -> None:
        """Take over a page."""
        before = self.figures.page_utc_ms if self.figures is not None else None
        if figures.page_utc_ms != before or figures.page_utc_ms is None:
            self._advanced_boot_ms = now.boot_ms
        self._apart_ms = figures.page_utc_ms - now.utc_ms if figures.page_utc_ms is not None else 0
        self.figures, self.missed = figures, ""
        self._read_boot_ms, self.read_utc_ms = now.boot_ms, now.utc_ms

    def miss(self, detail: str) -> None:
        """There was no page."""
        self.missed = one_line(detail, 200) or "-"

    def problems(self, now: Moment) -> tuple[SiteProblem, ...]:
        """Return what is wrong as of now."""
        if self.missed:
            if now.boot_ms - self._read_boot_ms < self._after_ms:
                return ()
            return (
                SiteProblem(
                    RECORDER,
                    f"the recorder's metrics page cannot be read: {self.missed}",
                    f"録画装置の状態ページを読み取れません: {self.missed}",
                    urgent=True,
                ),
            )
        if self.figures is None:
            return ()
        return tuple(self._of_page(self.figures, now))

    def _of_page(self, figures: PageFigures, now: Moment) -> Iterator[SiteProblem]:
        if now.boot_ms - self._advanced_boot_ms >= self._after_ms:
            yield SiteProblem(
                "page stale",
                "the recorder's metrics page is not made anew: somebody answers for it, or it hangs",
                "録画装置の状態ページが更新されていません",
                urgent=True,
            )
            return
        if figures.recorder_up is False:
            yield SiteProblem(
                "recorder down", "the recorder process does not answer", "録画プロセスが応答していません", urgent=True
            )
        for camera, well in figures.cameras:
            if not well:
                yield SiteProblem(
                    f"camera {camera}", f"camera {camera} is not recorded", f"カメラ {camera} が録画されていません"
                )
        if figures.light is Light.RED:
            yield SiteProblem(
                "light",
                "the recorder shows RED: see kuramori status there",
                "録画装置の判定が赤です。kuramori status で確認してください",
            )
        if figures.light is None or figures.page_utc_ms is None:
            yield SiteProblem(
                "page foreign",
                "the page shows no light: it is not a recorder's, or of another version",
                "録画装置の状態ページではないか、版が異なります",
            )
        if abs(self._apart_ms) > CLOCK_DIFFERENCE_MS:
            minutes = f"{self._apart_ms / 60_000:+.0f}"
            yield SiteProblem(
                "time",
                f"the recorder's clock and this machine's differ by {minutes} min: one of them is wrong",
                f"録画装置とこの装置の時計が {minutes} 分ずれています",
            )
