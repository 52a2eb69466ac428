"""The device service of a simulated camera (ONVIF Core section 8): who it is, its services, its storage.

Pure: a call in, the content of the answer out. This module must not know HTTP, sign-in or media.
"""

from xml.sax.saxutils import escape

from kuramori.simulator.onvif import network_time
from kuramori.simulator.onvif.camera_state import MANUFACTURER, MODEL, CameraState
from kuramori.simulator.onvif.envelope import (
    NS_DEVICE,
    NS_EVENTS,
    NS_MEDIA,
    NS_MEDIA2,
    NS_RECORDING,
    NS_REPLAY,
    NS_SEARCH,
    Call,
)
from kuramori.simulator.onvif.event_topics import CARD

_CARD_SERVICES = ((NS_RECORDING, "recording"), (NS_SEARCH, "search"), (NS_REPLAY, "replay"))
_RECORDING_CAPABILITIES = ("ReceiverSource", "MediaProfileSource", "DynamicRecordings", "DynamicTracks")
FREE_OPERATIONS = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetEndpointReference"})


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that the camera does not know."""
    match call.operation:
        case "GetServices" if not camera.old_firmware:
            return _services(camera)
        case "GetCapabilities":
            return _capabilities(camera)
        case "GetEndpointReference":
            name = "tds:GetEndpointReferenceResponse"
            return f"<{name}><tds:GUID>{camera.endpoint_id}</tds:GUID></{name}>"
        case "GetDeviceInformation":
            return _device_information(camera)
        case "GetScopes":
            return _scopes(camera)
        case "GetStorageConfigurations":
            return _storage(camera)
        case _:
            return network_time.answer(camera, call)


def _services(camera: CameraState) -> str:
    services = [(NS_DEVICE, "device_service"), (NS_MEDIA, "media_service"), (NS_MEDIA2, "media2_service")]
    if camera.events.offered:
        services.append((NS_EVENTS, "event_service"))
    if camera.card is not None:
        services += [(space, f"{name}_service") for space, name in _CARD_SERVICES]
    items = "".join(
        f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{camera.service_url(name)}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for space, name in services
    )
    return f"<tds:GetServicesResponse>{items}</tds:GetServicesResponse>"


def _capabilities(camera: CameraState) -> str:
    media = camera.service_url("media_service")
    events = ""
    if camera.events.offered:
        events = (
            f"<tt:Events><tt:XAddr>{camera.service_url('event_service')}</tt:XAddr><tt:WSSubscriptionPolicySupport>"
            "false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
            "<tt:WSPausableSubscriptionManagerInterfaceSupport>false"
            "</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>"
        )
    return (
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{camera.device_url}</tt:XAddr></tt:Device>{events}"
        f"<tt:Media><tt:XAddr>{media}</tt:XAddr><tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>"
        "<tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>"
        f"{_card_capabilities(camera)}</tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def _card_capabilities(camera: CameraState) -> str:
    if camera.card is None:
        return ""
    recording, search, replay = (camera.service_url(f"{name}_service") for _, name in _CARD_SERVICES)
    wants = "".join(f"<tt:{name}>false</tt:{name}>" for name in _RECORDING_CAPABILITIES)
    return (
        f"<tt:Extension><tt:Recording><tt:XAddr>{recording}</tt:XAddr>{wants}"
        "<tt:MaxStringLength>256</tt:MaxStringLength></tt:Recording>"
        f"<tt:Search><tt:XAddr>{search}</tt:XAddr><tt:MetadataSearch>false</tt:MetadataSearch></tt:Search>"
        f"<tt:Replay><tt:XAddr>{replay}</tt:XAddr></tt:Replay></tt:Extension>"
    )


def _storage(camera: CameraState) -> str:
    items = ""
    if camera.card is not None and camera.card.listed:
        items = (
            f'<tds:StorageConfigurations token="{CARD}"><tds:Data type="LocalStorage"><tds:LocalPath>/media/card'
            "</tds:LocalPath></tds:Data></tds:StorageConfigurations>"
        )
    return f"<tds:GetStorageConfigurationsResponse>{items}</tds:GetStorageConfigurationsResponse>"


def _device_information(camera: CameraState) -> str:
    return (
        f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{MANUFACTURER}</tds:Manufacturer>"
        f"<tds:Model>{MODEL}</tds:Model><tds:FirmwareVersion>1.0</tds:FirmwareVersion>"
        f"<tds:SerialNumber>SIM-{camera.number:04d}</tds:SerialNumber>"
        "<tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>"
    )


def _scopes(camera: CameraState) -> str:
    items = "".join(
        f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{escape(scope)}</tt:ScopeItem></tds:Scopes>"
        for scope in camera.scopes()
    )
    return f"<tds:GetScopesResponse>{items}</tds:GetScopesResponse>"
