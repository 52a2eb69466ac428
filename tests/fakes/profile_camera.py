"""A camera whose media profiles can be made, changed and deleted, honestly or not: what no peer of ours offers.

It serves both media services through `HostileCamera`. Each dishonesty is a set of operation names.
"""

import asyncio
from dataclasses import dataclass, field, replace

from lxml import etree

from kuramori_onvif import hardened_xml as xml
from tests.fakes.hostile_camera import ENVELOPE, response, soap

READING = frozenset(
    {"GetSystemDateAndTime", "GetServices", "GetDeviceInformation", "GetEndpointReference", "GetProfiles",
     "GetStreamUri", "GetMasks", "GetNTP", "GetStorageConfigurations", "GetCapabilities"}
)  # fmt: skip
_PARTS = {
    "VideoSource": "source",
    "VideoEncoder": "encoder",
    "AudioSource": "microphone",
    "AudioEncoder": "sound",
}


@dataclass(frozen=True, slots=True)
class Shelved:
    """One profile: the tokens of what it is put together from, "" where it has none."""

    token: str
    name: str
    source: str = "lens"
    encoder: str = "video-main"
    microphone: str = ""
    sound: str = ""
    fixed: bool = True


LOUD = Shelved("main", "Main", microphone="mic", sound="aac")


