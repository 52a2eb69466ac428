"""Held at filing and decided later, granted first and documented later, granted in part, refused in writing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kuramori_config.requests_table import Requests
from tests.fakes.desk_room import AUDITOR, DEPUTY, HANDLER, MANAGER, MINUTE_MS, NOW_UTC_MS, SECOND_HANDLER, DeskRoom
from tests.fakes.desk_steps import approved, content, filed, granted, handed_deks, kinds, open_bundle

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
URGENT: dict[str, Any] = {"ground": "urgent", "document_number": ""}
CITIZEN = {"kind": "person-filmed", "name": "市民 花子", "identity_check": "運転免許証と画像の照合"}


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def seen(room: DeskRoom, number: str) -> Any:
    """A request as the desk shows it."""
    return content(await room.call("GET", f"/v1/requests/{number}", MANAGER))


async def decide(room: DeskRoom, number: str, outcome: str = "granted", **more: Any) -> Any:
    """What the desk says to a decision."""
    body = {"outcome": outcome, "reason": "要件を満たす", **more}
    return await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, body)


async def reminded(room: DeskRoom) -> list[tuple[str, bool]]:
    """What the status reminds of."""
    found = content(await room.call("GET", "/v1/status"))["reminders"]
    return [(one["kind"], one["late"]) for one in found]


class TestHeldAndDecidedLater:
    async def test_a_bar_associations_request_is_held_and_decided_three_weeks_later(self, room: DeskRoom) -> None:
        """The hold stands all the time, until the end that was said, over a restart of the desk too (H10)."""
        bar = {"kind": "legal", "organisation": "北弁護士会", "name": "会長", "identity_check": "照会書の職印"}
        number = await filed(room, ground="law", document_number="弁護士法第23条の2照会 第5号", recipient=bar)
        (hold,) = content(await room.call("GET", "/v1/holds", MANAGER))["holds"]
        assert hold["request_id"] == number
        assert hold["until_utc_ms"] == NOW_UTC_MS + 30 * DAY_MS
        await room.restart()
        room.clock.pass_ms(21 * DAY_MS)
        await room.open_desk.tidy()
        assert [one.request_id for one in room.recorder.held.values()] == [number]
        assert content(await decide(room, number))["state"] == "granted"

    async def test_the_office_is_reminded_before_the_hold_ends_and_can_extend_it(self, room: DeskRoom) -> None:
        """From seven days before; the longer hold stands before the shorter goes; then it is quiet again."""
        number = await filed(room)
        room.clock.pass_ms(23 * DAY_MS - 1)
        assert await reminded(room) == []
        room.clock.pass_ms(1)
        assert await reminded(room) == [("hold-ending", False)]
        until = NOW_UTC_MS + 60 * DAY_MS
        body = {"until_utc_ms": until, "reason": "照会中"}
        content(await room.call("POST", f"/v1/requests/{number}/hold", DEPUTY, body))
        (hold,) = content(await room.call("GET", "/v1/holds", MANAGER))["holds"]
        assert (hold["request_id"], hold["until_utc_ms"]) == (number, until)
        assert (await kinds(room))[-2:] == ["hold_placed", "hold_lifted"]
        assert await reminded(room) == []

    async def test_a_hold_that_ended_under_an_undecided_request_is_red(self, room: DeskRoom) -> None:
        """Its minutes may be gone any time: the light says so."""
        number = await filed(room)
        room.clock.pass_ms(30 * DAY_MS)
        assert await reminded(room) == [("hold-ending", True)]
        status = content(await room.call("GET", "/v1/status"))
        assert any(number in problem for problem in status["problems"])

    @pytest.mark.parametrize("days", [29, 30, 400])
    async def test_a_hold_is_extended_to_a_later_end_within_a_year(self, room: DeskRoom, days: int) -> None:
        """Not to an earlier one, nor to the same."""
        number = await filed(room)
        body = {"until_utc_ms": NOW_UTC_MS + days * DAY_MS, "reason": "照会中"}
        answer = content(await room.call("POST", f"/v1/requests/{number}/hold", MANAGER, body), 422)
        assert answer["field"] == "until_utc_ms"

    async def test_every_hold_of_a_request_goes_with_its_refusal(self, room: DeskRoom) -> None:
        """The extended one too."""
        number = await filed(room)
        body = {"until_utc_ms": NOW_UTC_MS + 60 * DAY_MS, "reason": "照会中"}
        content(await room.call("POST", f"/v1/requests/{number}/hold", MANAGER, body))
        content(await decide(room, number, "refused"))
        assert content(await room.call("GET", "/v1/holds", MANAGER))["holds"] == []

    async def test_with_the_recorder_away_it_follows_and_the_hold_before_stays(self, room: DeskRoom) -> None:
        """Registered, told as trouble, placed when the recorder is back."""
        number = await filed(room)
        await room.stop_recorder()
        until = NOW_UTC_MS + 60 * DAY_MS
        body = {"until_utc_ms": until, "reason": "照会中"}
        answer = content(await room.call("POST", f"/v1/requests/{number}/hold", MANAGER, body))
        assert answer["hold_trouble"]
        await room.start_recorder()
        await room.open_desk.tidy()
        assert max(one.until_utc_ms for one in room.recorder.held.values()) == until

    async def test_the_site_says_how_long_filing_holds(self, room: DeskRoom) -> None:
        """[requests] hold_days."""
        room.site.terms = Requests(hold_days=90)
        await filed(room)
        (hold,) = content(await room.call("GET", "/v1/holds", MANAGER))["holds"]
        assert hold["until_utc_ms"] == NOW_UTC_MS + 90 * DAY_MS


class TestUrgent:
    async def test_granted_before_the_document_is_there_flagged_until_it_is(self, room: DeskRoom) -> None:
        """Due within 72 hours; the register says when it came; the flag survives a restart."""
        number = await granted(room, **URGENT)
        await room.restart()
        view = await seen(room, number)
        assert view["urgent"]
        assert view["owes_document"]
        assert view["document_due_utc_ms"] == NOW_UTC_MS + 72 * HOUR_MS
        assert await reminded(room) == [("urgent-not-documented", False)]
        room.clock.pass_ms(72 * HOUR_MS + 1)
        assert await reminded(room) == [("urgent-not-documented", True)]
        body = {"document_number": "捜査第200号", "received_utc_ms": room.clock.utc_ms()}
        view = content(await room.call("POST", f"/v1/requests/{number}/documentation", SECOND_HANDLER, body))
        assert not view["owes_document"]
        assert view["documented_number"] == "捜査第200号"
        assert view["state"] == "granted"
        assert await reminded(room) == []
        assert (await kinds(room))[-1] == "documented"

    async def test_what_is_late_stands_among_the_problems_of_the_status(self, room: DeskRoom) -> None:
        """Red, with its number and nobody's name."""
        number = await granted(room, **URGENT)
        room.clock.pass_ms(72 * HOUR_MS + 1)
        status = content(await room.call("GET", "/v1/status"))
        (said,) = [problem for problem in status["desk_problem_texts"] if number in problem["english"]]
        assert "kuramori document" in said["english"]
        assert "高橋" not in str(status["reminders"]) + str(said)

    async def test_with_its_document_an_urgent_request_owes_nothing(self, room: DeskRoom) -> None:
        """It came with the request."""
        number = await granted(room, ground="urgent", document_number="No. 1")
        assert not (await seen(room, number))["urgent"]
        body = {"document_number": "x", "received_utc_ms": 1}
        answer = content(await room.call("POST", f"/v1/requests/{number}/documentation", HANDLER, body), 409)
        assert answer["code"] == "not-in-state"

    async def test_the_document_may_come_before_the_decision(self, room: DeskRoom) -> None:
        """Then nothing is owed, and the request need not be filed anew."""
        number = await filed(room, **URGENT)
        body = {"document_number": "No. 7"}
        content(await room.call("POST", f"/v1/requests/{number}/documentation", HANDLER, body))
        content(await decide(room, number))
        view = await seen(room, number)
        assert not view["owes_document"]
        assert view["documented_utc_ms"] == NOW_UTC_MS

    @pytest.mark.parametrize(
        "body",
        [
            {"document_number": "", "received_utc_ms": 1},
            {"document_number": "a\nb", "received_utc_ms": 1},
            {"document_number": "x", "received_utc_ms": NOW_UTC_MS + DAY_MS},
        ],
    )
    async def test_a_document_has_a_number_and_came_in_the_past(self, room: DeskRoom, body: Any) -> None:
        """Anything else is refused."""
        number = await granted(room, **URGENT)
        content(await room.call("POST", f"/v1/requests/{number}/documentation", HANDLER, body), 422)

    async def test_other_grounds_wait_for_their_document(self, room: DeskRoom) -> None:
        """A police investigation is no emergency by itself."""
        body = room.request_body(document_number="")
        answer = content(await room.call("POST", "/v1/requests", HANDLER, body), 403)
        assert answer["reason"] == "document-missing"


