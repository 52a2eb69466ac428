"""Which reader of the room a recorded answer is for. A new kind of answer is one more line here."""

from collections.abc import Callable

from kuramori_onvif import answers, service_addresses
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.address import pin
from kuramori_onvif.clock import utc_ms_of
from kuramori_onvif.network_time import read_network_time
from kuramori_onvif.privacy_masks import read_masks
from kuramori_onvif.storage_configuration import read_storages

HOST = "192.0.2.7"  # where the recorded cameras stand

READERS: dict[str, Callable[[xml.Element], object]] = {
    "profiles of media": lambda content: answers.profiles(content, 1),
    "profiles of media2": lambda content: answers.profiles(content, 2),
    "time": lambda content: {"utc_ms": utc_ms_of(answers.camera_date(content))},
    "stream address": lambda content: pin(answers.stream_uri(content), HOST, ("rtsp", "rtsps")),
    "services": service_addresses.of_services,
    "capabilities": service_addresses.of_capabilities,
    "masks": read_masks,
    "time servers": read_network_time,
    "storages": read_storages,
    "nothing": lambda _content: None,
}
