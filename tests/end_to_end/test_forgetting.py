"""Forgetting in a running service: hours that really end, holds, orders, clocks that nobody vouches for."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kuramori.capture.source import Codec
from kuramori.simulator.rtsp_server import Mount
from kuramori_segments.custodian_key import LEAST_COST, seal_key_file
from tests.end_to_end.commands import Typed, typed
from tests.end_to_end.installation import PATIENCE_SECONDS, POLL_SECONDS, CameraAt, Installation
from tests.end_to_end.opening import numbers, opened
from tests.fakes.moved_machine import MovedMachine
from tests.fakes.rtsp_camera import clip_material, running_camera

MANAGER, HANDLER, PASSPHRASE = "Sato Hanako", "Suzuki Ichiro", "correct horse battery staple"
HOUR = 3600.0
PICTURES_SECONDS = 3.0


@dataclass(slots=True)
class Site:
    """A service on a machine whose clocks are moved, and its people on the same machine."""

    installation: Installation
    monkeypatch: pytest.MonkeyPatch
    boots: int = 0

    def move(self, **moved: object) -> None:
        """Move the clocks of everything that is started from now on."""
        environment: Mapping[str, str] = MovedMachine(self.installation.folder.parent / "moved", **moved).environment  # type: ignore[arg-type]
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)

    def another_boot(self) -> Path:
        """Return a boot's name that was not there before."""
        self.boots += 1
        path = self.installation.folder.parent / f"boot{self.boots}"
        path.write_text(f"{uuid.uuid4()}\n")
        return path

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The whole service, from its first durable picture to its orderly end."""
        self.installation.start(whole_service=True)
        try:
            await self.installation.until_recording()
            await self.installation.until_desk_answers()
            yield
        finally:
            self.installation.stop()

    async def typed(self, *words: object, japanese: bool = False) -> Typed:
        """Run a command while everything goes on."""
        return await asyncio.to_thread(typed, *words, japanese=japanese)

    async def manager(self, *words: object, japanese: bool = False) -> Typed:
        """Run a command as the manager."""
        return await self.typed(*words, "--as", MANAGER, "--config", self.installation.config_path, japanese=japanese)

    async def good(self, *words: object) -> str:
        """Run a command as the manager that must succeed."""
        done = await self.manager(*words)
        assert done.code == 0, done.err
        return done.out

    async def more_pictures(self) -> None:
        """Wait until some seconds more are durable."""
        wanted = (await self._durable_utc_ms()) + int(PICTURES_SECONDS * 1000)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._durable_utc_ms() < wanted:
                await asyncio.sleep(POLL_SECONDS)

    async def _durable_utc_ms(self) -> int:
        (camera,) = (await self.installation.recorder.status()).cameras
        return camera.last_durable_utc_ms or 0

    async def end_segment(self) -> None:
        """Have the running segment end here, by a hold that is lifted at once."""
        words = ("hold", "place", "--camera", "gate", *await self.now(), "--until", "+1d", "--reason", "cut")
        hold_id = (await self.good(*words)).split()[-1]
        await self.more_pictures()
        await self.good("hold", "lift", hold_id, "--reason", "cut")

    async def now(self) -> tuple[str, ...]:
        """Return the last second by the recorder's clock, as options."""
        now_utc_ms = (await self.installation.recorder.status()).utc_ms
        return span(now_utc_ms - 1000, now_utc_ms)

    async def fates(self, begin_utc_ms: int, end_utc_ms: int) -> list[tuple[str, str]]:
        """Return each stretch's fate and rule, in order, but for what a busy machine did not get."""
        told = await self.good("erasures", "--camera", "gate", *span(begin_utc_ms, end_utc_ms), "--json")
        spans = [one for one in json.loads(told)["spans"] if one["reason"] in ("", "recorder_stopped")]
        found = [(str(one["fate"]), str(one["rule"])) for one in spans]
        return [one for place, one in enumerate(found) if place == 0 or one != found[place - 1]]


def span(begin_utc_ms: int, end_utc_ms: int) -> tuple[str, ...]:
    """Return a range as a person writes it."""
    return "--from", written(begin_utc_ms), "--to", written(end_utc_ms)