class TestParts:
    async def test_the_manager_grants_looking_only(self, room: DeskRoom) -> None:
        """The custodians sign that, and no bundle is made of it."""
        number = await filed(room)
        view = content(await decide(room, number, "partly", outputs=["viewing"]))
        assert view["outputs"] == ["viewing", "copy"]
        assert view["granted_outputs"] == ["viewing"]
        number = await _approved_as(room, number)
        answer = await open_bundle(room, number, await handed_deks(room, number))
        assert content(answer, 403)["code"] == "output-not-granted"
        assert "opened" not in await kinds(room)

    @pytest.mark.parametrize(
        ("outcome", "outputs"),
        [("granted", ["viewing"]), ("partly", ["viewing", "copy"]), ("partly", ["masked-copy"]), ("partly", [])],
    )
    async def test_a_part_is_a_part(self, room: DeskRoom, outcome: str, outputs: list[str]) -> None:
        """Granted is all, partly less, and nothing that was not asked for."""
        number = await filed(room)
        content(await decide(room, number, outcome, outputs=outputs), 422)

    async def test_what_the_person_filmed_gets_is_a_masked_copy(self, room: DeskRoom) -> None:
        """H9: identity is checked at filing, and no copy as it is can be had."""
        request = {"ground": "disclosure", "document_number": "開示請求 第1号", "recipient": CITIZEN}
        number = await approved(room, **request)
        assert (await seen(room, number))["granted_outputs"] == ["masked-copy"]
        answer = await open_bundle(room, number, await handed_deks(room, number))
        assert content(answer, 403)["code"] == "output-not-granted"
        for change, field in (
            ({"recipient": {**CITIZEN, "identity_check": ""}}, "recipient.identity_check"),
            ({"conditions": ""}, "conditions"),
        ):
            refused = await room.call("POST", "/v1/requests", HANDLER, room.request_body(**{**request, **change}))
            assert content(refused, 422)["field"] == field


