"""Replay of what a simulated camera's card holds, read packet by packet as ONVIF Streaming section 6 lays them out."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kuramori.capture.source import Codec
from kuramori.simulator.card import SimulatedCard
from kuramori.simulator.material import synthetic_material
from kuramori.simulator.replay_stream import CLEAN_POINT, DISCONTINUITY, ENDS_SECTION
from kuramori.simulator.rtsp_server import Mount, RtspServer
from tests.fakes.rtsp_camera import ACCOUNT, running_camera

NTP_EPOCH = 2_208_988_800
NOW_UTC_MS = 1_790_000_000_000
CLIP = synthetic_material(Codec.H264, bits_per_second=200_000, frames_per_second=10, gop_frames=10)
AT = "20260921T141320"  # NOW_UTC_MS, written
REPLAY = "Require: onvif-replay\r\n"


@dataclass(slots=True)
class StandingClock:
    """Our time does not pass."""

    def utc_ms(self) -> int:
        return NOW_UTC_MS

    def boot_ns(self) -> int:
        return 0


@dataclass(slots=True)
class Client:
    """An RTSP client of a few lines."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    url: str
    session: str = ""
    number: int = 0
    packets: list[tuple[int, bytes]] = field(default_factory=list)

    async def ask(self, method: str, headers: str = "", track: str = "") -> str:
        """Send a request; return status line and headers. Packets on the way are kept."""
        self.number += 1
        session = f"Session: {self.session}\r\n" if self.session else ""
        self.writer.write(
            f"{method} {self.url}{track} RTSP/1.0\r\nCSeq: {self.number}\r\n{session}{headers}\r\n".encode()
        )
        while (first := await self.reader.readexactly(1)) == b"$":
            await self._packet()
        head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"Content-Length: (\d+)", head)
        body = (await self.reader.readexactly(int(length[1]))).decode() if length else ""
        session_found = re.search(r"Session: (\w+)", head)
        self.session = session_found[1] if session_found else self.session
        return head + body

    async def _packet(self) -> None:
        channel, length = struct.unpack(">BH", await self.reader.readexactly(3))
        self.packets.append((channel, await self.reader.readexactly(length)))

    async def pictures(self, count: int) -> list[tuple[float, int, int, int]]:
        """Read so many pictures: UTC ms of the extension, its flags, its CSeq, the RTP time stamp."""
        found: list[tuple[float, int, int, int]] = []
        at = 0
        while True:
            while at < len(self.packets):
                channel, packet = self.packets[at]
                at += 1
                if channel == 0 and packet[0] & 0x10:
                    profile, words, ntp, flags, sequence = struct.unpack_from(">HHQBB", packet, 12)
                    assert (profile, words) == (0xABAC, 3)
                    utc_ms = round((ntp / (1 << 32) - NTP_EPOCH) * 1000, 3)
                    found.append((utc_ms, flags, sequence, struct.unpack_from(">I", packet, 4)[0]))
                if len(found) == count:
                    return found
            assert await self.reader.readexactly(1) == b"$"
            await self._packet()

    async def set_up(self, track: int = 0, require: str = REPLAY) -> str:
        """Set one track up."""
        transport = f"Transport: RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}\r\n"
        return await self.ask("SETUP", transport + require, f"/track{track}")


def recorded(seconds: int = 60, *, audio: bool = False) -> SimulatedCard:
    """A card that recorded until twenty seconds ago, and again the last ten seconds."""
    card = SimulatedCard(with_audio=audio)
    card.record(NOW_UTC_MS - seconds * 1000)
    card.stop(NOW_UTC_MS - 20_000)
    card.record(NOW_UTC_MS - 10_000)
    return card


@asynccontextmanager
async def replaying(card: SimulatedCard) -> AsyncIterator[tuple[RtspServer, Client]]:
    """A camera with this card, and a client that wants its recording."""
    mount = Mount("/cam", CLIP, card=card)
    async with running_camera(mount, clock=StandingClock()) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        try:
            yield server, Client(reader, writer, server.url("/cam/recording/recording-1"))
        finally:
            writer.close()


