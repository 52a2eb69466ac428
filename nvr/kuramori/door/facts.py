"""What is known of a camera, put together from what it described, what a closer look found and what its events say.

Pure. Every fact has its time: the last moment at which the camera said anything of it. This module must not know how
any of it was asked.
"""

from dataclasses import dataclass, field

from kuramori.camera_messages import (
    AudioFacts,
    CameraFacts,
    CardFacts,
    EventsState,
    Light,
    MaskFacts,
    SilenceBy,
)
from kuramori.door.concerns import Concern, concerns_of, of_shunned
from kuramori.door.inquiry import CameraLook
from kuramori.door.watch_messages import Heard
from kuramori.door_messages import KnownCertificate
from kuramori_config.schema import Camera as CameraTable
from kuramori_onvif.card_models import CardReport
from kuramori_onvif.device import CameraDescription
from kuramori_onvif.event_models import EventKind, ReportedEvent
from kuramori_onvif.silent_profile import How

_SILENCE = {
    How.CHOSEN: SilenceBy.CHOSEN,
    How.MADE: SilenceBy.MADE,
    How.EDITED: SilenceBy.EDITED,
    How.NOT_SILENT: SilenceBy.NOT_SILENT,
    How.NOT_TOLD: SilenceBy.NOT_TOLD,
}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything that is known of one camera at this moment."""

    description: CameraDescription | None = None
    look: CameraLook = field(default_factory=CameraLook)
    heard: Heard | None = None  # None: nothing was heard of its events yet
    certificate: KnownCertificate | None = None
    refusal: str = ""  # why it lets us in no more, or is of no use: a sentence
    shunned: bool = False  # a silent profile of ours streamed nothing and is not used
    said_utc_ms: int = 0  # when it said anything last; 0: never

    @property
    def looked_at(self) -> bool:
        """Whether a closer look was taken since it was found."""
        return self.look.card.looked_utc_ms > 0 or bool(self.look.problems)

    @property
    def events(self) -> EventsState:
        """Whether its events are heard."""
        return self.heard.state if self.heard is not None else EventsState.LOST


def facts_of(
    table: CameraTable, known: Knowledge, alarm_ms: int, utc_ms: int
) -> tuple[CameraFacts, tuple[Concern, ...]]:
    """Return the facts as the recorder is told them, and the concerns that stand in them."""
    clock = known.description.clock if known.description is not None else None
    facts = CameraFacts(
        camera=table.name,
        utc_ms=known.said_utc_ms or utc_ms,
        audio=_audio(known.description),
        card=_card(known),
        masks=MaskFacts(known.look.masks, table.privacy_mask),
        events=known.events if table.events else EventsState.OFF,
        tampered=known.heard.tampers if known.heard is not None else (),
        clock_offset_ms=clock.offset_ms if clock is not None else None,
        clock_source=clock.source.value if clock is not None else "",
        ntp=_network_time(known.look),
        certificate=_certificate(known.certificate),
    )
    found = concerns_of(table, facts, known.description, known.look, known.heard, known.refusal, alarm_ms)
    return facts, (*found, of_shunned()) if known.shunned else found


def _audio(description: CameraDescription | None) -> AudioFacts:
    if description is None:
        return AudioFacts()
    silenced = description.silenced
    return AudioFacts(
        profiles_with_audio=description.profiles_with_audio,
        encodings=description.audio_encodings,
        chosen_profile=description.choice.profile.token,
        silence=_SILENCE[silenced.how] if silenced is not None else SilenceBy.NOT_TOLD,
        evidence=silenced.evidence if silenced is not None else "",
    )


def _card(known: Knowledge) -> CardFacts:
    """The card as it was looked at; a failure that its events tell is red before anybody has looked again."""
    card: CardReport = known.look.card
    light, evidence = Light(card.light.value), card.evidence
    failure = storage_failure(known.heard)
    if failure is not None and light is not Light.RED:
        light, evidence = Light.RED, f"The camera reports a storage failure ({failure.topic})."
    return CardFacts(
        light=light,
        evidence=evidence,
        has_storage=card.has_storage,
        records=card.records,
        records_audio=card.records_audio,
        encrypted=card.encrypted,
        oldest_utc_ms=card.oldest_utc_ms,
        latest_utc_ms=card.latest_utc_ms,
    )


def storage_failure(heard: Heard | None) -> ReportedEvent | None:
    """Return the storage failure that a camera's events tell to be there now."""
    states = heard.states if heard is not None else ()
    return next((one for one in states if one.kind is EventKind.STORAGE_FAILURE and one.begins), None)


def card_states(heard: Heard | None) -> tuple[ReportedEvent, ...]:
    """Return what the events tell of the card: a change is a reason to look at it."""
    kinds = (EventKind.STORAGE_FAILURE, EventKind.RECORDING_JOB)
    return tuple(one for one in (heard.states if heard is not None else ()) if one.kind in kinds)


def _network_time(look: CameraLook) -> str:
    if look.ntp is not None:
        return f"{look.ntp.outcome.value}: {look.ntp.evidence}"
    if look.network_time is None:
        return "not asked"
    servers = ", ".join(look.network_time.servers) or "none"
    return f"not asked; its servers: {servers}"


def _certificate(known: KnownCertificate | None) -> str:
    if known is None:
        return ""
    if known.refused:
        return f"changed: sha256:{known.refused} (refused)"
    if known.configured:
        return "configured"
    return f"pinned sha256:{known.pinned}" if known.pinned else ""
