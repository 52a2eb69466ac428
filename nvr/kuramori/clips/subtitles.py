"""clip.srt: local time and camera for each second of a clip, gaps said where they are (SubRip).

Pure. Times in the clip are microseconds from its start. Must not know files or containers.
"""

from datetime import UTC, datetime, tzinfo

US_PER_SECOND = 1_000_000
GAP_US = 2 * US_PER_SECOND  # a longer distance between pictures is said to be a gap
LAST_SECONDS = 1  # how long the last text stays


class Subtitles:
    """Collects one mark for each second; a clip of a day takes a few megabytes."""

    def __init__(self, camera: str, place: str, zone: tzinfo) -> None:
        self._title = f"{camera} {place}".strip()
        self._zone = zone
        self._marks: list[tuple[int, int]] = []  # time in the clip, UTC, microseconds
        self._newest = -1, 0
        self._gaps: list[tuple[int, int, int, int]] = []  # clip from, to; UTC from, to

    def note(self, media_us: int, utc_us: int) -> None:
        """Note a picture."""
        newest_media, newest_utc = self._newest
        if media_us <= newest_media:
            return
        gap = newest_media >= 0 and media_us - newest_media > GAP_US
        if gap:
            self._gaps.append((newest_media, media_us, newest_utc, utc_us))
        if gap or not self._marks or media_us // US_PER_SECOND > self._marks[-1][0] // US_PER_SECOND:
            self._marks.append((media_us, utc_us))
        self._newest = media_us, utc_us

    @property
    def gaps(self) -> tuple[tuple[int, int, int, int], ...]:
        """Stretches without pictures: from and to in the clip, from and to in UTC, all in microseconds."""
        return tuple(self._gaps)

    def text(self, origin_us: int) -> str:
        """Return the file; `origin_us` is the time of the first picture in the clip."""
        entries: list[tuple[int, int, str]] = []
        gap_at = {gap[0]: gap for gap in self._gaps}
        ends = [gap[0] for gap in self._gaps]
        following = [*(mark[0] for mark in self._marks[1:]), self._newest[0] + LAST_SECONDS * US_PER_SECOND]
        position = 0
        for (media_us, utc_us), end_us in zip(self._marks, following, strict=True):
            while position < len(ends) and ends[position] < media_us:
                position += 1
            stop = ends[position] if position < len(ends) and ends[position] < end_us else end_us
            entries.append((media_us, max(stop, media_us + 1000), self._line(utc_us)))
            if stop in gap_at and stop != end_us:
                _, resumes, lost, back = gap_at[stop]
                words = f"no picture / 映像なし {self._clock(lost)} - {self._clock(back)}"
                entries.append((max(stop, media_us + 1000), resumes, f"{self._title}\n{words}"))
        return "".join(
            f"{number}\n{_stamp(start + origin_us)} --> {_stamp(end + origin_us)}\n{line}\n\n"
            for number, (start, end, line) in enumerate(entries, 1)
        )

    def _line(self, utc_us: int) -> str:
        return f"{self._title}\n{self._clock(utc_us)}"

    def _clock(self, utc_us: int) -> str:
        moment = datetime.fromtimestamp(utc_us // US_PER_SECOND, UTC).astimezone(self._zone)
        return f"{moment:%Y-%m-%d %H:%M:%S} {moment:%Z}"


def _stamp(media_us: int) -> str:
    milliseconds = media_us // 1000
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{milliseconds:03}"
