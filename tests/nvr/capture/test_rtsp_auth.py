"""Signing in: checked against the RFC's own example and against the simulated camera's independent code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.capture.rtsp_auth import Authenticator, parse_challenges
from kuramori.capture.rtsp_url import Credentials
from kuramori.simulator.challenge import Account, Challenge, Scheme

RFC_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
RFC_CLIENT_NONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
RFC_OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
URL = "rtsp://camera/stream"
DIGESTS = [scheme for scheme in Scheme if scheme is not Scheme.BASIC]


def rfc_challenge(algorithm: str) -> str:
    return (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
        f'nonce="{RFC_NONCE}", opaque="{RFC_OPAQUE}"'
    )


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_is_answered_as_printed(algorithm: str, response: str) -> None:
    """Section 3.9.1, with its client nonce."""
    authenticator = Authenticator(Credentials("Mufasa", "Circle of Life"), lambda: RFC_CLIENT_NONCE)
    assert authenticator.take(parse_challenges([rfc_challenge(algorithm)]), signed=False)
    header = authenticator.authorization("GET", "/dir/index.html")
    assert header is not None
    assert f'response="{response}"' in header
    assert "qop=auth, nc=00000001" in header
    assert f'opaque="{RFC_OPAQUE}"' in header


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("qop", ["auth", "auth,auth-int", "auth-int"])
def test_every_scheme_is_accepted_by_an_independent_camera(scheme: Scheme, qop: str) -> None:
    """The right password opens, also at the second request; a wrong one does not."""
    challenge = Challenge("玄関 camera", "abc123", [scheme], qop)
    for password, opens in (('秘密 "1"', True), ("wrong", False)):
        authenticator = Authenticator(Credentials("見張り", password), lambda: "c0ffee")
        latin_headers = [value.encode().decode("latin-1") for _, value in challenge.headers()]
        assert authenticator.take(parse_challenges(latin_headers), signed=False)
        for _ in range(2):
            header = authenticator.authorization("DESCRIBE", URL)
            assert header is not None
            received = header.encode("latin-1").decode()
            assert challenge.admits(Account("見張り", '秘密 "1"'), "DESCRIBE", received) is opens


@given(st.permutations(list(Scheme)))
def test_of_several_offers_the_strongest_is_answered(schemes: list[Scheme]) -> None:
    """Whatever the order of the headers: SHA-256 before MD5 before Basic."""
    challenge = Challenge("r", "n", schemes)
    for headers in ([v for _, v in challenge.headers()], [", ".join(v for _, v in challenge.headers())]):
        authenticator = Authenticator(Credentials("u", "p"), lambda: "c")
        assert authenticator.take(parse_challenges(headers), signed=False)
        answer = authenticator.authorization("PLAY", URL)
        assert answer is not None
        assert "algorithm=SHA-256-sess" in answer


def test_the_password_is_sent_openly_only_when_nothing_else_is_offered() -> None:
    """Basic is the last resort."""
    both = parse_challenges(['Basic realm="r"', 'Digest realm="r", nonce="n"'])
    authenticator = Authenticator(Credentials("u", "p"), lambda: "c")
    authenticator.take(both, signed=False)
    assert (authenticator.authorization("PLAY", URL) or "").startswith("Digest ")


def test_a_refused_password_is_not_tried_again() -> None:
    """A fresh nonce without "stale" means that the password was wrong: once more could lock the account."""
    authenticator = Authenticator(Credentials("u", "p"), lambda: "c")
    assert authenticator.take(parse_challenges(['Digest realm="r", nonce="1"']), signed=False)
    assert not authenticator.take(parse_challenges(['Digest realm="r", nonce="2"']), signed=True)


def test_a_stale_nonce_is_renewed() -> None:
    """ "stale" says that only the nonce was too old."""
    authenticator = Authenticator(Credentials("u", "p"), lambda: "c")
    authenticator.take(parse_challenges(['Digest realm="r", nonce="1"']), signed=False)
    assert authenticator.take(parse_challenges(['Digest realm="r", nonce="2", stale=TRUE']), signed=True)
    assert not authenticator.take(parse_challenges(['Digest realm="r", nonce="2", stale=true']), signed=True)


def test_a_password_that_was_accepted_once_may_meet_a_new_nonce() -> None:
    """Many cameras forget to say "stale"."""
    authenticator = Authenticator(Credentials("u", "p"), lambda: "c")
    authenticator.take(parse_challenges(['Digest realm="r", nonce="1"']), signed=False)
    authenticator.accepted()
    assert authenticator.take(parse_challenges(['Digest realm="r", nonce="2"']), signed=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Digest",
        'Digest realm="r"',
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r", nonce="n", qop="auth-conf"',
        "Bearer token",
        'NTLM TlRMTVNTUAAC, Digest realm="r',
    ],
)
def test_do_not_answer_what_is_not_understood(header: str) -> None:
    """An unknown scheme, algorithm or protection, or half a header, is no offer."""
    assert parse_challenges([header]) == []


@given(st.lists(st.text(max_size=200), max_size=4))
def test_any_header_gives_challenges_or_nothing(headers: list[str]) -> None:
    """Hostile headers raise nothing."""
    for challenge in parse_challenges(headers):
        assert 0 <= challenge.strength <= 4


def test_the_password_appears_in_no_repr() -> None:
    """Not even where a log shows the whole object."""
    assert "hunter2" not in repr(Credentials("u", "hunter2"))
