"""The path of a request over a real socket: filed, decided, approved, opened, released; and each way off it."""

import asyncio
import hashlib
import io
import json
import tarfile
import urllib.parse
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from kuramori import messages
from kuramori.api.headers import PERSON_HEADER
from kuramori.clips.job import ExtractionFailed, ExtractionFault
from kuramori.desk.approval import signed_message
from kuramori.desk.request import APPROVAL_LIFETIME_MS
from tests.fakes.desk_room import (
    AUDITOR,
    DEPUTY,
    HANDLER,
    MANAGER,
    MINUTE_MS,
    SECOND_HANDLER,
    DeskRoom,
    to_plain_bytes,
)
from tests.fakes.desk_steps import (
    approval_body,
    approve_as,
    approved,
    content,
    fetched_package,
    filed,
    granted,
    handed_deks,
    judged,
    kinds,
    open_bundle,
)
from tests.fakes.fake_worker import CLIP
from tests.fakes.key_holders import custodian, keys_of


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def test_the_whole_path_leads_to_the_named_minutes_only(room: DeskRoom) -> None:
    """Two custodians approve; the worker gets both halves of the keys of exactly the granted segments."""
    number = await approved(room)
    answer = await open_bundle(room, number, await handed_deks(room, number))
    assert answer.status_code == 200, answer.text
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        manifest = archive.extractfile("manifest.json")
        clip = archive.extractfile("clip.mp4")
        assert manifest is not None
        assert clip is not None
        assert clip.read() == CLIP
        digest = hashlib.sha256(manifest.read()).hexdigest()
    assert answer.headers["Kuramori-Manifest-Digest"] == digest
    (job,) = room.workers.jobs
    wanted = {segment.uid: segment for segment in room.recorder.segments[1:2]}
    (camera,) = job.cameras
    assert [segment.segment_uid for segment in camera.segments] == list(wanted)
    for segment in camera.segments:
        assert (segment.dek, segment.k_seg) == (wanted[segment.segment_uid].dek, wanted[segment.segment_uid].k_seg)
    assert (job.from_utc_ms, job.to_utc_ms, job.opening) == (room.from_utc_ms, room.to_utc_ms, 1)
    body = {"manifest_digest": digest, "medium": "USB 0001"}
    written = content(await room.call("POST", f"/v1/requests/{number}/written", HANDLER, body))
    assert written["handovers"][0]["medium"] == "USB 0001"
    assert written["waits_for_return"]
    end = {"how": "erased", "on_utc_ms": room.clock.utc_ms(), "told_by": "高橋 七郎"}
    done = content(await room.call("POST", f"/v1/requests/{number}/returned", HANDLER, end))
    assert (done["state"], done["waits_for_return"]) == ("returned", False)
    path = [kind for kind in await kinds(room) if kind != "custody_changed"]
    assert path == [
        "filed",
        "hold_placed",
        "decided",
        "approved",
        "approved",
        "opened",
        "released",
        "bundle_written",
        "hold_lifted",
        "returned",
    ]


async def test_the_register_has_opened_before_keys_are_asked_and_released_before_a_byte_leaves(
    room: DeskRoom,
) -> None:
    """At the moment the recorder is asked for K_seg the entry *opened* is durable; likewise *released*."""
    number = await approved(room)
    deks = await handed_deks(room, number)
    register = room.open_desk.journal.register
    seen: list[str] = []

    def watch(question: object) -> None:
        if isinstance(question, messages.ReleaseKeysRequest):
            seen.append(register.records()[-1].entry.kind)

    room.recorder.on_question = watch
    answer = await open_bundle(room, number, deks)
    assert answer.status_code == 200
    assert seen == ["opened"]
    entries = content(await room.call("GET", "/v1/register", MANAGER))["entries"]
    released = next(entry for entry in entries if entry["kind"] == "released")
    assert released["body"]["manifest_digest"] == to_plain_bytes(room.workers.streams[0].manifest_digest)
    assert room.workers.streams[0].closed == 0  # it waits until it is written


