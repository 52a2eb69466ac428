"""The page in a real browser: it shows the camera's pictures, keeps none, and opens to nobody else."""

import asyncio
import http.client
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kuramori.capture.source import Codec
from kuramori.clips.job import ExtractionJob
from kuramori.viewing.page_server import WORD_HEADER, Asked, PageServer, PicturesMissing
from kuramori.viewing.picture_wire import Ask, Detail, encode_pictures
from kuramori.viewing.watching import Watching
from tests.fakes.chromium import Browser, Page, chromium
from tests.nvr.viewing.test_pictures import FROM_UTC_MS, TO_UTC_MS, recorded

FRAMING = '<!doctype html><iframe src="{url}"></iframe>'


def facts(detail: str = "full") -> dict[str, Any]:
    """Return what a page is told."""
    names = ("rule", "gap", "play", "pause", "back", "forth", "end", "ended")
    return {
        "site": "市役所",
        "time_zone": "Asia/Tokyo",
        "language": "ja",
        "detail": detail,
        "from_utc_ms": FROM_UTC_MS,
        "to_utc_ms": TO_UTC_MS,
        "cameras": [{"name": "gate", "place": "駅前"}],
        "what": "請求 20251124-1",
        "texts": {name: name for name in names},
    }


@contextmanager
def serving(job: ExtractionJob, detail: str = "full") -> Iterator[PageServer]:
    """Serve a page from the worker's own core, with real pictures."""
    watching = Watching(job)

    def fetch(asked: Asked) -> tuple[bytes, int]:
        if asked.from_utc_ms >= TO_UTC_MS:
            raise PicturesMissing("nothing there")
        piece = watching.answer(Ask(0, Detail(asked.detail), asked.from_utc_ms, asked.to_utc_ms))
        return encode_pictures(piece.pictures), piece.next_utc_ms

    with PageServer(facts(detail), fetch) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@asynccontextmanager
async def looked_at(profile: Path, server: PageServer) -> AsyncIterator[tuple[Browser, Page]]:
    """Open the page in a browser and wait for its first picture and its storyboard."""
    async with chromium(profile) as browser:
        page = await browser.open(server.address)
        await page.until("document.querySelector('#storyboard').dataset.whole === 'yes'")
        yield browser, page


SHOWN = "Number(document.documentElement.dataset.shown || 0)"
COLOURS = """(() => { const c = document.querySelector('#screen');
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return [c.width, c.height, new Set(Array.from(d).filter((_, n) => n % 4 === 0)).size]; })()"""