class TestIdentity:
    async def test_nothing_is_handed_over_to_somebody_whose_identity_nobody_checked(self, room: DeskRoom) -> None:
        """It can be noted after the approvals, which stay; the register says who received and how it was checked."""
        recipient = {"kind": "authority", "organisation": "北警察署", "name": "高橋 七郎"}
        number = await approved(room, recipient=recipient)
        deks = await handed_deks(room, number)
        assert content(await open_bundle(room, number, deks), 409)["code"] == "identity-missing"
        body = {"identity_check": "警察手帳", "name": "佐々木 八郎"}
        view = content(await room.call("POST", f"/v1/requests/{number}/identity", HANDLER, body))
        assert (view["receiver"], view["identity_check"], view["state"]) == ("佐々木 八郎", "警察手帳", "approved")
        assert (await open_bundle(room, number, deks)).status_code == 200
        (sheet,) = content(await room.call("GET", "/v1/register/form", AUDITOR, format="json"))["sheets"]
        assert "佐々木 八郎" in sheet["recipient"]
        assert sheet["identity_check"] == "警察手帳"

    async def test_how_it_was_checked_is_a_line(self, room: DeskRoom) -> None:
        """Not nothing."""
        number = await filed(room)
        answer = await room.call("POST", f"/v1/requests/{number}/identity", HANDLER, {"identity_check": ""})
        assert content(answer, 422)["field"] == "identity_check"


