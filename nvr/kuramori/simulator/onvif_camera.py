"""What a simulated camera says of itself over ONVIF: request bytes in, answer out. Pure, written by hand.

Device service, media service and (for H.265) media2 service, as far as a recorder asks. Sign-in by HTTP Digest or
WS-UsernameToken, as ONVIF Core 5.9 wants; the time and the list of services are told to anybody. This module must
not know sockets; the time is handed in.
"""

import base64
import binascii
import hashlib
import hmac
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from kuramori.simulator.audio_material import AudioKind
from kuramori.simulator.challenge import Account, Challenge
from kuramori_onvif import hardened_xml as xml

NS_SOAP = "http://www.w3.org/2003/05/soap-envelope"
NS_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
NS_MEDIA = "http://www.onvif.org/ver10/media/wsdl"
NS_MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
NS_SCHEMA = "http://www.onvif.org/ver10/schema"
NS_ERROR = "http://www.onvif.org/ver10/error"
TOKEN_WINDOW_SECONDS = 300
NONCES_KEPT = 1000
FREE_OPERATIONS = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetEndpointReference"})
MANUFACTURER = "Kuramori"
MODEL = "Simulated camera"
_AUDIO_NAMES = {AudioKind.AAC: "AAC", AudioKind.PCMU: "G711"}


