"""A viewing at the desk, over its API: registered before it takes effect, within its bounds, and ended for certain."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kuramori import messages
from kuramori.api.headers import NEXT_HEADER
from kuramori.clips.job import ExtractionFailed, ExtractionFault
from kuramori.desk import viewings
from kuramori.desk.viewings import IDLE_SECONDS, VIEWING_SECONDS_MOST, VIEWINGS_MOST
from kuramori.viewing.picture_wire import read_pictures
from tests.fakes import signed_in_steps
from tests.fakes.desk_room import DEPUTY, HANDLER, MANAGER, SECOND_HANDLER, DeskRoom
from tests.fakes.desk_steps import approved, content, granted, handed_deks, kinds, open_bundle
from tests.fakes.staff import Staff


@pytest.fixture
async def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded; it looks at its clock often."""
    monkeypatch.setattr(viewings, "WATCH_SECONDS", 0.01)
    async with DeskRoom(tmp_path) as made:
        yield made


async def begin(
    room: DeskRoom, number: str, detail: str = "full", person: str = HANDLER, **more: Any
) -> httpx.Response:
    """Hand the keys in and begin to look."""
    deks = more.pop("deks", None)
    body = {"deks": await handed_deks(room, number) if deks is None else deks, "detail": detail, **more}
    return await room.call("POST", f"/v1/requests/{number}/viewings", person, body)


async def pictures(room: DeskRoom, number: str, person: str = HANDLER, **asked: Any) -> httpx.Response:
    """Ask for pictures of the first viewing."""
    said = {"camera": "gate", "detail": "full", "from_utc_ms": room.from_utc_ms, "to_utc_ms": room.from_utc_ms + 2000}
    viewing = asked.pop("viewing", 1)
    return await room.call("GET", f"/v1/requests/{number}/viewings/{viewing}/pictures", person, **{**said, **asked})


async def entries(room: DeskRoom, kind: str) -> list[dict[str, Any]]:
    """Return the register's entries of a kind."""
    found = content(await room.call("GET", "/v1/register", MANAGER))["entries"]
    return [entry for entry in found if entry["kind"] == kind]


async def ended(room: DeskRoom, count: int = 1) -> list[dict[str, Any]]:
    """Wait until so many viewings are registered as ended; return their bodies."""
    async with asyncio.timeout(60):
        while len(found := await entries(room, "viewing_ended")) < count:
            await asyncio.sleep(0.02)
    return [entry["body"] for entry in found]


