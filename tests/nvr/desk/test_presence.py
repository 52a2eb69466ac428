"""Two members of staff at a hand-over (H4), each by an own sign-in, over the API of a desk where people sign in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kuramori.desk.presence import FRESH_MINUTES
from tests.fakes.desk_room import AUDITOR, DEPUTY, HANDLER, MANAGER, SECOND_HANDLER, DeskRoom, to_plain_bytes
from tests.fakes.desk_steps import content
from tests.fakes.key_holders import recovery
from tests.fakes.signed_in_steps import approved, entries, granted, handed_deks
from tests.fakes.staff import PASSWORD, Staff


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


async def present(staff: Staff, number: str, person: str, **body: Any) -> httpx.Response:
    """Confirm being present as somebody who is signed in."""
    return await staff.as_person("POST", f"/v1/requests/{number}/presence", person, {"act": "release", **body})


async def bundle(staff: Staff, number: str, **body: Any) -> httpx.Response:
    """Take the bundle as the handler."""
    deks = await handed_deks(staff, number)
    return await staff.as_person("POST", f"/v1/requests/{number}/bundle", HANDLER, {"deks": deks, **body})


async def test_a_bundle_takes_a_second_sign_in_and_the_register_names_both(staff: Staff) -> None:
    """Refused while nobody confirmed, whatever names are given; then once, with both names."""
    number = await approved(staff)
    for declared in ([], [DEPUTY]):
        refused = content(await bundle(staff, number, present=declared), 403)
        assert (refused["code"], refused["needed"]) == ("presence-missing", declared)
    assert content(await present(staff, number, DEPUTY), 201)["left_seconds"] == FRESH_MINUTES * 60
    (shown,) = content(await staff.as_person("GET", f"/v1/requests/{number}/presence", HANDLER))["present"]
    assert (shown["person"], shown["act"]) == (DEPUTY, "release")
    assert (await bundle(staff, number)).status_code == 200
    found = await entries(staff, number)
    (confirmed,) = [one for one in found if one["kind"] == "presence_confirmed"]
    (opened,) = [one for one in found if one["kind"] == "opened"]
    assert (confirmed["person"], confirmed["body"]["requester"]) == (DEPUTY, HANDLER)
    assert confirmed["body"]["identified_by"].startswith("signed in, ")
    assert confirmed["index"] < opened["index"]
    assert opened["body"]["present"] == [HANDLER, DEPUTY]
    again = content(await bundle(staff, number), 403)
    assert again["code"] == "presence-missing"
    assert [one["kind"] for one in await entries(staff, number)].count("opened") == 1


async def test_the_second_person_may_type_password_and_code_at_the_desk(staff: Staff) -> None:
    """No session comes of it; a wrong or used code is refused and registers nothing."""
    number = await approved(staff)
    proof = {"person": SECOND_HANDLER, "password": PASSWORD, "code": staff.code(SECOND_HANDLER)}
    wrong = await present(staff, number, HANDLER, proof={**proof, "password": "not the password at all"})
    assert content(wrong, 401)["code"] == "sign-in-refused"
    made = content(await present(staff, number, HANDLER, proof=proof), 201)
    assert (made["person"], set(made)) == (SECOND_HANDLER, {"person", "act", "left_seconds"})
    replayed = await present(staff, number, HANDLER, proof=proof)
    assert content(replayed, 401)["code"] == "sign-in-refused"
    assert (await bundle(staff, number, present=[SECOND_HANDLER])).status_code == 200
    (entry,) = [one for one in await entries(staff, number) if one["kind"] == "presence_confirmed"]
    assert entry["body"]["identified_by"] == f"password and code at the desk of {HANDLER}"


async def test_who_acts_is_not_the_second_person(staff: Staff) -> None:
    """Neither by the session nor by password and code."""
    number = await approved(staff)
    proof = {"person": HANDLER, "password": PASSWORD, "code": staff.code(HANDLER)}
    for body in ({}, {"proof": proof}):
        assert content(await present(staff, number, HANDLER, **body), 403)["code"] == "presence-refused"


@pytest.mark.slow
async def test_a_role_without_requests_is_not_present(staff: Staff) -> None:
    """The auditor may not, by the own session or typed at the desk."""
    number = await approved(staff)
    assert content(await present(staff, number, AUDITOR), 403)["code"] == "role-missing"
    proof = {"person": AUDITOR, "password": PASSWORD, "code": staff.code(AUDITOR)}
    assert content(await present(staff, number, HANDLER, proof=proof), 403)["code"] == "role-missing"


@pytest.mark.slow
async def test_a_confirmation_is_for_one_act_of_one_request_and_for_minutes(staff: Staff) -> None:
    """For looking, for another request, or too long ago: it does not count."""
    number, other = await approved(staff), await approved(staff)
    content(await present(staff, number, DEPUTY, act="view"), 201)
    content(await present(staff, other, DEPUTY), 201)
    assert content(await bundle(staff, number), 403)["code"] == "presence-missing"
    staff.room.clock.pass_ms(FRESH_MINUTES * 60_000)
    assert content(await bundle(staff, other), 403)["code"] == "presence-missing"
    assert content(await staff.as_person("GET", f"/v1/requests/{other}/presence", HANDLER))["present"] == []


async def test_presence_is_confirmed_at_what_is_approved_only(staff: Staff) -> None:
    """Not for a request that waits, and an amended one has none."""
    body = staff.room.request_body()
    number = content(await staff.as_person("POST", "/v1/requests", HANDLER, body), 201)["request_id"]
    assert content(await present(staff, number, DEPUTY), 409)["code"] == "not-in-state"
    ready = await approved(staff)
    content(await present(staff, ready, DEPUTY), 201)
    content(await staff.as_person("POST", f"/v1/requests/{ready}/amendment", HANDLER, body))
    assert content(await staff.as_person("GET", f"/v1/requests/{ready}/presence", HANDLER))["present"] == []


async def test_break_glass_takes_a_second_sign_in(staff: Staff) -> None:
    """Not by names; confirmed for it and nothing else; both names stand in the register before the headers go out."""
    number = await granted(staff)
    body = {"recovery_key": to_plain_bytes(recovery().card.opening_key), "reason": "all custodians are away"}
    path = f"/v1/requests/{number}/recovery/begin"
    for present_names in ([], [DEPUTY]):
        refused = await staff.as_person("POST", path, MANAGER, {**body, "present": present_names})
        assert content(refused, 403)["code"] == "presence-missing"
    assert content(await present(staff, number, DEPUTY, act="view"), 409)["code"] == "approvals-missing"
    assert content(await present(staff, number, HANDLER, act="recovery"), 403)["code"] == "presence-refused"
    content(await present(staff, number, MANAGER, act="recovery"), 201)
    alone = await staff.as_person("POST", path, MANAGER, body)
    assert content(alone, 403)["code"] == "presence-missing"
    content(await present(staff, number, DEPUTY, act="recovery"), 201)
    content(await staff.as_person("POST", path, MANAGER, body))
    (entry,) = [one for one in await entries(staff, number) if one["kind"] == "recovery_begun"]
    assert (entry["person"], entry["body"]["present"]) == (MANAGER, [MANAGER, DEPUTY])
    assert content(await staff.as_person("POST", path, MANAGER, body), 403)["code"] == "presence-missing"


async def test_without_sign_in_names_are_declared(tmp_path: Path) -> None:
    """There is nothing to confirm with."""
    async with DeskRoom(tmp_path) as room:
        answer = await room.call("POST", "/v1/requests/20260101-1/presence", DEPUTY, {"act": "view"})
        assert content(answer, 404)["code"] == "accounts-off"
