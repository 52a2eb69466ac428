"""WS-Discovery datagrams: what is written reads back; any bytes give a message or our error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kuramori_onvif.errors import DatagramMalformed
from kuramori_onvif.ws_discovery_message import (
    MAX_DATAGRAM_BYTES,
    MAX_MATCHES,
    MAX_SCOPES,
    MAX_WORD_CHARACTERS,
    MAX_XADDRS,
    Announcement,
    Bye,
    Hello,
    Other,
    Probe,
    ProbeMatches,
    build_bye,
    build_hello,
    build_probe,
    build_probe_matches,
    parse,
    same_message,
)

WORD = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60)
WORDS = st.lists(WORD, max_size=5).map(tuple)
ENDPOINT = WORD
ANNOUNCEMENT = st.builds(Announcement, ENDPOINT, WORDS, WORDS, WORDS)
EXAMPLE = Announcement(
    "urn:uuid:1",
    ("dn:NetworkVideoTransmitter",),
    ("onvif://www.onvif.org/name/gate",),
    ("http://192.0.2.1/onvif/device_service",),
)


@given(WORD, WORDS)
def test_a_probe_reads_back(message_id: str, types: tuple[str, ...]) -> None:
    """A written probe is read as the same message."""
    assert parse(build_probe(message_id, types)) == Probe(message_id, types)


@given(WORD, WORD, st.lists(ANNOUNCEMENT, max_size=3).map(tuple))
def test_probe_matches_read_back(message_id: str, relates_to: str, matches: tuple[Announcement, ...]) -> None:
    """Written matches are read as the same message."""
    written = build_probe_matches(message_id, relates_to, matches)
    assert parse(written) == ProbeMatches(message_id, relates_to, matches)


@given(WORD, ANNOUNCEMENT)
def test_hello_and_bye_read_back(message_id: str, device: Announcement) -> None:
    """A written Hello or Bye is read as the same message."""
    assert parse(build_hello(message_id, device)) == Hello(message_id, device)
    assert parse(build_bye(message_id, device)) == Bye(message_id, device)


@given(st.binary(max_size=400))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"<a/>")
@example(b"<Envelope/>")
@example(b"<Envelope><Body/></Envelope>")
@example(b"<Envelope><Body><Hello/></Body></Envelope>")
@example(b"<?xml version='1.0' encoding='UTF-16'?><Envelope><Body><Probe/></Body></Envelope>")
def test_any_bytes_give_a_message_or_our_error(datagram: bytes) -> None:
    """No datagram raises anything but DatagramMalformed."""
    try:
        parse(datagram, "192.0.2.1")
    except DatagramMalformed:
        return


@given(st.data())
def test_a_damaged_message_gives_a_message_or_our_error(data: st.DataObject) -> None:
    """A valid datagram with bytes changed, cut or doubled anywhere never raises anything else."""
    original = build_probe_matches("urn:uuid:1", "urn:uuid:2", (EXAMPLE, EXAMPLE))
    start = data.draw(st.integers(0, len(original)))
    end = data.draw(st.integers(start, len(original)))
    damaged = original[:start] + data.draw(st.binary(max_size=12)) + original[end:]
    try:
        parse(damaged)
    except DatagramMalformed:
        return


@pytest.mark.parametrize(
    "datagram",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><Envelope><Body><Probe/></Body></Envelope>',
        b"<Envelope><Body><Probe></Body></Envelope>",
        "<Envelope><Body><Probe/></Body></Envelope>".encode("utf-16"),
        b"<Envelope><Body><Probe>\xff</Probe></Body></Envelope>",
        b"<Envelope><Body>" + b"<x>" * 100 + b"</x>" * 100 + b"</Body></Envelope>",
        b"<Envelope><Body>" + b"<x/>" * 5000 + b"</Body></Envelope>",
        b" " * (MAX_DATAGRAM_BYTES + 1),
    ],
    ids=["dtd", "not well-formed", "utf-16", "not utf-8", "too deep", "too many tags", "too long"],
)
def test_do_not_read(datagram: bytes) -> None:
    """DTD, bad encoding, broken XML, excess depth, tags or length are refused."""
    with pytest.raises(DatagramMalformed):
        parse(datagram)


def test_long_words_and_long_lists_are_left_out() -> None:
    """A word beyond the limit is dropped, not cut; lists end at their limit."""
    many = Announcement(
        "e",
        (),
        tuple(f"scope{number}" for number in range(MAX_SCOPES + 10)),
        ("x" * (MAX_WORD_CHARACTERS + 1), *(f"http://h/{number}" for number in range(MAX_XADDRS + 1))),
    )
    message = parse(build_hello("m", many))
    assert isinstance(message, Hello)
    assert len(message.device.scopes) == MAX_SCOPES
    assert message.device.addresses == many.addresses[1 : MAX_XADDRS + 1]


def test_matches_end_at_their_limit_and_skip_those_without_endpoint() -> None:
    """One bad match does not spoil the others, and nobody sends endless lists."""
    matches = (Announcement(""), *(Announcement(f"e{number}") for number in range(MAX_MATCHES + 5)))
    message = parse(build_probe_matches("m", "r", matches))
    assert isinstance(message, ProbeMatches)
    assert message.matches == matches[1:MAX_MATCHES]


def test_a_match_without_the_list_around_it_is_read() -> None:
    """Some cameras send a bare ProbeMatch."""
    written = build_probe_matches("m", "r", (EXAMPLE,))
    bare = written.replace(b"<d:ProbeMatches>", b"").replace(b"</d:ProbeMatches>", b"")
    assert parse(bare) == ProbeMatches("m", "r", (EXAMPLE,))


def test_other_messages_are_told_apart() -> None:
    """A Resolve is not an error and not a probe."""
    assert parse(b"<Envelope><Body><Resolve/></Body></Envelope>") == Other("Resolve")


@pytest.mark.parametrize(
    ("answered", "same"), [("urn:uuid:AB-1", True), ("uuid:ab-1", True), ("urn:uuid:ab-2", False), ("", False)]
)
def test_message_ids_are_compared_by_their_value(answered: str, same: bool) -> None:
    """`uuid:` answers `urn:uuid:`, capitals do not matter; nothing is not the same as something."""
    assert same_message(answered, "urn:uuid:ab-1") is same