async def test_one_custodian_is_not_enough(room: DeskRoom) -> None:
    """With one of two approvals neither shares nor a bundle are to be had, and nothing is opened."""
    number = await granted(room)
    content(await approve_as(room, number, keys_of(room.custodians)[0]), 201)
    for answer in (
        await room.call("GET", f"/v1/requests/{number}/shares", HANDLER),
        await open_bundle(room, number, {}),
    ):
        problem = content(answer, 409)
        assert problem["code"] == "approvals-missing"
        assert "1 of the 2" in problem["detail"]
    assert "opened" not in await kinds(room)
    assert not any(isinstance(asked, messages.ReleaseKeysRequest) for asked in room.recorder.asked)


REFUSED_BY_THE_RULES: list[tuple[dict[str, object], str]] = [
    ({"ground": ""}, "ground-missing"),
    ({"ground": "curiosity"}, "ground-unknown"),
    ({"document_number": ""}, "document-missing"),
    ({"recipient": {"kind": "private", "name": "隣人"}}, "private-person"),
    ({"recipient": {"kind": "staff", "name": "課長"}}, "recipient-unfit"),
]


async def test_what_the_rules_refuse_is_refused_and_registered(room: DeskRoom) -> None:
    """No ground, no document, a private person: refused with its number in the register, nothing held."""
    for changes, reason in REFUSED_BY_THE_RULES:
        problem = content(await room.call("POST", "/v1/requests", HANDLER, room.request_body(**changes)), 403)
        assert (problem["code"], problem["reason"]) == ("request-refused", reason)
        path = f"/v1/requests/{problem['request_id']}"
        request = content(await room.call("GET", path, MANAGER))
        assert (request["state"], request["refusal"]) == ("refused", reason)
        body = {"outcome": "granted", "reason": "x"}
        assert content(await room.call("POST", f"{path}/decision", MANAGER, body), 409)["code"] == "not-in-state"
    assert await kinds(room) == ["refused"] * len(REFUSED_BY_THE_RULES)
    assert room.recorder.held == {}


async def test_private_persons_are_told_where_to_go(room: DeskRoom) -> None:
    """The refusal holds the referral, in the language of the caller."""
    body = room.request_body(recipient={"kind": "private", "name": "隣人"})
    assert "police" in content(await room.call("POST", "/v1/requests", HANDLER, body), 403)["detail"]


IMPOSSIBLE: list[tuple[dict[str, object], str]] = [
    ({"cameras": ["nowhere"]}, "cameras"),
    ({"cameras": []}, "cameras"),
    ({"cameras": ["gate", "gate"]}, "cameras"),
    ({"from_utc_ms": 5, "to_utc_ms": 5}, "to_utc_ms"),
    ({"to_utc_ms": 9_000_000_000_000}, "to_utc_ms"),
    ({"from_utc_ms": 0}, "to_utc_ms"),
    ({"purpose": ""}, "purpose"),
    ({"purpose": "two\nlines"}, "purpose"),
    ({"purpose": "\u202eright to left"}, "purpose"),
    ({"witnesses": ["Nobody"]}, "witnesses"),
    ({"extraction_key": to_plain_bytes(bytes(32))}, "extraction_key"),
    ({"extraction_key": to_plain_bytes(b"short")}, "extraction_key"),
    ({"recipient": {"kind": "martian", "name": "x"}}, "recipient.kind"),
    ({"unknown": 1}, "unknown"),
    ({"from_utc_ms": "1"}, "from_utc_ms"),
]


async def test_a_request_that_cannot_be_names_the_field(room: DeskRoom) -> None:
    """Impossible cameras, times, texts and keys: one sentence, the field, and nothing in the register."""
    for changes, field in IMPOSSIBLE:
        problem = content(await room.call("POST", "/v1/requests", HANDLER, room.request_body(**changes)), 422)
        assert (problem["code"], problem["field"]) == ("request-invalid", field)
    assert await kinds(room) == []


async def test_a_range_without_recording_or_with_an_erased_one_is_said(room: DeskRoom) -> None:
    """Nothing recorded and recorded but erased are two different answers."""
    body = room.request_body(
        from_utc_ms=room.from_utc_ms - 600 * MINUTE_MS, to_utc_ms=room.from_utc_ms - 590 * MINUTE_MS
    )
    assert content(await room.call("POST", "/v1/requests", HANDLER, body), 404)["code"] == "nothing-recorded"
    room.recorder.destroy_keys("gate")
    problem = content(await room.call("POST", "/v1/requests", HANDLER, room.request_body()), 410)
    assert problem["code"] == "recording-erased"


