"""Readers of what cameras say of events, cards, masks, time servers and storage; and of replayed and audio packets."""

import struct

from kuramori.capture.replay import read_replay_time
from kuramori_onvif import card_answers
from kuramori_onvif import event_messages as messages
from kuramori_onvif.errors import OnvifError
from kuramori_onvif.network_time import read_network_time
from kuramori_onvif.privacy_masks import read_masks
from kuramori_onvif.storage_configuration import read_storages
from tests.fakes.card_texts import information, listed, page, summary
from tests.fakes.hostile_camera import ENVELOPE
from tests.fakes.talking_camera import message, pulled, said
from tests.fuzz.onvif_targets import answer_reader
from tests.fuzz.target import Target
from tests.fuzz.xml_damage import xml_damaged


def _body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


EVENTS = _body(
    pulled(
        message("tns1:VideoSource/ImageTooDark/ImagingService", "State=true", operation="Initialized"),
        message("tns1:RecordingConfig/JobState", "State=Active", source="RecordingJobToken=j"),
        message("tns1:Device/HardwareFailure/StorageFailure", "Failed=true"),
    )
)
SUMMARY = _body(summary("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", 3))
RECORDINGS = _body(said("trc:GetRecordingsResponse", listed("r1", "Video", "Audio") + listed("r2", "Video")))
RESULTS = _body(page(information("r1", ("Video", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"), ("Audio", "", ""))))
MASKS = ENVELOPE.format(
    '<tr2:GetMasksResponse><tr2:Masks token="a"><tr2:ConfigurationToken>lens</tr2:ConfigurationToken><tr2:Polygon>'
    '<tt:Point x="0" y="0"/></tr2:Polygon><tr2:Type>Color</tr2:Type><tr2:Enabled>true</tr2:Enabled></tr2:Masks>'
    "</tr2:GetMasksResponse>"
).encode()
NTP = ENVELOPE.format(
    "<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP><tt:NTPManual><tt:Type>IPv4</tt:Type>"
    "<tt:IPv4Address>192.168.10.1</tt:IPv4Address></tt:NTPManual></tds:NTPInformation></tds:GetNTPResponse>"
).encode()
STORAGES = ENVELOPE.format(
    '<tds:GetStorageConfigurationsResponse><tds:StorageConfigurations token="SD"><tds:Data type="LocalStorage">'
    "<tds:LocalPath>/var/SD</tds:LocalPath><tds:Extension><v:DiskStatus xmlns:v='urn:v'>Read only</v:DiskStatus>"
    "</tds:Extension></tds:Data></tds:StorageConfigurations></tds:GetStorageConfigurationsResponse>"
).encode()
REPLAYED = struct.pack(">BBHIIHHIIB3x", 0x90, 96, 7, 9000, 1, 0xABAC, 3, 3_900_000_000, 1 << 31, 0x80) + b"\x65" * 30

CAMERA_TARGETS = (
    Target("PullMessages", (EVENTS,), answer_reader("PullMessages", messages.pulled), (OnvifError,), xml_damaged),
    Target(
        "GetRecordingSummary",
        (SUMMARY,),
        answer_reader("GetRecordingSummary", card_answers.summary),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "GetRecordings",
        (RECORDINGS,),
        answer_reader("GetRecordings", card_answers.configured_recordings),
        (OnvifError,),
        xml_damaged,
    ),
    Target(
        "GetRecordingSearchResults",
        (RESULTS,),
        answer_reader("GetRecordingSearchResults", card_answers.search_page),
        (OnvifError,),
        xml_damaged,
    ),
    Target("GetMasks", (MASKS,), answer_reader("GetMasks", read_masks), (OnvifError,), xml_damaged),
    Target("GetNTP", (NTP,), answer_reader("GetNTP", read_network_time), (OnvifError,), xml_damaged),
    Target(
        "GetStorageConfigurations",
        (STORAGES,),
        answer_reader("GetStorageConfigurations", read_storages),
        (OnvifError,),
        xml_damaged,
    ),
    Target("RTP of a replay", (REPLAYED,), lambda data: read_replay_time(data, 0, len(data)), ()),
)
