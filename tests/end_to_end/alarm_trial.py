"""Faults in a whole service, one after the other, and how long each takes to reach the office as a mail.

A camera is cut, the card in another fails, a disk turns read-only, the recorder is frozen, the service is killed; each
is mended again, and that is mailed too. For the end-to-end test and the benchmark. Needs root.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kuramori.simulator.card import CardState
from kuramori.simulator.fleet_plan import FleetPlan
from kuramori.simulator.live_camera import LiveCamera
from kuramori.simulator.live_fleet import LiveFleet
from kuramori.simulator.onvif.event_topics import EventKind
from kuramori.simulator.source_clip import ClipSettings
from tests.durability.storage_faults import mount_again
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.alarm_chain import AlarmChain, Said, alarm_chain
from tests.fakes.mail_server import text_of
from tests.fakes.power_cut import PowerCut, power_cut_disk

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.1
SILENCE_SECONDS = 15.0
CLIP = ClipSettings(width=160, height=90, frames_per_second=10, bits_per_second=60_000, gop_seconds=0.5, seconds=2)
VOLUME_SIZE = "300 MiB"
IMAGE_BYTES = 400 << 20
SWITCH, DUTY = "/alive", "/kuramori"  # where the examples' webhooks lead


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks, the alert that must tell it, and how it is mended."""

    name: str
    alert: str
    labels: Mapping[str, str]
    begin: Callable[[], Awaitable[None]]
    mend: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Row:
    """What one fault took."""

    fault: str
    alert: str
    told_seconds: float
    over_seconds: float


@dataclass(slots=True)
class Trial:
    """A service with two cameras and a second volume on a disk of its own, watched by a whole chain of alarms."""

    site: Installation
    cameras: Sequence[LiveCamera]
    disk: PowerCut
    chain: AlarmChain

    def faults(self) -> tuple[Fault, ...]:
        """Return what is going to happen."""
        cut, failing = self.cameras
        volume = {"volume": f"{self.disk.directory}/volume1"}
        service = {"instance": f"127.0.0.1:{self.chain.metrics_port}"}

        async def card(broken: bool) -> None:
            failing.emit(EventKind.STORAGE_FAILURE, broken)

        return (
            Fault("a camera is cut", "KuramoriNotRecording", {"camera": cut.name}, cut.cut, cut.restore),
            Fault(
                "the card in a camera fails (ONVIF event)",
                "KuramoriCameraCardFailed",
                {"camera": failing.name},
                lambda: card(True),
                lambda: card(False),
            ),
            Fault(
                "a disk turns read-only (ext4)",
                "KuramoriStorageFailing",
                volume,
                lambda: asyncio.to_thread(self.disk.raise_error),
                lambda: asyncio.to_thread(mount_again, self.disk),
            ),
            Fault("the recorder is frozen", "KuramoriRecorderDown", service, self._freeze, self._thaw),
            Fault("the service is killed", "KuramoriRecorderDown", service, self._kill, self._start),
        )

    async def run(self, fault: Fault) -> Row:
        """Let it happen, wait for its mail, mend it, wait for the mail that says so."""
        said = Said.of(fault.alert, fault.labels)
        await self.until(lambda: self._is_quiet(fault), f"{fault.alert} was there before {fault.name}")
        seen, began = len(self.chain.mails.messages), time.monotonic()
        await fault.begin()
        text = await self._mail(seen, said.is_told_by, f"{fault.name}: {fault.alert} does not begin")
        told = time.monotonic() - began
        assert all(value in text for value in fault.labels.values()), text
        seen, mended = len(self.chain.mails.messages), time.monotonic()
        await fault.mend()
        await self._mail(seen, said.is_over_by, f"{fault.name}: {fault.alert} does not end")
        row = Row(fault.name, fault.alert, told, time.monotonic() - mended)
        print(f"{row.fault}: told {row.told_seconds:.1f} s, over {row.over_seconds:.1f} s", flush=True)
        return row

    async def run_switch(self) -> Row:
        """Stop Prometheus: the dead-man's switch falls silent; start it again: it is heard again."""
        began = time.monotonic()
        await self.chain.stop_prometheus()

        async def silent() -> bool:
            last = self.chain.webhook.to(SWITCH)[-1].at_seconds
            return time.monotonic() - last > SILENCE_SECONDS

        await self.until(silent, "the dead-man's switch is still heard without Prometheus")
        last, heard, started = self.chain.webhook.to(SWITCH)[-1].at_seconds, len(self._alive()), time.monotonic()
        await self.chain.start_prometheus()
        await self.until(lambda: self._is_heard(heard), "the dead-man's switch is not heard again")
        again = self.chain.webhook.to(SWITCH)[heard].at_seconds - started
        return Row("Prometheus is stopped", "KuramoriWatchdog (silence)", max(0.0, last - began), again)

    async def until(self, true: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Wait until it is true."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await true():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{otherwise}; {self.subjects()}") from None

    def subjects(self) -> list[str]:
        """Return what was mailed, for a failure's text and for the curious."""
        return [str(one["Subject"]) for one in self.chain.mails.messages]

    async def settle(self) -> None:
        """Wait until everything is recorded, and the dead-man's switch is heard."""
        await self.site.until_recording([camera.name for camera in self.cameras], PATIENCE_SECONDS)
        cards = 'kuramori_camera_card_light{light="red"} == 0'
        await self.until(lambda: self._counts(cards), "the cards are not known")
        await self.until(lambda: self._counts("kuramori_camera_events_heard == 1"), "events are not heard")
        await self.until(lambda: self._is_heard(0), "the dead-man's switch is not heard")

    async def _counts(self, expression: str) -> bool:
        assert self.chain.prometheus is not None
        return len(await self.chain.prometheus.query(expression)) == len(self.cameras)

    async def _is_quiet(self, fault: Fault) -> bool:
        return not await self.chain.firing(fault.alert, fault.labels)

    async def _is_heard(self, since: int) -> bool:
        return len(self._alive()) > since

    def _alive(self) -> list[str]:
        calls = self.chain.webhook.to(SWITCH)
        return [alert["labels"]["alertname"] for call in calls for alert in call.document["alerts"]]

    async def _mail(self, seen: int, fits: Callable[[str], bool], otherwise: str) -> str:
        """Wait for a mail later than so many that fits; return its text."""
        mails = self.chain.mails

        def found() -> str:
            return next((text for one in mails.messages[seen:] if fits(text := text_of(one))), "")

        try:
            async with asyncio.timeout(PATIENCE_SECONDS), mails.arrived:
                await mails.arrived.wait_for(lambda: bool(found()))
        except TimeoutError:
            texts = "\n\n".join(text_of(one) for one in mails.messages[seen:])
            raise AssertionError(f"{otherwise}; {self.subjects()}\n{texts}") from None
        return found()

    async def _freeze(self) -> None:
        os.kill(_pids(self.site)["recorder"], signal.SIGSTOP)

    async def _thaw(self) -> None:
        os.kill(_pids(self.site)["recorder"], signal.SIGCONT)

    async def _kill(self) -> None:
        await kill_all(self.site)

    async def _start(self) -> None:
        self.site.start(whole_service=True)


