"""The API as such: problem documents with stable codes, limits, coverage, and a desk that survives its callers."""

import asyncio
import importlib
import json
import pkgutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from kuramori import desk
from kuramori.api import problems
from kuramori.api.app import BODY_LIMIT_BYTES
from kuramori.desk.fault import DeskFault
from tests.fakes.desk_room import HANDLER, MANAGER, DeskRoom
from tests.fakes.desk_steps import content, filed


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


def all_faults(kind: type[DeskFault] = DeskFault) -> Iterator[type[DeskFault]]:
    """Yield every fault of the tree."""
    for child in kind.__subclasses__():
        yield child
        yield from all_faults(child)


def test_every_fault_has_its_own_code_and_status() -> None:
    """No code is used twice, each fault has a status, and each stands in the tree at the top of its file."""
    names = [found.name for found in pkgutil.iter_modules(desk.__path__) if found.name.endswith("fault")]
    files = [importlib.import_module(f"{desk.__name__}.{name}") for name in names]
    modules = {module.__name__: module.__doc__ or "" for module in files}
    found = [kind for kind in all_faults() if kind.__module__ in modules]
    codes = [kind.code for kind in found]
    assert len(set(codes)) == len(codes)
    assert set(problems.STATUS_OF) == set(found)
    assert [kind.__name__ for kind in found if kind.__name__ not in modules[kind.__module__]] == []


async def test_a_problem_is_an_rfc_9457_document_in_the_language_of_the_caller(room: DeskRoom) -> None:
    """Media type, members and a Japanese sentence where asked for."""
    async with room.client() as client:
        answer = await client.get("/v1/requests", headers={"Accept-Language": "ja"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["type"] == "urn:kuramori:problem:person-missing"
    assert (document["status"], document["title"]) == (401, "Unauthorized")
    assert "氏名" in document["detail"]


async def test_what_is_not_there_is_a_problem_too(room: DeskRoom) -> None:
    """Unknown paths, methods and numbers have their codes."""
    assert content(await room.call("GET", "/v2/anything"), 404)["code"] == "no-such-resource"
    assert content(await room.call("DELETE", "/v1/status"), 405)["code"] == "method-not-allowed"
    assert content(await room.call("GET", "/v1/requests/20200101-9", MANAGER), 404)["code"] == "request-unknown"
    for params in ({"index": 99}, {"index": -1}):
        assert (await room.call("GET", "/v1/register/inclusion", **params)).status_code == 422


async def test_a_body_beyond_the_limit_is_refused(room: DeskRoom) -> None:
    """More than the limit is a 413 and the next caller is served."""
    async with room.client() as client:
        try:
            answer = await client.post("/v1/requests", content=b"x" * (BODY_LIMIT_BYTES + 1))
        except httpx.TransportError:
            pass  # cut off before everything was sent
        else:
            assert content(answer, 413)["code"] == "body-too-large"
    await filed(room)


async def test_what_was_sent_wrongly_is_never_sent_back(room: DeskRoom) -> None:
    """A DEK in a body that does not validate stands in no answer."""
    number = await filed(room)
    secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
    for body in ({"deks": {"not a uid": secret}}, {"deks": {"00" * 16: secret + "!"}}, {"deks": secret}):
        answer = await room.call("POST", f"/v1/requests/{number}/bundle", HANDLER, body)
        assert answer.status_code == 422
        assert secret not in answer.text


async def test_coverage_of_one_and_of_all_cameras(room: DeskRoom) -> None:
    """Without a camera all of them, in the order of the configuration; an unknown one is told."""
    span = {"from_utc_ms": room.from_utc_ms, "to_utc_ms": room.to_utc_ms}
    found = content(await room.call("GET", "/v1/coverage", **span))
    assert [one["camera"] for one in found["cameras"]] == ["gate", "park"]
    assert found["cameras"][0]["spans"][0]["kind"] == "recorded"
    one = content(await room.call("GET", "/v1/coverage", camera="park", **span))
    assert [camera["camera"] for camera in one["cameras"]] == ["park"]
    assert content(await room.call("GET", "/v1/coverage", camera="none", **span), 422)["field"] == "camera"


async def test_status_shows_what_the_supervisor_says(room: DeskRoom) -> None:
    """supervisor.json is shown as it stands; a damaged one is no failure."""
    (room.folder / "supervisor.json").write_text(json.dumps({"processes": {"desk": {"restarts": 2}}}))
    assert content(await room.call("GET", "/v1/status"))["processes"]["processes"]["desk"]["restarts"] == 2
    (room.folder / "supervisor.json").write_text("{")
    assert content(await room.call("GET", "/v1/status"))["processes"] == {}


async def test_rubbish_on_the_socket_costs_nobody_else_anything(room: DeskRoom) -> None:
    """What is not HTTP is answered with an error or closed; others are served meanwhile."""
    reader, writer = await asyncio.open_unix_connection(room.socket)
    writer.write(b"\x16\x03\x01 hello \xff\r\n\r\n")
    content(await room.call("GET", "/v1/status"))
    await reader.read()
    writer.close()
