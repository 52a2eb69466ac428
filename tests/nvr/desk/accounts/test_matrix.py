"""The authorisation matrix of a desk with sign-in, generated from its OpenAPI document: role, operation, whose.

A new route needs a rule, or the app does not start; a new rule is tried here without another line.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter

from kuramori.api.identity import PERMITTED, SCOPED, Caller, Operation, judge
from kuramori.api.rules import OPERATION_MEMBER, ROLES_MEMBER, RuledApp, RuleMissing
from kuramori.desk.account_fault import ScopeMissing, SignInMissing
from kuramori.desk.accounts.account import Scope
from kuramori.desk.accounts.accounts import Place
from kuramori.desk.fault import RoleMissing
from kuramori_config.schema import Role
from tests.fakes.desk_room import HANDLER, MANAGER, PEOPLE, SECOND_HANDLER, DeskRoom
from tests.fakes.desk_steps import content
from tests.fakes.staff import Staff

AT_THE_DOOR = {"sign-in-missing", "role-missing", "scope-missing", "person-missing", "enrolment-unfinished"}
# Their own check of who asks comes behind the door's: leaving is one's own, or a keeper's for another.
NOT_TRIED = {("post", "/v1/sign-out"), ("post", "/v1/users/departures")}  # they would end the sign-in that tries
BODY_OF_OWN = {  # every operation that is for who filed the request, with a body that is well formed
    ("get", "/v1/requests/{request_id}/shares"): None,
    ("post", "/v1/requests/{request_id}/bundle"): {"deks": {}},
    ("post", "/v1/requests/{request_id}/opening"): {"deks": {}},
    ("get", "/v1/requests/{request_id}/bundle"): None,
    ("delete", "/v1/requests/{request_id}/bundle"): None,
    ("post", "/v1/requests/{request_id}/viewings"): {"deks": {}, "detail": "full"},
    ("get", "/v1/requests/{request_id}/viewings/{viewing}/pictures"): None,
    ("post", "/v1/requests/{request_id}/viewings/{viewing}/end"): None,
    ("post", "/v1/requests/{request_id}/masked-copies"): {"deks": {}, "boxes": "e30="},
    ("post", "/v1/requests/{request_id}/masked-copies/{number}/release"): None,
    ("post", "/v1/requests/{request_id}/written"): {"manifest_digest": "00" * 32, "medium": "x"},
}
PICTURES = {"camera": "gate", "detail": "full", "from_utc_ms": 1, "to_utc_ms": 2}
ASKED_OF_OWN: dict[str, dict[str, Any]] = {  # what else such an operation asks for
    "/v1/requests/{request_id}/viewings/{viewing}/pictures": PICTURES
}


@pytest.fixture
async def staff(tmp_path: Path) -> AsyncIterator[Staff]:
    """A desk at which everybody of the site is signed in."""
    room = DeskRoom(tmp_path)
    room.sign_in = True
    async with room:
        everybody = Staff(room)
        async with room.client() as everybody.many:
            await everybody.all_signed_in(MANAGER)
            yield everybody


async def operations(staff: Staff) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and description of every operation that the document names."""
    document = content(await staff.call("GET", "/v1/openapi.json"))
    return [(method, path, said) for path, all_of in document["paths"].items() for method, said in all_of.items()]


async def passes(staff: Staff, method: str, path: str, token: str) -> bool:
    """Tell whether somebody gets past the door, with an empty body and a request that is not there."""
    filled = path.replace("{request_id}", "20200101-9").replace("{hold_id}", "00" * 16).replace("{record}", "1")
    filled = (
        filled.replace("{viewing}", "1")
        .replace("{token_id}", "00" * 8)
        .replace("{name}", "none")
        .replace("{job_id}", "00" * 16)
        .replace("{number}", "1")
        .replace("{sheet}", "1")
    )
    answer = await staff.call(method.upper(), filled, token, {} if method == "post" else None)
    kind = answer.headers.get("content-type", "")
    code = answer.json().get("code") if kind.startswith("application/problem") else None
    return code not in AT_THE_DOOR


