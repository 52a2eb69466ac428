"""How we sign in: what worked is kept, a refused password is sent once by each method."""

from kuramori_onvif.http_digest import Challenge, Credentials
from kuramori_onvif.sign_in import Attempts, Method, SignIn

USER = Credentials("u", "p")


def _challenge(nonce: str, *, stale: bool = False) -> Challenge:
    return Challenge("r", nonce, None, "MD5", False, True, stale)


def test_without_credentials_a_refusal_is_final() -> None:
    """Nothing is tried when nothing is configured."""
    assert not Attempts(SignIn()).refused(_challenge("1"))


def test_digest_comes_first_then_the_token_then_the_end() -> None:
    """Challenge, Digest; refused, token; refused, over: one sending of each."""
    attempts = Attempts(SignIn(USER))
    methods = []
    while attempts.refused(_challenge("1")):
        methods.append(attempts.sign_in.method)
        attempts.sign_in.digest_header("POST", "/", "c")
    assert methods == [Method.DIGEST, Method.TOKEN]
    assert attempts.failed == [Method.DIGEST, Method.TOKEN]
    assert attempts.sign_in.method is Method.NONE


def test_without_challenge_the_token_is_tried() -> None:
    """A SOAP fault without challenge leads to WS-UsernameToken."""
    attempts = Attempts(SignIn(USER))
    assert attempts.refused(None)
    assert attempts.sign_in.method is Method.TOKEN


def test_what_worked_is_used_at_once_for_the_next_operation() -> None:
    """Digest with the known nonce, counting up, without a new challenge."""
    sign_in = SignIn(USER)
    Attempts(sign_in).refused(_challenge("1"))
    assert "nc=00000001" in (sign_in.digest_header("POST", "/", "c") or "")
    assert "nc=00000002" in (sign_in.digest_header("POST", "/", "c") or "")


def test_an_expired_nonce_is_renewed_once() -> None:
    """A nonce that had been good is replaced without counting as a refusal; a second refusal counts."""
    sign_in = SignIn(USER)
    Attempts(sign_in).refused(_challenge("1"))
    sign_in.digest_header("POST", "/", "c")
    sign_in.digest_header("POST", "/", "c")
    later = Attempts(sign_in)
    assert later.refused(_challenge("2"))
    assert (sign_in.method, sign_in.nonce_uses) == (Method.DIGEST, 0)
    sign_in.digest_header("POST", "/", "c")
    assert later.refused(_challenge("3"))
    assert sign_in.method is Method.TOKEN


def test_a_stale_nonce_is_renewed_even_at_first_use() -> None:
    """The camera says itself that only the nonce was old."""
    sign_in = SignIn(USER)
    attempts = Attempts(sign_in)
    attempts.refused(_challenge("1"))
    sign_in.digest_header("POST", "/", "c")
    assert attempts.refused(_challenge("2", stale=True))
    assert sign_in.method is Method.DIGEST
    assert attempts.failed == []