@dataclass(slots=True)
class ProfileCamera:
    """Answers requests. `operations` holds the names of those that came, in order."""

    profiles: list[Shelved]
    versions: tuple[int, ...] = (1, 2)
    refuses: frozenset[str] = frozenset()  # answered with a fault, not done
    lies: frozenset[str] = frozenset()  # answered with OK, not done
    mumbles: frozenset[str] = frozenset()  # answered with rubbish, done
    sleeps: frozenset[str] = frozenset()  # never answered
    forbids: frozenset[str] = frozenset()  # the account may not
    makes_empty: bool = False  # CreateProfile of media2 leaves out what it should contain
    makes_loud: bool = False  # every profile that is made gets sound
    no_stream: frozenset[str] = frozenset()  # names of profiles without an address
    unreadable_after: str = ""  # once this has come, profiles cannot be read any more
    extra: dict[str, str] = field(default_factory=dict)  # further answers: operation, content
    operations: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def changes(self) -> list[str]:
        """Return the operations that are not mere questions."""
        return [name for name in self.operations if name not in READING]

    def named(self, name: str) -> list[Shelved]:
        """Return the profiles of this name."""
        return [profile for profile in self.profiles if profile.name == name]

    async def script(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer one request of a `HostileCamera`."""
        root = xml.parse(request.partition(b"\r\n\r\n")[2])
        content = xml.first(xml.child(root, "Body"))
        assert content is not None
        operation = xml.local_name(content)
        self.operations.append(operation)
        self.requests.append(etree.tostring(content).decode())
        if operation in self.sleeps:
            await asyncio.Event().wait()
        writer.write(self.answer(operation, content))
        await writer.drain()

    def answer(self, operation: str, content: xml.Element) -> bytes:
        """Return the HTTP response."""
        if operation in self.forbids:
            return _fault("NotAuthorized")
        if operation in self.refuses:
            return _fault("InvalidArgVal")
        if self.unreadable_after in self.operations and operation == "GetProfiles":
            return response("<html/>")
        prefix = {"http://www.onvif.org/ver10/media/wsdl": "trt", "http://www.onvif.org/ver20/media/wsdl": "tr2"}.get(
            xml.namespace(content), "tds"
        )
        found = self._content(operation, content, 2 if prefix == "tr2" else 1)
        if found is None:
            return _fault("ActionNotSupported")
        if operation in self.mumbles:
            return response("It is done.")
        return soap(f"<{prefix}:{operation}Response>{found}</{prefix}:{operation}Response>")

    def _content(self, operation: str, content: xml.Element, version: int) -> str | None:
        if operation in self.extra:
            return self.extra[operation]
        match operation:
            case "GetServices":
                return "".join(self._service(one) for one in self.versions)
            case "GetProfiles":
                return "".join(_rendered(profile, version) for profile in self.profiles)
            case "GetStreamUri":
                return self._stream(xml.text(content, "ProfileToken"), version)
            case _ if operation in self.lies:
                return "<tr2:Token>invented</tr2:Token>" if operation == "CreateProfile" else ""
            case "CreateProfile":
                return self._create(content, version)
            case "DeleteProfile":
                token = xml.text(content, "Token" if version == 2 else "ProfileToken")
                self.profiles = [profile for profile in self.profiles if profile.token != token]
                return ""
            case _:
                return self._change(operation, content, version)

    def _service(self, version: int) -> str:
        kind = "media" if version == 1 else "media2"
        return (
            f"<tds:Service><tds:Namespace>http://www.onvif.org/ver{version}0/media/wsdl</tds:Namespace>"
            f"<tds:XAddr>http://127.0.0.1:{self.port}/onvif/{kind}</tds:XAddr></tds:Service>"
        )

    def _stream(self, token: str, version: int) -> str | None:
        profile = next((one for one in self.profiles if one.token == token), None)
        if profile is None or profile.name in self.no_stream:
            return None
        uri = f"rtsp://127.0.0.1:8554/{token}"
        return f"<tr2:Uri>{uri}</tr2:Uri>" if version == 2 else f"<trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"

    def _create(self, content: xml.Element, version: int) -> str:
        number = 1 + sum(not profile.fixed for profile in self.profiles)
        made = Shelved(f"made-{number}", xml.text(content, "Name"), "", "", fixed=False)
        if version == 2 and not self.makes_empty:
            for part in xml.children(content, "Configuration"):
                made = replace(made, **{_PARTS[xml.text(part, "Type")]: xml.text(part, "Token")})
        if self.makes_loud:
            made = replace(made, microphone="mic", sound="aac")
        self.profiles.append(made)
        return f"<tr2:Token>{made.token}</tr2:Token>" if version == 2 else f'<trt:Profile token="{made.token}"/>'

    def _change(self, operation: str, content: xml.Element, version: int) -> str | None:
        token = xml.text(content, "ProfileToken")
        at = next((place for place, one in enumerate(self.profiles) if one.token == token), None)
        if at is None or not operation.startswith(("Add", "Remove")):
            return None
        if version == 2:
            kind, value = xml.text(content, "Configuration", "Type"), xml.text(content, "Configuration", "Token")
        else:
            kind = operation.removeprefix("Add").removeprefix("Remove").removesuffix("Configuration")
            value = xml.text(content, "ConfigurationToken")
        if kind == "AudioSource" and operation.startswith("Remove") and self.profiles[at].sound:
            return None  # the encoder goes first
        if operation.startswith("Remove"):
            value = ""
        self.profiles[at] = replace(self.profiles[at], **{_PARTS[kind]: value})
        return ""


def _fault(code: str) -> bytes:
    content = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        "<s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>"
    )
    return response(ENVELOPE.format(content), "400 Bad Request")


def _rendered(profile: Shelved, version: int) -> str:
    suffix, outer = ("Configuration", "trt") if version == 1 else ("", "tr2")
    encoding = {"encoder": "<tt:Encoding>H264</tt:Encoding>", "sound": "<tt:Encoding>AAC</tt:Encoding>"}
    parts = "".join(
        f'<tt:{kind}{suffix} token="{token}">{encoding.get(name, "")}</tt:{kind}{suffix}>'
        for kind, name in _PARTS.items()
        if (token := getattr(profile, name))
    )
    inner = parts if version == 1 else f"<tr2:Configurations>{parts}</tr2:Configurations>"
    fixed = str(profile.fixed).lower()
    name = f"<tt:Name>{profile.name}</tt:Name>"
    return f'<{outer}:Profiles token="{profile.token}" fixed="{fixed}">{name}{inner}</{outer}:Profiles>'
