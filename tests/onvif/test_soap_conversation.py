"""Conversations with hostile cameras: every one ends in our error, within its limits, without our password."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from kuramori_onvif import answers
from kuramori_onvif.device import Credentials, Device, TlsTrust
from kuramori_onvif.errors import (
    AddressRefused,
    AnswerMalformed,
    AnswerRedirected,
    AnswerTooLarge,
    CameraFault,
    CameraUnreachable,
    CertificateUntrusted,
    CredentialsMissing,
    CredentialsRefused,
    DeadlineExceeded,
    OnvifError,
)
from kuramori_onvif.hardened_xml import MAX_BODY_BYTES
from kuramori_onvif.soap import NS_DEVICE, NS_MEDIA
from tests.fakes.certificates import camera_certificate
from tests.fakes.hostile_camera import ENVELOPE, HostileCamera, Script, always, by_operation, response, soap

USER = Credentials("operator", "hunter2")


def utc_ms() -> int:
    """A clock that stands still."""
    return 1_700_000_000_000


def _device(camera: HostileCamera, credentials: Credentials | None = None, **options: float) -> Device:
    return Device(camera.address, credentials, utc_ms=utc_ms, **options)


async def _ask_profiles(script: Script, *, total_seconds: float = 5.0) -> tuple[OnvifError, HostileCamera]:
    """Ask a camera for its profiles and return how it failed."""
    async with HostileCamera(script) as camera, _device(camera, USER, total_seconds=total_seconds) as device:
        question = answers.request(NS_MEDIA, "GetProfiles")
        with pytest.raises(OnvifError) as error:
            await device._soap.ask(camera.address, question)
        return error.value, camera


async def test_a_400_megabyte_answer_is_dropped_at_the_cap() -> None:
    """Four MiB are read, not four hundred megabytes, with or without an announced length."""
    sent = 0

    async def flood(_request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b" " * 1_000_000
        while sent < 400_000_000:
            writer.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            await writer.drain()
            sent += len(piece)

    error, _ = await _ask_profiles(flood)
    assert isinstance(error, AnswerTooLarge)
    assert error.limit == MAX_BODY_BYTES
    assert sent < 40_000_000  # what the sockets hold is not ours


async def test_a_drip_fed_answer_ends_at_the_deadline() -> None:
    """A byte now and then does not keep us: the deadline is for the whole exchange."""

    async def drip(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = asyncio.get_running_loop().time()
    error, _ = await _ask_profiles(drip, total_seconds=0.4)
    assert isinstance(error, DeadlineExceeded)
    assert asyncio.get_running_loop().time() - started < 3


async def test_drip_fed_headers_end_at_the_deadline_too() -> None:
    """Nor does a header that never ends."""

    async def drip(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X-A: b\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    error, _ = await _ask_profiles(drip, total_seconds=0.4)
    assert isinstance(error, DeadlineExceeded)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    """The other host sees nothing of us."""
    async with HostileCamera(always(soap(""))) as elsewhere:
        error, camera = await _ask_profiles(always(response("", status, f"Location: {elsewhere.address}")))
        assert isinstance(error, AnswerRedirected)
        assert len(camera.requests) == 1
        assert elsewhere.requests == []


BOMB = (
    '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>'
    + ENVELOPE.format("<trt:GetProfilesResponse>&d;</trt:GetProfilesResponse>")
)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (response(BOMB), AnswerMalformed),
        (response(b"\xff\xfe<\x00"), AnswerMalformed),
        (response("<html/>"), AnswerMalformed),
        (response("", "404 Not Found"), CameraFault),
        (response("<html>no</html>", "503 Busy"), CameraFault),
        (response(b"\x1f\x8b\x08", "200 OK", "Content-Encoding: gzip"), AnswerMalformed),
        (b"SSH-2.0-OpenSSH\r\n\r\n", AnswerMalformed),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n", AnswerMalformed),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"Content-Length: 0\r\n\r\n", AnswerTooLarge),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", AnswerMalformed),
    ],
    ids=["dtd", "utf-16", "html", "404", "503", "gzip", "ssh", "length", "headers", "long header"],
)
async def test_rubbish_becomes_our_error(answer: bytes, kind: type[OnvifError]) -> None:
    """Each kind of rubbish has its name; none reads as an empty list."""
    error, _ = await _ask_profiles(always(answer))
    assert isinstance(error, kind)


async def test_a_connection_closed_without_an_answer_is_unreachable() -> None:
    """Tried once more, then said."""

    async def hang_up(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    error, camera = await _ask_profiles(hang_up)
    assert isinstance(error, CameraUnreachable | AnswerMalformed)
    assert len(camera.requests) == 2


async def test_nobody_there_is_unreachable() -> None:
    """A closed port is one clear sentence."""
    async with HostileCamera(always(b"")) as camera:
        address = camera.address
    device = Device(address, utc_ms=utc_ms)
    with pytest.raises(CameraUnreachable, match="Connection refused"):
        await device.information()
    await device.close()


async def test_services_elsewhere_are_asked_at_the_camera() -> None:
    """XAddrs of another host are pinned: the other host gets no request, let alone a sign-in."""
    async with HostileCamera(always(soap(""))) as elsewhere:
        services = (
            "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace>"
            "<tds:XAddr>http://evil.example:{}/onvif/media</tds:XAddr><tds:Version><tt:Major>2</tt:Major>"
            "<tt:Minor>1</tt:Minor></tds:Version></tds:Service></tds:GetServicesResponse>"
        )
        async with HostileCamera(always(b"")) as camera:
            camera.script = by_operation({"GetServices": soap(services.format(camera.port))})
            async with _device(camera, USER) as device:
                found = await device.services()
        assert found.media == f"http://127.0.0.1:{camera.port}/onvif/media"
        assert found.replaced_hosts == ("evil.example",)
        assert elsewhere.requests == []


async def test_our_transport_refuses_another_host_by_itself() -> None:
    """Even a mistake of ours cannot send a sign-in elsewhere."""
    async with HostileCamera(always(b"")) as camera, _device(camera, USER) as device:
        with pytest.raises(AddressRefused):
            await device._soap.ask("http://localhost.example/x", answers.request(NS_DEVICE, "GetScopes"))


async def test_a_stream_elsewhere_is_pinned_and_cleaned() -> None:
    """The stream's host is ours, user and password are gone from its address."""
    uri = "rtsp://admin:secret@evil.example:8554/live?channel=1&amp;password=secret"
    answer = f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>"
    async with HostileCamera(always(b"")) as camera, _device(camera) as device:
        camera.script = by_operation(
            {
                "GetStreamUri": soap(answer),
                "GetProfiles": soap(PROFILES),
                "GetServices": soap(SERVICES_HERE.format(camera.port)),
            }
        )
        (profile,) = await device.profiles()
        stream = await device.stream_address(profile)
    assert stream.uri == "rtsp://127.0.0.1:8554/live?channel=1"
    assert stream.replaced_host == "evil.example"


