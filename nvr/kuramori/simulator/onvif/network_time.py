"""The part of the device service that sets a simulated camera's clock (ONVIF Core 8.2): NTP, date and time. Pure."""

from datetime import UTC, datetime
from xml.sax.saxutils import escape

from kuramori.simulator.onvif.camera_state import CameraState
from kuramori.simulator.onvif.envelope import Call, Fault
from kuramori_onvif import hardened_xml as xml

YEARS = range(1970, 2100)


def answer(camera: CameraState, call: Call) -> str | None:
    """Return the content of the answer, or None for an operation that is not of this part."""
    match call.operation:
        case "GetSystemDateAndTime":
            return _date_and_time(camera, call.camera_utc_ms)
        case "SetSystemDateAndTime":
            _set_date_and_time(camera, call)
            return "<tds:SetSystemDateAndTimeResponse/>"
        case "GetNTP":
            return _ntp(camera)
        case "SetNTP":
            _set_ntp(camera, call)
            return "<tds:SetNTPResponse/>"
        case _:
            return None


def _date_and_time(camera: CameraState, camera_utc_ms: int) -> str:
    now = datetime.fromtimestamp(camera_utc_ms // 1000, UTC)
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
        f"<tt:DateTimeType>{camera.time.kind}</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>JST-9</tt:TZ></tt:TimeZone>"
        f"<tt:UTCDateTime><tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
        f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
        f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _set_date_and_time(camera: CameraState, call: Call) -> None:
    kind = xml.text(call.request, "DateTimeType")
    if kind not in ("Manual", "NTP"):
        raise Fault("InvalidArgVal", "date and time type not understood")
    camera.time.kind = kind
    if kind == "NTP":
        _synchronise(camera, call.utc_ms)
        return
    given = xml.child(call.request, "UTCDateTime")
    words = [xml.text(given, "Date", name) for name in ("Year", "Month", "Day")]
    words += [xml.text(given, "Time", name) for name in ("Hour", "Minute", "Second")]
    try:
        moment = datetime(*(int(word) for word in words[:6]), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        raise Fault("InvalidArgVal/InvalidDateTime", "date and time not understood") from None
    if moment.year not in YEARS:
        raise Fault("InvalidArgVal/InvalidDateTime", "no such time")
    camera.set_clock(moment.timestamp() - call.utc_ms / 1000, call.utc_ms)


def _ntp(camera: CameraState) -> str:
    kind = "NTPFromDHCP" if camera.time.from_dhcp else "NTPManual"
    servers = "".join(f"<tt:{kind}>{_host(server)}</tt:{kind}>" for server in camera.time.servers)
    return (
        "<tds:GetNTPResponse><tds:NTPInformation>"
        f"<tt:FromDHCP>{str(camera.time.from_dhcp).lower()}</tt:FromDHCP>{servers}"
        "</tds:NTPInformation></tds:GetNTPResponse>"
    )


def _host(server: str) -> str:
    if server.replace(".", "").isdecimal():
        return f"<tt:Type>IPv4</tt:Type><tt:IPv4Address>{server}</tt:IPv4Address>"
    if ":" in server:
        return f"<tt:Type>IPv6</tt:Type><tt:IPv6Address>{escape(server)}</tt:IPv6Address>"
    return f"<tt:Type>DNS</tt:Type><tt:DNSname>{escape(server)}</tt:DNSname>"


def _set_ntp(camera: CameraState, call: Call) -> None:
    settings, request = camera.time, call.request
    if settings.refuses:
        raise Fault("Action/SetNTP", "this camera's clock cannot be set", code="Receiver", status=500)
    if settings.ignores:
        return
    settings.from_dhcp = xml.text(request, "FromDHCP") in ("true", "1")
    if not settings.from_dhcp:
        names = ("IPv4Address", "IPv6Address", "DNSname")
        hosts = list(xml.children(request, "NTPManual"))
        settings.servers = tuple(next(filter(None, (xml.text(host, name) for name in names)), "") for host in hosts)
        if not all(settings.servers):
            raise Fault("InvalidArgVal/InvalidDnsName", "no address of a time server")
    if settings.kind == "NTP":
        _synchronise(camera, call.utc_ms)


def _synchronise(camera: CameraState, utc_ms: int) -> None:
    if camera.time.reachable and not camera.time.from_dhcp and camera.time.servers:
        camera.set_clock(0, utc_ms)
