"""A recorder whose one camera has a card: a real vault and a real tick, a told clock, a door that answers at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from kuramori.door_client import DoorUnreachable
from kuramori.door_messages import CameraStream, CardRecordings, CardStretch, FindRecordingsRequest
from kuramori.filling.filler import Filler
from kuramori.forgetting import Forgetting, FoundSegment
from kuramori.recorder import Recorder
from kuramori.recorder_process import build
from kuramori.recording_values import DurableMark
from kuramori.storage_watch import StorageWatch
from kuramori.tick import Tick
from kuramori.vault import open_vault
from kuramori.vault_thread import LedgerWriter
from kuramori.volume_return import bring_back
from kuramori_config.load import load_configuration
from kuramori_config.schema import Configuration
from kuramori_segments.codes import Provenance
from kuramori_segments.coverage import Coverage, coverage
from kuramori_segments.gap_reason import GapReason
from tests.end_to_end.installation import CameraAt, Installation
from tests.fakes.clock import ToldClock
from tests.fakes.replay_camera import Picture, ReplayCamera, honest, running_replay

NOW = 1_790_001_000_000  # a quarter to the hour, UTC
NAME = "gate"
OFFSET_MS = 2_500  # the camera's clock is ahead


@dataclass
class Card:
    """What the camera recorded by itself, by our clock; it tells and replays by its own."""

    spans: list[tuple[int, int]] = field(default_factory=list)

    def replay(self, from_camera_utc_ms: int, to_camera_utc_ms: int) -> Iterator[Picture]:
        """From the key frame at or before the beginning."""
        begin, end = from_camera_utc_ms - OFFSET_MS, to_camera_utc_ms - OFFSET_MS
        for first, last in self.spans:
            if last <= begin or first >= end:
                continue
            for one in honest(max(begin, first), min(end, last)):
                if one.camera_utc_ms is not None and one.camera_utc_ms >= first:
                    yield replace(one, camera_utc_ms=one.camera_utc_ms + OFFSET_MS)


@dataclass
class ToldDoor:
    """Answers for the door."""

    card: Card
    camera: ReplayCamera
    questions: list[FindRecordingsRequest] = field(default_factory=list)
    is_away: bool = False

    async def find_recordings(self, question: FindRecordingsRequest) -> CardRecordings:
        self.questions.append(question)
        if self.is_away:
            raise DoorUnreachable(Path("door.sock"), "away")
        stretches = tuple(
            CardStretch("recording-1", self.camera.url, begin + OFFSET_MS, end + OFFSET_MS, exact=True)
            for begin, end in self.card.spans
        )
        return CardRecordings(question.camera, stretches)


@dataclass
class CardHouse:
    """The recorder and everything around it."""

    recorder: Recorder
    forgetting: Forgetting
    filler: Filler
    door: ToldDoor
    camera: ReplayCamera
    card: Card
    clock: ToldClock
    unit: int = 1

    @property
    def number(self) -> int:
        return self.recorder.numbers[NAME]

    def live(self, *runs: tuple[int, int], reason: GapReason = GapReason.CAMERA_OFFLINE) -> None:
        """Let the ledger say that the camera was recorded live then; a gap with this reason follows each."""
        ledger = self.recorder.vault.ledger
        for begin, end in runs:
            ledger.open_run(self.number, begin, self.unit)
            ledger.close_run(self.number, end, self.unit + 10, reason)
            self.unit += 20

    def goes_on(self, since: int) -> None:
        """The camera is recorded live since then, and all of it is durable."""
        self.recorder.vault.ledger.open_run(self.number, since, self.unit)
        self.recorder.cameras[NAME].durable = DurableMark(self.unit + 1_000, NOW)

    async def fill(self, rounds: int = 20) -> int:
        """Fetch until nothing is left to fetch; return how many pieces."""
        for done in range(rounds):
            if not await self.filler.one_round():
                return done
        return rounds

    def coverage(self, begin: int, end: int) -> Coverage:
        ledger = self.recorder.vault.ledger
        runs = ledger.runs(self.number, begin, end)
        return coverage(
            runs, begin, end, now_utc_ms=self.clock.utc_ms(), outages=ledger.outages(self.number, begin, end)
        )

    def filled(self, begin: int = NOW - 86_400_000, end: int = NOW) -> list[tuple[int, int]]:
        """What coverage marks as filled."""
        return [
            (span.from_utc_ms, span.to_utc_ms)
            for span in self.coverage(begin, end).spans
            if getattr(span, "filled", False)
        ]

    def segments(self) -> list[FoundSegment]:
        """The filled segments in the ring."""
        found = self.forgetting.segments(self.number, 0, 1 << 50)
        return [item for item in found if item.header.provenance is Provenance.FILLED_FROM_CAMERA]


def configured(folder: Path, more: str = "", retention: str = "6 hours") -> Configuration:
    """Set a site up whose one camera has a card that is allowed."""
    site = Installation(
        folder / "site", [CameraAt(NAME, "rtsp://127.0.0.1:1/x", retention=retention)], "400 MiB"
    ).make()
    text = site.config_path.read_text()
    text = text.replace('rtsp = "rtsp://127.0.0.1:1/x"', 'onvif = "http://127.0.0.1:1/onvif/device_service"')
    site.config_path.write_text(f"{text}{more or 'card_recording = true'}\n")
    return load_configuration(site.config_path)


@asynccontextmanager
async def card_house(configuration: Configuration, camera: ReplayCamera | None = None) -> AsyncIterator[CardHouse]:
    """Run the tick over an open vault until the block ends; everything is closed in order."""
    clock, card = ToldClock(NOW, 4 * 3_600_000_000_000), Card()
    its_camera = camera or ReplayCamera()
    if camera is None:
        its_camera.card = card.replay
    vault = open_vault(configuration, NOW)
    for volume in vault.volumes:
        while not volume.zero_fill_step(1 << 26).done:
            await asyncio.sleep(0)
    recorder = build(configuration, vault, clock)
    recorder.door_facts[NAME] = CameraStream(NAME, "rtsp://127.0.0.1:1/x", clock_offset_ms=OFFSET_MS)

    async def no_step(_step: object) -> None:
        """Nothing steps here."""

    tick = recorder.tick = Tick(
        recorder.lanes,
        recorder.commits,
        LedgerWriter(vault.ledger),
        clock,
        recorder.anchor,
        0.05,
        lambda _camera: None,
        no_step,
        StorageWatch(recorder.lanes, clock, lambda *what: bring_back(*what, vault.signer)),
    )
    stop = asyncio.Event()
    async with running_replay(its_camera):
        ticking = asyncio.create_task(tick.run(stop))
        door = ToldDoor(card, its_camera)
        try:
            yield CardHouse(
                recorder,
                Forgetting(recorder),
                Filler(recorder, door),
                door,
                its_camera,
                card,
                clock,  # type: ignore[arg-type]
            )
        finally:
            stop.set()
            await ticking
            await tick.finish()
            recorder.books.close()
            recorder.commits.close()
            vault.close()
