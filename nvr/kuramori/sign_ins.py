"""One camera's refused sign-ins, as its life sees them: how long to leave the account alone, and what to note.

This module must not know files, nor how a camera is asked.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from kuramori.sign_in_book import SignInBook


@dataclass(slots=True)
class SignIns:
    """The book for one camera. `mark` tells the account that is tried now, "" where there is none."""

    book: SignInBook
    camera: str
    mark: Callable[[], str]
    _begun: bool = False  # a wait from before is sat out once: later waits are the camera's own

    @property
    def refusals(self) -> int:
        """How often the account was refused in a row."""
        return self.book.refusals(self.camera, self.mark())

    def left_at_start(self, boot_ns: int) -> float:
        """Return what is left, in seconds, of a wait that began before the recorder was started; later on 0."""
        begun, self._begun = self._begun, True
        return 0.0 if begun else self.book.left_seconds(self.camera, self.mark(), boot_ns)

    async def refused(self, refusals: int, wait_seconds: float, utc_ms: int, boot_ns: int) -> None:
        """Note durably how long the account is left alone."""
        self.book.refused(self.camera, self.mark(), refusals, wait_seconds, utc_ms, boot_ns)
        await asyncio.to_thread(self.book.save)

    async def forget(self) -> None:
        """The account is well, or is to be tried afresh."""
        self._begun = True
        if self.book.forget(self.camera):
            await asyncio.to_thread(self.book.save)
