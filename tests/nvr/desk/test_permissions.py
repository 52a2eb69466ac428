"""Who may do what: the whole matrix of roles and resources, and how the desk knows who calls."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kuramori.api.identity import PERMITTED, Operation
from tests.fakes.desk_room import (
    ADMINISTRATOR,
    AUDITOR,
    DEPUTY,
    HANDLER,
    INSTALLER,
    MANAGER,
    MINUTE_MS,
    NOW_UTC_MS,
    DeskRoom,
)
from tests.fakes.desk_steps import content, filed

NOBODY = ""
EVERYBODY = {NOBODY, MANAGER, DEPUTY, HANDLER, AUDITOR, ADMINISTRATOR, INSTALLER}
DECIDERS = {MANAGER, DEPUTY}
HANDLERS = {HANDLER, DEPUTY}  # the deputy of this site is a handler too
STAFF = {MANAGER, DEPUTY, HANDLER}
KEEPERS = DECIDERS | {ADMINISTRATOR}

RANGE = {"from_utc_ms": NOW_UTC_MS - 30 * MINUTE_MS, "to_utc_ms": NOW_UTC_MS - 20 * MINUTE_MS}
HOLD = {"cameras": ["gate"], **RANGE, "until_utc_ms": NOW_UTC_MS + 86_400_000, "reason": "r"}
RETURNED = {"how": "erased", "on_utc_ms": 1, "told_by": "x"}
WRITTEN = {"manifest_digest": "00" * 32, "medium": "x"}
ENROLMENT = {"how": "added", "address": "rtsp://127.0.0.1/gate", "place": "x"}
NEW_CAMERA = {"name": "x", "place": "x", "address": "rtsp://127.0.0.1:9/x"}
HANDED = {"custodian_id": "", "to_set_id": "", "rows": []}
TOKEN = {"name": "x", "scopes": ["health"], "until_utc_ms": 1}
LOOKED_THROUGH = {"confirmed": True, "file_sha256": "00" * 32, "strips_sha256": "00" * 32}
APPROVAL = {"approval": "e30=", "signature": ""}

# method, path, body, parameters, who gets beyond the door
MATRIX: list[tuple[str, str, Any, dict[str, str | int], set[str]]] = [
    ("GET", "/v1/status", None, {}, EVERYBODY),
    ("GET", "/v1/state", None, {}, EVERYBODY),
    ("GET", "/v1/cameras", None, {}, EVERYBODY),
    ("GET", "/v1/grounds", None, {}, EVERYBODY),
    ("GET", "/v1/coverage", None, {"camera": "gate", **RANGE}, EVERYBODY),
    ("GET", "/v1/capacity", None, {}, EVERYBODY),
    ("GET", "/v1/register/checkpoint", None, {}, EVERYBODY),
    ("GET", "/v1/register/consistency", None, {"old": 0}, EVERYBODY),
    ("GET", "/v1/register/inclusion", None, {"index": 0}, EVERYBODY),
    ("GET", "/v1/register/checkpoint-page", None, {}, EVERYBODY),
    ("GET", "/v1/register/over", None, {}, STAFF | {AUDITOR}),
    ("POST", "/v1/register/over/deletion", {"requests": ["20200101-1"]}, {}, DECIDERS),
    ("GET", "/v1/register/form", None, {"format": "csv"}, STAFF | {AUDITOR}),
    ("GET", "/v1/requests/{id}/package", None, {"custodian": "00" * 16}, EVERYBODY),
    ("POST", "/v1/requests/{id}/approvals", APPROVAL, {}, EVERYBODY),
    ("POST", "/v1/requests", "request", {}, HANDLERS),
    ("POST", "/v1/requests/{id}/amendment", "request", {}, HANDLERS),
    ("POST", "/v1/requests/{id}/returned", RETURNED, {}, HANDLERS),
    ("GET", "/v1/requests/{id}/shares", None, {}, HANDLERS),
    ("POST", "/v1/requests/{id}/bundle", {"deks": {}}, {}, HANDLERS),
    ("POST", "/v1/requests/{id}/opening", {"deks": {}}, {}, HANDLERS),
    ("GET", "/v1/requests/{id}/bundle", None, {}, HANDLERS),
    ("DELETE", "/v1/requests/{id}/bundle", None, {}, HANDLERS),
    ("GET", "/v1/bundles", None, {}, HANDLERS),
    ("POST", "/v1/requests/{id}/viewings", {"deks": {}, "detail": "full"}, {}, HANDLERS),
    ("GET", "/v1/requests/{id}/viewings/1/pictures", None, {"camera": "gate", "detail": "full", **RANGE}, HANDLERS),
    ("POST", "/v1/requests/{id}/viewings/1/end", None, {}, HANDLERS),
    ("GET", "/v1/requests/{id}/approvals/" + "00" * 16, None, {}, EVERYBODY),
    ("POST", "/v1/requests/{id}/masked-copies", {"deks": {}, "boxes": ""}, {}, HANDLERS),
    ("GET", "/v1/requests/{id}/masked-copies", None, {}, STAFF | {AUDITOR}),
    ("GET", "/v1/requests/{id}/masked-copies/1", None, {}, STAFF | {AUDITOR}),
    ("GET", "/v1/requests/{id}/masked-copies/1/sheets/1", None, {}, STAFF),
    ("POST", "/v1/requests/{id}/masked-copies/1/confirmation", LOOKED_THROUGH, {}, STAFF),
    ("POST", "/v1/requests/{id}/masked-copies/1/release", None, {}, HANDLERS),
    ("POST", "/v1/requests/{id}/presence", {"act": "view"}, {}, STAFF),
    ("GET", "/v1/requests/{id}/presence", None, {}, STAFF | {AUDITOR}),
    ("POST", "/v1/requests/{id}/written", WRITTEN, {}, HANDLERS),
    ("POST", "/v1/requests/{id}/decision", {"outcome": "refused", "reason": "r"}, {}, DECIDERS),
    ("POST", "/v1/requests/{id}/documentation", {"document_number": "x", "received_utc_ms": 1}, {}, STAFF),
    ("POST", "/v1/requests/{id}/identity", {"identity_check": "x"}, {}, HANDLERS),
    ("POST", "/v1/requests/{id}/hold", {"until_utc_ms": 1, "reason": "r"}, {}, DECIDERS),
    ("GET", "/v1/requests/{id}/refusal-letter", None, {"format": "md"}, STAFF | {AUDITOR}),
    ("GET", "/v1/requests", None, {}, STAFF | {AUDITOR}),
    ("GET", "/v1/requests/{id}", None, {}, STAFF | {AUDITOR}),
    ("GET", "/v1/register", None, {}, STAFF | {AUDITOR}),
    ("GET", "/v1/holds", None, {}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("GET", "/v1/erasures", None, {}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("GET", "/v1/erasures/proof", None, {"camera": "park", **RANGE}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("POST", "/v1/holds", HOLD, {}, DECIDERS),
    ("POST", "/v1/holds/" + "00" * 16 + "/lift", {"reason": "r"}, {}, DECIDERS),
    ("POST", "/v1/erasures", {"camera": "park", **RANGE, "reason": "r"}, {}, DECIDERS),
    ("GET", "/v1/overdue", None, {}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("POST", "/v1/overdue/statement", {"later_than_utc_ms": 1}, {}, DECIDERS),
    ("POST", "/v1/overdue/confirmations", {"confirmations": []}, {}, DECIDERS),
    ("GET", "/v1/custody", None, {}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("GET", "/v1/custody/proposal", None, {}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("POST", "/v1/custody/proposal", {"reason": "r"}, {}, DECIDERS),
    ("POST", "/v1/custody/proposal/signatures", {"document": ""}, {}, EVERYBODY),
    ("POST", "/v1/custody/proposal/withdrawal", {"reason": "r"}, {}, DECIDERS),
    ("POST", "/v1/custody/release", None, {}, DECIDERS),
    ("GET", "/v1/custody/hand-on", None, {"custodian": "00" * 16}, EVERYBODY),
    ("POST", "/v1/custody/hand-on", HANDED, {}, EVERYBODY),
    ("POST", "/v1/custody/hand-on/discard", {"custodian": "x", "reason": "r"}, {}, DECIDERS),
    ("POST", "/v1/custody/drills", None, {}, DECIDERS),
    ("POST", "/v1/custody/drills/answers", {"document": ""}, {}, EVERYBODY),
    ("POST", "/v1/requests/{id}/recovery/begin", {"recovery_key": "", "reason": "r"}, {}, DECIDERS),
    ("POST", "/v1/requests/{id}/recovery", {"opening": ""}, {}, DECIDERS),
    ("POST", "/v1/backup-copies", {}, {}, KEEPERS),
    ("GET", "/v1/disposals", None, {}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("POST", "/v1/disposals", {"volume": "/nowhere", "reason": "r"}, {}, DECIDERS),
    ("POST", "/v1/disposals/1/completion", {"method": "m", "date": "d", "person": "a", "witness": "b"}, {}, DECIDERS),
    ("GET", "/v1/media", None, {}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("POST", "/v1/medium-permits", {"volume": "x", "carrier": "c", "until_utc_ms": 1, "reason": "r"}, {}, DECIDERS),
    ("GET", "/v1/storage", None, {}, EVERYBODY),
    ("POST", "/v1/storage/acceptances", {"volume": "/nowhere"}, {}, DECIDERS),
    ("GET", "/v1/cameras/facts", None, {}, EVERYBODY),
    ("GET", "/v1/audio-report", None, {}, EVERYBODY),
    ("POST", "/v1/camera-trials", NEW_CAMERA, {}, KEEPERS | {INSTALLER}),
    ("POST", "/v1/cameras", NEW_CAMERA, {}, KEEPERS | {INSTALLER}),
    ("POST", "/v1/cameras/gate/enrolment", ENROLMENT, {}, KEEPERS),
    ("POST", "/v1/cameras/gate/pause", {"until_utc_ms": NOW_UTC_MS + MINUTE_MS, "reason": "r"}, {}, STAFF | KEEPERS),
    ("POST", "/v1/cameras/gate/resumption", {"reason": "r"}, {}, STAFF | KEEPERS),
    ("POST", "/v1/cameras/gate/still", {"installer": INSTALLER, "handler": HANDLER}, {}, HANDLERS | {INSTALLER}),
    ("POST", "/v1/cameras/gate/view-confirmation", None, {}, HANDLERS),
    ("POST", "/v1/cameras/gate/inquiry", None, {}, KEEPERS),
    ("POST", "/v1/cameras/gate/certificate", {"fingerprint": "sha256:" + "00" * 32}, {}, KEEPERS),
    ("POST", "/v1/sign-in", {"person": "x", "password": "x"}, {}, EVERYBODY),
    ("POST", "/v1/sign-in/enrolment", {"new_password": "x", "code": "x", "acknowledged": True}, {}, EVERYBODY),
    ("POST", "/v1/sign-in/recovery", {"person": "x", "code": "x"}, {}, EVERYBODY),
    ("GET", "/v1/session", None, {}, EVERYBODY - {NOBODY}),
    ("POST", "/v1/sign-out", None, {}, EVERYBODY - {NOBODY}),
    ("GET", "/v1/jobs", None, {}, EVERYBODY - {NOBODY}),
    ("GET", "/v1/jobs/" + "00" * 16, None, {}, EVERYBODY - {NOBODY}),
    ("POST", "/v1/jobs/" + "00" * 16 + "/cancellation", None, {}, EVERYBODY - {NOBODY}),
    ("GET", "/v1/users", None, {}, KEEPERS | {AUDITOR}),
    ("POST", "/v1/users", {"person": "x"}, {}, KEEPERS),
    ("POST", "/v1/users/resets", {"person": "x"}, {}, KEEPERS),
    ("POST", "/v1/users/departures", {"person": "x"}, {}, EVERYBODY - {NOBODY}),
    ("POST", "/v1/users/recovery-codes", None, {}, KEEPERS),
    ("GET", "/v1/tokens", None, {}, KEEPERS | {AUDITOR}),
    ("POST", "/v1/tokens", TOKEN, {}, KEEPERS),
    ("POST", "/v1/tokens/" + "00" * 8 + "/revocation", None, {}, KEEPERS),
    ("POST", "/v1/complaints", {"received_utc_ms": 1, "subject": "s", "content": "c"}, {}, STAFF),
    ("GET", "/v1/complaints", None, {}, STAFF | {AUDITOR}),
    ("GET", "/v1/complaints/C20200101-9", None, {}, STAFF | {AUDITOR}),
    ("POST", "/v1/complaints/C20200101-9/answer", {"answered_utc_ms": 1, "answer": "a"}, {}, DECIDERS),
    ("GET", "/v1/audit", None, {}, DECIDERS | {AUDITOR}),
    ("GET", "/v1/papers/rules", None, {"format": "markdown"}, EVERYBODY - {NOBODY}),
    ("GET", "/v1/papers/notice", None, {"format": "markdown"}, EVERYBODY - {NOBODY}),
    ("GET", "/v1/papers/form", None, {"format": "markdown", "which": "receipt"}, EVERYBODY - {NOBODY}),
    ("GET", "/v1/papers/board-report", None, {"format": "markdown", **RANGE}, DECIDERS | {AUDITOR}),
    ("GET", "/v1/disposals/1/paper", None, {"format": "markdown"}, STAFF | {AUDITOR, ADMINISTRATOR}),
    ("POST", "/v1/cameras/park/retirement", {"reason": "r"}, {}, KEEPERS),
]
PICTURES = {
    ("POST", "/v1/cameras/gate/still"),
    ("POST", "/v1/requests/{id}/bundle"),
    ("GET", "/v1/requests/{id}/viewings/1/pictures"),
    ("GET", "/v1/requests/{id}/masked-copies/1/sheets/1"),
}
PAPERS = {  # to print: text, no pictures
    ("GET", "/v1/register/form"),
    ("GET", "/v1/register/checkpoint-page"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/requests/{id}/refusal-letter"),
    ("GET", "/v1/papers/rules"),
    ("GET", "/v1/papers/notice"),
    ("GET", "/v1/papers/form"),
    ("GET", "/v1/papers/board-report"),
    ("GET", "/v1/disposals/1/paper"),
}
PAPER_KINDS = ("application/pdf", "text/csv", "text/markdown")
DOOR = {"person-missing", "role-missing", "person-unknown"}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def test_each_resource_lets_in_exactly_whom_it_should(room: DeskRoom) -> None:
    """Every person, and nobody at all, at every resource: past the door or not, as the table says."""
    wrong = {}
    for row in MATRIX:
        let_in = await admitted(room, row)
        if let_in != row[4]:
            wrong[f"{row[0]} {row[1]}"] = let_in ^ row[4]
    assert wrong == {}


async def admitted(room: DeskRoom, row: Any) -> set[str]:
    """Try a resource as everybody; return who got past the door."""
    method, path, body, parameters, _ = row
    number = await filed(room)
    let_in = set()
    for person in sorted(EVERYBODY):
        sent = room.request_body(witnesses=[]) if body == "request" else body
        answer = await room.call(method, path.replace("{id}", number), person, sent, **parameters)
        code = answer.json().get("code") if answer.headers["content-type"].startswith("application/problem") else None
        if code in DOOR:
            assert answer.status_code == (403 if person else 401)
        else:
            let_in.add(person)
    return let_in


async def test_the_matrix_names_every_route(room: DeskRoom) -> None:
    """A new resource has to be put into the table: none is served that no row asks for."""
    schema = content(await room.call("GET", "/v1/openapi.json"))
    served = {(method.upper(), named(path)) for path, methods in schema["paths"].items() for method in methods}
    assert served == {(method, named(path)) for method, path, *_ in MATRIX}


def named(path: str) -> str:
    """Return a resource's path with the table's names for what varies."""
    path = path.replace("{request_id}", "{id}").replace("{hold_id}", "00" * 16).replace("{record}", "1")
    path = path.replace("{viewing}", "1").replace("{token_id}", "00" * 8).replace("{job_id}", "00" * 16)
    path = path.replace("{number}", "1").replace("{sheet}", "1")
    path = path.replace("{custodian}", "00" * 16).replace("{complaint_id}", "C20200101-9")
    return re.sub(r"^/v1/cameras/(\{name\}|gate|park)/", "/v1/cameras/gate/", path)


async def test_no_resource_gives_pictures_but_aiming_and_a_granted_request(room: DeskRoom) -> None:
    """Every resource, as everybody: JSON or paper. A still only for aiming, a bundle only when approved."""
    for method, path, body, parameters, _ in MATRIX:
        number = await filed(room)
        for person in sorted(EVERYBODY):
            sent = room.request_body(witnesses=[]) if body == "request" else body
            answer = await room.call(method, path.replace("{id}", number), person, sent, **parameters)
            kind = answer.headers.get("content-type", "")
            aimed = kind == "image/jpeg" and (method, path) == ("POST", "/v1/cameras/gate/still")
            paper = kind.partition(";")[0] in PAPER_KINDS and (method, path) in PAPERS
            assert aimed or paper or kind in ("application/json", "application/problem+json"), (method, path, person)
            if aimed:
                assert person in (HANDLER, INSTALLER)
                assert answer.headers["cache-control"] == "no-store"
    schema = content(await room.call("GET", "/v1/openapi.json"))
    offered = {
        (method.upper(), named(path))
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if any("json" not in kind for code in operation["responses"].values() for kind in code.get("content", {}))
    }
    assert offered <= PICTURES | PAPERS


def test_every_operation_is_decided() -> None:
    """No operation is left without a rule."""
    assert set(PERMITTED) == set(Operation)


async def test_the_register_says_who_acted_and_how_the_desk_knew(room: DeskRoom) -> None:
    """The person stands in the entry, the kernel's uid of the caller in its body."""
    await filed(room)
    entry = content(await room.call("GET", "/v1/register", MANAGER))["entries"][0]
    assert entry["person"] == HANDLER
    assert entry["body"]["identified_by"] == f"declared on the local socket, uid {os.getuid()}"


async def test_an_unknown_person_is_refused_and_the_name_cannot_play_with_a_terminal(room: DeskRoom) -> None:
    """A name that nobody has is told back without its control characters."""
    problem = content(await room.call("GET", "/v1/requests", "Nobody\x1b[31m"), 403)
    assert problem["code"] == "person-unknown"
    assert "\x1b" not in problem["detail"]


async def test_the_socket_is_for_the_group_only(room: DeskRoom) -> None:
    """desk.sock has mode 0660."""
    assert room.socket.stat().st_mode & 0o777 == 0o660