def written(utc_ms: int) -> str:
    moment = datetime.fromtimestamp(utc_ms // 1000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{utc_ms % 1000:03}Z"


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """A site that keeps three hours: an hour's key dies when its first picture is two hours old."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    async with running_camera(Mount("/gate", clip_material(Codec.H264))) as camera:
        cameras = [CameraAt("gate", camera.url("/gate"), retention="3 hours")]
        yield Site(Installation(tmp_path / "site", cameras, volume_size="400 MiB").make(), monkeypatch)


async def spans_of(site: Site) -> list[tuple[int, int]]:
    """Return from when to when each segment that opens has pictures, in UTC milliseconds."""
    found = await opened(site.installation, "gate")
    return [(one.units[0].utc_us // 1000, one.units[-1].utc_us // 1000) for one in found if one.units]


@pytest.mark.slow
async def test_any_minute_is_kept_held_or_destroyed_when_and_by_which_rule(site: Site) -> None:
    """An hour ends: what is held stays, the rest dies by retention; a day later the hold has ended, and it dies."""
    site.move(trusted=True)
    async with site.running():
        await site.more_pictures()
        status = await site.installation.recorder.status()
        begin = (await spans_of(site))[0][0]
        held = ("--camera", "gate", *span(begin, status.utc_ms), "--until", "+1d", "--reason", "lawyer")
        assert "Held until" in await site.good("hold", "place", *held)
        await site.more_pictures()
        await site.more_pictures()
        first = await spans_of(site)
        assert len(first) == 2
        assert {fate for fate, _ in await site.fates(begin, first[-1][1])} == {"held", "kept"}
        assert "Nothing was erased yet" in await site.good("erasures")
    site.move(trusted=True, wall_seconds=2.1 * HOUR, boot_seconds=2.1 * HOUR)
    async with site.running():
        await site.more_pictures()
        now_utc_ms = (await site.installation.recorder.status()).utc_ms
        assert await site.fates(begin, now_utc_ms - 1500) == [
            ("held", ""),
            ("destroyed", "retention"),
            ("never-recorded", ""),
            ("kept", ""),
        ]
        left = await spans_of(site)
        assert left[0] == first[0], "what is held opens, whole"
        assert left[1][0] > first[1][1], "what was not held opens no more"
        await _is_told_and_proven(site, begin, now_utc_ms)
    site.move(trusted=True, wall_seconds=26 * HOUR, boot_seconds=26 * HOUR)
    async with site.running():
        now_utc_ms = (await site.installation.recorder.status()).utc_ms
        fates = await site.fates(begin, first[-1][1])
        assert ("destroyed", "hold_ended") in fates or fates[0] == ("destroyed", "retention")
        assert all(fate == "destroyed" for fate, _ in fates), fates
        assert all(start > left[-1][1] for start, _ in await spans_of(site))


async def _is_told_and_proven(site: Site, begin: int, now_utc_ms: int) -> None:
    """In words, in both languages, and as a file that is checked with the certificate alone."""
    asked = ("erasures", "--camera", "gate", *span(begin, now_utc_ms))
    told = await site.good(*asked)
    assert "held, until" in told
    assert "end of retention, tier E0, receipt 1" in told
    assert "保存期間の満了" in (await site.manager(*asked, japanese=True)).out
    assert "end of retention  E0  gate (1)" in await site.good("erasures")
    proof = site.installation.folder / "proof.json"
    await site.good(*asked, "--out", proof)
    certificate = ("--certificate", site.installation.places.device_certificate)
    checked = await site.typed("erasures", "--check", proof, *certificate)
    assert (checked.code, "1 receipts" in checked.out) == (0, True), checked.err
    forged = site.installation.folder / "forged.json"
    forged.write_text(proof.read_text().replace('"fate": "held"', '"fate": "destroyed"'))
    assert "proves nothing" in (await site.typed("erasures", "--check", forged, *certificate)).refusal()


@pytest.mark.slow
async def test_an_order_takes_the_named_minutes_and_leaves_the_rest_of_the_hour(site: Site) -> None:
    """Three segments of one hour, the middle one named: it is gone, the others open, recording went on; refusals."""
    site.move()
    async with site.running():
        for _ in range(2):
            await site.more_pictures()
            await site.end_segment()
        await site.more_pictures()
        before = await spans_of(site)
        assert len(before) >= 3
        middle = before[1]
        named = ("--camera", "gate", *span((middle[0] + middle[1]) // 2, (middle[0] + middle[1]) // 2 + 100))
        order = ("erase", *named, "--reason", "filmed by mistake")
        handler = ("--as", HANDLER, "--yes", "--config", site.installation.config_path)
        assert (await site.typed(*order, *handler)).code == 1
        assert await spans_of(site) != []
        told = await site.good(*order, "--yes")
        assert "1 keys destroyed" in told
        receipt = re.search(r"receipt (\d+), tier E0", told)
        assert receipt is not None
        after = await spans_of(site)
        assert middle not in after
        assert before[0] in after
        assert before[2][0] in [start for start, _ in after]
        fates = await site.fates(before[0][0], before[2][0] + 100)
        assert ("destroyed", "request") in fates
        assert [fate for fate, _ in fates].count("destroyed") == 1
        assert f"by order, tier E0, receipt {receipt[1]}" in await site.good("erasures", *named)
        reached = max(numbers(await opened(site.installation, "gate")))
        await site.more_pictures()
        assert max(numbers(await opened(site.installation, "gate"))) > reached
        nothing = ("erase", "--camera", "gate", *span(1_000_000_000_000, 1_000_000_001_000), "--reason", "x", "--yes")
        (await site.manager(*nothing)).refusal()
    async with site.running():
        assert middle not in await spans_of(site), "a restart brings nothing back"


async def sign(site: Site, statement: Path, number: int) -> Typed:
    """Have a custodian sign a statement of time on a machine with the same clock."""
    assert site.installation.custodians is not None
    folder = site.installation.folder
    key, secret = folder / f"custodian{number}.key", folder / "passphrase"
    key.write_bytes(seal_key_file(site.installation.custodians.keys[number - 1], PASSPHRASE, LEAST_COST))
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE)
    out = folder / f"signed{number}.json"
    words = ("overdue", "sign", statement, "--key", key, "--passphrase-file", secret, "--out", out, "--yes")
    return await site.typed(*words)


@pytest.mark.slow
async def test_what_no_trusted_clock_may_destroy_is_refused_alarmed_and_destroyed_by_custodians(site: Site) -> None:
    """A power cut of four hours, and nobody keeps the clock: overdue, closed, until two custodians vouch."""
    site.move()
    async with site.running():
        await site.more_pictures()
        begin, end = (await spans_of(site))[0]
        assert "Nothing is overdue" in await site.good("overdue")
    short = 60.0 - time.clock_gettime(time.CLOCK_BOOTTIME)
    site.move(wall_seconds=4 * HOUR, boot_seconds=short, boot=site.another_boot())
    async with site.running():
        assert "gate: 1 hours" in await site.good("overdue")
        assert "overdue" in "\n".join((await site.installation.recorder.status()).problems)
        assert await site.fates(begin, end) == [("overdue", "")]
        request = ("request", "--camera", "gate", *span(begin, end), "--ground", "investigation", "--document", "No. 1")
        request += ("--recipient", "Takahashi", "--identity-check", "police ID", "--purpose", "theft")
        request += ("--witness", MANAGER, "--as", HANDLER)
        key, config = site.installation.folder / "extraction.key", site.installation.config_path
        filed = await site.typed(*request, "--out-key", key, "--config", config)
        assert "erased" in filed.refusal()
        held = ("--camera", "gate", *span(begin, end), "--until", "+1d", "--reason", "too late")
        await site.manager("hold", "place", *held)
        assert await site.fates(begin, end) == [("overdue", "")], "a hold brings nothing back"
        statement = site.installation.folder / "time.json"
        assert "2 custodians sign it" in await site.good("overdue", "state", "--out", statement)
        site.move()  # a custodian whose own clock has not come so far
        assert "clock" in (await sign(site, statement, 1)).refusal()
        site.move(wall_seconds=4 * HOUR)
        for number in (1, 2):
            assert (await sign(site, statement, number)).code == 0
        signed = [site.installation.folder / f"signed{number}.json" for number in (1, 2)]
        (await site.manager("overdue", "destroy", signed[0], "--yes")).refusal()
        assert await site.fates(begin, end) == [("overdue", "")], "one of two is not enough"
        assert "Destroyed: 1 keys, receipt 1" in await site.good("overdue", "destroy", *signed, "--yes")
        assert "Nothing is overdue" in await site.good("overdue")
        assert await site.fates(begin, end) == [("destroyed", "retention")]
        assert "time confirmed" in await site.good("register")
