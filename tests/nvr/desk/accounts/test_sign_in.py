"""Signing in at a desk over its real socket: first account, roles, secrecy, leaving, tokens, the code in the safe."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori.desk.accounts.account import Scope
from tests.fakes.desk_room import ADMINISTRATOR, AUDITOR, HANDLER, INSTALLER, MANAGER, NOW_UTC_MS, DeskRoom
from tests.fakes.desk_steps import content
from tests.fakes.staff import PASSWORD, Staff


@pytest.fixture
async def staff(tmp_path: Path) -> AsyncIterator[Staff]:
    """A desk with sign-in, on which nobody has an account yet."""
    room = DeskRoom(tmp_path)
    room.sign_in = True
    async with room:
        yield Staff(room)


async def test_a_declared_name_is_not_believed_any_more(staff: Staff) -> None:
    """Without a sign-in: health on the socket, and nothing else; once there is an account no other way leads in."""
    content(await staff.call("GET", "/v1/status"))
    assert content(await staff.call("GET", "/v1/requests", name=MANAGER), 401)["code"] == "sign-in-missing"
    assert content(await staff.call("GET", "/v1/users", name=MANAGER), 401)["code"] == "sign-in-missing"
    await staff.found(MANAGER)
    answer = await staff.call("POST", "/v1/users", body={"person": AUDITOR}, name=MANAGER)
    assert content(answer, 401)["code"] == "sign-in-missing"
    assert content(await staff.call("GET", "/v1/requests", "ks_x"), 401)["code"] == "sign-in-missing"


async def test_the_first_sign_in_takes_password_authenticator_and_secrecy(staff: Staff) -> None:
    """Nothing else is allowed before; each lack is named; the register has the acknowledgement as it was shown."""
    start = content(await staff.call("POST", "/v1/users", body={"person": MANAGER}, name=MANAGER), 201)
    body = {"person": MANAGER, "password": start["start_password"]}
    signed = content(await staff.call("POST", "/v1/sign-in", body=body), 201)
    token = signed["token"]
    assert content(await staff.call("GET", "/v1/requests", token), 403)["code"] == "enrolment-unfinished"
    whole = {"new_password": PASSWORD, "code": "000000", "acknowledged": True}
    for changes, reason in (({"acknowledged": False}, "secrecy"), ({}, "code")):
        answer = await staff.call("POST", "/v1/sign-in/enrolment", token, {**whole, **changes})
        assert content(answer, 422)["reason"] == reason
    await staff.enrol(MANAGER, start["start_password"])
    content(await staff.as_person("GET", "/v1/requests", MANAGER))
    assert (await staff.call("POST", "/v1/sign-in/enrolment", token, whole)).status_code == 401
    again = await staff.call("POST", "/v1/sign-in", body=body)
    assert content(again, 401)["code"] == "sign-in-refused"
    entries = content(await staff.as_person("GET", "/v1/register", MANAGER))["entries"]
    assert [entry["kind"] for entry in entries] == ["user_added", "secrecy_acknowledged"]
    assert entries[0]["body"]["identified_by"].endswith(
        f"before the first account, the local socket, uid {os.getuid()}"
    )
    assert entries[1]["body"]["statement"] == signed["enrolment"]["secrecy"]


async def test_the_register_says_that_a_person_was_signed_in_and_nobody_acts_for_another(staff: Staff) -> None:
    """A request carries the signed-in person; a header that names somebody else is refused."""
    await staff.found(MANAGER)
    await staff.add(HANDLER, MANAGER)
    filed = await staff.as_person("POST", "/v1/requests", HANDLER, staff.room.request_body())
    assert content(filed, 201)["requester"] == HANDLER
    entry = content(await staff.as_person("GET", "/v1/register", MANAGER))["entries"][-1]
    assert entry["body"]["identified_by"] == f"signed in, the local socket, uid {os.getuid()}"
    answer = await staff.call("GET", "/v1/requests", staff.tokens[HANDLER], name="Sato%20Hanako")
    assert content(answer, 403)["code"] == "person-differs"


async def test_a_code_is_taken_once_and_a_sign_in_ends(staff: Staff) -> None:
    """The same code again is refused; a session ends by rest and by sign-out; a wrong password never says so."""
    await staff.found(MANAGER)
    assert (await staff.sign_in(MANAGER)).status_code == 201
    code = staff.code(MANAGER)
    for expected in (201, 401):
        body = {"person": MANAGER, "password": PASSWORD, "code": code}
        assert (await staff.call("POST", "/v1/sign-in", body=body)).status_code == expected
    wrong = content(await staff.sign_in(MANAGER, password="wrong"), 401)
    nobody = {"person": "Nobody", "password": "x", "code": "1"}
    assert content(await staff.call("POST", "/v1/sign-in", body=nobody), 401) == wrong
    token = staff.tokens[MANAGER]
    assert (await staff.call("POST", "/v1/sign-out", token)).status_code == 204
    assert (await staff.call("GET", "/v1/requests", token)).status_code == 401
    await staff.sign_in(MANAGER)
    staff.room.clock.pass_ms(15 * 60_000)
    assert (await staff.as_person("GET", "/v1/requests", MANAGER)).status_code == 401


async def test_guessing_waits(staff: Staff) -> None:
    """After some tries the next has to wait, with the right password too; the answer says how long."""
    await staff.found(MANAGER)
    codes = [(await staff.sign_in(MANAGER, password="wrong")).status_code for _ in range(5)]
    assert codes == [401] * 5
    body = {"person": MANAGER, "password": "wrong", "code": "000000"}
    answers = [await staff.call("POST", "/v1/sign-in", body=body) for _ in range(4)]
    slowed = content(answers[-1], 429)
    assert slowed["code"] == "sign-in-slowed"
    assert slowed["seconds"] > 0
    known = await staff.sign_in(MANAGER, device=staff.devices[MANAGER])
    assert known.status_code == 201


async def test_who_keeps_which_accounts(staff: Staff) -> None:
    """The administrator keeps those of administrators, installers and auditors only; a reset ends what was."""
    await staff.found(MANAGER)
    await staff.add(ADMINISTRATOR, MANAGER)
    await staff.add(INSTALLER, ADMINISTRATOR)
    answer = await staff.as_person("POST", "/v1/users", ADMINISTRATOR, {"person": HANDLER})
    assert content(answer, 403)["code"] == "account-kept"
    answer = await staff.as_person("POST", "/v1/users/resets", ADMINISTRATOR, {"person": MANAGER})
    assert content(answer, 403)["code"] == "account-kept"
    answer = await staff.as_person("POST", "/v1/users", MANAGER, {"person": INSTALLER})
    assert content(answer, 409)["code"] == "account-there"
    answer = await staff.as_person("POST", "/v1/users", MANAGER, {"person": "Nobody"})
    assert content(answer, 403)["code"] == "person-unknown"
    content(await staff.as_person("POST", "/v1/users/resets", ADMINISTRATOR, {"person": INSTALLER}), 201)
    assert (await staff.as_person("GET", "/v1/session", INSTALLER)).status_code == 401
    listed = content(await staff.as_person("GET", "/v1/users", MANAGER))["users"]
    assert {one["person"]: one["is_enrolled"] for one in listed} == {
        MANAGER: True,
        ADMINISTRATOR: True,
        INSTALLER: False,
    }


async def test_leaving_acknowledges_secrecy_once_more(staff: Staff) -> None:
    """One's own leaving needs it; a manager ends another's account without; neither comes in again."""
    await staff.found(MANAGER)
    await staff.add(HANDLER, MANAGER)
    await staff.add(AUDITOR, MANAGER)
    answer = await staff.as_person("POST", "/v1/users/departures", HANDLER, {"person": HANDLER})
    assert content(answer, 422)["reason"] == "secrecy"
    answer = await staff.as_person("POST", "/v1/users/departures", HANDLER, {"person": AUDITOR})
    assert content(answer, 403)["code"] == "role-missing"
    body = {"person": HANDLER, "acknowledged": True}
    assert (await staff.as_person("POST", "/v1/users/departures", HANDLER, body)).status_code == 204
    answer = await staff.as_person("POST", "/v1/users/departures", MANAGER, {"person": AUDITOR})
    assert answer.status_code == 204
    for person in (HANDLER, AUDITOR):
        assert (await staff.as_person("GET", "/v1/session", person)).status_code == 401
        assert (await staff.sign_in(person)).status_code == 401
    entries = content(await staff.as_person("GET", "/v1/register", MANAGER))["entries"][-3:]
    assert [entry["kind"] for entry in entries] == ["secrecy_acknowledged", "user_left", "user_left"]
    assert [entry["body"].get("acknowledged") for entry in entries[1:]] == [True, False]


async def test_the_code_from_the_safe_is_used_once_and_loudly(staff: Staff) -> None:
    """It gets a manager's or administrator's sign-in back; register and status tell until a new one is printed."""
    await staff.found(MANAGER)
    await staff.add(HANDLER, MANAGER)
    code = content(await staff.as_person("POST", "/v1/users/recovery-codes", MANAGER), 201)["code"]
    use = {"person": MANAGER, "code": code.lower().replace("-", " ")}
    refused = await staff.call("POST", "/v1/sign-in/recovery", body={**use, "person": HANDLER})
    assert content(refused, 404)["code"] == "account-unknown"
    before = content(await staff.call("GET", "/v1/status"))["desk_problems"]
    start = content(await staff.call("POST", "/v1/sign-in/recovery", body=use), 201)["start_password"]
    assert (await staff.as_person("GET", "/v1/session", MANAGER)).status_code == 401
    assert (await staff.call("POST", "/v1/sign-in/recovery", body=use)).status_code == 401
    await staff.room.restart()
    told = set(content(await staff.call("GET", "/v1/status"))["desk_problems"]) - set(before)
    assert any("recovery code has been used" in sentence for sentence in told)
    await staff.enrol(MANAGER, start)
    kinds = [one["kind"] for one in content(await staff.as_person("GET", "/v1/register", MANAGER))["entries"]]
    assert kinds[-2:] == ["recovery_code_used", "secrecy_acknowledged"]
    content(await staff.as_person("POST", "/v1/users/recovery-codes", MANAGER), 201)
    assert content(await staff.call("GET", "/v1/status"))["desk_problems"] == before


async def test_a_machine_reads_what_its_token_says_until_it_ends(staff: Staff) -> None:
    """Health and no more; revoked, or after its end, nothing; a restart keeps tokens and ends sign-ins."""
    await staff.found(MANAGER)
    until = staff.room.clock.utc_ms() + 86_400_000
    body = {"name": "prometheus", "scopes": ["health"], "until_utc_ms": until}
    made = content(await staff.as_person("POST", "/v1/tokens", MANAGER, body), 201)["token"]
    content(await staff.call("GET", "/v1/status", made))
    for method, path in (("GET", "/v1/register"), ("GET", "/v1/requests"), ("POST", "/v1/tokens")):
        assert content(await staff.call(method, path, made), 403)["code"] == "scope-missing"
    listed = content(await staff.as_person("GET", "/v1/tokens", MANAGER))["tokens"]
    assert [one["name"] for one in listed] == ["prometheus"]
    assert made not in str(listed)
    await staff.room.restart()
    assert (await staff.as_person("GET", "/v1/session", MANAGER)).status_code == 401
    content(await staff.call("GET", "/v1/status", made))
    await staff.sign_in(MANAGER)
    path = f"/v1/tokens/{listed[0]['token_id']}/revocation"
    assert (await staff.as_person("POST", path, MANAGER)).status_code == 204
    assert (await staff.call("GET", "/v1/status", made)).status_code == 401
    assert (await staff.as_person("POST", path, MANAGER)).status_code == 404
    late = {**body, "until_utc_ms": NOW_UTC_MS - 1}
    assert (await staff.as_person("POST", "/v1/tokens", MANAGER, late)).status_code == 422


async def test_no_secret_stands_on_disk_as_it_is_or_in_the_register(staff: Staff) -> None:
    """Neither passwords nor tokens nor the code from the safe; the file of accounts is private."""
    await staff.found(MANAGER)
    code = content(await staff.as_person("POST", "/v1/users/recovery-codes", MANAGER), 201)["code"]
    folder = staff.room.folder
    assert (folder / "accounts.db").stat().st_mode & 0o777 == 0o600
    secrets = [PASSWORD, code, staff.tokens[MANAGER], staff.devices[MANAGER]]
    await staff.room.stop_desk()
    for path in folder.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in held], path


def test_scopes_hold_nothing_that_decides_or_opens() -> None:
    """What a token may do is a short list of reading."""
    from kuramori.api.identity import SCOPED, Operation

    reading = {Operation.LOOK_AT_HEALTH, Operation.SEE_KEEPING, Operation.SEE_CUSTODY, Operation.SEE_REGISTER}
    assert set(SCOPED) == set(Scope)
    assert set().union(*SCOPED.values()) == reading
