"""Requests that put a media profile together or take it apart, written by hand for media and media2. Pure.

Elements go out in the order of the WSDL files, which some cameras insist on. This module must not know why a
profile is changed, nor how a request travels.
"""

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from kuramori_onvif import answers
from kuramori_onvif import hardened_xml as xml

NS_MEDIA = "http://www.onvif.org/ver10/media/wsdl"
NS_MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"


class Part(StrEnum):
    """The configurations of a profile that matter here, as media2 calls them."""

    VIDEO_SOURCE = "VideoSource"
    VIDEO_ENCODER = "VideoEncoder"
    AUDIO_SOURCE = "AudioSource"
    AUDIO_ENCODER = "AudioEncoder"


@dataclass(frozen=True, slots=True)
class Profiling:
    """The requests of one media service: version 1 (ver10) or 2 (ver20)."""

    version: int

    def create(self, name: str, source_token: str, encoder_token: str) -> xml.Element:
        """Make a profile. Media2 puts it together at once, media makes an empty one that `add` fills."""
        if self.version == 1:
            return answers.request(NS_MEDIA, "CreateProfile", ("Name", name), ("Token", name))
        request = answers.request(NS_MEDIA2, "CreateProfile", ("Name", name))
        _configuration(request, Part.VIDEO_SOURCE, source_token)
        _configuration(request, Part.VIDEO_ENCODER, encoder_token)
        return request

    def add(self, profile_token: str, part: Part, token: str) -> xml.Element:
        """Add a configuration to a profile; one of the same kind is replaced."""
        if self.version == 1:
            fields = (("ProfileToken", profile_token), ("ConfigurationToken", token))
            return answers.request(NS_MEDIA, f"Add{part}Configuration", *fields)
        request = answers.request(NS_MEDIA2, "AddConfiguration", ("ProfileToken", profile_token))
        _configuration(request, part, token)
        return request

    def remove(self, profile_token: str, part: Part, token: str) -> xml.Element:
        """Remove the configuration of a kind from a profile."""
        if self.version == 1:
            return answers.request(NS_MEDIA, f"Remove{part}Configuration", ("ProfileToken", profile_token))
        request = answers.request(NS_MEDIA2, "RemoveConfiguration", ("ProfileToken", profile_token))
        _configuration(request, part, token)
        return request

    def delete(self, profile_token: str) -> xml.Element:
        """Delete a profile."""
        if self.version == 1:
            return answers.request(NS_MEDIA, "DeleteProfile", ("ProfileToken", profile_token))
        return answers.request(NS_MEDIA2, "DeleteProfile", ("Token", profile_token))


def _configuration(request: xml.Element, part: Part, token: str) -> None:
    element = etree.SubElement(request, etree.QName(NS_MEDIA2, "Configuration"))
    etree.SubElement(element, etree.QName(NS_MEDIA2, "Type")).text = part.value
    if token:
        etree.SubElement(element, etree.QName(NS_MEDIA2, "Token")).text = token