async def test_keys_destroyed_after_approval_make_the_same_request_impossible(room: DeskRoom) -> None:
    """Custodians and handler have everything, but the recorder's half is gone: nothing is opened, nothing released."""
    number = await approved(room)
    deks = await handed_deks(room, number)
    room.recorder.destroy_keys("gate")
    assert content(await open_bundle(room, number, deks), 410)["code"] == "recording-erased"
    assert "opened" not in await kinds(room)
    assert room.workers.jobs == []


async def test_looking_within_the_purpose_of_installation_is_never_a_hand_over(room: DeskRoom) -> None:
    """Manager and handlers may look on that ground; a bundle is not made of it, and nothing is opened for one."""
    staff = {"kind": "staff", "name": "課長"}
    number = await approved(room, ground="installation-purpose", document_number="", recipient=staff)
    deks = await handed_deks(room, number)
    assert content(await open_bundle(room, number, deks), 403)["code"] == "viewing-only"
    assert "opened" not in await kinds(room)


async def test_nobody_decides_on_an_own_request(room: DeskRoom) -> None:
    """A deputy who is handler too may file, but not decide on it."""
    body = room.request_body(witnesses=[])
    number = content(await room.call("POST", "/v1/requests", DEPUTY, body), 201)["request_id"]
    decision = {"outcome": "granted", "reason": "x"}
    problem = content(await room.call("POST", f"/v1/requests/{number}/decision", DEPUTY, decision), 403)
    assert problem["code"] == "own-request"


async def test_a_part_may_be_granted_and_nothing_beyond_the_request(room: DeskRoom) -> None:
    """Partly: fewer minutes or cameras; more than requested, or all of it under that name, is refused."""
    number = await filed(room, cameras=["gate", "park"])
    path = f"/v1/requests/{number}/decision"
    for wish in (
        {"from_utc_ms": room.from_utc_ms - 1},
        {"to_utc_ms": room.to_utc_ms + 1},
        {"cameras": ["gate", "park"]},
        {"cameras": []},
    ):
        body = {"outcome": "partly", "reason": "必要な範囲に限る", **wish}
        assert content(await room.call("POST", path, MANAGER, body), 422)["code"] == "request-invalid"
    body = {
        "outcome": "partly",
        "reason": "必要な範囲に限る",
        "cameras": ["gate"],
        "to_utc_ms": room.from_utc_ms + MINUTE_MS,
    }
    content(await room.call("POST", path, MANAGER, body))
    package = await fetched_package(room, number, keys_of(room.custodians)[0])
    assert len(package.headers) == 1
    granted_request = room.open_desk.journal.request(number).granted
    assert granted_request is not None
    assert [camera.name for camera in granted_request.cameras] == ["gate"]


async def test_a_refusal_lifts_the_hold_and_a_grant_can_be_taken_back_until_it_is_opened(room: DeskRoom) -> None:
    """Filing holds; refusing lifts; what was granted can be refused, what was opened cannot."""
    number = await approved(room)
    assert len(room.recorder.held) == 1
    refusal = {"outcome": "refused", "reason": "要請が取り下げられた"}
    assert content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, refusal))["state"] == "refused"
    assert room.recorder.held == {}
    assert content(await open_bundle(room, number, {}), 409)["code"] == "not-in-state"
    second = await approved(room)
    await open_bundle(room, second, await handed_deks(room, second))
    problem = content(await room.call("POST", f"/v1/requests/{second}/decision", MANAGER, refusal), 409)
    assert problem["code"] == "not-in-state"