@dataclass(frozen=True, slots=True)
class SimulatedProfile:
    """One media profile: a stream of its own."""

    token: str
    name: str
    encoding: str  # "H264" or "H265"
    width: int
    height: int
    frames_per_second: int
    bitrate_kbps: int
    gop_frames: int
    audio: AudioKind
    rtsp_url: str


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back: status, headers beside Content-Type, SOAP text."""

    status: int
    body: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class OnvifCamera:
    """One camera's answers. `device_url` and `media_url` are known once its port is."""

    name: str
    number: int
    endpoint_id: str
    profiles: tuple[SimulatedProfile, ...]
    account: Account | None = None
    challenge: Challenge | None = None
    device_url: str = ""
    clock_offset_seconds: int = 0  # how wrong its clock is
    old_firmware: bool = False  # knows neither GetServices nor media2
    operations: list[str] = field(default_factory=list)  # as they came, the last NONCES_KEPT
    _nonces: deque[bytes] = field(default_factory=lambda: deque(maxlen=NONCES_KEPT))

    def scopes(self) -> tuple[str, ...]:
        """Return the scopes of discovery and GetScopes."""
        prefix = "onvif://www.onvif.org"
        name, model = self.name.replace(" ", "%20"), MODEL.replace(" ", "%20")
        kinds = ("type/video_encoder", *(("type/audio_encoder",) if self._has_audio() else ()))
        return (
            f"{prefix}/Profile/Streaming",
            f"{prefix}/manufacturer/{MANUFACTURER}",
            f"{prefix}/hardware/{model}",
            f"{prefix}/name/{name}",
            *(f"{prefix}/{kind}" for kind in kinds),
        )

    def _has_audio(self) -> bool:
        return any(profile.audio is not AudioKind.NONE for profile in self.profiles)

    def reply(self, body: bytes, authorization: str, utc_ms: int) -> HttpReply:
        """Answer one POST. Anything that is no SOAP request gets a fault."""
        try:
            root = xml.parse(body)
        except ValueError:
            return self._fault(400, "Sender", "WellFormed", "not well-formed")
        request = xml.first(xml.child(root, "Body"))
        if request is None:
            return self._fault(400, "Sender", "WellFormed", "no body")
        operation = xml.local_name(request)
        self.operations = [*self.operations, operation][-NONCES_KEPT:]
        camera_utc_ms = utc_ms + self.clock_offset_seconds * 1000
        if operation not in FREE_OPERATIONS and not self._signed_in(root, authorization, camera_utc_ms):
            challenges = self.challenge.headers() if self.challenge is not None else ()
            refusal = self._fault(401, "Sender", "NotAuthorized", "Sender not authorized")
            return HttpReply(401, refusal.body, tuple(challenges))
        content = self._content(xml.namespace(request), operation, request, camera_utc_ms)
        if content is None:
            return self._fault(400, "Receiver", "ActionNotSupported", "Optional action not implemented")
        return HttpReply(200, _envelope(content))

    def _signed_in(self, root: xml.Element, authorization: str, camera_utc_ms: int) -> bool:
        if self.account is None:
            return True
        if authorization:
            return self.challenge is not None and self.challenge.admits(self.account, "POST", authorization)
        token = xml.child(root, "Header", "Security", "UsernameToken")
        return token is not None and self._token_admitted(token, self.account, camera_utc_ms)

    def _token_admitted(self, token: xml.Element, account: Account, camera_utc_ms: int) -> bool:
        """Check a password digest (OASIS UsernameToken Profile 1.0): fresh, unused, and of the right password."""
        created = xml.text(token, "Created")
        try:
            nonce = base64.b64decode(xml.text(token, "Nonce"), validate=True)
            moment = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except (ValueError, binascii.Error):
            return False
        if abs(moment.timestamp() - camera_utc_ms / 1000) > TOKEN_WINDOW_SECONDS or nonce in self._nonces:
            return False
        material = nonce + created.encode() + account.password.encode()
        proof = base64.b64encode(hashlib.sha1(material, usedforsecurity=False).digest()).decode()
        admitted = xml.text(token, "Username") == account.user and hmac.compare_digest(
            proof.encode(), xml.text(token, "Password").encode()
        )
        if admitted:
            self._nonces.append(nonce)
        return admitted

    def _content(self, space: str, operation: str, request: xml.Element, camera_utc_ms: int) -> str | None:
        match space, operation:
            case _, "GetSystemDateAndTime":
                return _date_and_time(camera_utc_ms)
            case _, "GetServices" if not self.old_firmware:
                return self._services()
            case _, "GetCapabilities":
                return self._capabilities()
            case _, "GetEndpointReference":
                return self._endpoint_reference()
            case _, "GetDeviceInformation":
                return self._device_information()
            case _, "GetScopes":
                return self._scopes_answer()
            case "http://www.onvif.org/ver20/media/wsdl", "GetProfiles":
                return self._profiles2()
            case _, "GetProfiles":
                return self._profiles()
            case _, "GetStreamUri":
                return self._stream_uri(request, space == NS_MEDIA2)
            case _:
                return None

    def _service_url(self, service: str) -> str:
        return self.device_url.rpartition("/")[0] + f"/{service}"

    def _services(self) -> str:
        services = ((NS_DEVICE, "device_service"), (NS_MEDIA, "media_service"), (NS_MEDIA2, "media2_service"))
        items = "".join(
            f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{self._service_url(name)}</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
            for space, name in services
        )
        return f"<tds:GetServicesResponse>{items}</tds:GetServicesResponse>"

    def _capabilities(self) -> str:
        media = self._service_url("media_service")
        return (
            "<tds:GetCapabilitiesResponse><tds:Capabilities>"
            f"<tt:Device><tt:XAddr>{self.device_url}</tt:XAddr></tt:Device>"
            f"<tt:Media><tt:XAddr>{media}</tt:XAddr><tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>"
            "<tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>"
            "</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    def _endpoint_reference(self) -> str:
        name = "tds:GetEndpointReferenceResponse"
        return f"<{name}><tds:GUID>{self.endpoint_id}</tds:GUID></{name}>"

    def _device_information(self) -> str:
        return (
            f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{MANUFACTURER}</tds:Manufacturer>"
            f"<tds:Model>{MODEL}</tds:Model><tds:FirmwareVersion>1.0</tds:FirmwareVersion>"
            f"<tds:SerialNumber>SIM-{self.number:04d}</tds:SerialNumber>"
            "<tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>"
        )

    def _scopes_answer(self) -> str:
        items = "".join(
            f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{escape(scope)}</tt:ScopeItem></tds:Scopes>"
            for scope in self.scopes()
        )
        return f"<tds:GetScopesResponse>{items}</tds:GetScopesResponse>"

    def _profiles(self) -> str:
        """The media service cannot say H.265: such a profile carries no video encoder there."""
        items = "".join(
            f'<trt:Profiles token={quoteattr(profile.token)} fixed="true"><tt:Name>{escape(profile.name)}</tt:Name>'
            f"{_video_source(profile)}{_video_encoder(profile)}{_audio_encoder(profile)}</trt:Profiles>"
            for profile in self.profiles
        )
        return f"<trt:GetProfilesResponse>{items}</trt:GetProfilesResponse>"

    def _profiles2(self) -> str:
        items = "".join(
            f'<tr2:Profiles token={quoteattr(profile.token)} fixed="true"><tr2:Name>{escape(profile.name)}</tr2:Name>'
            f"<tr2:Configurations>{_encoders2(profile)}</tr2:Configurations></tr2:Profiles>"
            for profile in self.profiles
        )
        return f"<tr2:GetProfilesResponse>{items}</tr2:GetProfilesResponse>"

    def _stream_uri(self, request: xml.Element, media2: bool) -> str | None:
        token = xml.text(request, "ProfileToken")
        profile = next((one for one in self.profiles if one.token == token), None)
        if profile is None:
            return None
        url = escape(profile.rtsp_url)
        if media2:
            return f"<tr2:GetStreamUriResponse><tr2:Uri>{url}</tr2:Uri></tr2:GetStreamUriResponse>"
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{url}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false"
            "</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
        )

    def _fault(self, status: int, code: str, subcode: str, reason: str) -> HttpReply:
        content = (
            f"<s:Fault><s:Code><s:Value>s:{code}</s:Value><s:Subcode><s:Value>ter:{subcode}</s:Value></s:Subcode>"
            f'</s:Code><s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>'
        )
        return HttpReply(status, _envelope(content))


