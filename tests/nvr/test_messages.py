"""The protocol between the processes: what goes in comes out, rubbish gives our error, secrets stay out of reprs."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramori import messages
from kuramori.message_server import MessageServer
from kuramori.messages import (
    METHODS,
    Acknowledged,
    CoverageRequest,
    Failure,
    FailureCode,
    MessageUnreadable,
    ReleasedKeys,
    ReleaseKeysRequest,
    SegmentKey,
    StatusRequest,
)
from kuramori.recorder_client import RecorderClient, RecorderRefused, RecorderUnreachable

UID = bytes(range(16))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_question_and_answer_survives_the_wire(method: messages.Method) -> None:
    """Any instance of any message is one line, and what is read from it is written the same again."""

    @settings(max_examples=25)
    @given(st.from_type(method.question), st.from_type(method.answer), st.integers(0, 2**31))
    def check(question: Any, answer: Any, call_id: int) -> None:
        line = messages.encode_call(call_id, question)
        call = messages.decode_call(line)
        assert (call.call_id, call.method, call.question) == (call_id, method, question)
        reply = messages.encode_answer(call_id, answer)
        decoded = messages.decode_answer(reply, method)
        assert type(decoded) is method.answer
        assert messages.encode_answer(call_id, decoded) == reply
        assert line.count(b"\n") == reply.count(b"\n") == 1

    check()


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_or_our_error(line: bytes) -> None:
    """Whatever a caller sends, decoding returns a call or raises MessageUnreadable."""
    with pytest.raises(MessageUnreadable):
        messages.decode_call(line)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([method.name for method in METHODS]), JSON_VALUES)
def test_any_json_body_gives_a_message_or_our_error(name: str, body: object) -> None:
    """A right method with any body is a call or MessageUnreadable that carries the call's id."""
    line = json.dumps({"id": 9, "method": name, "body": body}).encode()
    outcome: messages.Call | MessageUnreadable
    try:
        outcome = messages.decode_call(line)
    except MessageUnreadable as error:
        outcome = error
    assert outcome.call_id == 9


def test_keys_do_not_stand_in_a_repr() -> None:
    """A released key that lands in a log line shows nothing."""
    secret = b"K" * 32
    for value in (SegmentKey(UID, secret), ReleasedKeys((SegmentKey(UID, secret),))):
        assert "K" * 8 not in repr(value)


def test_numbers_are_not_taken_from_text() -> None:
    """Types are strict: a time given as text is refused."""
    line = b'{"id":1,"method":"coverage","body":{"camera":"a","from_utc_ms":"1","to_utc_ms":2}}'
    with pytest.raises(MessageUnreadable, match="from_utc_ms"):
        messages.decode_call(line)


def test_methods_and_questions_are_unique() -> None:
    """No two methods share a name or a question class: the class alone says the method."""
    assert len({method.name for method in METHODS}) == len(METHODS)
    assert len({method.question for method in METHODS}) == len(METHODS)
    for method in METHODS:
        assert dataclasses.is_dataclass(method.question)


class _Recorder:
    """Answers two questions and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def answer(self, question: Any) -> Any:
        self.asked.append(question)
        if isinstance(question, ReleaseKeysRequest):
            return ReleasedKeys(tuple(SegmentKey(uid, b"k" * 32) for uid in question.segment_uids))
        if isinstance(question, messages.CameraStream):
            return Acknowledged()
        return Failure(FailureCode.NOT_READY, "starting")


async def test_client_and_server_speak_over_a_socket_that_only_the_owner_may_open(tmp_path: Path) -> None:
    """A question reaches the handler, its answer the caller; the socket file has mode 0600."""
    recorder = _Recorder()
    path = tmp_path / "recorder.sock"
    server = await MessageServer(path, recorder.answer).start()
    try:
        assert path.stat().st_mode & 0o777 == 0o600
        client = RecorderClient(path)
        released = await client.release_keys("r1", (UID,))
        assert released.keys[0].k_seg == b"k" * 32
        with pytest.raises(RecorderRefused) as refused:
            await client.status()
        assert refused.value.code is FailureCode.NOT_READY
        assert recorder.asked == [ReleaseKeysRequest("r1", (UID,)), StatusRequest()]
    finally:
        await server.close()
    assert not path.exists()


async def test_a_recorder_that_is_not_there_or_goes_away_is_unreachable(tmp_path: Path) -> None:
    """No socket, and a connection that ends before the answer, are told alike."""
    path = tmp_path / "recorder.sock"
    with pytest.raises(RecorderUnreachable):
        await RecorderClient(path).status()

    async def vanish(_question: Any) -> Any:
        raise ConnectionResetError

    server = await MessageServer(path, vanish).start()
    try:
        with pytest.raises(RecorderUnreachable):
            await RecorderClient(path).coverage("a", 1, 2)
    finally:
        await server.close()


async def test_rubbish_is_answered_with_a_failure_and_the_next_caller_is_served(tmp_path: Path) -> None:
    """A line that is no message gets UNREADABLE; the connection stays usable, others do not notice."""
    path = tmp_path / "recorder.sock"
    server = await MessageServer(path, _Recorder().answer).start()
    try:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"\xff\xfe nonsense\n")
        answer = json.loads(await reader.readline())
        assert answer["failure"]["code"] == FailureCode.UNREADABLE
        writer.write(messages.encode_call(5, messages.CameraStream("a", "rtsp://h/")))
        assert json.loads(await reader.readline()) == {"id": 5, "answer": {}}
        writer.close()
        with pytest.raises(RecorderRefused):
            await RecorderClient(path).coverage("a", 1, 2)
    finally:
        await server.close()


def test_a_question_beyond_the_limit_is_not_parsed() -> None:
    """The limit is checked before anything is read from the line."""
    question = messages.encode_call(1, CoverageRequest("a", 1, 2)).rstrip() + b" " * messages.MESSAGE_LIMIT_BYTES
    with pytest.raises(MessageUnreadable, match="at most"):
        messages.decode_call(question)