SERVICES = (
    "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace>"
    "<tds:XAddr>http://127.0.0.1/onvif/media</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>1</tt:Minor>"
    "</tds:Version></tds:Service></tds:GetServicesResponse>"
)
PROFILES = (
    '<trt:GetProfilesResponse><trt:Profiles token="a"><tt:Name>a</tt:Name><tt:VideoEncoderConfiguration token="v">'
    "<tt:Encoding>H264</tt:Encoding></tt:VideoEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>"
)
SERVICES_HERE = SERVICES.replace("http://127.0.0.1/", "http://127.0.0.1:{}/")


async def test_services_are_asked_for_without_their_capabilities() -> None:
    """Asking with them breaks some cameras."""
    async with HostileCamera(always(b"")) as camera, _device(camera) as device:
        camera.script = by_operation({"GetServices": soap(SERVICES_HERE.format(camera.port))})
        await device.services()
    assert b"IncludeCapability>false<" in camera.requests[0]


async def test_a_broken_media2_service_is_made_up_for_by_media() -> None:
    """Offered but useless: the older service is asked, and this is said."""
    two = SERVICES_HERE.replace("</tds:GetServicesResponse>", "") + SERVICES_HERE.replace(
        "<tds:GetServicesResponse>", ""
    ).replace("ver10/media", "ver20/media").replace("onvif/media", "onvif/media2")
    async with HostileCamera(always(b"")) as camera, _device(camera) as device:

        async def script(request: bytes, writer: asyncio.StreamWriter) -> None:
            broken = b"POST /onvif/media2" in request
            answer = response("<html/>") if broken else soap(PROFILES if b":GetProfiles" in request else services)
            writer.write(answer)
            await writer.drain()

        services = two.format(camera.port, camera.port)
        camera.script = script
        (profile,) = await device.profiles()
    assert profile.media_version == 1
    assert any("media2" in oddity for oddity in device._oddities)