@pytest.mark.slow
async def test_every_operation_lets_in_whom_its_rule_names_and_nobody_else(staff: Staff) -> None:
    """Each person of the site, a machine with each scope, and nobody, at every operation of the document."""
    until = staff.room.clock.utc_ms() + 86_400_000
    machines = {}
    for scope in Scope:
        body = {"name": scope.value, "scopes": [scope.value], "until_utc_ms": until}
        machines[scope] = content(await staff.as_person("POST", "/v1/tokens", MANAGER, body), 201)["token"]
    wrong = []
    for method, path, said in await operations(staff):
        operation = Operation(said[OPERATION_MEMBER])
        if (method, path) in NOT_TRIED:
            continue
        roles = said.get(ROLES_MEMBER)
        open_to_all = roles is None
        for person in PEOPLE:
            expected = open_to_all or bool({role.value for role in person.roles} & set(roles or ()))
            if await passes(staff, method, path, staff.tokens[person.name]) != expected:
                wrong.append((method, path, person.name))
        for scope, token in machines.items():
            expected = operation in SCOPED[scope] or operation is Operation.SIGN_IN
            if await passes(staff, method, path, token) != expected:
                wrong.append((method, path, scope.value))
        refused = path == "/v1/sign-in/enrolment"  # it asks for the token of a first sign-in
        if await passes(staff, method, path, "") != open_to_all and not refused:
            wrong.append((method, path, "nobody"))
    assert wrong == []


async def test_anothers_request_is_opened_by_nobody(staff: Staff) -> None:
    """Every operation that opens: the handler who filed gets past, the other handler is refused by name."""
    filed = await staff.as_person("POST", "/v1/requests", HANDLER, staff.room.request_body())
    number = content(filed, 201)["request_id"]
    opening = [row for row in await operations(staff) if row[2][OPERATION_MEMBER] == Operation.OPEN.value]
    assert {(method, path) for method, path, _ in opening} == set(BODY_OF_OWN)
    for method, path, _ in opening:
        for person, expected in ((HANDLER, False), (SECOND_HANDLER, True)):
            where = path.replace("{request_id}", number).replace("{viewing}", "1").replace("{number}", "1")
            body = BODY_OF_OWN[method, path]
            answer = await staff.as_person(method.upper(), where, person, body, **ASKED_OF_OWN.get(path, {}))
            assert (answer.json().get("code") == "not-the-requester") == expected, (path, person)


async def test_the_document_says_every_rule_as_it_is(staff: Staff) -> None:
    """Each operation names its rule, and the roles are those that are asked for."""
    for method, path, said in await operations(staff):
        roles = PERMITTED[Operation(said[OPERATION_MEMBER])]
        expected = sorted(role.value for role in roles) if roles is not None else None
        assert said.get(ROLES_MEMBER) == expected, (method, path)


@pytest.mark.parametrize("operation", Operation)
def test_each_rule_as_it_is_judged(operation: Operation) -> None:
    """Every role, every scope, nobody at the socket and nobody over the network, without a desk."""

    def let_in(caller: Caller) -> bool:
        try:
            judge(operation, caller, sign_in=True)
        except (SignInMissing, RoleMissing, ScopeMissing):
            return False
        return True

    roles = PERMITTED[operation]
    for role in Role:
        assert let_in(Caller("x", frozenset({role}), "")) == (roles is None or role in roles)
    for scope in Scope:
        token = Caller("", frozenset(), "", scopes=frozenset({scope}))
        assert let_in(token) == (operation in SCOPED[scope])
    assert let_in(Caller("", frozenset(), "", Place(uid=1000))) == (roles is None)
    assert not let_in(Caller("", frozenset(), "", Place("192.0.2.1")))
    founder = Caller("x", frozenset(Role), "", Place(uid=0), founding=True)
    assert let_in(founder) == (roles is None or operation is Operation.KEEP_USERS)


def test_a_route_without_a_rule_is_not_served() -> None:
    """An app that takes in such a router does not start."""
    router = APIRouter()

    @router.get("/v1/forgotten")
    async def forgotten() -> None:
        """Say nothing of who may."""

    with pytest.raises(RuleMissing, match="forgotten"):
        RuledApp().include_router(router)
