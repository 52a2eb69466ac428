"""What is sent to change a profile: the elements of the WSDL files, in their order."""

import pytest
from lxml import etree

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.profile_requests import NS_MEDIA, NS_MEDIA2, Part, Profiling


def _outline(element: xml.Element) -> str:
    """Return names and texts without namespaces: `A(B=x C(D=y))`."""
    inner = " ".join(_outline(child) for child in element)
    name = xml.local_name(element)
    return f"{name}({inner})" if len(element) else f"{name}={element.text}"


TWO, ONE = Profiling(2), Profiling(1)


@pytest.mark.parametrize(
    ("request_element", "outline"),
    [
        (
            TWO.create("n", "s", "v"),
            "CreateProfile(Name=n Configuration(Type=VideoSource Token=s) Configuration(Type=VideoEncoder Token=v))",
        ),
        (
            TWO.add("p", Part.VIDEO_ENCODER, "v"),
            "AddConfiguration(ProfileToken=p Configuration(Type=VideoEncoder Token=v))",
        ),
        (
            TWO.remove("p", Part.AUDIO_ENCODER, "a"),
            "RemoveConfiguration(ProfileToken=p Configuration(Type=AudioEncoder Token=a))",
        ),
        (
            TWO.remove("p", Part.AUDIO_ENCODER, ""),
            "RemoveConfiguration(ProfileToken=p Configuration(Type=AudioEncoder))",
        ),
        (TWO.delete("p"), "DeleteProfile(Token=p)"),
        (ONE.create("n", "s", "v"), "CreateProfile(Name=n Token=n)"),
        (ONE.add("p", Part.VIDEO_SOURCE, "s"), "AddVideoSourceConfiguration(ProfileToken=p ConfigurationToken=s)"),
        (ONE.add("p", Part.VIDEO_ENCODER, "v"), "AddVideoEncoderConfiguration(ProfileToken=p ConfigurationToken=v)"),
        (ONE.remove("p", Part.AUDIO_ENCODER, "a"), "RemoveAudioEncoderConfiguration(ProfileToken=p)"),
        (ONE.remove("p", Part.AUDIO_SOURCE, "a"), "RemoveAudioSourceConfiguration(ProfileToken=p)"),
        (ONE.delete("p"), "DeleteProfile(ProfileToken=p)"),
    ],
)
def test_requests_are_as_the_specification_has_them(request_element: xml.Element, outline: str) -> None:
    """Names, order and nesting; every element in the namespace of its service."""
    assert _outline(request_element) == outline
    spaces = {xml.namespace(element) for element in request_element.iter()}
    assert spaces in ({NS_MEDIA}, {NS_MEDIA2})


def test_a_token_with_markup_stays_a_token() -> None:
    """What a camera calls its configurations is written as text."""
    request = TWO.add("p", Part.VIDEO_ENCODER, "</Token><x/>&")
    assert xml.text(etree.fromstring(etree.tostring(request)), "Configuration", "Token") == "</Token><x/>&"