async def kill_all(site: Installation) -> None:
    """kill -9 of the supervisor and all of its processes; returns when they are gone."""
    pids = _pids(site)
    site.kill()
    for pid in pids.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(_lives(pid) for pid in pids.values()):
            await asyncio.sleep(POLL_SECONDS)


def _lives(pid: int) -> bool:
    """Tell whether a process still holds anything; nobody may have asked for the exit status of an orphan."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _pids(site: Installation) -> dict[str, int]:
    report = json.loads((site.places.runtime / "supervisor.json").read_text())
    return {name: facts["pid"] for name, facts in report["processes"].items() if facts["pid"]}


@asynccontextmanager
async def trial(folder: Path) -> AsyncIterator[Trial]:
    """Start everything once; stop it at the end, whatever has happened."""
    fleet = LiveFleet(FleetPlan(cameras=2, audio_on=0, clip=CLIP, cache_directory=folder / "clips", discovery=False,
                                card=CardState.RECORDING))  # fmt: skip
    cameras = await fleet.start()
    try:
        with power_cut_disk(folder, IMAGE_BYTES) as disk:
            site = _site(folder, disk, cameras)
            site.start(whole_service=True)
            await _until_supervised(site)
            port = int(site.config_path.read_text().split('listen = "127.0.0.1:')[1].split('"')[0])
            try:
                async with alarm_chain(folder / "alarms", port) as chain:
                    found = Trial(site, cameras, disk, chain)
                    await found.settle()
                    yield found
            finally:
                await kill_all(site)
    finally:
        await fleet.stop()


async def _until_supervised(site: Installation) -> None:
    """Wait until the supervisor has said which processes are its own."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (site.places.runtime / "supervisor.json").exists():
            site.require_alive()
            await asyncio.sleep(POLL_SECONDS)


def _site(folder: Path, disk: PowerCut, cameras: Sequence[LiveCamera]) -> Installation:
    """A whole service that records both cameras; its second volume lies on the disk."""
    more = f'\n[[volume]]\npath = "{disk.directory}/volume1"\nsize = "{VOLUME_SIZE}"\n'
    more += '\n[network]\nlocal_networks = ["127.0.0.0/8"]\n'
    places = [CameraAt(one.name, one.onvif_url, more="card_recording = true") for one in cameras]
    return Installation(folder / "site", places, VOLUME_SIZE, extra=more).make()


async def measure_all(folder: Path) -> list[Row]:
    """Let every fault happen; return what each took."""
    async with trial(folder) as running:
        rows = [await running.run(fault) for fault in running.faults()]
        rows.append(await running.run_switch())
        duty = {
            alert["labels"]["alertname"] for call in running.chain.webhook.to(DUTY) for alert in call.document["alerts"]
        }
        assert {row.alert for row in rows[:1] + rows[2:5]} <= duty, duty
        print("\nall mails:", *running.subjects(), sep="\n  ")
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table of Markdown."""
    lines = [f"| {one.fault} | `{one.alert}` | {one.told_seconds:.1f} | {one.over_seconds:.1f} |" for one in rows]
    head = "| fault | alert | fault → mail, s | mended → resolved mail, s |\n|---|---|---|---|"
    return "\n".join([head, *lines])
