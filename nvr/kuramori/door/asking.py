"""Asking cameras through the inquirer: started when there is something to ask, ended when there has been nothing.

What a camera shows of itself at first, its certificate, is pinned here, and another one noted as refused. This module
must not know discovery, the recorder or what an answer is used for.
"""

import asyncio
import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kuramori import log
from kuramori.certificate_book import CertificateBook, is_pinned_here
from kuramori.door.camera_access import access_of
from kuramori.door.inquiry import (
    LINE_LIMIT_BYTES,
    UNTOUCHED,
    CameraLook,
    CardAnswer,
    CardQuestion,
    Description,
    Inquiry,
    LineUnreadable,
    Look,
    ProfileChanges,
    Reply,
    Unanswered,
    decode_reply,
    encode,
)
from kuramori.door_messages import CameraStream, DoorCameraState
from kuramori_config.faults import SecretRefused
from kuramori_config.schema import Camera as CameraTable
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.models import AudioFact

COMMAND = (sys.executable, "-m", "kuramori.door.inquirer")
ANSWER_SECONDS = 180.0  # a description is ten exchanges of at most 15 s, or a changed profile; more is being held
IDLE_SECONDS = 15.0
_CODECS = {"H264": "h264", "H265": "h265"}


@dataclass(slots=True)
class _Inquirer:
    """A running inquirer: its process, its open questions, the task that reads its replies."""

    process: asyncio.subprocess.Process
    open: dict[int, asyncio.Future[Reply | None]] = field(default_factory=dict)
    reading: asyncio.Task[None] | None = None

    async def read(self) -> None:
        """Hand replies to who waits for them; at the end tell the others that none will come."""
        if self.process.stdout is None:
            return
        with contextlib.suppress(LineUnreadable, asyncio.LimitOverrunError, ValueError):
            while line := await self.process.stdout.readline():
                number, reply = decode_reply(line)
                waiting = self.open.pop(number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(reply)
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()
        for waiting in self.open.values():
            if not waiting.done():
                waiting.set_result(None)
        self.open.clear()


class Asker:
    """Asks cameras, several at a time. Close it at the end; may be closed twice."""

    def __init__(
        self,
        secrets_directory: Path,
        certificates: CertificateBook,
        *,
        command: tuple[str, ...] = COMMAND,
        answer_seconds: float = ANSWER_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._secrets_directory = secrets_directory
        self.certificates = certificates
        self._command = command
        self._answer_seconds = answer_seconds
        self._idle_seconds = idle_seconds
        self._inquirer: _Inquirer | None = None
        self._ending: set[asyncio.Task[None]] = set()  # readers of inquirers that were dismissed
        self._starting = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._number = 0

    @property
    def running(self) -> bool:
        """Tell whether an inquirer lives at this moment."""
        return self._inquirer is not None and self._inquirer.process.returncode is None

    async def ask(
        self, table: CameraTable, url: str, changes: ProfileChanges = UNTOUCHED, *, claimed: bool = False
    ) -> CameraDescription | Unanswered:
        """Ask the camera of this table at this address everything that recording needs; change what is allowed.

        `claimed`: nobody but discovery says that it is there; it is not yet known by its certificate.
        """
        question = Description(table.profile, changes)
        reply = await self._put(table, url, question, claimed=claimed)
        return reply if isinstance(reply, Unanswered) else reply.description or _broken(table, url)

    async def look(self, table: CameraTable, url: str, question: Look) -> CameraLook | Unanswered:
        """Ask the rest of a camera that was found."""
        reply = await self._put(table, url, question)
        return reply if isinstance(reply, Unanswered) else reply.look or _broken(table, url)

    async def card(self, table: CameraTable, url: str, question: CardQuestion) -> CardAnswer | Unanswered:
        """Ask what the card of a camera that was found holds."""
        reply = await self._put(table, url, question)
        return reply if isinstance(reply, Unanswered) else reply.card or _broken(table, url)

    async def _put(
        self, table: CameraTable, url: str, question: Description | Look | CardQuestion, *, claimed: bool = False
    ) -> Reply | Unanswered:
        try:
            inquiry = self._inquiry(table, url, question)
        except SecretRefused as refused:
            return Unanswered(DoorCameraState.REFUSED, str(refused))
        try:
            reply = await self._exchange(inquiry)
        except OSError as error:
            return Unanswered(DoorCameraState.UNREACHABLE, f"The inquirer cannot be started: {error.strerror}.")
        except TimeoutError:
            log.get(camera=table.name).error("inquiry_held", address=url, seconds=self._answer_seconds)
            detail = f"The camera at {url} held the inquiry for {self._answer_seconds:g} s; it was given up."
            return Unanswered(DoorCameraState.UNREACHABLE, detail)
        if reply is None:
            return _broken(table, url)
        if is_pinned_here(table) and not claimed:
            self._know(table, reply)
        return reply.unanswered or reply

    def _know(self, table: CameraTable, reply: Reply) -> None:
        """Pin the certificate that was seen first; remember one that was refused."""
        book, name = self.certificates, table.name
        if reply.certificate:
            book.pin(name, _configured(table), reply.certificate)
        elif reply.unanswered is None:
            book.well(name)
        elif reply.unanswered.untrusted:
            book.refuse(name, reply.unanswered.untrusted)

    async def close(self) -> None:
        """End the inquirer; who still waits gets no answer."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._inquirer is not None:
            self._kill(self._inquirer)
        await asyncio.gather(*self._ending)

    async def _exchange(self, inquiry: Inquiry) -> Reply | None:
        """Return the reply; None when the inquirer died. Raises TimeoutError (it is killed) or OSError."""
        inquirer = await self._living()
        self._number += 1
        waiting: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        inquirer.open[self._number] = waiting
        number = self._number
        try:
            if inquirer.process.stdin is not None:
                inquirer.process.stdin.write(encode(number, inquiry))
            async with asyncio.timeout(self._answer_seconds):
                return await waiting
        except TimeoutError:
            self._kill(inquirer)
            raise
        finally:
            inquirer.open.pop(number, None)
            self._rest(inquirer)

    async def _living(self) -> _Inquirer:
        async with self._starting:
            if self._idle is not None:
                self._idle.cancel()
                self._idle = None
            if self._inquirer is not None and self._inquirer.process.returncode is None:
                return self._inquirer
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_LIMIT_BYTES,
            )
            self._inquirer = _Inquirer(process)
            self._inquirer.reading = asyncio.create_task(self._inquirer.read())
            return self._inquirer

    def _rest(self, inquirer: _Inquirer) -> None:
        """Let the inquirer end when nothing more comes for a while."""
        if inquirer.open or inquirer is not self._inquirer:
            return
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._dismiss, inquirer)

    def _dismiss(self, inquirer: _Inquirer) -> None:
        if not inquirer.open and inquirer is self._inquirer and inquirer.process.stdin is not None:
            inquirer.process.stdin.close()
            self._let_go(inquirer)

    def _kill(self, inquirer: _Inquirer) -> None:
        with contextlib.suppress(ProcessLookupError):
            inquirer.process.kill()
        self._let_go(inquirer)

    def _let_go(self, inquirer: _Inquirer) -> None:
        """Ask it nothing more; its end is awaited in `close`."""
        if inquirer is self._inquirer:
            self._inquirer = None
        if inquirer.reading is not None and not inquirer.reading.done():
            self._ending.add(inquirer.reading)
            inquirer.reading.add_done_callback(self._ending.discard)

    def _inquiry(self, table: CameraTable, url: str, question: Description | Look | CardQuestion) -> Inquiry:
        pinned = self.certificates.pinned(table.name, _configured(table))
        access = access_of(table, url, pinned, self._secrets_directory)
        if isinstance(question, Look):
            return Inquiry(access, look=question)
        if isinstance(question, CardQuestion):
            return Inquiry(access, card=question)
        return Inquiry(access, description=question)


def _configured(table: CameraTable) -> str:
    return table.onvif.url if table.onvif is not None else ""


def _broken(table: CameraTable, url: str) -> Unanswered:
    """The inquirer died of this camera, or said nothing that makes sense."""
    log.get(camera=table.name).error("inquirer_died", address=url)
    return Unanswered(DoorCameraState.UNSUITABLE, f"Asking the camera at {url} ended the inquirer.")


def camera_stream(camera: str, found: CameraDescription, endpoint_id: str) -> CameraStream:
    """Return what the recorder is told of a camera."""
    choice = found.choice
    return CameraStream(
        camera=camera,
        stream_uri=found.stream.uri,
        endpoint_uuid=endpoint_id,
        profile=choice.profile.token,
        audio_encoder=choice.profile.audio is not AudioFact.ABSENT,
        detail="; ".join(found.oddities),
        codec=_CODECS.get(choice.video.encoding, ""),
        width=choice.video.width,
        height=choice.video.height,
        audio_encoding=choice.profile.audio_encoding,
        clock_offset_ms=found.clock.offset_ms,
    )