def clock_range(seconds_ago: int) -> str:
    """A Range header from so many seconds before now (at most 80)."""
    second = 80 - seconds_ago
    return f"Range: clock={AT[:-4]}{12 + second // 60}{second % 60:02d}Z-\r\n"


async def test_pictures_carry_the_time_at_which_they_were_filmed() -> None:
    """From the key frame at or before the wanted moment, all of it at once, gap and end marked."""
    async with replaying(recorded()) as (server, client):
        assert "a=x-onvif-track:video-1" in await client.ask("DESCRIBE", REPLAY)
        assert " 200 " in await client.set_up()
        wish = f"Range: clock={AT[:-4]}1259.250Z-\r\n"  # 20.75 s ago
        answer = await client.ask("PLAY", f"{wish}{REPLAY}Rate-Control: no\r\nImmediate: yes\r\n")
        assert f"Range: clock={AT[:-4]}1259.000Z-{AT}.000Z" in answer
        count = 10 + 100
        async with asyncio.timeout(5):
            pictures = await client.pictures(count)
    begin = NOW_UTC_MS - 21_000
    expected = [begin + 100 * index for index in range(10)] + [
        NOW_UTC_MS - 10_000 + 100 * index for index in range(100)
    ]
    assert [one[0] for one in pictures] == expected
    flags = [one[1] for one in pictures]
    assert flags[0] == CLEAN_POINT | DISCONTINUITY
    assert flags[9] == flags[-1] == ENDS_SECTION
    assert flags[10] == CLEAN_POINT | DISCONTINUITY
    assert {one[2] for one in pictures} == {client.number}
    assert (pictures[1][3] - pictures[0][3]) & 0xFFFFFFFF == 9000
    assert (server.statistics.playing, server.replays.sessions, server.replays.pictures) == (0, 1, count)


async def test_an_end_is_kept_and_a_new_range_replaces_the_old_one() -> None:
    """PLAY again within the session: the new pictures bear the new request's number."""
    async with replaying(recorded()) as (_, client):
        await client.set_up()
        for _ in range(2):
            client.packets.clear()
            wish = f"Range: clock={AT[:-4]}1230Z-{AT[:-4]}1230.500Z\r\n"
            assert " 200 " in await client.ask("PLAY", f"{wish}Rate-Control: no\r\n")
            pictures = await client.pictures(6)
            assert [one[0] - NOW_UTC_MS + 50_000 for one in pictures] == [0, 100, 200, 300, 400, 500]
            assert {one[2] for one in pictures} == {client.number}


async def test_the_cameras_own_clock_is_what_counts() -> None:
    """A camera an hour ahead is asked, and answers, an hour ahead."""
    card = SimulatedCard()
    card.record(NOW_UTC_MS - 10_000, 3600)
    async with replaying(card) as (_, client):
        await client.set_up()
        assert " 457 " in await client.ask("PLAY", "Range: clock=20260921T141310Z-20260921T141315Z\r\n")
        assert " 200 " in await client.ask("PLAY", "Range: clock=20260921T151310Z-\r\nRate-Control: no\r\n")
        assert (await client.pictures(1))[0][0] == NOW_UTC_MS - 10_000 + 3_600_000


async def test_at_its_own_pace_where_that_is_asked_or_all_it_can() -> None:
    """Without Rate-Control, or with a camera that never hurries: one second takes about one second."""
    for hurry in (False, True):
        card = recorded()
        card.replay.fastest = 4.0 if hurry else None
        async with replaying(card) as (_, client):
            await client.set_up()
            loop = asyncio.get_running_loop()
            began = loop.time()
            await client.ask("PLAY", clock_range(50) + ("Rate-Control: no\r\n" if hurry else ""))
            await client.pictures(9 if hurry else 4)
            assert loop.time() - began > (0.19 if hurry else 0.29)


