"""A media profile without sound (R3): the chosen one if it is silent, else one that we make, else one that is edited.

Made of video source and video encoder only, under one name, so that it is found again and never doubled; what of
ours is broken is deleted. An existing profile is changed only where that is allowed. What a camera answers to a
change counts for nothing: the profiles are read back after each. This module must not know SOAP or configuration.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.errors import (
    CameraUnreachable,
    CertificateUntrusted,
    CredentialsMissing,
    CredentialsRefused,
    DeadlineExceeded,
    OnvifError,
    quoted,
)
from kuramori_onvif.models import AudioFact, MediaProfile
from kuramori_onvif.profile_requests import Part, Profiling
from kuramori_onvif.profiles import Choice, Why, choose_profile

SILENT_NAME = "kuramori-silent"
SILENCE_SECONDS = 45.0  # for all changes of one camera: recording waits for this
MAX_EVIDENCE_CHARACTERS = 1000
_HOPELESS = (CameraUnreachable, CertificateUntrusted, CredentialsMissing, CredentialsRefused, DeadlineExceeded)


class How(StrEnum):
    """How the profile in use came to be silent, or that it did not."""

    CHOSEN = "chosen"  # it carries no audio encoder
    MADE = "made"  # ours, of video source and encoder only, read back without audio encoder
    EDITED = "edited"  # the audio encoder was taken out of it, and it was read back without
    NOT_SILENT = "not_silent"  # it carries an audio encoder; the sound is never set up
    NOT_TOLD = "not_told"  # the camera does not say what it carries


@dataclass(frozen=True, slots=True)
class Silenced:
    """What is to be recorded after all, how it became silent, and a text for the operator that says why we think so."""

    choice: Choice
    how: How
    evidence: str


class ProfileEditor(Protocol):
    """A camera whose profiles can be read and changed."""

    @property
    def versions(self) -> tuple[int, ...]:
        """The media services it offers, of 1 and 2."""

    async def read(self) -> tuple[MediaProfile, ...]:
        """Read all profiles as they are now. Raises OnvifError; never an empty list for an unreadable answer."""

    async def change(self, version: int, request: xml.Element) -> None:
        """Send a change. Raises OnvifError."""


def is_ours(profile: MediaProfile) -> bool:
    """Tell whether we have made this profile."""
    return SILENT_NAME in (profile.name, profile.token)


async def silence(
    editor: ProfileEditor,
    profiles: tuple[MediaProfile, ...],
    choice: Choice,
    *,
    may_make: bool = True,
    may_edit: bool = False,
) -> Silenced:
    """Give the best silent profile that can be had in place of `choice`; whatever fails leaves NOT_SILENT.

    Nothing is changed in the camera where the choice is silent already or not known to be loud.
    """
    profile = choice.profile
    match profile.audio:
        case AudioFact.ABSENT:
            made = is_ours(profile)
            evidence = f'Profile "{quoted(profile.name or profile.token)}" carries no audio encoder.'
            return Silenced(choice, How.MADE if made else How.CHOSEN, evidence)
        case AudioFact.UNKNOWN:
            return Silenced(choice, How.NOT_TOLD, "The camera does not say what its profile carries.")
    attempt = _Attempt(editor, _base(profiles, choice), profiles)
    done = None
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            done = await attempt.make() if may_make else attempt.reuse()
            if done is None and may_edit:
                done = await attempt.edit()
    except TimeoutError:
        attempt.notes.append(f"It needed longer than {SILENCE_SECONDS:g} s.")
    except OnvifError as error:
        attempt.notes.append(str(error))
    if done is not None:
        return done
    loud = attempt.base.profile
    encoding = f" ({quoted(loud.audio_encoding)})" if loud.audio_encoding else ""
    notes = [f'Profile "{quoted(loud.name or loud.token)}" carries an audio encoder{encoding}.', *attempt.notes]
    if not may_edit:
        notes.append("Changing an existing profile is not allowed.")
    return Silenced(attempt.base, How.NOT_SILENT, _evidence(notes))


async def discard(editor: ProfileEditor, profile: MediaProfile) -> None:
    """Delete a profile of ours that is of no use; nothing happens where it is not ours or the camera refuses."""
    if is_ours(profile):
        try:
            await editor.change(profile.media_version, Profiling(profile.media_version).delete(profile.token))
        except OnvifError:
            return


def _base(profiles: tuple[MediaProfile, ...], choice: Choice) -> Choice:
    """Return the choice, or where that is a loud profile of ours, the best of the camera's own."""
    own = tuple(profile for profile in profiles if not is_ours(profile))
    if not is_ours(choice.profile):
        return choice
    try:
        return replace(choose_profile(own, None), why=choice.why)
    except OnvifError:  # nothing else that could be recorded
        return choice


def _evidence(notes: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(notes))[:MAX_EVIDENCE_CHARACTERS]


