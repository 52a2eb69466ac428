"""The API's document: as committed, made from the code, complete, and true of what the desk answers."""

import functools
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from kuramori.api.contract import document
from kuramori.api.contract.__main__ import written
from kuramori.api.contract.document import codes_in
from kuramori.api.contract.examples import Examples
from kuramori.api.contract.reach import faults_of
from kuramori.api.headers import KEY_HEADER
from kuramori.api.idempotency import WITHOUT_KEYS, WRITES
from kuramori.api.keeping import erase
from kuramori.api.problems import HTTP_CODES, STATUS_OF
from kuramori.api.register import inclusion
from kuramori.api.requests import decide, file, listing
from kuramori.api.rules import DOCUMENT
from kuramori.desk import fault
from kuramori.desk.merkle_log import ProofImpossible
from tests.fakes.desk_room import DeskRoom
from tests.fakes.desk_steps import content

BESIDE_FAULTS = {"internal", "http-400", "request-invalid", "proof-impossible", *HTTP_CODES.values()}
NEVER_ASKED = {"no-such-resource", "method-not-allowed"}  # what is no operation is in no document


@functools.cache
def committed() -> dict[str, Any]:
    """Return the document, read once."""
    return document.committed()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of every operation."""
    for path, all_of in committed()["paths"].items():
        for method, said in all_of.items():
            yield method, path, said


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


def test_the_committed_document_is_the_one_that_the_code_makes() -> None:
    """After a change of the API: python -m kuramori.api.contract, and commit the file."""
    text, made = DOCUMENT.read_text(encoding="utf-8"), written()
    there, now = json.loads(text)["paths"], json.loads(made)["paths"]
    assert sorted(path for path in there.keys() | now.keys() if there.get(path) != now.get(path)) == []
    is_same = text == made  # the shapes too; not compared by pytest, which would explain a difference for minutes
    assert is_same, "run: python -m kuramori.api.contract"


async def test_it_is_served_as_committed(room: DeskRoom) -> None:
    """A client that was written from the file meets the same document."""
    assert content(await room.call("GET", "/v1/openapi.json")) == committed()


def test_every_operation_is_described_with_examples_that_fit() -> None:
    """A summary, an example of what is sent and of what is answered; each fits its own schema."""
    lacking, unfit = [], []
    shapes = committed()["components"]
    for method, path, said in operations():
        if not said.get("summary") or not said.get("description"):
            lacking.append((method, path, "summary"))
        parts = [("request", said.get("requestBody", {}).get("content", {}))]
        parts += [(code, answer.get("content", {})) for code, answer in said["responses"].items() if code < "4"]
        for name, contents in parts:
            for kind, one in contents.items():
                if kind != "application/json" or not one.get("schema"):
                    continue
                if "example" not in one:
                    lacking.append((method, path, name))
                elif not jsonschema_rs.is_valid({**one["schema"], "components": shapes}, one["example"]):
                    unfit.append((method, path, name))
    assert (lacking, unfit) == ([], [])


def test_every_code_of_the_desk_is_documented_and_every_documented_code_is_one_of_the_desk() -> None:
    """With the status that the desk gives it."""
    documented = {
        (code, int(status))
        for _, _, said in operations()
        for status, answer in said["responses"].items()
        for code in codes_in(answer)
    }
    faults = {(kind.code, status.value) for kind, status in STATUS_OF.items()}
    known = {code for code, _ in faults} | BESIDE_FAULTS
    assert {code for code, _ in documented} - known == set()
    assert known - {code for code, _ in documented} - NEVER_ASKED == set()
    assert {pair for pair in documented if pair[0] not in BESIDE_FAULTS} <= faults


def test_every_write_takes_a_key_and_nothing_else_does() -> None:
    """But signing in and out."""
    for method, path, said in operations():
        names = {parameter["name"] for parameter in said.get("parameters", ())}
        assert (KEY_HEADER in names) == (method.upper() in WRITES and not path.startswith(WITHOUT_KEYS)), path


def test_every_list_that_has_a_next_page_takes_a_cursor() -> None:
    """And the other way round."""
    shapes = committed()["components"]["schemas"]
    for method, path, said in operations():
        names = {parameter["name"] for parameter in said.get("parameters", ()) if parameter["in"] == "query"}
        schema = said["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        shape = shapes.get(schema.get("$ref", "").rpartition("/")[2], {})
        assert ("next" in shape.get("properties", {})) == ({"limit", "cursor"} <= names), (method, path)


def test_faults_are_read_from_the_code_behind_a_route() -> None:
    """What a route raises itself, what it calls, and what only the step that it takes can end in."""
    assert faults_of(listing) == {fault_named("CursorInvalid")}
    assert faults_of(inclusion) == {ProofImpossible}
    assert {fault.RequestRefused, fault.HoldRefused, fault.RecorderAway} <= faults_of(file)
    assert fault.OwnRequest in faults_of(decide)
    assert not {fault.OwnRequest, fault.AimingUsedUp} & faults_of(erase)


def fault_named(name: str) -> type[fault.DeskFault]:
    """Return a fault by its class's name."""
    return next(kind for kind in STATUS_OF if kind.__name__ == name)


def test_an_example_is_the_same_each_time() -> None:
    """The document does not change by being made again."""
    schema = {"type": "object", "properties": {"camera": {"type": "string"}, "many": {"type": "array"}}}
    assert Examples({}).of(schema) == Examples({}).of(json.loads(json.dumps(schema)))