async def test_without_the_feature_packets_carry_no_time() -> None:
    """The extension is sent to who requires it; a live stream does not know the feature at all."""
    async with replaying(recorded()) as (server, client):
        await client.set_up(require="")
        await client.ask("PLAY", clock_range(50) + "Rate-Control: no\r\n")
        assert await client.reader.readexactly(1) == b"$"
        await client._packet()
        assert client.packets[0][1][0] == 0x80
        reader, writer = await asyncio.open_connection(server.host, server.port)
        live = Client(reader, writer, server.url("/cam"))
        assert "Unsupported: onvif-replay" in await live.set_up()
        writer.close()


async def test_sound_of_the_card_is_offered_and_sent_only_when_set_up() -> None:
    """R3 is proved by what was set up."""
    async with replaying(recorded(audio=True)) as (server, client):
        assert "m=audio" in await client.ask("DESCRIBE")
        await client.set_up()
        assert server.replays.audio_setups == 0
        await client.set_up(1)
        await client.ask("PLAY", clock_range(50) + "Rate-Control: no\r\n")
        await client.pictures(20)
        sounds = [packet for channel, packet in client.packets if channel == 2]
        assert server.replays.audio_setups == 1
        assert len(sounds) > 20
        assert sounds[0][12:14] == b"\xab\xac"


async def test_a_replay_may_stop_in_the_middle() -> None:
    """By hanging up; what came before is whole."""
    card = recorded()
    card.replay.stops_after_seconds = 1.5
    async with replaying(card) as (server, client):
        await client.set_up()
        await client.ask("PLAY", clock_range(50) + "Rate-Control: no\r\n")
        rest = await asyncio.wait_for(client.reader.read(), 5)
        assert rest.endswith(bytes(CLIP.frames[14].wire[CLIP.frames[14].offsets[-1] + 12 :]))
        assert server.replays.pictures == 15


async def test_a_replay_may_be_refused() -> None:
    """By a status of the camera's own, for an unknown recording, for a broken card, for a range of nonsense."""
    card = recorded()
    async with replaying(card) as (_, client):
        await client.set_up()
        for words in ("clock=yesterday-", "npt=0-", "clock=20260999T000000Z-"):
            assert " 457 " in await client.ask("PLAY", f"Range: {words}\r\n")
        card.replay.refuses_status = 453
        assert " 453 " in await client.ask("PLAY", clock_range(50))
        card.fail(NOW_UTC_MS)
        assert " 404 " in await client.ask("PLAY", clock_range(50))
        card.record(NOW_UTC_MS)
        client.url = client.url.replace("recording-1", "recording-7")
        assert " 404 " in await client.ask("DESCRIBE")


async def test_replay_asks_for_the_password_too() -> None:
    """As the live stream does."""
    mount = Mount("/cam", CLIP, account=ACCOUNT, card=recorded())
    async with running_camera(mount) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        client = Client(reader, writer, server.url("/cam/recording/recording-1"))
        assert " 401 " in await client.ask("DESCRIBE")
        writer.close()


async def test_a_slow_client_is_waited_for() -> None:
    """A day of pictures is not kept in memory, and nothing is left out."""
    card = SimulatedCard()
    card.record(NOW_UTC_MS - 3_600_000)
    async with replaying(card) as (server, client):
        await client.set_up()
        await client.ask("PLAY", "Range: clock=20260921T131320Z-\r\nRate-Control: no\r\n")
        while not any(connection.waiting_bytes for connection in server.connections):
            await asyncio.sleep(0.001)
        sent = server.replays.pictures
        await asyncio.sleep(0.05)
        assert max(connection.waiting_bytes for connection in server.connections) < 2 << 20
        assert sent < 36_000
        pictures = await client.pictures(3000)
        assert [one[0] for one in pictures] == [NOW_UTC_MS - 3_600_000 + 100 * index for index in range(3000)]
