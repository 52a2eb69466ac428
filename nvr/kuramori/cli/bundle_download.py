"""The bundle that waits, as it comes: a download that breaks off is taken up where it broke.

Must not know where it is written.
"""

import re
import time
from collections.abc import Callable, Generator, Iterator

from kuramori.api.headers import MANIFEST_HEADER
from kuramori.cli.client import CommandFailure, DeskClient, DeskNotRunning, DeskSilent, Download
from kuramori.texts import tr

TRIES_MOST = 5  # one after another without a single byte
PAUSE_SECONDS = 1.0
HEXADECIMAL = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"bytes (\d{1,19})-\d{1,19}/\d{1,19}")


def manifest_digest(download: Download) -> bytes:
    """Return the manifest's digest that the desk registered; b"" where it says none."""
    text = download.headers.get(MANIFEST_HEADER, "")
    return bytes.fromhex(text) if HEXADECIMAL.fullmatch(text) else b""


def broke_off() -> CommandFailure:
    """Return the refusal of a bundle that does not come to its end."""
    return CommandFailure(
        tr(
            "The bundle broke off: nothing was kept. Take it again with the same command.",
            "提供データの受信が途中で切れました。保存していません。同じ操作をやり直してください。",
        )
    )


class WaitingDownload:
    """One download of the bundle at `path`. Iterate `pieces` once."""

    def __init__(self, desk: DeskClient, path: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._desk = desk
        self._path = path
        self._pause = pause
        self._tag = ""
        self._taken_bytes = 0
        self.size_bytes = 0
        self.digest = b""

    def pieces(self) -> Generator[bytes, None, None]:
        """Yield the archive. The first piece that is asked for asks the desk. Raises CommandFailure."""
        tries = 0
        while not self.size_bytes or self._taken_bytes < self.size_bytes:
            before = self._taken_bytes
            try:
                yield from self._part()
                if self._taken_bytes == before:
                    raise broke_off()
            except (DeskSilent, DeskNotRunning) as cut:
                tries = 1 if self._taken_bytes > before else tries + 1
                if tries == TRIES_MOST or not self._tag:
                    raise broke_off() from cut
                self._pause(PAUSE_SECONDS)

    def _part(self) -> Iterator[bytes]:
        headers = {"Accept": "*/*"}
        if self._tag:
            headers |= {"Range": f"bytes={self._taken_bytes}-", "If-Range": self._tag}
        with self._desk.download(self._path, headers=headers) as download:
            self._begin(download)
            yield b""  # what is said of it is known now
            for piece in download.pieces:
                self._taken_bytes += len(piece)
                yield piece

    def _begin(self, download: Download) -> None:
        tag, length = download.headers.get("etag", ""), download.headers.get("content-length", "")
        if not self._tag:
            self._tag = tag
            self.digest = manifest_digest(download)
            self.size_bytes = int(length) if length.isascii() and length.isdecimal() else 0
            if not self._tag or not self.size_bytes:
                raise broke_off()
            return
        part = _PART.fullmatch(download.headers.get("content-range", ""))
        if tag != self._tag or part is None or int(part[1]) != self._taken_bytes:
            raise broke_off()  # opened anew meanwhile: another bundle
