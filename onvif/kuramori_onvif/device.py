"""One camera's ONVIF services behind a few questions: who are you, what time is it, which profile, which stream.

The facade of the room: small frozen values out, our errors only. It keeps connection and sign-in of one camera; use
it from one task, close it afterwards. This module must not know configuration, RTSP or what is done with an answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit, urlunsplit

from kuramori_onvif import answers, service_addresses
from kuramori_onvif.address import Pinned, Unusable, endpoint, pin, split
from kuramori_onvif.camera_description import MAX_LISTED_PROFILES, CameraDescription, CameraInspection
from kuramori_onvif.clock import reading, utc_ms_of, utc_ms_of_http_date
from kuramori_onvif.errors import (
    AddressRefused,
    AnswerMalformed,
    AnswerTooLarge,
    CameraFault,
    CredentialsMissing,
    CredentialsRefused,
    NoSuitableProfile,
)
from kuramori_onvif.hardened_xml import Element, one_line
from kuramori_onvif.http_digest import Credentials
from kuramori_onvif.models import (
    AudioFact,
    ClockReading,
    ClockSource,
    DeviceInformation,
    MediaProfile,
    Services,
    StreamAddress,
)
from kuramori_onvif.network_time import NetworkTime, NtpSetting, network_time, set_network_time
from kuramori_onvif.privacy_masks import PrivacyMasks, masks_request, read_masks
from kuramori_onvif.profiles import Choice, choose_profile
from kuramori_onvif.sign_in import SignIn
from kuramori_onvif.silent_profile import How, Silenced, discard, is_ours, silence
from kuramori_onvif.soap import NS_DEVICE, NS_MEDIA, NS_MEDIA2, SoapConnection
from kuramori_onvif.storage_configuration import StorageConfiguration, read_storages, storages_request
from kuramori_onvif.transport import TOTAL_SECONDS, HttpTransport, TlsTrust

_NOT_TOLD = (CameraFault, AnswerMalformed, AnswerTooLarge)  # the camera is there but does not say


class Device:
    """A camera at the address of its device service. `utc_ms` is our clock; nothing is sent before a question.

    Raises AddressRefused for an unusable address. Every question raises an OnvifError.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials | None = None,
        *,
        utc_ms: Callable[[], int],
        trust: TlsTrust | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        try:
            parts = split(address, ("http", "https"))
        except Unusable as error:
            raise AddressRefused(endpoint(address), "the device service", str(error)) from None
        self.camera = endpoint(address)
        self._address = urlunsplit(parts._replace(path=parts.path or "/onvif/device_service", fragment=""))
        self._host = unquote(parts.hostname or "")
        transport = HttpTransport(self._host, trust, total_seconds=total_seconds)
        self._soap = SoapConnection(transport, utc_ms, SignIn(credentials))
        self._services: Services | None = None
        self._oddities: list[str] = []

    @property
    def soap(self) -> SoapConnection:
        """The camera's SOAP conversation, for the questions of other modules of this room."""
        return self._soap

    @property
    def device_address(self) -> str:
        """The address of its device service."""
        return self._address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection. May be called twice."""
        await self._soap.close()

    async def clock(self) -> ClockReading:
        """Ask the time, without sign-in first (ONVIF Core 5.9); the offset then serves our own sign-in.

        A camera that wants a sign-in even for this tells its time in the HTTP Date header of its refusal.
        """
        question = answers.request(NS_DEVICE, "GetSystemDateAndTime")
        found = None
        try:
            answer = await self._soap.ask(self._address, question, signed=False)
        except (CredentialsMissing, *_NOT_TOLD):
            self._oddities.append("it does not tell the time without a sign-in")
        else:
            camera_utc_ms = utc_ms_of(answers.camera_date(answer.content))
            found = reading(ClockSource.ONVIF, camera_utc_ms, answer.sent_utc_ms, answer.received_utc_ms)
        if found is None or found.offset_ms is None:
            found = self._clock_of_http_date()
        self._soap.sign_in.clock_offset_ms = found.offset_ms or 0
        return found

    def _clock_of_http_date(self) -> ClockReading:
        date = self._soap.latest_date
        if date is None:
            return ClockReading(ClockSource.UNKNOWN, None, None, 0)
        camera_utc_ms = utc_ms_of_http_date(date.value)
        return reading(ClockSource.HTTP_DATE, camera_utc_ms, date.sent_utc_ms, date.received_utc_ms)

    async def information(self) -> DeviceInformation:
        """Ask manufacturer, model, firmware, serial and hardware."""
        found = await self._soap.call(self._address, NS_DEVICE, "GetDeviceInformation")
        return DeviceInformation(
            manufacturer=_words(found, "Manufacturer"),
            model=_words(found, "Model"),
            firmware=_words(found, "FirmwareVersion"),
            serial=_words(found, "SerialNumber"),
            hardware=_words(found, "HardwareId"),
        )

    async def endpoint_id(self) -> str:
        """Ask for the identity that WS-Discovery uses; "" where the camera does not know the question."""
        try:
            found = await self._soap.call(self._address, NS_DEVICE, "GetEndpointReference")
        except _NOT_TOLD:
            return ""
        return _words(found, "GUID") or (one_line(found) if isinstance(found, str) else "")

    async def services(self) -> Services:
        """Ask where the services answer (GetServices, else GetCapabilities); every address pinned to this host."""
        if self._services is None:
            try:
                named = await self._named_services()
            except _NOT_TOLD:
                named = {}
            if "media" not in named and "media2" not in named:
                named |= await self._named_capabilities()
            self._services = self._pinned(named)
        return self._services

    async def _named_services(self) -> dict[str, str]:
        question = answers.request(NS_DEVICE, "GetServices", ("IncludeCapability", "false"))
        return service_addresses.of_services((await self._soap.ask(self._address, question)).content)

    async def _named_capabilities(self) -> dict[str, str]:
        question = answers.request(NS_DEVICE, "GetCapabilities", ("Category", "All"))
        return service_addresses.of_capabilities((await self._soap.ask(self._address, question)).content)

    def _pinned(self, named: dict[str, str]) -> Services:
        replaced: list[str] = []
        addresses: dict[str, str] = {}
        for name, address in named.items():
            try:
                pinned = self.bind(address)
            except Unusable as error:
                self._oddities.append(f"its address of {name} is unusable: {error}")
                continue
            if pinned.replaced_host is not None:
                replaced.append(pinned.replaced_host)
            addresses[name] = pinned.url
        if replaced:
            self._oddities.append(f"it names another host for its services: {', '.join(sorted(set(replaced)))}")
        if "media" not in addresses and "media2" not in addresses:
            raise AnswerMalformed(self.camera, "GetServices", "no media service")
        return Services(device=self._address, replaced_hosts=tuple(sorted(set(replaced))), **addresses)

    def bind(self, address: str) -> Pinned:
        """Bind an HTTP address that the camera handed out to its host, scheme and port as we know them.

        Raises Unusable. Never from TLS to plain text, nor to a port that we were not given by the same scheme.
        """
        pinned = pin(address, self._host, ("http", "https"))
        ours, parts = urlsplit(self._address), urlsplit(pinned.url)
        if parts.scheme == ours.scheme:
            return pinned
        return Pinned(urlunsplit(parts._replace(scheme=ours.scheme, netloc=ours.netloc)), pinned.replaced_host)

    async def profiles(self) -> tuple[MediaProfile, ...]:
        """Ask for the media profiles: by media2 where it works (it alone knows H.265), else by media."""
        services = await self.services()
        if services.media2 is not None:
            request = answers.request(NS_MEDIA2, "GetProfiles", ("Type", "All"))
            try:
                answer = await self._soap.ask(services.media2, request)
            except _NOT_TOLD:
                if services.media is None:
                    raise
                self._oddities.append("its media2 service does not work; media is used")
            else:
                found = answers.profiles(answer.content, 2)
                if services.media is None or any(profile.video is not None for profile in found):
                    return found
        answer = await self._soap.ask(services.media or "", answers.request(NS_MEDIA, "GetProfiles"))
        return answers.profiles(answer.content, 1)

    async def stream_address(self, profile: MediaProfile) -> StreamAddress:
        """Ask for the RTSP address of a profile; pinned to this host, without user and password."""
        services = await self.services()
        if profile.media_version == 2:
            fields = (("Protocol", "RTSP"), ("ProfileToken", profile.token))
            request = answers.request(NS_MEDIA2, "GetStreamUri", *fields)
            uri = answers.stream_uri((await self._soap.ask(services.media2 or "", request)).content)
        else:
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            parameters = {"StreamSetup": setup, "ProfileToken": profile.token}
            uri = _words(await self._soap.call(services.media or "", NS_MEDIA, "GetStreamUri", parameters), "Uri")
        return self.bind_stream(uri, "GetStreamUri")

    def bind_stream(self, uri: str, operation: str) -> StreamAddress:
        """Bind an RTSP address that the camera handed out to its host. Raises AddressRefused."""
        try:
            pinned = pin(uri.strip(), self._host, ("rtsp", "rtsps"))
        except Unusable as error:
            raise AddressRefused(self.camera, operation, str(error)) from None
        if pinned.replaced_host is not None:
            self._oddities.append(f"it names another host for its stream: {pinned.replaced_host}")
        return StreamAddress(pinned.url, pinned.replaced_host)

    async def silence(
        self, profiles: tuple[MediaProfile, ...], choice: Choice, *, may_make: bool = True, may_edit: bool
    ) -> Silenced:
        """Give the best silent profile in place of `choice` (R3), made or edited where that is needed and allowed.

        A camera that refuses, lies or does not answer leaves How.NOT_SILENT; this raises only for the question where
        its services are.
        """
        return await silence(await self._editor(), profiles, choice, may_make=may_make, may_edit=may_edit)

    async def _editor(self) -> "_ProfileEditor":
        services = await self.services()
        offered = ((1, services.media), (2, services.media2))
        return _ProfileEditor(self, {version: address for version, address in offered if address is not None})

    async def describe(
        self,
        wanted_profile: str | None = None,
        *,
        may_make_profile: bool = True,
        may_edit_profile: bool = False,
        shun_made: bool = False,
    ) -> CameraDescription:
        """Ask everything that recording needs, in the order in which cameras bear it. Raises an OnvifError.

        Where every profile carries sound, one is made (`may_make_profile`), or sound is taken out of an existing one
        (`may_edit_profile`). `shun_made`: one of ours is deleted and not chosen, for it streams nothing. Without the
        three nothing is changed in the camera.
        """
        clock, information, endpoint_id = await self._introduction()
        profiles = await self.profiles()
        if shun_made:
            profiles = await self._without_ours(profiles)
        choice = choose_profile(profiles, wanted_profile, self.camera)
        silenced = await self.silence(profiles, choice, may_make=may_make_profile, may_edit=may_edit_profile)
        silenced, stream = await self._streaming(silenced, choice, profiles, may_discard=may_make_profile)
        if silenced.choice.profile not in profiles:
            profiles = await self.profiles()
        loud = tuple(profile for profile in profiles if profile.audio is AudioFact.CONFIGURED)[:MAX_LISTED_PROFILES]
        encodings = dict.fromkeys(profile.audio_encoding for profile in loud if profile.audio_encoding)
        return CameraDescription(
            information,
            endpoint_id,
            clock,
            silenced.choice,
            stream,
            self._soap.sign_in.method.value,
            tuple(dict.fromkeys(self._oddities)),
            silenced,
            tuple(profile.token for profile in loud),
            tuple(encodings),
            profiles[:MAX_LISTED_PROFILES],
        )

    async def inspect(self, wanted_profile: str | None = None) -> CameraInspection:
        """Ask what there is to choose from; nothing is changed in the camera. Raises an OnvifError."""
        clock, information, endpoint_id = await self._introduction()
        profiles = await self.profiles()
        try:
            proposal = choose_profile(profiles, wanted_profile, self.camera)
        except NoSuitableProfile as error:
            proposal = None
            self._oddities.append(str(error))
        stream = None
        if proposal is not None:
            try:
                stream = await self.stream_address(proposal.profile)
            except (AddressRefused, *_NOT_TOLD) as error:
                self._oddities.append(str(error))
        return CameraInspection(
            information,
            endpoint_id,
            clock,
            profiles[:MAX_LISTED_PROFILES],
            proposal,
            stream,
            self._soap.sign_in.method.value,
            tuple(dict.fromkeys(self._oddities)),
        )

    async def _introduction(self) -> tuple[ClockReading, DeviceInformation | None, str]:
        """Ask the time, the services, who it is: first what sets our sign-in, last what may be missing."""
        self._oddities.clear()
        clock = await self.clock()
        await self.services()
        try:
            information = await self.information()
        except _NOT_TOLD as error:
            information = None
            self._oddities.append(f"its device information is unreadable ({type(error).__name__})")
        return clock, information, await self.endpoint_id()

    async def _without_ours(self, profiles: tuple[MediaProfile, ...]) -> tuple[MediaProfile, ...]:
        """Delete what of ours streams nothing; whether or not that is possible, leave it out."""
        for profile in profiles:
            await discard(await self._editor(), profile)
        return tuple(profile for profile in profiles if not is_ours(profile))

    async def _streaming(
        self, silenced: Silenced, choice: Choice, profiles: tuple[MediaProfile, ...], *, may_discard: bool
    ) -> tuple[Silenced, StreamAddress]:
        """Ask where the silent profile streams. One of ours that streams nowhere gives way: recording goes before."""
        try:
            return silenced, await self.stream_address(silenced.choice.profile)
        except (AddressRefused, *_NOT_TOLD) as error:
            own = tuple(profile for profile in profiles if not is_ours(profile))
            if not is_ours(silenced.choice.profile) or not own:
                raise
            if is_ours(choice.profile):
                choice = choose_profile(own, None, self.camera)
            if may_discard:
                await discard(await self._editor(), silenced.choice.profile)
            evidence = f"The silent profile that was made has no stream: {error}"
            return Silenced(choice, How.NOT_SILENT, evidence), await self.stream_address(choice.profile)

    async def privacy_masks(self, profiles: tuple[MediaProfile, ...] = ()) -> PrivacyMasks | None:
        """Ask for the privacy masks (R4); None where the camera does not tell, which is not the same as none.

        Video sources of `profiles` without a mask are listed with none. Raises an OnvifError; a malformed answer is
        one.
        """
        address = (await self.services()).media2
        if address is None:
            return None
        known = tuple(dict.fromkeys(one.video_source_token for one in profiles if one.video_source_token))
        try:
            return read_masks((await self._soap.ask(address, masks_request())).content, known)
        except CameraFault:
            return None

    async def network_time(self) -> NetworkTime | None:
        """Ask where the camera takes its time from; None where it does not know the question."""
        return await network_time(_DeviceService(self))

    async def set_network_time(self, server: str) -> NtpSetting:
        """Have the camera take its time from `server` by NTP, where it does not already; read back."""
        return await set_network_time(_DeviceService(self), server)

    async def storage_configurations(self) -> tuple[StorageConfiguration, ...] | None:
        """Ask which storage the camera is configured with; None where it does not tell."""
        try:
            return read_storages((await self._soap.ask(self._address, storages_request())).content)
        except CameraFault:
            return None


@dataclass(frozen=True, slots=True)
class _ProfileEditor:
    """A device as `silent_profile` sees it: its profiles, and its media services by version."""

    device: Device
    addresses: dict[int, str]

    @property
    def versions(self) -> tuple[int, ...]:
        return tuple(self.addresses)

    async def read(self) -> tuple[MediaProfile, ...]:
        return await self.device.profiles()

    async def change(self, version: int, request: Element) -> None:
        await self.device.soap.ask(self.addresses[version], request)


@dataclass(frozen=True, slots=True)
class _DeviceService:
    """A device as `network_time` sees it."""

    device: Device

    async def ask(self, request: Element) -> Element:
        return (await self.device.soap.ask(self.device.device_address, request)).content


def _words(value: Any, field: str) -> str:
    """Read a text of the library's object; whatever is not there or not a text is ""."""
    found = getattr(value, field, None)
    return one_line(found) if isinstance(found, str) else ""


__all__ = ["CameraDescription", "CameraInspection", "Credentials", "CredentialsRefused", "Device", "TlsTrust"]
