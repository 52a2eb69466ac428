"""What storage a camera is configured with: device GetStorageConfigurations, written and read by hand. Pure.

Type, path and whatever a vendor adds about its state; never the user and password that such a configuration may
carry. ONVIF has no word for encryption here, nor one for health: neither is concluded. This module must not know
HTTP, nor what recordings there are.
"""

from dataclasses import dataclass

from kuramori_onvif import answers
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.errors import quoted

NS_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MAX_STORAGES = 32
MAX_STATE_FACTS = 8
LOCAL_KINDS = frozenset({"localstorage", "local"})
_STATE_WORDS = ("status", "state", "health", "capacity", "freespace", "usedspace")
_SECRET_BRANCHES = frozenset({"User", "UserCredential"})


@dataclass(frozen=True, slots=True)
class StorageConfiguration:
    """One storage. `kind` as the camera writes it ("LocalStorage", "NFS", "CIFS" ...); "" where it says nothing."""

    token: str
    kind: str
    local_path: str
    uri: str  # without user and password
    state: tuple[tuple[str, str], ...]  # vendors' elements that speak of it: name, words
    encrypted: bool | None = None  # always unknown: no camera can say it here

    @property
    def is_local(self) -> bool:
        """Tell whether it is a medium in the camera itself, a card mostly."""
        return self.kind.lower() in LOCAL_KINDS or (not self.kind and bool(self.local_path) and not self.uri)


def storages_request() -> xml.Element:
    """Ask for all storages (ONVIF Core, device service)."""
    return answers.request(NS_DEVICE, "GetStorageConfigurations")


def read_storages(content: xml.Element) -> tuple[StorageConfiguration, ...]:
    """Read a GetStorageConfigurationsResponse."""
    found: list[StorageConfiguration] = []
    for element in xml.children(content, "StorageConfigurations"):
        if len(found) == MAX_STORAGES:
            break
        data = xml.child(element, "Data")
        found.append(
            StorageConfiguration(
                token=answers.token_of(element),
                kind="" if data is None else xml.one_line(data.get("type", ""))[: answers.MAX_NAME_CHARACTERS],
                local_path=quoted(xml.text(data, "LocalPath")),
                uri=quoted(xml.text(data, "StorageUri")),
                state=_state(element),
            )
        )
    return tuple(found)


def _state(storage: xml.Element) -> tuple[tuple[str, str], ...]:
    """Collect leaves whose names speak of a state; what belongs to a user is not looked into."""
    facts: list[tuple[str, str]] = []
    open_branches = [storage]
    while open_branches and len(facts) < MAX_STATE_FACTS:
        for child in open_branches.pop():
            name = xml.local_name(child)
            if name in _SECRET_BRANCHES:
                continue
            if len(child):
                open_branches.append(child)
            elif name.lower().endswith(_STATE_WORDS) and child.text and len(facts) < MAX_STATE_FACTS:
                facts.append((quoted(name), quoted(xml.one_line(child.text))))
    return tuple(facts)