@dataclass(slots=True)
class _Attempt:
    """One try at one camera. `now`: its profiles as last read; `notes`: what stood in the way."""

    editor: ProfileEditor
    base: Choice
    now: tuple[MediaProfile, ...]
    notes: list[str] = field(default_factory=list)

    def _versions(self) -> tuple[int, ...]:
        """The media services to try, the one first that named the profile."""
        first = self.base.profile.media_version
        return tuple(sorted(self.editor.versions, key=lambda version: version != first))

    async def _change(self, version: int, request: xml.Element) -> bool:
        """Send a change and read back, whatever the camera says to it; tell whether it said yes.

        Raises OnvifError where it cannot be reached, signed in to, or read back.
        """
        accepted = True
        try:
            await self.editor.change(version, request)
        except _HOPELESS:
            raise
        except OnvifError as error:
            accepted = False
            self.notes.append(str(error))
        self.now = await self.editor.read()
        return accepted

    def _ours(self) -> tuple[MediaProfile, ...]:
        token = self.base.profile.token
        return tuple(profile for profile in self.now if is_ours(profile) and profile.token != token)

    def _fits(self, profile: MediaProfile) -> bool:
        """Silent, and the same pictures as those of the base."""
        video, base = profile.video, self.base
        if profile.audio is not AudioFact.ABSENT or video is None:
            return False
        return (video.token, video.encoding) == (base.video.token, base.video.encoding)

    def _taken(self, profile: MediaProfile, how: How, evidence: str) -> Silenced:
        video = profile.video or self.base.video
        why = Why.CONFIGURED if self.base.why is Why.CONFIGURED else Why.SILENT
        return Silenced(Choice(profile, video, why, False), how, evidence)

    def reuse(self) -> Silenced | None:
        """Take ours where it is there and fits; nothing is changed."""
        fitting = self._fitting()
        return self._taken(fitting, How.MADE, _made_of(fitting, "made earlier")) if fitting is not None else None

    def _fitting(self) -> MediaProfile | None:
        return next((profile for profile in self._ours() if self._fits(profile)), None)

    async def make(self) -> Silenced | None:
        """Reuse ours, or make it; None where that cannot be done."""
        base = self.base.profile
        fitting = self._fitting()
        for profile in self._ours():
            if profile != fitting:
                await self._delete(profile)
        if fitting is not None and fitting in self.now:
            return self._taken(fitting, How.MADE, _made_of(fitting, "made earlier"))
        if self._ours():
            self.notes.append(f'A profile "{SILENT_NAME}" of no use is there and cannot be deleted.')
            return None
        if not base.video_source_token or not self.base.video.token:
            self.notes.append("The camera does not name the configurations of which a profile could be made.")
            return None
        for version in self._versions():
            made = await self._make(Profiling(version))
            if made is not None:
                return self._taken(made, How.MADE, _made_of(made, "made"))
            if self._ours():
                return None  # one that could not be deleted is enough
        return None

    async def _make(self, profiling: Profiling) -> MediaProfile | None:
        """Make ours by one media service; None where it did not come out right (it is deleted then)."""
        source, encoder = self.base.profile.video_source_token, self.base.video.token
        accepted = await self._change(profiling.version, profiling.create(SILENT_NAME, source, encoder))
        made = next(iter(self._ours()), None)
        if made is None:
            if accepted:
                self.notes.append("The camera said that it made a profile, and there is none.")
            return None
        if made.video is None or made.video.token != encoder:
            await self._change(profiling.version, profiling.add(made.token, Part.VIDEO_SOURCE, source))
            await self._change(profiling.version, profiling.add(made.token, Part.VIDEO_ENCODER, encoder))
            made = self._again(made)
        if made is not None and made.audio is AudioFact.CONFIGURED:
            await self._change(profiling.version, _without_sound(profiling, made))
            made = self._again(made)
        if made is None or self._fits(made):
            return made
        self.notes.append(f'The profile "{SILENT_NAME}" did not come out as asked for and was deleted.')
        await self._delete(made)
        return None

    def _again(self, profile: MediaProfile) -> MediaProfile | None:
        """Return the same profile as last read back."""
        return next((one for one in self.now if one.token == profile.token), None)

    async def _delete(self, profile: MediaProfile) -> None:
        await self._change(profile.media_version, Profiling(profile.media_version).delete(profile.token))

    async def edit(self) -> Silenced | None:
        """Take the sound out of the chosen profile; None where it is still there."""
        for version in self._versions():
            profiling = Profiling(version)
            accepted = await self._change(version, _without_sound(profiling, self.base.profile))
            found = self._again(self.base.profile)
            if found is not None and found.audio is AudioFact.ABSENT and found.video is not None:
                return await self._edited(profiling, found)
            if accepted:
                self.notes.append("The camera said that it removed the audio encoder, and it is still there.")
        return None

    async def _edited(self, profiling: Profiling, found: MediaProfile) -> Silenced | None:
        """Take the audio source out too: a microphone without encoder sends nothing, but why keep it."""
        evidence = f'The audio encoder was taken out of profile "{quoted(found.name or found.token)}" and read back.'
        if found.audio_source_token:
            await self._change(
                profiling.version, profiling.remove(found.token, Part.AUDIO_SOURCE, found.audio_source_token)
            )
            again = self._again(found)
            if again is None or not self._fits(again):
                self.notes.append("The profile changed when the audio source was taken out.")
                return None
            found = again
        return self._taken(found, How.EDITED, evidence)


def _without_sound(profiling: Profiling, profile: MediaProfile) -> xml.Element:
    """The audio encoder goes before its source: cameras refuse the other order."""
    return profiling.remove(profile.token, Part.AUDIO_ENCODER, profile.audio_encoder_token)


def _made_of(profile: MediaProfile, word: str) -> str:
    encoder = profile.video.token if profile.video is not None else ""
    source = profile.video_source_token
    return (
        f'Profile "{SILENT_NAME}", {word} of video source "{quoted(source)}" and encoder "{quoted(encoder)}" only, '
        "is read back without audio encoder."
    )