async def test_malformed_profiles_are_an_error_not_a_silent_camera() -> None:
    """Between two good answers a broken list of profiles stops the description (R3: fail closed)."""
    async with HostileCamera(always(b"")) as camera:
        camera.script = by_operation(
            {
                "GetServices": soap(SERVICES_HERE.format(camera.port)),
                "GetProfiles": response(ENVELOPE.format(PROFILES)[:-40]),
            }
        )
        async with _device(camera) as device:
            with pytest.raises(AnswerMalformed):
                await device.describe()


async def test_invalid_utf_8_in_device_information_costs_only_that() -> None:
    """The camera is recorded all the same; what is unreadable is said."""
    async with HostileCamera(always(b"")) as camera:
        stream = "<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://127.0.0.1/x</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>"
        camera.script = by_operation(
            {
                "GetServices": soap(SERVICES_HERE.format(camera.port)),
                "GetDeviceInformation": response(b"<a>\xff</a>"),
                "GetProfiles": soap(PROFILES),
                "GetStreamUri": soap(stream),
            }
        )
        async with _device(camera) as device:
            found = await device.describe()
    assert found.information is None
    assert any("device information" in oddity for oddity in found.oddities)
    assert found.stream.uri == "rtsp://127.0.0.1/x"


async def test_an_answer_that_upsets_the_library_becomes_our_error() -> None:
    """Types that the library cannot find raise AnswerMalformed, nothing of the library's own."""
    typed = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="nowhere:Thing"'
    wrong = f"<tds:GetDeviceInformationResponse><tds:Model {typed}>x</tds:Model></tds:GetDeviceInformationResponse>"
    script = by_operation({"GetDeviceInformation": soap(wrong)})
    async with HostileCamera(script) as camera, _device(camera) as device:
        with pytest.raises(AnswerMalformed):
            await device.information()


async def test_a_refused_password_is_sent_once_by_each_method_and_never_in_clear() -> None:
    """A challenge that never ends: unsigned, Digest, token, over. No Basic, no password on the wire."""
    challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    refuse = response("", "401 Unauthorized", 'WWW-Authenticate: Basic realm="r"', challenge)
    error, camera = await _ask_profiles(always(refuse))
    assert isinstance(error, CredentialsRefused)
    assert error.tried == ("HTTP Digest", "WS-UsernameToken")
    assert len(camera.requests) == 3
    assert all(b"hunter2" not in request and b"Basic" not in request for request in camera.requests)
    assert "hunter2" not in str(error)


