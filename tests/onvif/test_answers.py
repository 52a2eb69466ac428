"""What is read out of answers: audio is never overlooked, broken XML never reads as silence."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kuramori_onvif import answers
from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.clock import CameraDate
from kuramori_onvif.errors import AnswerMalformed, CameraFault, OnvifError, OperationUnsupported
from kuramori_onvif.models import AudioFact, MediaProfile, VideoEncoder
from kuramori_onvif.soap import vet, wants_sign_in
from kuramori_onvif.transport import HttpAnswer

SOAP = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:t="urn:t" xmlns:o="urn:o">'
    "<s:Body>{}</s:Body></s:Envelope>"
)
VIDEO = (
    '<t:VideoEncoderConfiguration token="v"><t:Encoding>H264</t:Encoding><t:Resolution><t:Width>1920</t:Width>'
    "<t:Height>1080</t:Height></t:Resolution><t:RateControl><t:FrameRateLimit>25</t:FrameRateLimit>"
    "<t:BitrateLimit>4096</t:BitrateLimit></t:RateControl><t:H264><t:GovLength>50</t:GovLength></t:H264>"
    "</t:VideoEncoderConfiguration>"
)
AUDIO = "<t:AudioEncoderConfiguration><t:Encoding>AAC</t:Encoding></t:AudioEncoderConfiguration>"


def _answer(body: str, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, (), body.encode())


def _profiles(*contents: str, version: int = 1) -> tuple[MediaProfile, ...]:
    inner = "".join(f'<t:Profiles token="p{n}" fixed="true">{c}</t:Profiles>' for n, c in enumerate(contents))
    body = SOAP.format(f"<t:GetProfilesResponse>{inner}</t:GetProfilesResponse>")
    return answers.profiles(vet("c", "GetProfiles", _answer(body)), version)


def test_a_profile_is_read_with_its_video() -> None:
    """Token, name, picture, rates."""
    (profile,) = _profiles(f"<t:Name>Main</t:Name>{VIDEO}")
    assert profile == MediaProfile(
        "p0", "Main", True, 1, VideoEncoder("v", "H264", 1920, 1080, 25.0, 4096, 50), AudioFact.ABSENT, ""
    )


@pytest.mark.parametrize(
    "content",
    [
        VIDEO + AUDIO,
        AUDIO + VIDEO,
        f"{VIDEO}<t:Extension>{AUDIO}</t:Extension>",
        VIDEO + AUDIO.replace("t:Audio", "o:Audio"),
        VIDEO + "<t:AudioEncoderConfiguration/>",
    ],
    ids=["in order", "out of order", "in an extension", "in another namespace", "empty"],
)
def test_an_audio_encoder_is_seen_wherever_it_stands(content: str) -> None:
    """Order, place and namespace do not hide it (R3)."""
    (profile,) = _profiles(content)
    assert profile.audio is AudioFact.CONFIGURED


def test_an_audio_source_alone_is_no_sound() -> None:
    """Without an encoder nothing is sent."""
    (profile,) = _profiles(VIDEO + "<t:AudioSourceConfiguration/>")
    assert profile.audio is AudioFact.ABSENT


def test_media2_profiles_are_read() -> None:
    """The newer service nests and names differently."""
    encoder = (
        '<t:VideoEncoder token="v" GovLength="30"><t:Encoding>H265</t:Encoding><t:Resolution><t:Width>2560</t:Width>'
        "<t:Height>1440</t:Height></t:Resolution></t:VideoEncoder>"
    )
    loud, silent, untold = _profiles(
        f"<t:Configurations>{encoder}<t:AudioEncoder><t:Encoding>AAC</t:Encoding></t:AudioEncoder></t:Configurations>",
        f"<t:Configurations>{encoder}</t:Configurations>",
        "<t:Name>x</t:Name>",
        version=2,
    )
    assert loud.video == VideoEncoder("v", "H265", 2560, 1440, None, None, 30)
    assert (loud.audio, loud.audio_encoding) == (AudioFact.CONFIGURED, "AAC")
    assert silent.audio is AudioFact.ABSENT
    assert untold.audio is AudioFact.UNKNOWN


def test_a_profile_without_token_is_left_out() -> None:
    """It could not be asked for."""
    body = SOAP.format("<t:GetProfilesResponse><t:Profiles/><t:Profiles token='a'/></t:GetProfilesResponse>")
    found = answers.profiles(vet("c", "GetProfiles", _answer(body)), 1)
    assert [profile.token for profile in found] == ["a"]


def test_the_date_is_read_and_what_is_missing_is_none() -> None:
    """Only UTC parts count; the time zone is not looked at."""
    body = (
        "<t:GetSystemDateAndTimeResponse><t:SystemDateAndTime><t:TimeZone><t:TZ>UTC5UTC</t:TZ></t:TimeZone>"
        "<t:UTCDateTime><t:Time><t:Hour>7</t:Hour><t:Minute>x</t:Minute></t:Time><t:Date><t:Year>2024</t:Year>"
        "<t:Month>2</t:Month><t:Day>1</t:Day></t:Date></t:UTCDateTime></t:SystemDateAndTime>"
        "</t:GetSystemDateAndTimeResponse>"
    )
    content = vet("c", "GetSystemDateAndTime", _answer(SOAP.format(body)))
    assert answers.camera_date(content) == CameraDate(2024, 2, 1, 7, None, None)


@pytest.mark.parametrize(
    ("words", "number"),
    [("25", 25), ("25.0", 25), ("25.5", None), ("-1", None), ("", None), ("9" * 40, None), ("٣", None), ("1e3", None)],
)
def test_numbers_are_plain_digits(words: str, number: int | None) -> None:
    """Nothing but digits counts, and not too many."""
    assert answers.number(words) == number


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_none(words: str) -> None:
    """No text raises."""
    whole, rate = answers.number(words), answers.rate(words)
    assert whole is None or whole >= 0
    assert rate is None or rate > 0


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html><body>It works</body></html>",
        SOAP.format(""),
        SOAP.format("<t:GetProfilesResponse>").replace("</s:Body>", ""),
        SOAP.format("<t:GetServicesResponse/>"),
        '<!DOCTYPE x [<!ENTITY a "b">]>' + SOAP.format("<t:GetProfilesResponse/>"),
        SOAP.format("<u:GetProfilesResponse/>"),
    ],
    ids=["empty", "html", "no content", "cut off", "another answer", "dtd", "undeclared prefix"],
)
def test_what_is_not_the_answer_is_an_error_never_no_audio(body: str) -> None:
    """Malformed, incomplete or foreign answers raise; no profile is read from them."""
    with pytest.raises(AnswerMalformed):
        vet("c", "GetProfiles", _answer(body))


def test_invalid_utf_8_is_refused() -> None:
    """Whatever the declaration says, it must be UTF-8."""
    body = SOAP.format("<t:GetProfilesResponse>?</t:GetProfilesResponse>").encode().replace(b"?", b"\xc3\x28")
    with pytest.raises(AnswerMalformed, match="UTF-8"):
        vet("c", "GetProfiles", HttpAnswer(200, (), body))


FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{}</s:Value></s:Subcode></s:Code>"
    "<s:Reason><s:Text>{}</s:Text></s:Reason></s:Fault>"
)


def test_a_fault_is_named_with_its_codes() -> None:
    """Outermost first, without prefixes; also with HTTP 200."""
    with pytest.raises(CameraFault) as fault:
        vet("c", "GetProfiles", _answer(SOAP.format(FAULT.format("InvalidArgVal", "no such token"))))
    assert fault.value.codes == ("Sender", "InvalidArgVal")
    assert not wants_sign_in(fault.value)


def test_an_unknown_operation_has_its_own_error() -> None:
    """Callers fall back to an older operation by type, not by text."""
    with pytest.raises(OperationUnsupported):
        vet("c", "GetServices", _answer(SOAP.format(FAULT.format("ActionNotSupported", "")), 400))


@pytest.mark.parametrize(
    ("code", "reason"), [("NotAuthorized", ""), ("FailedAuthentication", ""), ("Other", "Sender not authorized")]
)
def test_a_refused_sign_in_is_recognised(code: str, reason: str) -> None:
    """By the proper code, or by the words of cameras that lack it."""
    with pytest.raises(CameraFault) as fault:
        vet("c", "GetProfiles", _answer(SOAP.format(FAULT.format(code, reason)), 500))
    assert wants_sign_in(fault.value)


def test_a_soap_1_1_fault_is_read() -> None:
    """Old firmwares answer in the old form."""
    old = "<s:Fault><faultcode>x:Client</faultcode><faultstring>nope</faultstring></s:Fault>"
    with pytest.raises(CameraFault) as fault:
        vet("c", "GetProfiles", _answer(SOAP.format(old), 500))
    assert (fault.value.codes, fault.value.reason) == (("Client",), "nope")


def test_a_password_in_a_fault_is_not_repeated() -> None:
    """What a camera writes is cut and cleaned before it reaches a log."""
    with pytest.raises(CameraFault) as fault:
        vet(
            "c",
            "X",
            _answer(SOAP.format(FAULT.format("a", "bad password=hunter2 for\nrtsp://u:hunter2@h/" + "x" * 999))),
        )
    assert "hunter2" not in str(fault.value)
    assert "\n" not in str(fault.value)
    assert len(str(fault.value)) < 400


@given(st.binary(max_size=300), st.sampled_from((200, 400, 401, 500)))
@example(b"<Envelope><Body><Fault/></Body></Envelope>", 200)
def test_any_bytes_give_an_answer_or_our_error(body: bytes, status: int) -> None:
    """No answer raises anything but an OnvifError."""
    try:
        vet("c", "GetProfiles", HttpAnswer(status, (), body))
    except OnvifError:
        return


@given(st.data())
def test_a_damaged_profile_list_never_loses_its_sound_silently(data: st.DataObject) -> None:
    """Bytes cut anywhere out of an answer with sound: an error, or sound still seen, or the encoder itself cut out."""
    whole = SOAP.format(
        f'<t:GetProfilesResponse><t:Profiles token="p">{VIDEO}{AUDIO}</t:Profiles></t:GetProfilesResponse>'
    )
    body = whole.encode()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, len(body)))
    damaged = body[:start] + body[end:]
    try:
        found = answers.profiles(vet("c", "GetProfiles", HttpAnswer(200, (), damaged)), 1)
    except OnvifError:
        return
    if b"AudioEncoder" in damaged:
        assert all(profile.audio is AudioFact.CONFIGURED for profile in found)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<a>" + b"<b/>" * 70_000 + b"</a>", xml.TooMuch),
        (b"<a>" * 70 + b"</a>" * 70, xml.Refused),
        (b"<a>" + b" " * xml.MAX_BODY_BYTES + b"</a>", xml.TooMuch),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', xml.Refused),
    ],
    ids=["too many tags", "too deep", "too long", "latin-1"],
)
def test_limits_hold_before_the_parser_works(body: bytes, expected: type[Exception]) -> None:
    """Tags, depth, length and encoding are bounded."""
    with pytest.raises(expected):
        xml.parse(body)


def test_a_declared_encoding_is_ignored_when_the_bytes_are_utf_8() -> None:
    """A wrong declaration over good bytes is read as UTF-8."""
    assert xml.text(xml.parse('<?xml version="1.0" encoding="GB2312"?><a><b>蔵</b></a>'.encode()), "b") == "蔵"
