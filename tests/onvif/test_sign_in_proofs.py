"""Digest and UsernameToken against published examples, and against anything that a camera may send."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from kuramori_onvif import hardened_xml as xml
from kuramori_onvif.http_digest import Challenge, Credentials, authorization, choose_challenge
from kuramori_onvif.username_token import add_token, created_text, password_digest, remove_token

MUFASA = Credentials("Mufasa", "Circle of Life")
RFC7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def _chosen(*headers: str) -> Challenge:
    challenge = choose_challenge(headers)
    assert challenge is not None
    return challenge


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_matches_rfc_7616(algorithm: str, response: str) -> None:
    """The example of RFC 7616 section 3.9.1 gives its published response."""
    challenge = _chosen(RFC7616.format(algorithm))
    value = authorization(challenge, MUFASA, "GET", "/dir/index.html", count=1, cnonce=CNONCE)
    assert f'response="{response}"' in value
    assert "qop=auth," in value
    assert "nc=00000001" in value


def test_the_stronger_of_two_challenges_is_taken() -> None:
    """Of MD5 and SHA-256, in two headers or in one, SHA-256 is answered."""
    md5 = 'Digest realm="r", nonce="n1", algorithm=MD5, qop="auth"'
    sha = 'Digest realm="r", nonce="n2", algorithm=SHA-256, qop="auth,auth-int"'
    assert _chosen(md5, sha).nonce == "n2"
    assert _chosen(f"{md5}, {sha}").nonce == "n2"
    assert _chosen('Basic realm="r", ' + md5).nonce == "n1"


@pytest.mark.parametrize(
    "header",
    [
        'Basic realm="r"',
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", nonce="n", algorithm=FOO',
        'Digest realm="r", nonce="n", qop="auth-int"',
        "",
        "x" * 10_000,
    ],
)
def test_do_not_answer(header: str) -> None:
    """Basic would hand the password over; incomplete or unknown challenges cannot be answered."""
    assert choose_challenge((header,)) is None


def test_an_old_challenge_without_qop_is_answered_as_rfc_2069() -> None:
    """No qop, no algorithm: neither is written."""
    value = authorization(_chosen('Digest realm="r", nonce="n"'), MUFASA, "POST", "/x", count=1, cnonce="c")
    assert "qop" not in value
    assert "algorithm" not in value
    assert "cnonce" not in value


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=120), max_size=4).map(tuple))
def test_any_headers_give_a_challenge_or_none(headers: tuple[str, ...]) -> None:
    """No header raises; what is chosen can be answered on one line."""
    challenge = choose_challenge(headers)
    if challenge is not None:
        authorization(challenge, MUFASA, "POST", "/x", count=1, cnonce="c")


def test_a_japanese_password_is_hashed_in_utf_8() -> None:
    """User and password are UTF-8, whatever the header's own encoding (RFC 7616 section 3.4)."""
    challenge = _chosen('Digest realm="r", nonce="n"')
    value = authorization(challenge, Credentials("係", "蔵守"), "POST", "/x", count=1, cnonce="c")
    first = hashlib.md5("係:r:蔵守".encode()).hexdigest()
    second = hashlib.md5(b"POST:/x").hexdigest()
    assert hashlib.md5(f"{first}:n:{second}".encode()).hexdigest() in value
    assert value.encode("latin-1").decode("utf-8").startswith('Digest username="係"')


def test_credentials_are_not_shown() -> None:
    """Neither user nor password stands in a repr."""
    assert "Mufasa" not in repr(MUFASA)
    assert "Circle" not in repr(MUFASA)


def test_the_token_matches_the_published_example() -> None:
    """The example of the ONVIF application programmer's guide gives its published digest."""
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    assert password_digest(nonce, "2010-09-16T07:50:45Z", "userpassword") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


def test_the_token_stands_in_the_header_once_and_can_be_taken_out() -> None:
    """Header made, password never written, time of the camera; a later attempt starts clean."""
    envelope = etree.fromstring(b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>')
    add_token(envelope, Credentials("u", "hunter2"), b"n" * 16, 1_284_623_445_000)
    written = etree.tostring(envelope)
    assert b"hunter2" not in written
    assert b"2010-09-16T07:50:45Z" in written
    token = xml.child(envelope, "Header", "Security", "UsernameToken")
    assert xml.text(token, "Username") == "u"
    remove_token(envelope)
    assert b"Security" not in etree.tostring(envelope)


def test_times_are_written_in_zulu_form() -> None:
    """Whole seconds, a Z: some firmwares refuse anything else."""
    assert created_text(1_704_067_200_999) == "2024-01-01T00:00:00Z"