@pytest.mark.parametrize("codec", [pytest.param(Codec.H264, marks=pytest.mark.slow), Codec.H265])
async def test_the_page_plays_and_keeps_nothing(tmp_path: Path, codec: Codec) -> None:
    """Pictures move in the browser, with camera and local time; afterwards neither browser nor page holds one."""
    profile = tmp_path / "profile"
    with serving(recorded(tmp_path / "site", codec)) as server:
        async with looked_at(profile, server) as (_, page):
            width, height, colours = await page.evaluate(COLOURS)
            assert (width, height) == (320, 180)
            assert colours > 8  # a picture, not a surface
            assert await page.evaluate("document.querySelector('#camera').textContent") == "gate 駅前"
            before = await page.evaluate("document.querySelector('#time').textContent")
            assert before == "2025/11/25 01:00:00.5"  # as the clock on the wall shows it there
            first = await page.evaluate(SHOWN)
            await page.evaluate("document.querySelector('#play').click()")
            await page.until(f"{SHOWN} > {first + 10}")
            assert await page.evaluate("document.querySelector('#time').textContent") != before
            assert await page.evaluate("document.querySelectorAll('#storyboard canvas').length") == 3
            widths = await page.evaluate("[...document.querySelectorAll('#storyboard canvas')].map((one) => one.width)")
            assert max(widths) == 96
            await page.evaluate("document.querySelectorAll('#storyboard button')[2].click()")
            await page.until(f"document.querySelector('#time').dateTime >= '{iso(FROM_UTC_MS + 19_000)}'")
            assert await kept_by(page) == [0, 0, "", 0, 0]
            assert "#" not in await page.evaluate("location.href")
            assert await page.evaluate("document.querySelectorAll('a, video, img').length") == 0
            await page.evaluate("document.querySelector('#end').click()")
            await page.until("document.querySelector('#main') === null")
            assert server.ended.is_set()
    files = [path for path in profile.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not re.search(rb"\xff\xd8\xff[\xdb\xe0\xfe].{0,64}(JFIF|Lavc)", content, re.DOTALL), path


def iso(utc_ms: int) -> str:
    """Return a moment as the page's time element has it."""
    return datetime.fromtimestamp(utc_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


async def kept_by(page: Page) -> Any:
    """Return what the page keeps where pages can keep things."""
    return await page.evaluate(
        "(async () => [localStorage.length, sessionStorage.length, document.cookie,"
        " (await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length])()"
    )


@pytest.mark.slow
async def test_a_storyboard_alone_shows_no_full_picture(tmp_path: Path) -> None:
    """Where only a storyboard was begun the screen stays hidden."""
    with serving(recorded(tmp_path / "site", Codec.H264), "storyboard") as server:
        async with looked_at(tmp_path / "profile", server) as (_, page):
            assert await page.evaluate("document.querySelector('#full').hidden")
            assert await page.evaluate(SHOWN) == 0


@pytest.mark.slow
async def test_nobody_else_gets_in(tmp_path: Path) -> None:
    """A second visitor with the same address, a page that frames it, another origin's script: nothing is shown."""
    with serving(recorded(tmp_path / "site", Codec.H264)) as server, serving(recorded(tmp_path / "b", Codec.H264)) as b:
        address = server.address
        async with looked_at(tmp_path / "profile", server) as (browser, page):
            second = await browser.open(address)
            await second.until("document.querySelector('#notice').textContent.length > 20")
            assert await second.evaluate("document.querySelector('#main') === null")
            other = await browser.open(b.address)
            for path in ("/", "/pictures?camera=gate&detail=full&from_utc_ms=0&to_utc_ms=1", "/enter"):
                script = f"fetch('{server.origin}{path}').then(() => 'got', () => 'refused')"
                assert await other.evaluate(script) == "refused"
            framing = tmp_path / "framing.html"
            framing.write_text(FRAMING.format(url=server.origin + "/"))
            frame = await browser.open(f"file://{framing}")
            blocked = frame.told("Network.loadingFailed")
            assert [one["errorText"] for one in blocked] == ["net::ERR_BLOCKED_BY_RESPONSE"]
            assert await page.evaluate(SHOWN) >= 1


@pytest.mark.slow
async def test_a_page_that_is_closed_ends_its_viewing(tmp_path: Path) -> None:
    """Nobody looks any more: the command may end."""
    with serving(recorded(tmp_path / "site", Codec.H264)) as server:
        async with looked_at(tmp_path / "profile", server) as (_, page):
            await page.go("about:blank")
            assert await asyncio.to_thread(server.ended.wait, 60)


class TestWithoutABrowser:
    """What any program on the machine is answered."""

    @pytest.fixture
    def server(self) -> Iterator[PageServer]:
        """A page whose pictures are words."""
        with PageServer(facts(), lambda _: (b"pictures", 1)) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            yield server
            server.shutdown()
            thread.join()

    def call(self, server: PageServer, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Ask as a program does; every answer says that it is not to be kept."""
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "POST":
            named = {"Origin": server.origin, **named}
        connection.request(method, path, json.dumps(body) if body is not None else None, named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.headers["Cache-Control"] == "no-store, max-age=0"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] is None
        return answer.status, content

    def test_the_word_of_the_address_counts_once(self, server: PageServer) -> None:
        """Exchanged for another, which alone gets pictures; neither is in a path or a cookie."""
        token = server.address.partition("#")[2]
        assert self.call(server, "POST", "/enter", {"token": "guess"})[0] == 403
        status, content = self.call(server, "POST", "/enter", {"token": token})
        assert status == 200
        word = json.loads(content)["word"]
        assert self.call(server, "POST", "/enter", {"token": token})[0] == 403
        where = "/pictures?camera=gate&detail=full&from_utc_ms=1&to_utc_ms=2"
        assert self.call(server, "GET", where)[0] == 404
        assert self.call(server, "GET", where, **{WORD_HEADER: token})[0] == 404
        assert self.call(server, "GET", where, **{WORD_HEADER: word}) == (200, b"pictures")
        assert self.call(server, "GET", "/pictures?camera=gate", **{WORD_HEADER: word})[0] == 400
        assert self.call(server, "POST", "/end", {})[0] == 404
        assert self.call(server, "POST", "/end", {}, **{WORD_HEADER: word})[0] == 200
        assert self.call(server, "GET", where, **{WORD_HEADER: word})[0] == 502

    def test_other_names_origins_and_frames_are_refused(self, server: PageServer) -> None:
        """A name that was bent to this machine, a page elsewhere, a frame, an overlong body."""
        token = {"token": server.address.partition("#")[2]}
        assert self.call(server, "GET", "/", Host="evil.example")[0] == 403
        assert self.call(server, "GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document")[0] == 403
        assert self.call(server, "GET", "/", Sec_Fetch_Site="none", Sec_Fetch_Dest="iframe")[0] == 403
        assert self.call(server, "POST", "/enter", token, Origin="http://127.0.0.1:1")[0] == 403
        assert self.call(server, "POST", "/enter", token, Origin="null")[0] == 403
        assert self.call(server, "POST", "/enter", {"token": "x" * 2000})[0] == 413
        for path in ("/page.js/..", "/../view.py", "/favicon.ico", "/%2e%2e/page_server.py"):
            assert self.call(server, "GET", path)[0] == 404
        assert self.call(server, "GET", "/", Sec_Fetch_Site="none", Sec_Fetch_Dest="document")[0] == 200
        assert self.call(server, "POST", "/enter", token)[0] == 200  # nothing of all this used it up
