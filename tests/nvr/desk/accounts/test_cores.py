"""Passwords, one-time codes, sessions and lockout as pure values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.desk.accounts import password, totp
from kuramori.desk.accounts.account import START_PASSWORD_LIFETIME_MS, Account
from kuramori.desk.accounts.lockout import (
    ADDRESSES_MOST,
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    LONGEST_SECONDS,
    Lockout,
    Way,
)
from kuramori.desk.accounts.session import LONGEST_SECONDS as LONGEST_SESSION_SECONDS
from kuramori.desk.accounts.session import OF_ONE_PERSON_MOST, Sessions

SECOND_NS = 10**9
SEEDS = {
    "sha1": b"12345678901234567890",
    "sha256": b"12345678901234567890123456789012",
    "sha512": b"1234567890123456789012345678901234567890123456789012345678901234",
}
VECTORS = [  # RFC 6238, appendix B
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


@pytest.mark.parametrize(("seconds", "sha1", "sha256", "sha512"), VECTORS)
def test_codes_are_those_of_the_standard(seconds: int, sha1: str, sha256: str, sha512: str) -> None:
    """All vectors of RFC 6238, appendix B."""
    for digest, code in (("sha1", sha1), ("sha256", sha256), ("sha512", sha512)):
        assert totp.code_of(SEEDS[digest], totp.step_of(seconds * 1000), 8, digest) == code


def test_a_code_is_taken_once_and_one_step_around() -> None:
    """The step before, now and after; never one that was taken; spaces do not matter."""
    secret, now_ms = totp.new_secret(), 1_790_000_000_000
    now = totp.step_of(now_ms)
    for step in (now - 1, now, now + 1):
        code = totp.code_of(secret, step)
        assert totp.matching_step(secret, f"{code[:3]} {code[3:]}", now_ms, 0) == step
        assert totp.matching_step(secret, code, now_ms, step) is None
    for step in (now - 2, now + 2):
        assert totp.matching_step(secret, totp.code_of(secret, step), now_ms, 0) is None


@given(st.text())
def test_any_text_as_a_code_is_no_failure(text: str) -> None:
    """It does not match, whatever it is."""
    secret = b"\x01" * 20
    right = {totp.code_of(secret, step) for step in (0, 1)}
    assert "".join(text.split()) in right or totp.matching_step(secret, text, 0, -1) is None


def test_a_password_is_kept_so_that_it_cannot_be_read() -> None:
    """Argon2id with its own salt; both forms of a full-width letter are the same letter."""
    kept = password.hashed("Ｋuramori 2026 夜", 8, 1)
    assert kept.startswith("$argon2id$")
    assert kept != password.hashed("Ｋuramori 2026 夜", 8, 1)
    assert password.matches("Kuramori 2026 夜", kept)
    assert not password.matches("kuramori 2026 夜", kept)
    assert not password.fits("short")
    assert not password.fits("a" * 40)
    assert password.fits(password.new_start_password())
    account = Account("x", kept, 0, b"secret")
    assert kept not in repr(account)
    assert "secret" not in repr(account)


def test_a_start_password_ends() -> None:
    """After a week; an enrolled account has none."""
    assert Account("x", "", 0).start_is_over(START_PASSWORD_LIFETIME_MS + 1)
    assert not Account("x", "", 0).start_is_over(START_PASSWORD_LIFETIME_MS)
    assert not Account("x", "", 0, b"s").start_is_over(START_PASSWORD_LIFETIME_MS * 9)


def test_guessing_becomes_slow_and_never_slower_than_a_quarter_of_an_hour() -> None:
    """Five tries are free, then the wait doubles up to its limit."""
    lockout, now, waits = Lockout(), 0, []
    for _ in range(FREE_TRIES + 30):
        wait = lockout.attempt(Way("Sato", "192.0.2.1"), now)
        if wait:
            now += wait * SECOND_NS
            assert lockout.attempt(Way("Sato", "192.0.2.1"), now) == 0
        waits.append(wait)
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES
    assert waits[FREE_TRIES : FREE_TRIES + 3] == [2, 4, 8]
    assert max(waits) == LONGEST_SECONDS


def test_whoever_guesses_from_outside_locks_nobody_out() -> None:
    """A thousand addresses guess at one person: the own device, the recorder itself and other persons stay open."""
    lockout = Lockout()
    for number in range(1000):
        lockout.attempt(Way("Sato", f"192.0.2.{number}"), number * SECOND_NS)
    now = 1000 * SECOND_NS
    assert lockout.attempt(Way("Sato", "198.51.100.1"), now) > 0
    assert lockout.attempt(Way("Sato", "198.51.100.1", device="d1"), now) == 0
    assert lockout.attempt(Way("Sato", uid=1000), now) == 0
    assert lockout.attempt(Way("Tanaka", "198.51.100.1"), now) == 0


def test_one_address_that_tries_many_names_is_slowed() -> None:
    """Spraying one password over all persons, or over names that nobody has, counts for the address."""
    lockout = Lockout()
    for number in range(FREE_TRIES_OF_ADDRESS):
        assert lockout.attempt(Way("", "192.0.2.1"), number) == 0
    assert lockout.attempt(Way("Sato", "192.0.2.1"), 100) > 0
    assert lockout.attempt(Way("Sato", "192.0.2.2"), 100) == 0


def test_two_hundred_tries_at_once_are_not_two_hundred_free_ones() -> None:
    """A try counts before it is judged."""
    lockout = Lockout()
    assert [lockout.attempt(Way("Sato", "192.0.2.1"), 0) for _ in range(200)].count(0) == FREE_TRIES


def test_who_signs_in_starts_anew_and_the_address_does_not() -> None:
    """An attacker with an account of its own cannot wash its address clean."""
    lockout = Lockout()
    for _ in range(FREE_TRIES - 1):
        lockout.attempt(Way("Sato", "192.0.2.1"), 0)
    assert lockout.attempt(Way("Sato", "192.0.2.1"), 0) == 0
    lockout.succeeded(Way("Sato", "192.0.2.1"))
    assert lockout.attempt(Way("Sato", "192.0.2.1"), 0) == 0
    for _ in range(FREE_TRIES_OF_ADDRESS):
        lockout.attempt(Way("", "192.0.2.1"), 0)
        if lockout.attempt(Way("Ito", "192.0.2.1"), 0) == 0:
            lockout.succeeded(Way("Ito", "192.0.2.1"))
    assert lockout.attempt(Way("", "192.0.2.1"), 0) > 0


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    """The one seen longest ago is forgotten first."""
    lockout = Lockout()
    for number in range(ADDRESSES_MOST * 2):
        lockout.attempt(Way("", str(number)), 0)
    assert len(lockout._addresses) == ADDRESSES_MOST


def test_a_session_ends_by_age_by_rest_and_by_sign_out() -> None:
    """Times are boot time: a wall clock that jumps lengthens none."""
    sessions = Sessions(900)
    token, session = sessions.open("Sato", 0)
    assert sessions.of(token, 899 * SECOND_NS) is session
    assert sessions.of(token, 1800 * SECOND_NS) is None
    token, _ = sessions.open("Sato", 0)
    for second in range(0, LONGEST_SESSION_SECONDS, 600):
        assert sessions.of(token, second * SECOND_NS) is not None
    assert sessions.of(token, LONGEST_SESSION_SECONDS * SECOND_NS) is None
    token, _ = sessions.open("Sato", 0)
    sessions.close(token)
    assert sessions.of(token, 0) is None
    assert sessions.of("ks_", 0) is None


def test_a_person_has_a_limited_number_of_sessions() -> None:
    """One too many ends the oldest; those of others stay."""
    sessions = Sessions(900)
    other, _ = sessions.open("Ito", 0)
    tokens = [sessions.open("Sato", number)[0] for number in range(OF_ONE_PERSON_MOST + 1)]
    assert [sessions.of(token, 100) is not None for token in tokens] == [False] + [True] * OF_ONE_PERSON_MOST
    sessions.close_all("Sato")
    assert sessions.of(tokens[-1], 100) is None
    assert sessions.of(other, 100) is not None
