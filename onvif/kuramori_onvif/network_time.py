"""Where a camera takes its time from, and telling it (device GetNTP, SetNTP, SetSystemDateAndTime; by hand).

Set only when asked, only what is not so already, and read back: what the camera answers counts for nothing. Its
time zone is neither read nor sent: that text is often wrong. This module must not know configuration.
"""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lxml import etree

from kuramori_onvif import answers
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.address import same_host
from kuramori_onvif.errors import CameraFault, OnvifError, quoted

NS_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
NS_SCHEMA = "http://www.onvif.org/ver10/schema"
MAX_SERVERS = 8
MAX_SERVER_CHARACTERS = 253  # a host name has no more
BY_NTP = "NTP"
_TRUE = frozenset({"true", "1"})
_KINDS = (("IPv4", "IPv4Address"), ("IPv6", "IPv6Address"), ("DNS", "DNSname"))


@dataclass(frozen=True, slots=True)
class NetworkTime:
    """The camera's time servers: those in use, and whether DHCP gives them (None: it does not say)."""

    from_dhcp: bool | None
    servers: tuple[str, ...]

    def is_only(self, server: str) -> bool:
        """Tell whether the camera uses this server, set by hand, and no other."""
        return self.from_dhcp is False and len(self.servers) == 1 and same_host(self.servers[0], server)


@dataclass(frozen=True, slots=True)
class ClockMode:
    """How the clock is set: "NTP", "Manual" or "" (not told), and whether it follows daylight saving."""

    kind: str
    daylight_savings: bool


class NtpOutcome(StrEnum):
    """What came of telling a camera its time server."""

    ALREADY = "already"  # it was so; nothing was sent
    SET = "set"  # sent and read back
    REFUSED = "refused"  # the camera said no, or something that cannot be understood
    IGNORED = "ignored"  # the camera said yes and did not do it


@dataclass(frozen=True, slots=True)
class NtpSetting:
    """The outcome, with what the camera says now; `network_time` None: it does not tell."""

    outcome: NtpOutcome
    evidence: str
    network_time: NetworkTime | None = None
    by_ntp: bool | None = None  # whether it says that its clock follows NTP


class ClockEditor(Protocol):
    """A camera whose clock can be asked and told."""

    async def ask(self, request: xml.Element) -> xml.Element:
        """Put a request to the device service and return the vetted answer. Raises OnvifError."""


def read_network_time(content: xml.Element) -> NetworkTime:
    """Read a GetNTPResponse: the manual servers, or those from DHCP where that is on."""
    information = xml.child(content, "NTPInformation")
    told = xml.text(information, "FromDHCP").lower()
    from_dhcp = told in _TRUE if told else None
    name = "NTPFromDHCP" if from_dhcp else "NTPManual"
    servers: list[str] = []
    for host in xml.children(information, name) if information is not None else ():
        words = (xml.whole_text(host, field, limit=MAX_SERVER_CHARACTERS) for _, field in _KINDS)
        server = next((xml.one_line(one) for one in words if one), "")
        if server and len(servers) < MAX_SERVERS:
            servers.append(server)
    return NetworkTime(from_dhcp, tuple(servers))


def read_clock_mode(content: xml.Element) -> ClockMode:
    """Read how the clock is set out of a GetSystemDateAndTimeResponse."""
    clock = xml.child(content, "SystemDateAndTime")
    kind = xml.text(clock, "DateTimeType")
    daylight = xml.text(clock, "DaylightSavings").lower() in _TRUE
    return ClockMode({"ntp": BY_NTP, "manual": "Manual"}.get(kind.lower(), ""), daylight)


def server_request(server: str) -> xml.Element:
    """Tell one server by hand, not by DHCP (ONVIF Core, SetNTP)."""
    try:
        kind, field = _KINDS[0] if ipaddress.ip_address(server).version == 4 else _KINDS[1]
    except ValueError:
        kind, field = _KINDS[2]
    request = answers.request(NS_DEVICE, "SetNTP", ("FromDHCP", "false"))
    manual = etree.SubElement(request, etree.QName(NS_DEVICE, "NTPManual"))
    etree.SubElement(manual, etree.QName(NS_SCHEMA, "Type")).text = kind
    etree.SubElement(manual, etree.QName(NS_SCHEMA, field)).text = server
    return request


def mode_request(daylight_savings: bool) -> xml.Element:
    """Have the clock follow NTP; daylight saving as it was, the time zone untouched."""
    fields = (("DateTimeType", BY_NTP), ("DaylightSavings", "true" if daylight_savings else "false"))
    return answers.request(NS_DEVICE, "SetSystemDateAndTime", *fields)


async def network_time(editor: ClockEditor) -> NetworkTime | None:
    """Ask for the time servers; None where the camera does not tell: few use the proper fault. Raises OnvifError."""
    try:
        return read_network_time(await editor.ask(answers.request(NS_DEVICE, "GetNTP")))
    except CameraFault:
        return None


async def set_network_time(editor: ClockEditor, server: str) -> NtpSetting:
    """Have the camera take its time from `server`. Raises OnvifError where it cannot be asked how it is set."""
    refusals: list[str] = []
    sent = False
    servers, mode = await _now(editor)
    if servers is None:  # nothing could be read back: it is left alone
        return NtpSetting(NtpOutcome.REFUSED, _said(servers, mode))
    if not servers.is_only(server):
        sent = True
        await _send(editor, server_request(server), refusals)
    if mode.kind != BY_NTP:
        sent = True
        await _send(editor, mode_request(mode.daylight_savings), refusals)
    if sent:
        servers, mode = await _now(editor)
    done = servers is not None and servers.is_only(server)
    by_ntp = mode.kind == BY_NTP if mode.kind else None
    if done and by_ntp:
        outcome = NtpOutcome.SET if sent else NtpOutcome.ALREADY
        return NtpSetting(outcome, f"It takes its time from {quoted(server)}.", servers, by_ntp)
    outcome = NtpOutcome.REFUSED if refusals or servers is None else NtpOutcome.IGNORED
    return NtpSetting(outcome, " ".join((*refusals, _said(servers, mode))), servers, by_ntp)


async def _now(editor: ClockEditor) -> tuple[NetworkTime | None, ClockMode]:
    servers = await network_time(editor)
    mode = read_clock_mode(await editor.ask(answers.request(NS_DEVICE, "GetSystemDateAndTime")))
    return servers, mode


async def _send(editor: ClockEditor, request: xml.Element, refusals: list[str]) -> None:
    try:
        await editor.ask(request)
    except OnvifError as error:  # read back decides; a camera that is gone raises there
        refusals.append(str(error))


def _said(servers: NetworkTime | None, mode: ClockMode) -> str:
    if servers is None:
        return "It does not tell where it takes its time from."
    names = ", ".join(quoted(server) for server in servers.servers) or "none"
    origin = {True: "by DHCP", False: "set by hand", None: "origin not told"}[servers.from_dhcp]
    return f"Its time servers: {names} ({origin}); its clock is set by: {mode.kind or 'not told'}."
