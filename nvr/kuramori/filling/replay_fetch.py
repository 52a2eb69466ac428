"""Fetches one piece of a camera's card: slowly, for a bounded time, and never more than was asked for.

The camera is read a little at a time, so that TCP holds it back and the live streams have the line; while the
recorder is late nothing is read at all. The fetch ends when the piece has passed, when the camera says so, when it
falls silent, when it sends what nobody asked for, or when its time is over. This module must not know where pictures
are sealed or which piece comes next.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from kuramori.capture.source import EndReason, Source, SourceEnded, StreamDescription
from kuramori.filling.replay_cut import Cut, ReplayCutter

DRAIN_SECONDS = 0.2
MOST_BYTES_PER_SECOND = 2 << 20  # 16 Mbit/s: four times what a camera usually sends live
MOST_BYTES_PER_DRAIN = int(MOST_BYTES_PER_SECOND * DRAIN_SECONDS)
SILENCE_SECONDS = 5.0  # a camera that has nothing more often just stops sending
PIECE_SECONDS = 180.0  # some cameras replay a minute in a minute
FAREWELL_SECONDS = 2.0


class FetchEnd(StrEnum):
    """How a fetch ended."""

    PASSED = "passed"  # all that was asked for has passed, whatever was in it
    SILENT = "silent"  # the camera stopped sending before that
    STRAYED = "strayed"  # it sends what nobody asked for, or without times
    TIMED_OUT = "timed_out"
    REFUSED = "refused"  # it does not replay this
    BROKEN = "broken"  # what came cannot be read
    UNREACHABLE = "unreachable"  # nothing is said about the piece: the camera is away
    NOT_KEPT = "not_kept"  # the recorder could not keep what came


@dataclass(frozen=True, slots=True)
class FetchResult:
    """How it ended, with a sentence for the log."""

    end: FetchEnd
    detail: str = ""


Seal = Callable[[list[Cut]], Awaitable[bool]]  # False: it could not be kept
Begin = Callable[[StreamDescription], None]


class ReplayFetch:
    """One fetch. `may_read` is asked before each reading: False lets the camera wait."""

    def __init__(self, source: Source, cutter: ReplayCutter, begin: Begin, seal: Seal, may_read: Callable[[], bool]):
        self._source = source
        self._cutter = cutter
        self._begin = begin
        self._seal = seal
        self._may_read = may_read

    async def run(self) -> FetchResult:
        """Fetch. Never raises for a camera's fault."""
        try:
            async with asyncio.timeout(PIECE_SECONDS):
                self._begin(await self._source.open())
                result = await self._read()
        except TimeoutError:
            result = FetchResult(FetchEnd.TIMED_OUT, f"not done within {PIECE_SECONDS:g} s")
        except SourceEnded as ended:
            result = _told(ended)
        finally:
            await self._close()
        self._cutter.finish()
        kept = await self._seal(self._cutter.take())
        return result if kept else FetchResult(FetchEnd.NOT_KEPT, "no place and no memory for it")

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._source.close()
        except TimeoutError:
            return  # it is closed all the same: the farewell was not heard

    async def _read(self) -> FetchResult:
        ended = asyncio.ensure_future(self._source.ended())
        cutter, loop = self._cutter, asyncio.get_running_loop()
        heard, heard_at = -1, loop.time()
        try:
            while True:
                if self._may_read():
                    self._source.drain()
                else:
                    heard_at = loop.time()
                if not await self._seal(cutter.take()):
                    return FetchResult(FetchEnd.NOT_KEPT, "no place and no memory for it")
                if cutter.is_over:
                    return FetchResult(FetchEnd.PASSED)
                if cutter.is_stray:
                    return FetchResult(FetchEnd.STRAYED, f"{cutter.strays} pictures that nobody asked for")
                if ended.done():
                    return _told(ended.result())
                packets = self._source.statistics.rtp_packets
                if packets != heard:
                    heard, heard_at = packets, loop.time()
                elif loop.time() - heard_at >= SILENCE_SECONDS:
                    return FetchResult(FetchEnd.SILENT, f"nothing came for {SILENCE_SECONDS:g} s")
                await asyncio.wait([ended], timeout=DRAIN_SECONDS)
        finally:
            ended.cancel()


def _told(ended: SourceEnded) -> FetchResult:
    """What the end of the source says of the piece."""
    match ended.reason:
        case EndReason.VANISHED | EndReason.STALLED:
            return FetchResult(FetchEnd.SILENT, ended.detail)
        case EndReason.UNREACHABLE | EndReason.UNTRUSTED | EndReason.STOPPED:
            return FetchResult(FetchEnd.UNREACHABLE, ended.detail)
        case EndReason.REFUSED if ended.wrong_credentials:
            return FetchResult(FetchEnd.UNREACHABLE, ended.detail)
        case EndReason.REFUSED | EndReason.UNSUITABLE:
            return FetchResult(FetchEnd.REFUSED, ended.detail)
        case _:
            return FetchResult(FetchEnd.BROKEN, ended.detail)