async def test_changing_a_request_voids_decision_and_approvals(room: DeskRoom) -> None:
    """After a change the request is undecided, old approvals and old keys count for nothing."""
    number = await granted(room)
    keys = keys_of(room.custodians)
    package = await fetched_package(room, number, keys[0])
    old_approval, old_signature = await judged(room, package, keys[0])
    content(await approve_as(room, number, keys[1]), 201)
    changed = room.request_body(from_utc_ms=room.from_utc_ms + MINUTE_MS)
    amended = content(await room.call("POST", f"/v1/requests/{number}/amendment", HANDLER, changed))
    assert (amended["state"], amended["revision"], amended["approvals"]) == ("filed", 2, [])
    path = f"/v1/requests/{number}/approvals"
    assert content(await room.call("POST", path, body=approval_body(old_approval, old_signature)), 409)["code"] == (
        "not-in-state"
    )
    decision = {"outcome": "granted", "reason": "x"}
    content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, decision))
    problem = content(await room.call("POST", path, body=approval_body(old_approval, old_signature)), 403)
    assert (problem["code"], problem["reason"]) == ("approval-refused", "void")
    assert len(room.recorder.held) == 1


async def test_replayed_swapped_and_foreign_approvals_are_refused(room: DeskRoom) -> None:
    """The same approval twice, on another request, under another name or key, or with a byte changed: refused."""
    first, second = await granted(room), await granted(room)
    keys = keys_of(room.custodians)
    approval, signature = await judged(room, await fetched_package(room, first, keys[0]), keys[0])
    path = f"/v1/requests/{first}/approvals"
    good = approval_body(approval, signature)

    async def refusal(where: str, body: dict[str, str]) -> str:
        problem = content(await room.call("POST", where, body=body), 403)
        assert problem["code"] == "approval-refused"
        return str(problem["reason"])

    assert await refusal(f"/v1/requests/{second}/approvals", good) == "void"
    claimed = replace(approval, custodian_id=keys[1].custodian_id)
    assert await refusal(path, approval_body(claimed, signature)) == "forged"
    stranger = custodian("a stranger")
    foreign = replace(approval, custodian_id=stranger.custodian_id)
    assert await refusal(path, approval_body(foreign, stranger.sign(signed_message(foreign.to_bytes())))) == "stranger"
    other_key = keys[1].sign(signed_message(approval.to_bytes()))
    assert await refusal(path, approval_body(approval, other_key)) == "forged"
    assert await refusal(path, {**good, "approval": to_plain_bytes(b"{}")}) == "unreadable"
    elsewhere = replace(approval.shares[0], segment_uid=bytes(16))
    outside = replace(approval, shares=(elsewhere,))
    assert await refusal(path, approval_body(outside, keys[0].sign(signed_message(outside.to_bytes())))) == "segments"
    content(await room.call("POST", path, body=good), 201)
    assert await refusal(path, good) == "twice"


async def test_only_the_requester_opens_and_only_with_a_witness(room: DeskRoom) -> None:
    """Another handler gets neither shares nor bundle; alone nobody opens; witnesses must be known people."""
    number = await approved(room, witnesses=[])
    deks = await handed_deks(room, number)
    for answer in (
        await room.call("GET", f"/v1/requests/{number}/shares", SECOND_HANDLER),
        await open_bundle(room, number, deks, SECOND_HANDLER),
    ):
        assert content(answer, 403)["code"] == "not-the-requester"
    path = f"/v1/requests/{number}/bundle"
    assert content(await open_bundle(room, number, deks), 403)["code"] == "witness-missing"
    nobody = {"deks": deks, "present": ["Nobody"]}
    assert content(await room.call("POST", path, HANDLER, nobody), 422)["field"] == "present"
    answer = await room.call("POST", path, HANDLER, {"deks": deks, "present": [AUDITOR]})
    assert answer.status_code == 200


async def test_keys_of_other_segments_missing_keys_and_wrong_keys_open_nothing(room: DeskRoom) -> None:
    """A key too many, one too few, and a key that is not this segment's: each is told and releases nothing."""
    number = await approved(room, from_utc_ms=room.from_utc_ms - 5 * MINUTE_MS)
    deks = await handed_deks(room, number)
    assert len(deks) == 2
    uid, other = list(deks)
    for wrong in ({**deks, "ab" * 16: deks[uid]}, {uid: deks[uid]}, {uid: deks[uid], other: to_plain_bytes(b"x")}):
        assert content(await open_bundle(room, number, wrong), 422)["code"] == "keys-do-not-fit"
    assert "opened" not in await kinds(room)
    swapped = {uid: deks[other], other: deks[uid]}
    assert content(await open_bundle(room, number, swapped), 422)["code"] == "keys-do-not-fit"
    assert (await kinds(room))[-1] == "opened"
    assert (await open_bundle(room, number, deks)).status_code == 200


