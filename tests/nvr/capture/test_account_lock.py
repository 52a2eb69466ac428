"""A wrong password against real servers through a day of simulated waiting: how often an account sees it.

The waits are those of the recorder, added up instead of slept; each attempt is a connection of its own.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kuramori.capture.av_process import AvOptions, AvSource
from kuramori.capture.backoff import Backoff
from kuramori.capture.no_sink import NoSink
from kuramori.capture.rtsp_source import RtspOptions, RtspSource
from kuramori.capture.rtsp_url import Credentials, parse_stream_url
from kuramori.capture.source import EndReason, Source, SourceEnded
from kuramori.sign_in_book import SignInBook, mark_of
from kuramori.simulator.challenge import Scheme
from kuramori.simulator.rtsp_dialogue import Answer, Request
from kuramori.simulator.rtsp_server import Behaviour, Connection, Mount, RtspServer, ServerSettings
from kuramori.timebase import SystemClock
from tests.fakes.rtsp_camera import ACCOUNT, fast_material, running_camera

DAY_SECONDS = 86_400.0
WINDOW_SECONDS = 1800.0
SIGN_INS_MOST = 4  # in any half hour: cameras lock an account after five to seven
WRONG = Credentials(ACCOUNT.user, "not " + ACCOUNT.password)


def _native(options: RtspOptions) -> Source:
    return RtspSource(options, NoSink(), boot_ns=SystemClock().boot_ns)


def _over_udp(options: RtspOptions) -> Source:
    return AvSource(AvOptions(options), NoSink(), boot_ns=SystemClock().boot_ns)


@dataclass(slots=True)
class Counting(Behaviour):
    """Counts requests that carry a password, and answers as it should."""

    sign_ins: int = 0

    def answer(self, request: Request, connection: Connection) -> Answer | bytes | None:
        self.sign_ins += "authorization" in request.headers
        return None


async def _a_day(
    server: RtspServer, counting: Counting, make: Callable[[RtspOptions], Source], chance: float
) -> list[float]:
    """Try, wait, try again for a day; return when the camera saw the password."""
    url, _ = parse_stream_url(server.url("/cam"))
    backoff, now, seen = Backoff(lambda: chance), 0.0, list[float]()
    while now < DAY_SECONDS:
        before, source = counting.sign_ins, make(RtspOptions(url, WRONG))
        with pytest.raises(SourceEnded, match="wrong user name or password") as caught:
            await source.open()
        await source.close()
        assert (caught.value.reason, caught.value.wrong_credentials) == (EndReason.REFUSED, True)
        seen += [now] * (counting.sign_ins - before)
        now += backoff.next_seconds(caught.value)
    return seen


def _most_in_a_window(seen: list[float]) -> int:
    return max(sum(begin <= moment < begin + WINDOW_SECONDS for moment in seen) for begin in seen)


@pytest.mark.parametrize("chance", [0.0, 0.999])
@pytest.mark.parametrize("schemes", [(Scheme.BASIC,), (Scheme.DIGEST_MD5,), tuple(Scheme)])
@pytest.mark.parametrize("make", [_native, _over_udp])
async def test_no_account_is_locked(
    make: Callable[[RtspOptions], Source], schemes: tuple[Scheme, ...], chance: float
) -> None:
    """Whatever ways of signing in are offered: one sign-in for each attempt, four in any half hour, for ever."""
    counting = Counting()
    settings = ServerSettings(schemes=schemes, behaviour=counting)
    async with running_camera(Mount("/cam", fast_material(), account=ACCOUNT), settings=settings) as server:
        seen = await _a_day(server, counting, make, chance)
    assert len(set(seen)) == len(seen)
    assert _most_in_a_window(seen) <= SIGN_INS_MOST
    assert len(seen) >= DAY_SECONDS / 1800  # and the camera is back half an hour after the password is right


@pytest.mark.parametrize("runs_seconds", [7.0, 45.0, 1000.0])
@pytest.mark.parametrize("reboots", [False, True])
async def test_no_account_is_locked_by_a_recorder_that_is_started_again_and_again(
    tmp_path: Path, runs_seconds: float, reboots: bool
) -> None:
    """Restarts of the program and of the machine: what is left of a wait, and how long the next is, outlast them."""
    counting = Counting()
    settings = ServerSettings(schemes=(Scheme.BASIC,), behaviour=counting)
    mark, now, seen = mark_of("127.0.0.1", 554, WRONG.user), 0.0, list[float]()
    async with running_camera(Mount("/cam", fast_material(), account=ACCOUNT), settings=settings) as server:
        url, _ = parse_stream_url(server.url("/cam"))
        for start in range(round(DAY_SECONDS / runs_seconds)):
            began = now
            boot_id, boot_ns = (start.to_bytes(16, "big"), 0) if reboots else (bytes(16), round(now * 1e9))
            book = SignInBook(tmp_path / "sign_ins.json", boot_id)
            book.read({"cam"}, round(now * 1000), boot_ns)
            backoff = Backoff(lambda: 0.999, refusals=book.refusals("cam", mark))
            now += book.left_seconds("cam", mark, boot_ns)
            while now < began + runs_seconds:
                before, source = counting.sign_ins, _native(RtspOptions(url, WRONG))
                with pytest.raises(SourceEnded) as caught:
                    await source.open()
                await source.close()
                seen += [now] * (counting.sign_ins - before)
                wait_seconds = backoff.next_seconds(caught.value)
                at_ns = boot_ns + round((now - began) * 1e9)
                book.refused("cam", mark, backoff.refusals, wait_seconds, round(now * 1000), at_ns)
                book.save()
                now += wait_seconds
            now = began + runs_seconds
    assert _most_in_a_window(seen) <= SIGN_INS_MOST
    assert len(seen) >= DAY_SECONDS / 1800


@dataclass(slots=True)
class AlwaysStale(Counting):
    """Calls every nonce stale, a new one each time: as if only the nonce had been wrong."""

    nonces: Iterator[int] = field(default_factory=itertools.count)

    def answer(self, request: Request, connection: Connection) -> Answer | bytes | None:
        self.sign_ins += "authorization" in request.headers
        challenge = f'Digest realm="cam", nonce="{next(self.nonces)}", stale=true'
        return Answer(401, headers=(("WWW-Authenticate", challenge),))


async def test_a_camera_that_calls_each_nonce_stale_is_not_tried_for_ever() -> None:
    """By its own word the password was right each time; it still gets two sign-ins for an attempt and no more."""
    mount = Mount("/cam", fast_material(), account=ACCOUNT)
    counting = AlwaysStale()
    async with running_camera(mount, behaviour=counting) as server:
        seen = await _a_day(server, counting, _native, 0.0)
    assert {seen.count(moment) for moment in seen} == {2}
    assert _most_in_a_window(seen) <= 2 * SIGN_INS_MOST
