"""GET /v1/state: green or red with reasons, judged where status, mails and metrics are judged."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kuramori import metrics_window, site_state
from kuramori.api import health
from kuramori.mail import messenger
from tests.fakes.desk_room import DeskRoom
from tests.fakes.desk_steps import content


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


async def test_a_recorder_that_does_not_answer_is_red_and_urgent(room: DeskRoom) -> None:
    """Its reason has a key for programs, and a sentence in the language of who asks."""
    await room.stop_recorder()
    found = content(await room.call("GET", "/v1/state"))
    assert found["light"] == "red"
    reason = next(one for one in found["problems"] if one["key"] == site_state.RECORDER)
    assert reason["urgent"] is True
    assert reason["text"] == reason["english"]
    async with room.client() as client:
        spoken = content(await client.get("/v1/state", headers={"Accept-Language": "ja"}))
    assert "録画" in next(one["text"] for one in spoken["problems"] if one["key"] == site_state.RECORDER)


async def test_the_light_has_no_reason_that_the_status_has_not(room: DeskRoom) -> None:
    """Both say the same; green has no problems."""
    found, status = content(await room.call("GET", "/v1/state")), content(await room.call("GET", "/v1/status"))
    assert [one["english"] for one in found["problems"]] == status["problems"]
    assert found["light"] == status["light"] == ("red" if found["problems"] else "green")


def test_one_function_judges_for_all() -> None:
    """Desk, mails and metrics ask the same one."""
    assert vars(health)["site_state"] is vars(messenger)["site_state"] is vars(metrics_window)["site_state"]
