"""Asks a camera about its own card, as far as it answers (K8, O2): the thin shell around `card_state`.

Every question may be unknown to the camera or be answered badly; that costs only itself and is told. This module must
not know what is allowed on a card, nor draw conclusions.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TypeVar

from kuramori_onvif import answers, card_answers, card_search
from kuramori_onvif.card_models import CardRecording, CardReport, TrackKind
from kuramori_onvif.card_state import CardEvidence, report
from kuramori_onvif.device import Device
from kuramori_onvif.errors import (
    AnswerMalformed,
    AnswerTooLarge,
    CameraFault,
    CardUnsupported,
    CredentialsMissing,
    CredentialsRefused,
    OperationUnsupported,
)
from kuramori_onvif.event_states import EventStates
from kuramori_onvif.hardened_xml import Element
from kuramori_onvif.storage_configuration import StorageConfiguration

MAX_ASKED_JOBS = 8
MAX_ASKED_RECORDINGS = 8
_Answer = TypeVar("_Answer")


class CardConcern(StrEnum):
    """What an operator must be told of a card, beside its light."""

    RECORDS_UNINVITED = "The camera records on its own card, which the configuration does not allow."
    MAY_RECORD_UNINVITED = "It is not known whether the camera records on its own card, which is not allowed."
    RECORDS_AUDIO = "The camera's own recording contains sound, or a track for it."
    NOT_ENCRYPTED_AS_FAR_AS_TOLD = "The camera records on its own card and does not say that it encrypts."


def concerns(card: CardReport, *, allowed: bool, audio_allowed: bool = False) -> tuple[CardConcern, ...]:
    """Return what is to be told of a card. `allowed`: the configuration lets this camera record on it (K8). Pure."""
    found: list[CardConcern] = []
    if card.records and not allowed:
        found.append(CardConcern.RECORDS_UNINVITED)
    if card.records is None and not allowed and (card.has_storage or card.latest_utc_ms is not None):
        found.append(CardConcern.MAY_RECORD_UNINVITED)
    if card.records_audio and not audio_allowed:
        found.append(CardConcern.RECORDS_AUDIO)
    if card.records and not card.encrypted:
        found.append(CardConcern.NOT_ENCRYPTED_AS_FAR_AS_TOLD)
    return tuple(found)


async def inspect_card(
    device: Device, events: EventStates | None = None, earlier: CardReport | None = None
) -> CardReport:
    """Look at the card once: about a dozen questions. Hand in what the events say now, and the report before.

    Raises an OnvifError only where the camera cannot be reached, or refuses the first sign-in: nothing is known then.
    """
    asking = _Asking(device)
    jobs = await asking.jobs()
    summary = await asking.told("how much is recorded", lambda: card_search.summary(device))
    configured = await asking.told("its recordings", asking.configured_recordings)
    storages = await asking.told("its storage", asking.storages)
    evidence = CardEvidence(
        now_utc_ms=device.soap.utc_ms(),
        events=events or EventStates(),
        jobs=jobs,
        summary=summary,
        configured=configured,
        recordings=await asking.loud_recordings(configured),
        storages=storages,
        earlier=earlier,
        oddities=tuple(asking.oddities),
    )
    return report(evidence)


@dataclass(slots=True)
class _Asking:
    """The questions of one look."""

    device: Device
    oddities: list[str] = field(default_factory=list)
    _answered: bool = False

    async def told(self, what: str, question: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """Return the answer, or None with a word about why there is none."""
        try:
            answer = await question()
        except (OperationUnsupported, CardUnsupported):
            return None
        except (CredentialsRefused, CredentialsMissing):
            if not self._answered:
                raise
            self.oddities.append(f"It does not let this user ask about {what}.")
        except (CameraFault, AnswerMalformed, AnswerTooLarge) as error:
            self.oddities.append(f"What it says about {what} is of no use ({type(error).__name__}).")
        else:
            self._answered = True
            return answer
        return None

    async def jobs(self) -> tuple[card_answers.JobState, ...] | None:
        """Return the state of every job; None where one of them cannot be told."""
        listed = await self.told("its recording jobs", self._job_tokens)
        if listed is None or not listed.complete or len(listed.tokens) > MAX_ASKED_JOBS:
            return None
        states: list[card_answers.JobState] = []
        for token in listed.tokens:
            state = await self.told("a recording job", partial(self._job_state, token))
            if state is None:
                return None
            states.append(state)
        return tuple(states)

    async def _job_tokens(self) -> card_answers.JobTokens:
        return card_answers.job_tokens(await self._recording_service("GetRecordingJobs"))

    async def _job_state(self, token: str) -> card_answers.JobState:
        return card_answers.job_state(await self._recording_service("GetRecordingJobState", token))

    async def configured_recordings(self) -> card_answers.ConfiguredRecordings:
        """Ask where it could record to."""
        return card_answers.configured_recordings(await self._recording_service("GetRecordings"))

    async def storages(self) -> tuple[StorageConfiguration, ...] | None:
        """Ask for its storage."""
        return await self.device.storage_configurations()

    async def loud_recordings(self, configured: card_answers.ConfiguredRecordings | None) -> tuple[CardRecording, ...]:
        """Ask further about recordings with a track that may hold sound."""
        found: list[CardRecording] = []
        loud = [
            one.token
            for one in (configured.recordings if configured is not None else ())
            if any(track.kind in (TrackKind.AUDIO, TrackKind.OTHER) for track in one.tracks)
        ]
        for token in loud[:MAX_ASKED_RECORDINGS]:
            one = await self.told("a recording", partial(card_search.recording_information, self.device, token))
            found += [one] if one is not None else []
        return tuple(found)

    async def _recording_service(self, operation: str, job: str = "") -> Element:
        address = (await self.device.services()).recording
        if address is None:
            raise CardUnsupported(self.device.camera, operation, "recording")
        fields = (("JobToken", job),) if job else ()
        request = answers.request(card_answers.NS_RECORDING, operation, *fields)
        return (await self.device.soap.ask(address, request)).content
