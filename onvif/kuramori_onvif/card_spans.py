"""From the marks of a recording's history to the spans in which it holds data. Pure.

All times by the camera's clock. Several video tracks count together: a moment that one of them has is there. This
module must not know SOAP.
"""

from collections.abc import Iterable

from kuramori_onvif.card_answers import Mark
from kuramori_onvif.card_models import CardRecording, CardSpan, TrackKind


def clipped(spans: Iterable[CardSpan], from_utc_ms: int, to_utc_ms: int) -> tuple[CardSpan, ...]:
    """Return what lies within a time, in order, touching pieces joined."""
    within = sorted(
        (max(one.from_utc_ms, from_utc_ms), min(one.until_utc_ms, to_utc_ms))
        for one in spans
        if one.from_utc_ms < to_utc_ms and one.until_utc_ms > from_utc_ms
    )
    joined: list[CardSpan] = []
    for start, end in within:
        if joined and start <= joined[-1].until_utc_ms:
            joined[-1] = CardSpan(joined[-1].from_utc_ms, max(end, joined[-1].until_utc_ms))
        else:
            joined.append(CardSpan(start, end))
    return tuple(joined)


def of_history(
    recording: CardRecording, marks: Iterable[Mark], from_utc_ms: int, to_utc_ms: int
) -> tuple[CardSpan, ...] | None:
    """Return a recording's spans within a time by its history; None where nothing is told of it.

    Marks of its video tracks count, else those of the whole recording. A first mark that ends means that data was
    there from the beginning; one that begins and never ends holds to the end.
    """
    own = [one for one in marks if one.recording_token == recording.token]
    video = {track.token for track in recording.tracks if track.kind is TrackKind.VIDEO}
    chosen = [one for one in own if one.track_token in video] or [one for one in own if not one.track_token]
    if not chosen:
        return None
    spans: list[CardSpan] = []
    for track in {one.track_token for one in chosen}:
        spans += _of_track([one for one in chosen if one.track_token == track], from_utc_ms, to_utc_ms)
    return clipped(spans, from_utc_ms, to_utc_ms)


def _of_track(marks: list[Mark], from_utc_ms: int, to_utc_ms: int) -> list[CardSpan]:
    spans: list[CardSpan] = []
    ordered = sorted(marks, key=lambda one: (one.utc_ms, one.present))
    since: int | None = None if ordered[0].present else min(from_utc_ms, ordered[0].utc_ms)
    for mark in ordered:
        if mark.present:
            since = mark.utc_ms if since is None else since
        elif since is not None:
            spans.append(CardSpan(since, mark.utc_ms))
            since = None
    if since is not None and since < to_utc_ms:
        spans.append(CardSpan(since, to_utc_ms))
    return spans
