"""Takes over what the door tells of cameras, says in the log what turned bad, and writes it down, not too often.

This module must not know ONVIF, nor what the facts are used for.
"""

import asyncio

from kuramori import log
from kuramori.camera_messages import CameraFacts, Light
from kuramori.fact_book import FactBook
from kuramori.vault_thread import WorkThread

WRITE_EVERY_SECONDS = 5.0  # a camera whose facts change all the time costs no more


class FactKeeping:
    """Keeps one fact book."""

    def __init__(self, book: FactBook, thread: WorkThread) -> None:
        self._book = book
        self._thread = thread
        self._changed = asyncio.Event()

    def note(self, facts: CameraFacts) -> None:
        """Take facts over; they are written down soon."""
        before = self._book.of(facts.camera)
        self._book.note(facts)
        _tell(before, facts)
        self._changed.set()

    async def run(self) -> None:
        """Write whenever something changed, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.write()
            await asyncio.sleep(WRITE_EVERY_SECONDS)

    async def write(self) -> None:
        """Write it down now; a place that takes nothing is told in the log."""
        try:
            await self._thread.call(self._book.save)
        except OSError as fault:
            log.get().error("camera_facts_unwritten", detail=str(fault))


def _tell(before: CameraFacts | None, now: CameraFacts) -> None:
    """What turned bad or good again, once; never what moved in front of the camera."""
    logger = log.get(camera=now.camera)
    was = before.card.light if before is not None else Light.UNKNOWN
    if now.card.light is not was:
        say = logger.error if now.card.light is Light.RED else logger.info
        say("camera_card", light=now.card.light.value, evidence=now.card.evidence[:300])
    tampered_before = frozenset(before.tampered) if before is not None else frozenset()
    if frozenset(now.tampered) != tampered_before:
        say = logger.error if now.tampered else logger.info
        say("camera_tampered", kinds=sorted(now.tampered)[:32])
    if now.certificate != (before.certificate if before is not None else "") and now.certificate:
        logger.warning("camera_certificate", detail=now.certificate[:300])