def _envelope(content: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{NS_SOAP}" xmlns:tds="{NS_DEVICE}" '
        f'xmlns:trt="{NS_MEDIA}" xmlns:tr2="{NS_MEDIA2}" xmlns:tt="{NS_SCHEMA}" xmlns:ter="{NS_ERROR}">'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    )


def _date_and_time(camera_utc_ms: int) -> str:
    now = datetime.fromtimestamp(camera_utc_ms // 1000, UTC)
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>JST-9</tt:TZ></tt:TimeZone>"
        f"<tt:UTCDateTime><tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
        f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
        f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _video_source(profile: SimulatedProfile) -> str:
    return (
        '<tt:VideoSourceConfiguration token="source"><tt:Name>source</tt:Name><tt:UseCount>1</tt:UseCount>'
        f'<tt:SourceToken>sensor</tt:SourceToken><tt:Bounds x="0" y="0" width="{profile.width}" '
        f'height="{profile.height}"/></tt:VideoSourceConfiguration>'
    )


def _resolution(profile: SimulatedProfile) -> str:
    return f"<tt:Resolution><tt:Width>{profile.width}</tt:Width><tt:Height>{profile.height}</tt:Height></tt:Resolution>"


def _video_encoder(profile: SimulatedProfile) -> str:
    if profile.encoding != "H264":
        return ""
    return (
        f"<tt:VideoEncoderConfiguration token={quoteattr('video-' + profile.token)}><tt:Name>video</tt:Name>"
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>{_resolution(profile)}<tt:Quality>5</tt:Quality>"
        f"<tt:RateControl><tt:FrameRateLimit>{profile.frames_per_second}</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval>"
        f"<tt:BitrateLimit>{profile.bitrate_kbps}</tt:BitrateLimit></tt:RateControl>"
        f"<tt:H264><tt:GovLength>{profile.gop_frames}</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>"
        f"{_multicast()}<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration>"
    )


def _audio_encoder(profile: SimulatedProfile) -> str:
    if profile.audio is AudioKind.NONE:
        return ""
    return (
        '<tt:AudioEncoderConfiguration token="audio"><tt:Name>audio</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{_AUDIO_NAMES[profile.audio]}</tt:Encoding><tt:Bitrate>32</tt:Bitrate>"
        f"<tt:SampleRate>16</tt:SampleRate>{_multicast()}<tt:SessionTimeout>PT60S</tt:SessionTimeout>"
        "</tt:AudioEncoderConfiguration>"
    )


def _encoders2(profile: SimulatedProfile) -> str:
    audio = ""
    if profile.audio is not AudioKind.NONE:
        audio = (
            '<tr2:AudioEncoder token="audio"><tt:Name>audio</tt:Name><tt:UseCount>1</tt:UseCount>'
            f"<tt:Encoding>{_AUDIO_NAMES[profile.audio]}</tt:Encoding><tt:Bitrate>32</tt:Bitrate>"
            "<tt:SampleRate>16</tt:SampleRate></tr2:AudioEncoder>"
        )
    return (
        f"<tr2:VideoEncoder token={quoteattr('video-' + profile.token)} "
        f'GovLength="{profile.gop_frames}" Profile="Main">'
        f"<tt:Name>video</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>{profile.encoding}</tt:Encoding>"
        f'{_resolution(profile)}<tt:RateControl ConstantBitRate="true">'
        f"<tt:FrameRateLimit>{profile.frames_per_second}</tt:FrameRateLimit>"
        f"<tt:BitrateLimit>{profile.bitrate_kbps}</tt:BitrateLimit></tt:RateControl><tt:Quality>5</tt:Quality>"
        f"</tr2:VideoEncoder>{audio}"
    )


def _multicast() -> str:
    return (
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
    )
