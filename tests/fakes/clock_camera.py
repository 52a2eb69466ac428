"""A camera whose time server can be set, honestly or not: what no peer of ours offers."""

import asyncio
from dataclasses import dataclass, field

from kuramori_onvif import hardened_xml as xml
from tests.fakes.hostile_camera import ENVELOPE, response, soap


@dataclass(slots=True)
class ClockCamera:
    """Answers the device service through `HostileCamera`. `operations` holds what came, in order."""

    from_dhcp: bool = True
    servers: list[tuple[str, str]] = field(default_factory=list)  # field name, server
    mode: str = "Manual"
    daylight: str = "true"
    refuses: frozenset[str] = frozenset()
    lies: frozenset[str] = frozenset()
    mumbles: frozenset[str] = frozenset()  # answered with rubbish, done
    operations: list[str] = field(default_factory=list)
    time_zone: str = "CST+8:00:00"
    zone_sent: bool = False

    async def script(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        content = xml.first(xml.child(xml.parse(request.partition(b"\r\n\r\n")[2]), "Body"))
        assert content is not None
        operation = xml.local_name(content)
        self.operations.append(operation)
        if operation in self.refuses:
            code = "ActionNotSupported" if operation == "GetNTP" else "InvalidArgVal"
            fault = (
                "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:"
                f"{code}</s:Value></s:Subcode></s:Code></s:Fault>"
            )
            writer.write(response(ENVELOPE.format(fault), "400 Bad Request"))
        else:
            answer = self._answer(operation, content)
            rubbish = operation in self.mumbles
            writer.write(
                response("done") if rubbish else soap(f"<tds:{operation}Response>{answer}</tds:{operation}Response>")
            )
        await writer.drain()

    def _answer(self, operation: str, content: xml.Element) -> str:
        match operation:
            case "GetNTP":
                name = "NTPFromDHCP" if self.from_dhcp else "NTPManual"
                hosts = "".join(
                    f"<tt:{name}><tt:Type>IPv4</tt:Type><tt:{kind}>{server}</tt:{kind}></tt:{name}>"
                    for kind, server in self.servers
                )
                told = str(self.from_dhcp).lower()
                return f"<tds:NTPInformation><tt:FromDHCP>{told}</tt:FromDHCP>{hosts}</tds:NTPInformation>"
            case "GetSystemDateAndTime":
                return (
                    f"<tds:SystemDateAndTime><tt:DateTimeType>{self.mode}</tt:DateTimeType>"
                    f"<tt:DaylightSavings>{self.daylight}</tt:DaylightSavings>"
                    f"<tt:TimeZone><tt:TZ>{self.time_zone}</tt:TZ></tt:TimeZone></tds:SystemDateAndTime>"
                )
            case "SetNTP" if operation not in self.lies:
                self.from_dhcp = xml.text(content, "FromDHCP") == "true"
                manual = xml.child(content, "NTPManual")
                assert manual is not None
                kinds = ("IPv4Address", "IPv6Address", "DNSname")
                self.servers = [(kind, text) for kind in kinds if (text := xml.text(manual, kind))]
            case "SetSystemDateAndTime" if operation not in self.lies:
                self.mode = xml.text(content, "DateTimeType")
                self.daylight = xml.text(content, "DaylightSavings")
                self.zone_sent = xml.child(content, "TimeZone") is not None
        return ""