async def test_a_viewing_from_its_begin_to_its_end(room: DeskRoom) -> None:
    """Registered with who is present, shown as JPEGs not to be kept, ended with what was shown; no hand-over."""
    number = await approved(room)
    begun = content(await begin(room, number), 201)
    assert (begun["viewing"], begun["detail"], begun["present"]) == (1, "full", [HANDLER, DEPUTY])
    assert [(camera["name"], camera["place"]) for camera in begun["cameras"]] == [("gate", "North gate")]
    answer = await pictures(room, number)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    shown = list(read_pictures(answer.content))
    assert [picture.utc_us // 1000 - room.from_utc_ms for picture in shown] == [0, 500, 1000, 1500]
    following = int(answer.headers[NEXT_HEADER])
    assert following == room.from_utc_ms + 2000
    await pictures(room, number, from_utc_ms=following, to_utc_ms=following + 2000)
    storyboard = await pictures(room, number, detail="storyboard", to_utc_ms=room.from_utc_ms + 60_000)
    assert len(list(read_pictures(storyboard.content))) == 6
    done = content(await room.call("POST", f"/v1/requests/{number}/viewings/1/end", HANDLER))
    assert [(one["detail"], one["to_utc_ms"] - one["from_utc_ms"]) for one in done["shown"]] == [
        ("full", 4000),
        ("storyboard", 60_000),
    ]
    (body,) = await ended(room)
    assert (body["how"], body["pictures"], body["shown"]) == ("closed", 14, done["shown"])
    (entry,) = await entries(room, "viewing_begun")
    assert entry["person"] == HANDLER
    assert {name: entry["body"][name] for name in ("detail", "viewing", "present")} == {
        "detail": "full",
        "viewing": 1,
        "present": [HANDLER, DEPUTY],
    }
    assert room.viewers.started[0].closed == 1
    request = content(await room.call("GET", f"/v1/requests/{number}", HANDLER))
    assert (request["state"], request["handovers"], request["waits_for_return"]) == ("viewed", [], False)
    assert (await pictures(room, number)).json()["code"] == "viewing-unknown"


async def test_the_register_has_it_before_a_key_is_released(room: DeskRoom) -> None:
    """At the moment the recorder is asked for its half of the keys the entry is durable."""
    number = await approved(room)
    seen: list[str] = []

    def watch(question: object) -> None:
        if isinstance(question, messages.ReleaseKeysRequest):
            seen.append(room.open_desk.journal.register.records()[-1].entry.kind)

    deks = await handed_deks(room, number)
    room.recorder.on_question = watch
    content(await begin(room, number, deks=deks), 201)
    assert seen == ["viewing_begun"]


async def test_who_may_not_look(room: DeskRoom) -> None:
    """Before the decision and the approvals, others than who filed, alone, with other keys: no key is released."""
    room.recorder.asked.clear()
    early = await granted(room)
    assert (await begin(room, early, deks={})).json()["code"] == "approvals-missing"
    number = await approved(room)
    deks = await handed_deks(room, number)
    for person in (SECOND_HANDLER, MANAGER):
        refused = await begin(room, number, person=person, deks=deks)
        assert refused.json()["code"] in {"not-the-requester", "role-missing"}
    alone = await approved(room, witnesses=[])
    assert (await begin(room, alone)).json()["code"] == "witness-missing"
    assert (await begin(room, number, deks={})).json()["code"] == "keys-do-not-fit"
    assert (await begin(room, number, deks={**deks, "00" * 16: next(iter(deks.values()))})).status_code == 422
    assert not [asked for asked in room.recorder.asked if isinstance(asked, messages.ReleaseKeysRequest)]
    wrong = dict.fromkeys(deks, "A" * 43 + "=")
    assert (await begin(room, number, deks=wrong)).json()["code"] == "keys-do-not-fit"
    (body,) = await ended(room)
    assert (body["how"], body["pictures"]) == ("failed", 0)


async def test_looking_within_the_purpose_is_no_hand_over(room: DeskRoom) -> None:
    """A ground that allows looking only: a viewing, and never a bundle (H2)."""
    staff = {"kind": "staff", "organisation": "", "title": "", "name": HANDLER, "contact": "", "identity_check": ""}
    number = await approved(room, ground="installation-purpose", document_number="", recipient=staff)
    assert (await open_bundle(room, number, await handed_deks(room, number))).json()["code"] == "viewing-only"
    content(await begin(room, number), 201)


async def test_where_people_sign_in_the_second_one_confirms(tmp_path: Path) -> None:
    """For looking, not for a hand-over; once; the register names both (H4)."""
    made = DeskRoom(tmp_path)
    made.sign_in = True
    async with made:
        staff = Staff(made)
        async with made.client() as staff.many:
            await staff.all_signed_in(MANAGER)
            number = await signed_in_steps.approved(staff)
            body = {"deks": await signed_in_steps.handed_deks(staff, number), "detail": "full", "present": [DEPUTY]}
            path = f"/v1/requests/{number}"
            for act, expected in (("", 403), ("release", 403), ("view", 201)):
                if act:
                    content(await staff.as_person("POST", f"{path}/presence", DEPUTY, {"act": act}), 201)
                answer = await staff.as_person("POST", f"{path}/viewings", HANDLER, body)
                assert answer.status_code == expected, answer.text
            assert answer.json()["present"] == [HANDLER, DEPUTY]
            again = await staff.as_person("POST", f"{path}/viewings", HANDLER, body)
            assert again.json()["code"] == "presence-missing"
            shown, span = f"{path}/viewings/1/pictures", {"from_utc_ms": made.from_utc_ms, "to_utc_ms": made.to_utc_ms}
            for person, status in ((DEPUTY, 403), (HANDLER, 200)):
                answer = await staff.as_person("GET", shown, person, camera="gate", detail="full", **span)
                assert answer.status_code == status, answer.text


async def test_a_storyboard_shows_no_detail(room: DeskRoom) -> None:
    """What was registered as coarse stays coarse."""
    number = await approved(room)
    content(await begin(room, number, "storyboard"), 201)
    assert (await pictures(room, number)).json()["code"] == "detail-not-begun"
    assert (await pictures(room, number, detail="storyboard")).status_code == 200
    assert all(ask.detail == "storyboard" for ask in room.viewers.started[0].asks)


async def test_questions_that_fit_no_viewing(room: DeskRoom) -> None:
    """Another camera, a turned range, another's viewing: refused, and nothing is asked of the worker."""
    number = await approved(room)
    content(await begin(room, number), 201)
    assert (await pictures(room, number, camera="park")).json()["field"] == "camera"
    assert (await pictures(room, number, to_utc_ms=room.from_utc_ms)).json()["field"] == "to_utc_ms"
    assert (await pictures(room, number, viewing=2)).json()["code"] == "viewing-unknown"
    assert (await pictures(room, number, person=SECOND_HANDLER)).json()["code"] == "not-the-requester"
    assert room.viewers.started[0].asks == []


@pytest.mark.parametrize(
    ("how", "turn"),
    [
        ("idle", lambda room: room.clock.pass_ms(int(IDLE_SECONDS * 1000))),
        pytest.param(
            "time-over",
            lambda room: room.clock.pass_ms(int(VIEWING_SECONDS_MOST * 1000)),
            marks=pytest.mark.slow,
        ),
    ],
)
async def test_a_viewing_ends_by_itself(room: DeskRoom, how: str, turn: Callable[[DeskRoom], None]) -> None:
    """When nobody asks any more, and after an hour: the worker with its keys is gone, and the register says why."""
    number = await approved(room)
    content(await begin(room, number), 201)
    turn(room)
    (body,) = await ended(room)
    assert body["how"] == how
    assert room.viewers.started[0].closed == 1


async def test_a_worker_that_dies_ends_its_viewing(room: DeskRoom) -> None:
    """Damage is told and the viewing goes on; a dead worker ends it."""
    number = await approved(room)
    content(await begin(room, number), 201)
    room.viewers.started[0].failure = ExtractionFailed(ExtractionFault.DAMAGED, "segment 2")
    assert (await pictures(room, number)).json()["reason"] == "damaged"
    room.viewers.started[0].failure = ExtractionFailed(ExtractionFault.WORKER_DIED, "it ended")
    assert (await pictures(room, number)).json()["code"] == "viewing-failed"
    (body,) = await ended(room)
    assert body["how"] == "failed"


async def test_few_at_once_and_none_behind_a_stop(room: DeskRoom) -> None:
    """Recording comes first; a desk that stops ends them all, and begins to count where the register stands."""
    number = await approved(room)
    for _ in range(VIEWINGS_MOST):
        content(await begin(room, number), 201)
    assert (await begin(room, number)).json()["code"] == "busy"
    await room.restart()
    assert [body["how"] for body in await ended(room, VIEWINGS_MOST)] == ["desk-stopped"] * VIEWINGS_MOST
    assert (await pictures(room, number)).json()["code"] == "viewing-unknown"
    assert content(await begin(room, number), 201)["viewing"] == VIEWINGS_MOST + 1


async def test_what_was_looked_at_is_not_changed_afterwards(room: DeskRoom) -> None:
    """The request stays as it was granted; handing over is still possible, and looking after that."""
    number = await approved(room)
    content(await begin(room, number), 201)
    amended = await room.call("POST", f"/v1/requests/{number}/amendment", HANDLER, room.request_body(place="x"))
    assert amended.status_code == 409
    assert (await open_bundle(room, number, await handed_deks(room, number))).status_code == 200
    content(await begin(room, number), 201)
    listed = [kind for kind in await kinds(room) if kind.startswith(("viewing", "opened", "released"))]
    assert listed == ["viewing_begun", "opened", "released", "viewing_begun"]


async def test_a_viewing_has_a_sheet_of_the_form(room: DeskRoom) -> None:
    """Who looked, who was present, what for (H5); nothing was given, so that nothing is to be erased."""
    number = await approved(room)
    content(await begin(room, number), 201)
    (sheet,) = content(await room.call("GET", "/v1/register/form", MANAGER, format="json"))["sheets"]
    assert (sheet["request"], sheet["viewing"], sheet["opening"]) == (number, 1, 0)
    assert (sheet["present"], sheet["manifest_digest"]) == ([HANDLER, DEPUTY], "")
    table = await room.call("GET", "/v1/register/form", MANAGER, format="csv")
    assert "閲覧のみ(提供なし)" in table.text
    assert "閲覧1回目" in table.text
