"""Looking at the site for the mails: the recorder often, the desk now and then, yesterday's coverage once a day.

Each question has a short limit: a process that is frozen does not hold the messenger up. This module must not know
mails.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from kuramori.desk.custody_status import CustodyStatus
from kuramori.mail.bounded_answer import AnswerRefused, bounded_get
from kuramori.messages import Coverage, RecorderStatus
from kuramori.metrics_window import supervised
from kuramori.places import Places
from kuramori.recorder_client import RecorderClient, RecorderFault
from kuramori.site_state import SiteFacts
from kuramori.texts import BothLanguages, both, tr
from kuramori.wire import WireInvalid, from_plain

RECORDER_ANSWER_SECONDS = 5.0
COVERAGE_SECONDS = 30.0  # for all cameras together
DESK_SECONDS = 10.0
DESK_EVERY_SECONDS = 30.0
DESK_ANSWER_BYTES_MOST = 32 * 2**20


@dataclass(slots=True)
class SiteLook:
    """Keeps what was seen last. Holds no connection."""

    places: Places
    recorder: RecorderStatus | None = None
    away: str = ""
    custody: CustodyStatus | None = None
    desk_sentences: tuple[str, ...] = ()
    reminders: tuple[BothLanguages, ...] = ()  # of the desk, what the office must not forget
    _desk_due: float = field(default=0.0)

    async def look(self) -> SiteFacts:
        """Ask, and return what is known now."""
        client = RecorderClient(self.places.recorder_socket, RECORDER_ANSWER_SECONDS)
        try:
            self.recorder, self.away = await client.status(), ""
        except RecorderFault as fault:
            self.recorder, self.away = None, str(fault)
        now = asyncio.get_running_loop().time()
        if now >= self._desk_due:
            self._desk_due = now + DESK_EVERY_SECONDS
            await self._ask_desk()
        down = tuple(process.name for process in supervised(self.places.runtime) if not process.up)
        return SiteFacts(self.recorder, self.away, down, self.desk_sentences)

    async def coverage(self, from_utc_ms: int, to_utc_ms: int) -> Mapping[str, Coverage]:
        """Return what was recorded, by camera; cameras that could not be asked in time are left out."""
        found: dict[str, Coverage] = {}
        client = RecorderClient(self.places.recorder_socket, RECORDER_ANSWER_SECONDS)
        try:
            async with asyncio.timeout(COVERAGE_SECONDS):
                for camera in self.recorder.cameras if self.recorder is not None else ():
                    found[camera.name] = await client.coverage(camera.name, from_utc_ms, to_utc_ms)
        except (RecorderFault, TimeoutError):
            return found
        return found

    async def _ask_desk(self) -> None:
        """Take over what the desk says; a desk that says nothing in time is a problem, what it said before stays."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.places.desk_socket), verify=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://desk", trust_env=False) as desk:
                answer = await bounded_get(desk, "/v1/status", DESK_ANSWER_BYTES_MOST, DESK_SECONDS)
            document = json.loads(answer)
            self.custody = from_plain(CustodyStatus, document["custody"]) if document["custody"] else None
            told = [from_plain(BothLanguages, one) for one in document["desk_problem_texts"]]
            self.desk_sentences = tuple(tr(one.english, one.japanese) for one in told)
            self.reminders = tuple(from_plain(BothLanguages, one["text"]) for one in document["reminders"])
        except (AnswerRefused, WireInvalid, ValueError, KeyError, TypeError, RecursionError) as error:
            known = tuple(one for one in self.desk_sentences if not both(one).english.startswith(_DESK_AWAY))
            detail = str(error) if isinstance(error, AnswerRefused) else type(error).__name__
            self.desk_sentences = (
                *known,
                tr(f"{_DESK_AWAY} ({detail})", f"受付（desk）が応答していません（{detail}）"),
            )


_DESK_AWAY = "the desk does not answer"
