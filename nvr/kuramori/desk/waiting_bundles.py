"""Opened bundles that wait, sealed, until they stand on the recipient's medium (K7).

Each lies in its worker's spool: nameless files under a key that only that worker's memory holds. Ending the worker is
the erasure: what may be left of the files on the disk is AES-256-GCM without a key. At most seven days, at most as many
as memory allows, and none outlives the desk. Must not know HTTP, media or the register.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kuramori import log
from kuramori.clips.job import BundleStream
from kuramori.desk.bundle_fault import BundleMissing, BundlesWaiting
from kuramori.timebase import Clock

WAITING_MOST = 8  # each is a process of some sixty megabytes
WAITING_MS_MOST = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What is known of a bundle that waits."""

    request_id: str
    opening: int
    manifest_digest: bytes
    size_bytes: int | None
    opened_utc_ms: int
    until_utc_ms: int
    taken: bool  # whole, at least once


class Bundle:
    """A bundle that is registered as released. It can be taken again until `close`, which erases it."""

    def __init__(self, stream: BundleStream, request_id: str, opening: int, opened_utc_ms: int) -> None:
        self._stream = stream
        self._closed = False
        self._taken = False
        self.request_id = request_id
        self.opening = opening
        self.opened_utc_ms = opened_utc_ms
        self.manifest_digest = stream.manifest_digest
        self.size_bytes = stream.size_bytes

    @property
    def facts(self) -> BundleFacts:
        """What is known of it."""
        return BundleFacts(
            self.request_id,
            self.opening,
            self.manifest_digest,
            self.size_bytes,
            self.opened_utc_ms,
            self.opened_utc_ms + WAITING_MS_MOST,
            self._taken,
        )

    async def pieces(self, start: int = 0) -> AsyncIterator[bytes]:
        """Yield the archive from a place on. Raises ExtractionFailed where its worker has ended."""
        async for piece in self._stream.pieces(start):
            yield piece
        self._taken = True

    async def close(self) -> None:
        """Erase it. May be called twice."""
        if not self._closed:
            self._closed = True
            await self._stream.close()


class WaitingBundles:
    """Those that wait, one for each request."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bundles: dict[str, Bundle] = {}

    def all(self) -> tuple[BundleFacts, ...]:
        """Return what waits, the oldest first."""
        return tuple(bundle.facts for bundle in self._bundles.values())

    def of(self, request_id: str) -> Bundle:
        """Return the one of a request. Raises BundleMissing."""
        found = self._bundles.get(request_id)
        if found is None:
            raise BundleMissing(request_id)
        return found

    async def make_room(self, request_id: str) -> None:
        """See that one more of this request can wait: the one before it gives way, or one that was taken whole.

        Raises BundlesWaiting.
        """
        if request_id in self._bundles or len(self._bundles) < WAITING_MOST:
            return
        taken = next((one for one in self._bundles.values() if one.facts.taken), None)
        if taken is None:
            raise BundlesWaiting(WAITING_MOST)
        await self.erase(taken.request_id, "another one needs its room")

    async def keep(self, bundle: Bundle) -> None:
        """Let it wait."""
        await self.erase(bundle.request_id, "it was opened anew")
        self._bundles[bundle.request_id] = bundle

    async def erase(self, request_id: str, why: str) -> bool:
        """Erase what waits of a request; tell whether there was anything."""
        bundle = self._bundles.pop(request_id, None)
        if bundle is None:
            return False
        await bundle.close()
        log.get().info("spool_erased", request=request_id, opening=bundle.opening, why=why)
        return True

    async def forget_old(self) -> None:
        """Erase what has waited for a week."""
        now = self._clock.utc_ms()
        for facts in self.all():
            if now >= facts.until_utc_ms:
                await self.erase(facts.request_id, "it waited for a week")

    async def close(self) -> None:
        """Erase all."""
        await asyncio.gather(*(self.erase(request_id, "the desk ends") for request_id in list(self._bundles)))