async def test_an_extraction_that_fails_releases_nothing_and_can_be_tried_again(room: DeskRoom) -> None:
    """A damaged segment or a dead worker is a problem with its reason; the register shows opened, not released."""
    number = await approved(room)
    deks = await handed_deks(room, number)
    room.workers.failure = ExtractionFailed(ExtractionFault.DAMAGED, "segment 2 of gate does not verify")
    problem = content(await open_bundle(room, number, deks), 502)
    assert (problem["code"], problem["reason"]) == ("extraction-failed", "damaged")
    assert (await kinds(room))[-1] == "opened"
    room.workers.failure = None
    answer = await open_bundle(room, number, deks)
    assert (answer.status_code, answer.headers["Kuramori-Opening"]) == (200, "2")


async def test_every_copy_is_counted(room: DeskRoom) -> None:
    """Taking the bundle again is another opening and another release."""
    number = await approved(room)
    deks = await handed_deks(room, number)
    for opening in ("1", "2"):
        assert (await open_bundle(room, number, deks)).headers["Kuramori-Opening"] == opening
    assert (await kinds(room)).count("released") == 2


async def test_approvals_do_not_open_for_ever(room: DeskRoom) -> None:
    """A week after the approval the shares are gone and the request has to be decided again."""
    number = await approved(room)
    deks = await handed_deks(room, number)
    room.clock.pass_ms(APPROVAL_LIFETIME_MS + 1)
    assert content(await open_bundle(room, number, deks), 409)["code"] == "approvals-expired"
    await room.open_desk.tidy()
    granted_request = room.open_desk.journal.request(number).granted
    assert granted_request is not None
    assert room.open_desk._store.of_request(number, granted_request.digest) == []


async def test_no_share_is_kept_beyond_the_end_of_its_request(room: DeskRoom) -> None:
    """When the request is refused or finished, the shares that waited for the handler are deleted."""
    number, other = await approved(room), await approved(room)
    refusal = {"outcome": "refused", "reason": "x"}
    content(await room.call("POST", f"/v1/requests/{number}/decision", MANAGER, refusal))
    assert room.open_desk._store.kept() == {number, other}
    await room.open_desk.tidy()
    assert room.open_desk._store.kept() == {other}


async def test_a_caller_that_goes_away_finds_the_bundle_again(room: DeskRoom) -> None:
    """Broken off midway, what was opened waits: taken up where it broke off or anew, it is the same, opened once."""
    number = await approved(room)
    deks = await handed_deks(room, number)
    room.workers.files["padding.bin"] = bytes(8 * 1024 * 1024)
    reader, writer = await asyncio.open_unix_connection(room.socket)
    body = json.dumps({"deks": deks}).encode()
    head = (
        f"POST /v1/requests/{number}/bundle HTTP/1.1\r\nHost: desk\r\nContent-Type: application/json\r\n"
        f"Kuramori-Person: {urllib.parse.quote(HANDLER)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    assert b"200" in await reader.readline()
    writer.transport.abort()
    whole = await room.call("GET", f"/v1/requests/{number}/bundle", HANDLER)
    assert (whole.status_code, whole.content) == (200, room.workers.streams[0].archive)
    headers = {PERSON_HEADER: urllib.parse.quote(HANDLER), "Range": "bytes=70000-", "If-Range": whole.headers["etag"]}
    async with room.client() as client:
        part = await client.get(f"/v1/requests/{number}/bundle", headers=headers)
    assert (part.status_code, part.content) == (206, whole.content[70_000:])
    assert (await kinds(room)).count("opened") == 1


async def test_a_worker_that_dies_midway_breaks_the_answer_off(room: DeskRoom) -> None:
    """The client sees an answer that is not whole, never a short one that looks whole."""
    number = await approved(room)
    deks = await handed_deks(room, number)
    room.workers.break_after = 65536
    with pytest.raises(httpx.RemoteProtocolError):
        await open_bundle(room, number, deks)
    gone = await room.call("GET", f"/v1/requests/{number}/bundle", HANDLER)
    assert content(gone, 404)["code"] == "bundle-missing"
    assert room.workers.streams[0].closed >= 1
