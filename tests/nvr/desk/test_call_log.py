"""Every call is attributed and logged, before it is done and when it is over; nothing that a caller wrote is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kuramori.api import call_log, identity
from kuramori.api.contract.document import committed
from tests.fakes.desk_room import HANDLER, INSTALLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import filed
from tests.fakes.staff import PASSWORD, Staff


class Lines:
    """What would be logged."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def get(self) -> "Lines":
        """Stand for the module and its logger."""
        return self

    def info(self, event: str, **facts: Any) -> None:
        """Keep a line."""
        self.events.append({"event": event, **facts})

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of an event."""
        return [line for line in self.events if line["event"] == event]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Catch what the API logs of calls."""
    caught = Lines()
    monkeypatch.setattr(call_log, "log", caught)
    monkeypatch.setattr(identity, "log", caught)
    return iter([caught])


async def test_who_did_what_stands_in_the_log_before_and_after(tmp_path: Path, lines: Iterator[Lines]) -> None:
    """Permitted and refused calls, with person, route, verdict and status."""
    caught = next(lines)
    async with DeskRoom(tmp_path) as room:
        await filed(room)
        await room.call("POST", "/v1/requests", INSTALLER, room.request_body())
    permitted, refused = caught.of("call")
    assert (permitted["person"], permitted["route"], permitted["verdict"]) == (HANDLER, "/v1/requests", "permitted")
    assert (refused["person"], refused["verdict"]) == (INSTALLER, "role-missing")
    assert [(line["person"], line["status"]) for line in caught.of("answered")] == [(HANDLER, 201), (INSTALLER, 403)]
    assert caught.events[0]["event"] == "call"


async def test_what_reaches_no_rule_is_logged_too(tmp_path: Path, lines: Iterator[Lines]) -> None:
    """No such resource, no such method, an unknown person, and a method that nobody knows."""
    caught = next(lines)
    async with DeskRoom(tmp_path) as room:
        await room.call("GET", "/v1/secret-in-an-address")
        await room.call("DELETE", "/v1/status")
        await room.call("GET", "/v1/requests", "Nobody at all")
        await room.call("\x21RUBBISH", "/v1/status")
    answered = caught.of("answered")
    assert [line["status"] for line in answered] == [404, 405, 403, 405]
    assert answered[3]["method"] == "?"
    assert answered[2]["identified_by"].startswith("not identified, the local socket, uid")
    assert "secret-in-an-address" not in json.dumps(caught.events)


async def test_the_machine_looking_at_itself_is_left_out(tmp_path: Path, lines: Iterator[Lines]) -> None:
    """While it succeeds and names nobody; the same by a person is logged."""
    caught = next(lines)
    async with DeskRoom(tmp_path) as room:
        await room.call("GET", "/v1/status")
        assert caught.events == []
        await room.call("GET", "/v1/status", MANAGER)
        await room.call("GET", "/v1/coverage", from_utc_ms=2, to_utc_ms=1)
    assert [(line["person"], line["status"]) for line in caught.of("answered")] == [(MANAGER, 200), ("", 422)]


async def test_no_secret_of_a_sign_in_is_logged(tmp_path: Path, lines: Iterator[Lines]) -> None:
    """Neither password, code nor token; the try itself is."""
    caught = next(lines)
    room = DeskRoom(tmp_path)
    room.sign_in = True
    async with room:
        staff = Staff(room)
        await staff.found(MANAGER)
        await staff.sign_in(MANAGER)
        await staff.call("GET", "/v1/session", staff.tokens[MANAGER])
    text = json.dumps(caught.events)
    assert PASSWORD not in text
    assert staff.tokens[MANAGER] not in text
    assert any(line["operation"] == "SIGN_IN" and line["status"] == 201 for line in caught.of("answered"))
    assert caught.of("answered")[-1]["person"] == MANAGER


async def test_every_operation_of_the_document_is_logged(tmp_path: Path, lines: Iterator[Lines]) -> None:
    """Each one called by a person leaves exactly one line that says how it ended."""
    caught = next(lines)
    async with DeskRoom(tmp_path) as room, room.client() as client:
        for path, all_of in committed()["paths"].items():
            for method in all_of:
                caught.events.clear()
                where = path.replace("{name}", "none").replace("{", "").replace("}", "")
                await client.request(method.upper(), where, headers={"Kuramori-Person": "Sato%20Hanako"})
                ended = caught.of("answered")
                assert len(ended) == 1, (method, path)
                assert ended[0]["route"] == path
                assert ended[0]["person"] == MANAGER or ended[0]["operation"] == "SIGN_IN"
