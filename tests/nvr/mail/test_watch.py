"""The watch on another machine: what a page says, what its silence says, and pages that mean harm."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuramori.camera_messages import Light
from kuramori.mail.bounded_answer import AnswerRefused, bounded_get
from kuramori.mail.page_address import AddressRefused, page_address, require_local
from kuramori.mail.page_judgement import PageFigures, PageJudge, PageUnreadable, read_page
from kuramori.mail.post import Moment
from kuramori.site_state import RECORDER
from kuramori_metrics.exposition import exposition_slices
from tests.metrics.sample import full

NOW = 1_790_000_000_000
WELL = PageFigures(NOW, Light.GREEN, True, (("gate", True),))


def at(seconds: float) -> Moment:
    return Moment(NOW + int(seconds * 1000), int(seconds * 1000))


def keys(judge: PageJudge, seconds: float) -> list[str]:
    return [problem.key for problem in judge.problems(at(seconds))]


def page(seconds: float, **changes: object) -> PageFigures:
    figures = {"light": Light.GREEN, "recorder_up": True, "cameras": (("gate", True),), **changes}
    return PageFigures(NOW + int(seconds * 1000), **figures)  # type: ignore[arg-type]


def test_the_real_page_is_understood() -> None:
    """What the recorder's exporter writes."""
    figures = read_page(b"".join(exposition_slices(full())).decode())
    assert figures.light is Light.RED
    assert figures.recorder_up is True
    assert figures.page_utc_ms is not None
    assert figures.cameras


def test_a_page_that_stays_away_is_told_after_its_time() -> None:
    """Not at the first missed reading; and nothing is said of cameras meanwhile."""
    judge = PageJudge(60_000, at(0))
    judge.read(page(10), at(10))
    judge.miss("connection refused")
    assert judge.blind
    assert keys(judge, 60) == []
    assert keys(judge, 70) == [RECORDER]
    judge.read(page(80), at(80))
    assert keys(judge, 80) == []


def test_a_page_that_was_never_there_is_told() -> None:
    """A wrong address is not silence that nobody hears."""
    judge = PageJudge(60_000, at(0))
    judge.miss("x")
    assert keys(judge, 61) == [RECORDER]


def test_a_page_that_is_not_made_anew_is_told() -> None:
    """Somebody else answers, or it hangs."""
    judge = PageJudge(60_000, at(0))
    for seconds in range(0, 70, 10):
        judge.read(page(0), at(seconds))
    assert keys(judge, 60) == ["page stale"]


def test_red_a_dead_recorder_and_cameras_are_told() -> None:
    """Each for itself."""
    judge = PageJudge(60_000, at(0))
    judge.read(page(0, light=Light.RED, recorder_up=False, cameras=(("gate", False), ("yard", True))), at(0))
    assert keys(judge, 0) == ["recorder down", "camera gate", "light"]


def test_a_clock_that_is_two_hours_off_is_told_both_ways() -> None:
    """Which of the two machines is wrong, nobody here knows."""
    for hours in (2, -2):
        judge = PageJudge(60_000, at(0))
        judge.read(page(hours * 3600), at(0))
        assert keys(judge, 0) == ["time"]


def test_a_page_of_something_else_is_told() -> None:
    """It is readable and shows no light."""
    judge = PageJudge(60_000, at(0))
    judge.read(read_page("up 1\n"), at(0))
    assert keys(judge, 0) == ["page foreign"]


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else comes out, and names stay printable."""
    try:
        figures = read_page(text)
    except PageUnreadable:
        return
    assert all(name.isprintable() for name, _ in figures.cameras)


def test_a_camera_name_from_a_hostile_page_stays_one_line() -> None:
    """It goes into a mail."""
    figures = read_page('kuramori_camera_recording{camera="x\\nBcc: thief@evil.example"} 0\n')
    assert figures.cameras == (("x Bcc: thief@evil.example", False),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://192.168.10.5", "http://192.168.10.5:9464/metrics"),
        ("http://[fd00::5]:9000/", "http://[fd00::5]:9000/metrics"),
        ("https://recorder.city.example", "https://recorder.city.example/metrics"),
        ("https://recorder.city.example/k/metrics", "https://recorder.city.example/k/metrics"),
    ],
)
def test_an_address_is_made_whole(text: str, expected: str) -> None:
    """Port and path may be left out."""
    assert page_address(text) == expected


@pytest.mark.parametrize(
    "text", ["ftp://x", "192.168.1.1", "http://user:secret@host/", "http://host:99999", "http://", "http://h/#x"]
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(text: str) -> None:
    """A password would be seen by every account of the machine."""
    with pytest.raises(AddressRefused) as caught:
        page_address(text)
    assert "secret" not in str(caught.value)


async def test_plain_http_stays_on_the_local_network() -> None:
    """Beyond it a stranger could show green."""
    await require_local("http://192.168.10.5:9464/metrics")
    await require_local("http://127.0.0.1:9464/metrics")
    await require_local("https://203.0.113.9/metrics")
    with pytest.raises(AddressRefused):
        await require_local("http://8.8.8.8:9464/metrics")


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(answer: Answer):  # type: ignore[no-untyped-def]
    """A web server that answers as it likes."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics"
    finally:
        server.close()
        await asyncio.sleep(0)


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b"#" * 65536)
        await writer.drain()


async def _elsewhere(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def _silent(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await writer.drain()
    await asyncio.sleep(3600)


@pytest.mark.parametrize(
    ("answer", "words"), [(_endless, "longer than"), (_elsewhere, "another address"), (_silent, "no answer within")]
)
async def test_an_answer_cannot_grow_last_or_lead_elsewhere(answer: Answer, words: str) -> None:
    """Whoever answers at the recorder's address may be hostile."""
    async with answering(answer) as address, httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(AnswerRefused, match=words):
            await bounded_get(client, address, 1 << 20, 2.0)


def test_the_watch_needs_nothing_of_linux() -> None:
    """It is imported where Linux' own modules are missing and the clock of boot time too."""
    program = (
        "import sys, time, asyncio\n"
        "for name in ('fcntl', 'termios', 'resource', 'tty', 'pty', 'syslog', 'spwd'): sys.modules[name] = None\n"
        "del time.CLOCK_BOOTTIME\n"
        "import kuramori.cli.main, kuramori.mail.watchman, kuramori.cli.watch\n"
        "from kuramori.timebase import PortableClock\n"
        "assert PortableClock().boot_ns() > 0\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """Exit code 78, one line for each mistake."""
    config = tmp_path / "watch.toml"
    config.write_text('[watch]\nname = "x"\n[mail]\nhost = "mail.example"\nsecurity = "none"\nsender = "a b"\n')
    command = [sys.executable, "-m", "kuramori.cli", "watch", "http://127.0.0.1:1", "--mail-config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 78
    assert "mail.sender" in done.stderr
    assert "mail.recipients" in done.stderr
    assert "Traceback" not in done.stderr
