"""Finds what a camera's own card holds, and where it is replayed (ONVIF Recording Search, Replay; Profile G).

The thin shell: bounded searches that are always ended, addresses bound to the camera's host. All times are by the
camera's clock; the caller applies the offset, and decides what may be fetched. This module must not know RTSP, gaps
or retention.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace

from kuramori_onvif import answers, card_answers
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.card_models import CardRecording, CardSpan
from kuramori_onvif.card_spans import clipped, of_history
from kuramori_onvif.device import Device
from kuramori_onvif.errors import AnswerMalformed, AnswerTooLarge, CameraFault, CardUnsupported, OnvifError
from kuramori_onvif.models import StreamAddress

KEEP_SECONDS = 60.0  # how long a camera keeps a search that we forgot
WAIT_SECONDS = 5.0  # for one page
END_SECONDS = 3.0
PAGE_RESULTS = 64
MAX_PAGES = 64
MAX_EMPTY_PAGES = 6  # one after another, of a search that is not completed


async def _service(device: Device, name: str, operation: str) -> str:
    address: str | None = getattr(await device.services(), name)
    if address is None:
        raise CardUnsupported(device.camera, operation, name)
    return address


async def summary(device: Device) -> card_answers.CardSummary:
    """Ask how much there is and from when to when. Raises an OnvifError."""
    operation = "GetRecordingSummary"
    address = await _service(device, "search", operation)
    content = (await device.soap.ask(address, answers.request(card_answers.NS_SEARCH, operation))).content
    found = card_answers.summary(content)
    if found is None:
        raise AnswerMalformed(device.camera, operation, "no summary in it")
    return found


async def recording_information(device: Device, token: str) -> CardRecording:
    """Ask for one recording's tracks and extent. Raises an OnvifError."""
    operation = "GetRecordingInformation"
    address = await _service(device, "search", operation)
    request = answers.request(card_answers.NS_SEARCH, operation, ("RecordingToken", token))
    content = (await device.soap.ask(address, request)).content
    found = card_answers.recording(xml.child(content, "RecordingInformation"))
    if found is None:
        raise AnswerMalformed(device.camera, operation, "no recording in it")
    return found


async def find_recordings(device: Device, from_utc_ms: int, to_utc_ms: int) -> tuple[CardRecording, ...]:
    """Return the recordings that hold something of this time, with the spans in which they do.

    Where the camera tells its recording history the spans are exact (`spans_exact`); else from first to last moment,
    and holes show only at replay. () means that the camera says it has nothing; a search that breaks off gives what
    it had found, or raises. Raises an OnvifError.
    """
    address = await _service(device, "search", "FindRecordings")
    found: dict[str, CardRecording] = {}
    whole = True
    request = card_answers.find_recordings_request(KEEP_SECONDS)
    try:
        async with aclosing(_pages(device, address, request, "GetRecordingSearchResults", _recordings_page)) as pages:
            async for content in pages:
                page = card_answers.search_page(content)
                whole = whole and page.readable
                found |= {one.token: one for one in page.recordings}
                if len(found) > card_answers.MAX_RECORDINGS:
                    limit = card_answers.MAX_RECORDINGS
                    raise AnswerTooLarge(device.camera, "GetRecordingSearchResults", "recordings", limit)
    except AnswerMalformed:
        if not found:
            raise
    if not whole and not found:
        raise AnswerMalformed(device.camera, "GetRecordingSearchResults", "no recording in it could be read")
    within = tuple(one for one in (_within(one, from_utc_ms, to_utc_ms) for one in found.values()) if one.spans)
    return await _with_history(device, address, within, from_utc_ms, to_utc_ms)


def _within(recording: CardRecording, from_utc_ms: int, to_utc_ms: int) -> CardRecording:
    """Cut a recording's extent to a time. One that is being written now may be told shorter than it is."""
    spans = recording.spans
    if recording.recording_now and spans and spans[0].from_utc_ms < to_utc_ms:
        spans = (CardSpan(spans[0].from_utc_ms, max(spans[0].until_utc_ms, to_utc_ms)),)
    return replace(recording, spans=clipped(spans, from_utc_ms, to_utc_ms))


async def _with_history(
    device: Device, address: str, recordings: tuple[CardRecording, ...], from_utc_ms: int, to_utc_ms: int
) -> tuple[CardRecording, ...]:
    """Make the spans exact where the camera tells its history whole; a camera that does not is let be."""
    if not recordings:
        return ()
    tokens = tuple(one.token for one in recordings)
    request = card_answers.find_history_request(from_utc_ms, to_utc_ms, tokens, KEEP_SECONDS)
    marks: list[card_answers.Mark] = []
    try:
        async with aclosing(_pages(device, address, request, "GetEventSearchResults", _history_page)) as pages:
            async for content in pages:
                page = card_answers.history_page(content)
                marks += page.marks
                if not page.readable or len(marks) > card_answers.MAX_MARKS:
                    return recordings
    except (CameraFault, AnswerMalformed, AnswerTooLarge):
        return recordings
    exact = [(one, of_history(one, marks, from_utc_ms, to_utc_ms)) for one in recordings]
    known = [one if spans is None else replace(one, spans=spans, spans_exact=True) for one, spans in exact]
    return tuple(one for one in known if one.spans)


def _recordings_page(content: xml.Element) -> tuple[bool, bool]:
    page = card_answers.search_page(content)
    return page.completed, bool(page.recordings)


def _history_page(content: xml.Element) -> tuple[bool, bool]:
    page = card_answers.history_page(content)
    return page.completed, bool(page.marks)


async def _pages(
    device: Device,
    address: str,
    request: xml.Element,
    operation: str,
    look: Callable[[xml.Element], tuple[bool, bool]],
) -> AsyncGenerator[xml.Element, None]:
    """Start a search and yield its pages; end it, however that ends. `look` tells: completed, something in it."""
    token = card_answers.search_token((await device.soap.ask(address, request)).content)
    if not token:
        raise AnswerMalformed(device.camera, xml.local_name(request), "no search token")
    completed, empty = False, 0
    try:
        for _ in range(MAX_PAGES):
            question = card_answers.results_request(operation, token, PAGE_RESULTS, WAIT_SECONDS)
            content = (await device.soap.ask(address, question)).content
            completed, filled = look(content)
            yield content
            empty = 0 if filled else empty + 1
            if completed or empty == MAX_EMPTY_PAGES:
                break
        if not completed:
            raise AnswerMalformed(device.camera, operation, "the search does not come to an end")
    finally:
        ending = answers.request(card_answers.NS_SEARCH, "EndSearch", ("SearchToken", token))
        with suppress(OnvifError, TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await device.soap.ask(address, ending)


async def replay_uri(device: Device, token: str) -> StreamAddress:
    """Ask where a recording is replayed; bound to this host, without user and password. Raises an OnvifError."""
    address = await _service(device, "replay", "GetReplayUri")
    content = (await device.soap.ask(address, card_answers.replay_request(token))).content
    return device.bind_stream(card_answers.replay_uri(content), "GetReplayUri")