class TestHandovers:
    async def test_one_that_is_not_reported_by_the_agreed_date_is_told(self, room: DeskRoom) -> None:
        """Until somebody notes the report; the light stays as it was."""
        agreed = NOW_UTC_MS + 10 * DAY_MS
        number = await approved(room, erase_by_utc_ms=agreed)
        await open_bundle(room, number, await handed_deks(room, number))
        room.clock.pass_ms(10 * DAY_MS + 1)
        assert ("handover-not-reported", True) in await reminded(room)
        status = content(await room.call("GET", "/v1/status"))
        assert not any(number in problem["english"] for problem in status["desk_problem_texts"])
        body = {"how": "erased", "on_utc_ms": room.clock.utc_ms(), "told_by": "高橋"}
        content(await room.call("POST", f"/v1/requests/{number}/returned", HANDLER, body))
        assert await reminded(room) == []

    async def test_an_agreed_date_lies_ahead(self, room: DeskRoom) -> None:
        """Yesterday is no agreement."""
        body = room.request_body(erase_by_utc_ms=NOW_UTC_MS - MINUTE_MS)
        assert content(await room.call("POST", "/v1/requests", HANDLER, body), 422)["field"] == "erase_by_utc_ms"


class TestRefusal:
    async def letter(self, room: DeskRoom, number: str, **wanted: str) -> str:
        answer = await room.call("GET", f"/v1/requests/{number}/refusal-letter", MANAGER, format="md", **wanted)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.text

    async def test_a_decided_refusal_is_told_with_the_managers_reason(self, room: DeskRoom) -> None:
        """In both languages; no camera, and nothing of whether anything was recorded."""
        number = await filed(room)
        content(await decide(room, number, "refused", reason="照会の対象が特定されていない"))
        for language in ("ja", "en"):
            text = await self.letter(room, number, language=language)
            for words in (number, "照会の対象が特定されていない", "北警察署", "巡査部長 高橋 七郎", MANAGER):
                assert words in text
            for hidden in ("gate", "North gate"):
                assert hidden not in text

    async def test_a_private_persons_letter_says_where_to_turn(self, room: DeskRoom) -> None:
        """The referral that applies, in the letter's language; the refusal stands in the register."""
        body = room.request_body(recipient={"kind": "private", "name": "隣人"}, matter="dispute", ground="")
        answer = content(await room.call("POST", "/v1/requests", HANDLER, body), 403)
        number = answer["request_id"]
        assert "弁護士会照会" in await self.letter(room, number, language="ja")
        assert "bar association" in await self.letter(room, number, language="en")
        entry = content(await room.call("GET", "/v1/register", MANAGER))["entries"][-1]
        assert (entry["kind"], entry["body"]["document"]["matter"]) == ("refused", "dispute")
        assert "弁護士会照会" in entry["body"]["text_ja"]
        assert (await seen(room, number))["refusal_japanese"] == entry["body"]["text_ja"]

    async def test_it_is_a_page_to_print(self, room: DeskRoom) -> None:
        """PDF, the font inside."""
        number = await filed(room)
        content(await decide(room, number, "refused"))
        answer = await room.call("GET", f"/v1/requests/{number}/refusal-letter", HANDLER)
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        assert b"NotoSansCJK" in answer.content

    async def test_what_was_not_refused_has_no_letter(self, room: DeskRoom) -> None:
        """There is nothing to say yet."""
        number = await filed(room)
        answer = await room.call("GET", f"/v1/requests/{number}/refusal-letter", MANAGER)
        assert content(answer, 409)["code"] == "not-refused"


async def _approved_as(room: DeskRoom, number: str) -> str:
    """Approve a granted request by enough custodians."""
    from tests.fakes.desk_steps import approve_as
    from tests.fakes.key_holders import keys_of

    for key in keys_of(room.custodians)[: room.custodians.k]:
        content(await approve_as(room, number, key), 201)
    return number
