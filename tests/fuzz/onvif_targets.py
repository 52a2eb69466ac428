"""Readers of what cameras and strangers say over ONVIF and WS-Discovery."""

import random
from collections.abc import Callable

from kuramori_onvif import answers, network_time, privacy_masks, storage_configuration
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.clock import utc_ms_of, utc_ms_of_http_date
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.http_digest import choose_challenge
from kuramori_onvif.soap import vet
from kuramori_onvif.transport import HttpAnswer
from kuramori_onvif.ws_discovery_message import Announcement, build_hello, build_probe_matches, parse
from tests.fakes.hostile_camera import ENVELOPE
from tests.fuzz.target import Target
from tests.fuzz.xml_damage import xml_damaged

PROFILES_1 = ENVELOPE.format(
    '<trt:GetProfilesResponse><trt:Profiles token="main" fixed="true"><tt:Name>main</tt:Name>'
    '<tt:VideoEncoderConfiguration token="v"><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width>'
    "<tt:Height>1080</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit>"
    "<tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl><tt:H264><tt:GovLength>50</tt:GovLength></tt:H264>"
    '</tt:VideoEncoderConfiguration><tt:AudioEncoderConfiguration token="a"><tt:Encoding>AAC</tt:Encoding>'
    "</tt:AudioEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>"
)
PROFILES_2 = ENVELOPE.format(
    '<tr2:GetProfilesResponse><tr2:Profiles token="main"><tr2:Name>m</tr2:Name><tr2:Configurations>'
    '<tr2:VideoEncoder token="v" GovLength="50"><tt:Encoding>H265</tt:Encoding></tr2:VideoEncoder>'
    "</tr2:Configurations></tr2:Profiles></tr2:GetProfilesResponse>"
)
DATE = ENVELOPE.format(
    "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime><tt:Time><tt:Hour>1</tt:Hour>"
    "<tt:Minute>2</tt:Minute><tt:Second>3</tt:Second></tt:Time><tt:Date><tt:Year>2026</tt:Year><tt:Month>4</tt:Month>"
    "<tt:Day>5</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
)
FAULT = ENVELOPE.format(
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">Sender not authorized</s:Text></s:Reason></s:Fault>'
)
MASKS = ENVELOPE.format(
    '<tr2:GetMasksResponse><tr2:Masks token="m"><tr2:ConfigurationToken>s</tr2:ConfigurationToken><tr2:Polygon>'
    '<tt:Point x="0" y="0"/></tr2:Polygon><tr2:Type>Color</tr2:Type><tr2:Enabled>true</tr2:Enabled></tr2:Masks>'
    "</tr2:GetMasksResponse>"
)
TIME_SERVERS = ENVELOPE.format(
    "<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP><tt:NTPManual><tt:Type>DNS</tt:Type>"
    "<tt:DNSname>ntp.example.jp</tt:DNSname></tt:NTPManual></tds:NTPInformation></tds:GetNTPResponse>"
)
STORAGES = ENVELOPE.format(
    '<tds:GetStorageConfigurationsResponse><tds:StorageConfigurations token="SD"><tds:Data type="LocalStorage">'
    "<tds:LocalPath>/sd</tds:LocalPath><tds:Extension><tds:Status>ok</tds:Status></tds:Extension></tds:Data>"
    "</tds:StorageConfigurations></tds:GetStorageConfigurationsResponse>"
)
DEVICE = Announcement(
    "urn:uuid:5f5a69c2-e0ae-504f-829b-00af538ab001",
    ("dn:NetworkVideoTransmitter",),
    ("onvif://www.onvif.org/name/Gate", "onvif://www.onvif.org/hardware/M1"),
    ("http://192.168.1.20/onvif/device_service",),
)


def fault_or_damaged(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """Damage an answer, or a fault, which is no sound answer and so cannot be a seed."""
    return xml_damaged(rng, (FAULT.encode(),) if rng.random() < 0.5 else seeds)


def answer_reader(operation: str, understand: Callable[[xml.Element], object]) -> Callable[[bytes], object]:
    """Return what reads an answer's bytes as they come from the network."""

    def read(data: bytes) -> object:
        return understand(vet("camera", operation, HttpAnswer(200, (), data)))

    return read


def _vet_any(data: bytes) -> object:
    """Ask for whatever operation stands there, so that sound answers are taken too."""
    operation = "GetProfiles" if b"GetProfilesResponse" in data else "GetSystemDateAndTime"
    return vet("camera", operation, HttpAnswer(200, (), data))


ONVIF_TARGETS = (
    Target("XML, hardened", (PROFILES_1.encode(), DATE.encode()), xml.parse, (xml.Refused, xml.TooMuch), xml_damaged),
    Target("SOAP answers and faults", (PROFILES_1.encode(), DATE.encode()), _vet_any, (OnvifError,), fault_or_damaged),
    Target(
        "GetProfiles (media)",
        (PROFILES_1.encode(),),
        answer_reader("GetProfiles", lambda content: answers.profiles(content, 1)),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "GetProfiles (media2)",
        (PROFILES_2.encode(),),
        answer_reader("GetProfiles", lambda content: answers.profiles(content, 2)),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "GetSystemDateAndTime",
        (DATE.encode(),),
        answer_reader("GetSystemDateAndTime", lambda content: utc_ms_of(answers.camera_date(content))),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "GetMasks", (MASKS.encode(),), answer_reader("GetMasks", privacy_masks.read_masks), (OnvifError,), xml_damaged
    ),
    Target(
        "GetNTP",
        (TIME_SERVERS.encode(),),
        answer_reader("GetNTP", network_time.read_network_time),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "GetStorageConfigurations",
        (STORAGES.encode(),),
        answer_reader("GetStorageConfigurations", storage_configuration.read_storages),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "WS-Discovery datagrams",
        (build_hello("urn:uuid:1", DEVICE), build_probe_matches("urn:uuid:2", "urn:uuid:3", (DEVICE, DEVICE))),
        lambda data: parse(data, "192.168.1.20"),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "HTTP challenges",
        (b'Digest realm="c", nonce="n", qop="auth,auth-int", algorithm=MD5', b'Basic realm="x"'),
        lambda data: choose_challenge((data.decode("latin-1"),)),
        (),
    ),
    Target(
        "HTTP dates",
        (b"Mon, 23 Nov 2026 12:00:00 GMT", b"Monday, 23-Nov-26 12:00:00 GMT"),
        lambda data: utc_ms_of_http_date(data.decode("latin-1")),
        (),
    ),
)