async def test_without_credentials_a_challenge_is_one_sentence() -> None:
    """The operator is told to enter user and password."""
    refuse = response("", "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n"')
    async with HostileCamera(always(refuse)) as camera, _device(camera) as device:
        with pytest.raises(CredentialsMissing, match="user and password"):
            await device.information()
    assert len(camera.requests) == 1


async def test_the_time_of_a_refusal_sets_the_tokens_clock() -> None:
    """A camera that wants a sign-in even for the time: its HTTP Date gives the offset."""
    refuse = response("", "401 Unauthorized", "Date: Sun, 06 Nov 1994 08:49:37 GMT")
    async with HostileCamera(always(refuse)) as camera, _device(camera, USER) as device:
        clock = await device.clock()
        assert clock.source == "http_date"
        with pytest.raises(CredentialsRefused):
            await device.information()
    assert b"1994-11-06T08:49:37Z" in camera.requests[-1]
    assert b"UsernameToken" not in camera.requests[0]


async def test_tls_needs_the_pinned_certificate_before_a_byte_is_sent(tmp_path: Path) -> None:
    """The pinned one is accepted; without pin or with another one nothing reaches the camera."""
    context, fingerprint = camera_certificate(tmp_path)
    information = soap(
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>M</tds:Manufacturer></tds:GetDeviceInformationResponse>"
    )
    async with HostileCamera(always(information), context) as camera:
        for trust in (TlsTrust(), TlsTrust(fingerprint=bytes(32))):
            async with Device(camera.address, USER, utc_ms=utc_ms, trust=trust) as device:
                with pytest.raises(CertificateUntrusted):
                    await device.information()
        assert camera.requests == []
        async with Device(camera.address, USER, utc_ms=utc_ms, trust=TlsTrust(fingerprint=fingerprint)) as device:
            assert (await device.information()).manufacturer == "M"


async def test_plain_addresses_of_an_encrypted_camera_are_asked_encrypted(tmp_path: Path) -> None:
    """Asked over https, it names http: its path is taken, our scheme and port stay."""
    context, fingerprint = camera_certificate(tmp_path)
    async with HostileCamera(by_operation({"GetServices": soap(SERVICES)}), context) as camera:
        trust = TlsTrust(fingerprint=fingerprint)
        async with Device(camera.address, utc_ms=utc_ms, trust=trust) as device:
            found = await device.services()
    assert found.media == f"https://127.0.0.1:{camera.port}/onvif/media"


async def test_an_unreadable_authority_file_is_said(tmp_path: Path) -> None:
    """Not a camera that cannot be reached."""
    trust = TlsTrust(authority_file=tmp_path / "absent.pem")
    async with Device("https://127.0.0.1:9/", utc_ms=utc_ms, trust=trust) as device:
        with pytest.raises(CertificateUntrusted, match="authority"):
            await device.information()


async def test_a_kept_connection_that_was_closed_is_opened_anew() -> None:
    """Cameras close idle connections as they like; the next question must not fail for it."""

    async def answer_and_close(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(soap("<trt:GetProfilesResponse/>"))
        await writer.drain()
        writer.close()

    async with HostileCamera(answer_and_close) as camera, _device(camera) as device:
        for _ in range(3):
            await device._soap.ask(camera.address, answers.request(NS_MEDIA, "GetProfiles"))


def test_the_library_leaves_no_trace_in_the_process() -> None:
    """Root logger, proxy variables and TLS defaults are as before, after a conversation through the library."""
    program = """
import asyncio, logging, os, ssl
os.environ["http_proxy"] = "http://proxy.example:1"
before = (list(logging.getLogger().handlers), logging.getLogger().level, ssl._create_default_https_context)
from kuramori_onvif.device import Device
from kuramori_onvif.errors import CameraUnreachable
async def main():
    async with Device("http://127.0.0.1:9/", utc_ms=lambda: 0) as device:
        try:
            await device.information()
        except CameraUnreachable:
            print("asked")
asyncio.run(main())
after = (list(logging.getLogger().handlers), logging.getLogger().level, ssl._create_default_https_context)
assert before == after, (before, after)
assert os.environ["http_proxy"] == "http://proxy.example:1"
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout) == (0, "asked\n"), result.stderr
